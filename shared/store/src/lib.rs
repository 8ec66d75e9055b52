//! DynamoDB: one module per table, with its keys and its named operations.
//!
//! Only a table's own module spells its keys. Every write has a condition. Nothing here scans a table.
//!
//! An item holds its body as one JSON string in `data`, which is cheap to parse and cheap to pass on unparsed. Other
//! attributes exist only where keys, conditions and updates need them.

pub mod accounts;
pub mod carts;
pub mod catalog;
mod dispatch;
mod error;
mod idempotency;
mod item;
pub mod orders;
pub mod rate_limits;
mod retry;
pub mod settings;
pub mod stock;

pub use accounts::Accounts;
pub use carts::Carts;
pub use catalog::Catalog;
pub use error::Error;
pub use orders::Orders;
pub use rate_limits::RateLimits;
pub use settings::SettingsTable;
pub use stock::Stock;

/// A page of a list and the key after which the next one begins.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    pub items: Vec<T>,
    /// The key of the last item, when more may follow.
    pub next: Option<PageKey>,
}

/// The key after which a page begins: attribute names and values, each value prefixed with `s` (string) or `n`
/// (number).
pub type PageKey = std::collections::BTreeMap<String, String>;
