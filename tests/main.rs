//! Tests through HTTP against the embedded cloud, in one binary.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that it does not expect, in shared helpers as well"
)]

mod shop;

/// One file per resource, or per process that works on it.
mod resources {
    pub(crate) mod account_pages;
    mod accounts;
    mod alike;
    pub(crate) mod buyer_journey;
    mod carts;
    mod catalog;
    mod category_names;
    mod change_of_contact;
    mod checkout;
    mod code_requests;
    mod code_sign_in;
    mod confirmation;
    mod console_people;
    pub(crate) mod desk_pages;
    mod desk_texts;
    mod disputes;
    mod driven_payments;
    mod edge;
    mod followed_attempts;
    mod handles;
    mod hidden_products;
    mod hosted_payments;
    mod housekeeping;
    mod imports;
    mod indexes;
    mod invitations;
    pub(crate) mod keys;
    mod limits;
    mod lock_out;
    mod mail;
    mod media;
    mod message_languages;
    mod message_links;
    pub(crate) mod messages;
    mod mfa;
    mod nothing_to_pay;
    mod notices;
    pub(crate) mod operator_lists;
    mod operator_orders;
    mod operator_texts;
    mod operators;
    mod orders;
    mod page_caching;
    mod parcels;
    mod payment_attempts;
    mod payment_webhooks;
    mod persons;
    mod phone;
    mod pool_tokens;
    mod public_identity;
    mod rebuilds;
    mod refund_decisions;
    mod refund_requests;
    mod returns;
    mod revival;
    mod sale_units;
    mod settings;
    mod settlement;
    mod settlements;
    mod slow_payments;
    mod stock;
    pub(crate) mod storefront;
    pub(crate) mod storefront_files;
    pub(crate) mod suppressions;
    mod suspension;
    mod terms;
    mod translations;
    mod unapproved;
    mod unmatched_payments;
    mod vendor_deadlines;
    mod vendor_lists;
    mod vendor_names;
    mod vendors;
}

/// What holds under faults, concurrency, crashes and random histories, and for stored data; and what it costs.
mod properties {
    mod capacity_units;
    mod carriers;
    mod contention;
    mod deliveries;
    mod durability;
    mod ending;
    pub(crate) mod faults;
    mod histories;
    mod stored_data;
    mod torn;
    mod work;
}

/// What holds for every route, function, role or source file.
mod conventions {
    mod authorization;
    mod bad_input;
    mod contract;
    mod demo;
    mod deployment;
    mod friendly_input;
    pub(crate) mod house;
    mod idempotency;
    mod imports;
    mod lambda_events;
    pub(crate) mod lambda_processes;
    mod limits;
    mod logs;
    pub(crate) mod pages;
    mod providers;
    mod rate_limits;
    mod roles;
    mod security;
    mod smoke;
    mod tour;
    mod words;
}
