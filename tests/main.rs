//! What must hold, told through HTTP against the embedded cloud, in one binary.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has to stop at once, also in what tests share"
)]

mod shop;

/// One file per resource or per thing that is done with it.
mod resources {
    mod accounts;
    pub(crate) mod buyer_journey;
    mod carts;
    mod catalog;
    mod checkout;
    mod disputes;
    mod housekeeping;
    mod imports;
    mod media;
    mod operator_orders;
    mod orders;
    mod payment_webhooks;
    mod settlement;
    mod stock;
    mod vendors;
}

/// What holds under faults, concurrency, crashes and random histories, and what it costs.
mod properties {
    mod capacity_units;
    mod contention;
    mod durability;
    mod faults;
    mod histories;
    mod stored_data;
}

/// What holds for every route, function, role or source file.
mod conventions {
    mod authorization;
    mod bad_input;
    mod contract;
    mod demo;
    pub(crate) mod house;
    mod idempotency;
    mod lambda_events;
    mod lambda_processes;
    mod rate_limits;
    mod roles;
}
