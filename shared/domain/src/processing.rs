//! A payment that a bank takes days for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How long a bank may take when an attempt does not say it: the slowest of the common debits takes 14 days.
pub const SLOW_DEADLINE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Since when a provider works on an attempt that it cannot stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processing {
    /// When it was first reported.
    pub since: Timestamp,
    /// Until when the order waits for it.
    pub until: Timestamp,
    /// The order's deadline before, to which it goes back when this attempt fails; nothing when the order did not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_due: Option<Timestamp>,
}
