//! Background work on behalf of a vendor or the operator, as a queue carries it.

use serde::{Deserialize, Serialize};

use crate::VendorId;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A background job, as a queue message carries it. What a newer release adds to a job does not stop this one: a
/// suspension must not wait until all functions are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// The place in a product file that names pictures, so that its report can say what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAt {
    pub import: crate::ImportId,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The product, by its handle in the file.
    pub product: String,
    /// The column of pictures as the file's header spells it.
    pub column: String,
    /// Which of the messages about this product, counted from 0.
    #[serde(default)]
    pub part: u32,
}

/// Work on pictures beside the notifications of new uploads, as a queue carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureJob {
    /// Fetch the pictures at these addresses, at most [`PictureJob::MOST_ADDRESSES`], and show them in the product:
    /// `{"fetch":{"vendor_id":"ven_…","product_id":"prd_…","addresses":["https://…"],"named_at":{…}}}`.
    Fetch {
        vendor_id: VendorId,
        product_id: crate::ProductId,
        addresses: Vec<String>,
        named_at: NamedAt,
        /// How often they were tried before.
        #[serde(default)]
        attempts: u8,
    },
    /// Look at an upload, which may be one of a release that did not: `{"look_at":{"vendor_id":"ven_…","id":"med_…"}}`.
    LookAt { vendor_id: VendorId, id: crate::MediaId },
    /// Delete pictures that no product has named for days: `{"sweep":{}}`.
    Sweep {},
}

impl PictureJob {
    /// The most addresses of one message: two at a time from one host, ten seconds each, and the work on what came end
    /// within the function's minute.
    pub const MOST_ADDRESSES: usize = 8;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::Derived;
    use crate::{ExportId, ImportId, ProductId};

    #[test]
    fn a_job_of_a_newer_release_with_more_fields_is_that_job() {
        let vendor_id = VendorId::from_bits(4);
        for job in [
            VendorJob::SyncProducts { vendor_id, after: Some(ProductId::from_bits(5)) },
            VendorJob::Import { vendor_id, id: ImportId::from_bits(6) },
            VendorJob::Export { vendor_id, id: ExportId::from_bits(7) },
            VendorJob::Rebuild { what: Derived::Listings, begin: true },
        ] {
            let mut sent = serde_json::to_value(job).unwrap();
            for fields in sent.as_object_mut().unwrap().values_mut() {
                fields["from_a_newer_release"] = json!([1]);
            }
            assert_eq!(serde_json::from_value::<VendorJob>(sent).unwrap(), job);
        }
        let unknown: Value = json!({"polish": {"vendor_id": vendor_id}});
        assert!(serde_json::from_value::<VendorJob>(unknown).is_err(), "a job that this release cannot do");
    }
}
