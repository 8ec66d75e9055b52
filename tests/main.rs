//! What must hold, told through HTTP against the embedded cloud. One binary, one file per resource.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has to stop at once, also in what tests share"
)]

mod shop;

mod accounts;
mod authorization;
mod bad_input;
mod carts;
mod catalogue;
mod checkout;
mod contention;
mod contract;
mod costs;
mod delivery;
mod demo;
mod disputes;
mod durability;
mod faults;
mod histories;
mod house;
mod housekeeping;
mod idempotency;
mod imports;
mod media;
mod operating;
mod processes;
mod replays;
mod road;
mod roles;
mod rush;
mod settlement;
mod stock;
mod stored_data;
mod vendors;
mod webhooks;
