//! DynamoDB: one module per table, with its keys and its named operations.
//!
//! Only a table's own module spells its keys. Every write has a condition. Only rebuilds, which are background work,
//! walk through a whole table.
//!
//! An item holds its body as one JSON string in `data`, which is cheap to parse and cheap to pass on unparsed. Other
//! attributes exist only where keys, conditions and updates need them.

pub mod accounts;
pub mod allocation;
mod attributes;
pub mod carts;
pub mod catalog;
mod dispatch;
mod error;
mod idempotency;
mod item;
pub mod keys;
mod merged;
pub mod orders;
mod page;
mod purpose;
pub mod rate_limits;
mod retry;
mod sessions;
pub mod settings;
pub mod stock;
mod stored;
mod tolerant;
mod transaction;

pub use accounts::Accounts;
pub use carts::Carts;
pub use catalog::Catalog;
pub use error::Error;
pub use idempotency::KeyUse;
pub use keys::Keys;
pub use orders::Orders;
pub use rate_limits::RateLimits;
pub use retry::{Backoff, Decision};
pub use sessions::Sessions;
pub use settings::SettingsTable;
pub use stock::Stock;

use aws_sdk_dynamodb::Client;
use dispatch::Dispatch as _;

/// The client, in Lambda with its connection opened: during init, where the CPU runs at full speed. The SDK has no call
/// for that, so this reads a key that never exists. The outcome of the read does not matter.
///
/// The role needs `dynamodb:GetItem` on the table; without it the connection is opened all the same.
pub async fn connected(client: Client, table: &str, in_lambda: bool) -> Client {
    if in_lambda {
        let read = client.get_item().table_name(table).set_key(Some(item::key("PREWARM", "PREWARM"))).dispatch();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), read).await;
    }
    client
}
