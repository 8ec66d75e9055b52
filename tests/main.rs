//! What must hold, told through HTTP against the embedded cloud. One binary, one file per resource.

mod shop;

mod authorization;
mod carts;
mod checkout;
mod contract;
mod house;
mod replays;
mod road;
mod roles;
mod webhooks;
