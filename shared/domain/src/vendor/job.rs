//! Background work on behalf of a vendor or the operator, as a queue carries it.

use serde::{Deserialize, Serialize};

use crate::VendorId;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A background job, as a queue message carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VendorJob {
    /// Bring the vendor's products in line with the shop: `{"sync_products":{"vendor_id":"ven_…","after":null}}`. The
    /// consumer reads the shop's current state, so that a late or repeated message does no harm.
    #[serde(alias = "follow_shop")]
    SyncProducts {
        vendor_id: VendorId,
        /// The last product that was synced; nothing at the start.
        after: Option<crate::ProductId>,
    },
    /// Work on an import of a product file: `{"import":{"vendor_id":"ven_…","id":"imp_…"}}`.
    Import { vendor_id: VendorId, id: crate::ImportId },
    /// Work on an export: `{"export":{"vendor_id":"ven_…","id":"exp_…"}}`.
    Export { vendor_id: VendorId, id: crate::ExportId },
    /// Work on the rebuild of these copies: `{"rebuild":{"what":"listings"}}`. There is one of each at a time.
    Rebuild {
        what: crate::job::Derived,
        /// Whether the message itself is the request for it, so that its consumer begins one first.
        #[serde(default, skip_serializing_if = "is_false")]
        begin: bool,
    },
}
