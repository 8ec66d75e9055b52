//! Notices by mail of what was decided about a person or a shop. A message names nobody: who sends it looks whether
//! what it tells has come to be, and whom to tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::marketplace::OperatorRole;
use crate::vendor::{DocumentKind, VendorStep};
use crate::{ProductId, Timestamp, UserId};

/// How long a notice waits: longer than a request can last. It is put into its queue before the change is written,
/// since both cannot be in one transaction, and tells nothing of a change that was not written after all.
pub const NOTICE_DELAY: Duration = Duration::from_secs(45);

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The shop is told of a step of its application or its state.
    Step { step: VendorStep, at: Timestamp },
    /// The shop is told that somebody has accepted an invitation.
    Joined { user: UserId },
    /// The shop is told that a member has left.
    Left { user: UserId },
    /// A person is told that they are no member any more.
    Removed { user: UserId },
    /// The shop is told that the operator hides one of its products.
    ProductHidden { product: ProductId, at: Timestamp },
    /// The shop, and the operator's owners and catalog, are told that who sells has changed.
    IdentityChanged { at: Timestamp },
    /// The shop is told that a paper expires, in thirty days or in seven, and with the operator that it has.
    PaperExpires { kind: DocumentKind, expires_at: Timestamp, step: u8 },
}

/// What the operator's own people are told of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamNotice {
    /// The owners are told that somebody has accepted an invitation.
    Joined { user: UserId },
    /// A person is told that they have another role, and the owners that somebody has.
    RoleChanged { user: UserId, role: OperatorRole },
    /// A person is told that they are no member any more, and the owners that somebody is gone.
    Removed { user: UserId },
}
