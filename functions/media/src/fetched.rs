//! Pictures at foreign addresses that a product file names: fetched once, looked at as uploads are, and shown in the
//! product. What cannot be fetched stays a link, and the report of the import says why.
//!
//! Each step may be repeated after any interruption: an address whose files are here is not fetched again.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::catalog::{ImageSource, Picture, PictureFault, PictureFiles, Product};
use domain::job::{ImportRowError, Severity};
use domain::vendor::{NamedAt, PictureJob};
use domain::{ProductId, Timestamp, VendorId};
use store::catalog::picture_id;

use crate::fetch::FetchFault;
use crate::pictures::name_of;
use crate::{App, MediaError};

/// How often an address is tried whose host may answer later.
const MOST_TIMES: u8 = 3;
/// Seconds until the next try, times the attempts so far.
const NEXT_TRY_S: i32 = 120;

/// The pictures that a message asks for.
pub(crate) struct Wanted {
    pub(crate) vendor: VendorId,
    pub(crate) product: ProductId,
    pub(crate) addresses: Vec<String>,
    pub(crate) named_at: NamedAt,
    pub(crate) attempts: u8,
    /// Whether the message came for the first time.
    pub(crate) is_first: bool,
}

/// Why the picture at an address is not shown, as the report says it.
struct Refused {
    address: String,
    fault: PictureFault,
    /// The fault in English, with what only this answer tells.
    detail: String,
}

impl App {
    /// Fetches the pictures that the product still names and that are not here.
    pub(crate) async fn fetch_pictures(&self, wanted: Wanted, now: Timestamp) -> Result<(), MediaError> {
        let Some(stored) = self.catalog.product(wanted.product).await? else { return Ok(()) };
        let sources = named(&stored.product, &wanted);
        // What is known of each, once the product stands there as one of those that name it.
        let (mut shown, mut missing) = (BTreeMap::new(), Vec::new());
        for source in sources {
            let id = picture_id(wanted.vendor, &source);
            let known = self.catalog.name_picture(wanted.vendor, id, wanted.product).await?;
            match known.picture.files {
                Some(_) => drop(shown.insert(source.as_str().to_owned(), known.picture)),
                None => missing.push((source, known.gone)),
            }
        }
        let mut refused = Vec::new();
        let addresses: Vec<&str> = missing.iter().map(|(source, _)| source.as_str()).collect();
        let fetched = self.fetcher.fetch_all(&addresses, async |_, fetched| fetched).await;
        for ((source, gone), fetched) in missing.iter().zip(fetched) {
            let (picture, why) = self.settled(wanted.vendor, (source, gone.as_ref()), fetched, now).await?;
            refused.extend(why);
            shown.insert(source.as_str().to_owned(), picture);
        }
        self.catalog.show_pictures(wanted.product, &shown).await?;
        self.report(wanted, refused).await
    }

    /// Keeps what came from an address, or why nothing did. Returns what is known of the picture then.
    async fn settled(
        &self,
        vendor: VendorId,
        (source, gone): (&ImageSource, Option<&PictureFiles>),
        fetched: Result<Bytes, FetchFault>,
        now: Timestamp,
    ) -> Result<(Picture, Option<Refused>), MediaError> {
        let id = picture_id(vendor, source);
        let (picture, detail) = match fetched {
            Ok(bytes) => {
                let name = name_of(vendor, id, gone, &bytes);
                (self.picture_of(vendor, id, (name, bytes)).await?, None)
            }
            Err(fault) => {
                let code = fault.shown().code();
                // Addresses may be signed, and are secrets then.
                tracing::info!(vendor.id = %vendor, media.id = %id, fault = code, "a picture cannot be fetched");
                (Picture { files: None, fault: Some(code.to_owned()) }, Some(fault.to_string()))
            }
        };
        let settled = self.catalog.settle_picture((vendor, id), (Some(source.as_str()), &picture), now).await?;
        if settled.picture.files.is_some() {
            // Other products have named it meanwhile, or could not get it before.
            self.show(&settled, false).await?;
        }
        let fault = settled.picture.fault.as_deref().filter(|_| settled.picture.files.is_none());
        let refused = fault.and_then(PictureFault::of).map(|fault| Refused {
            address: source.as_str().to_owned(),
            fault,
            detail: detail.unwrap_or_else(|| fault.detail().to_owned()),
        });
        Ok((settled.picture, refused))
    }

    /// Asks for another try of what may pass then, and writes into the report what does not.
    async fn report(&self, wanted: Wanted, refused: Vec<Refused>) -> Result<(), MediaError> {
        let attempts = wanted.attempts.saturating_add(1);
        let (later, refused): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|of| of.fault.may_pass() && attempts < MOST_TIMES);
        let mut named_at = wanted.named_at;
        // A message that came before, or beside another like it, may have told of what is here now.
        let may_be_told = !wanted.is_first || wanted.attempts > 0;
        if !refused.is_empty() || may_be_told {
            let told: Vec<ImportRowError> = refused.into_iter().map(|of| entry(&named_at, of)).collect();
            self.catalog.tell_of_pictures(&named_at, &told).await?;
        }
        if !later.is_empty() {
            // What is told then stands beside what is told now.
            named_at.part = named_at.part.saturating_add(PARTS_A_TRY);
            let again = PictureJob::Fetch {
                vendor_id: wanted.vendor,
                product_id: wanted.product,
                addresses: later.into_iter().map(|of| of.address).collect(),
                named_at,
                attempts,
            };
            self.fetches.send_picture_job(&again, NEXT_TRY_S * i32::from(attempts)).await?;
        }
        Ok(())
    }
}

/// More than the messages of one product.
const PARTS_A_TRY: u32 = 10_000;

/// The addresses that the product still names.
fn named(product: &Product, wanted: &Wanted) -> Vec<ImageSource> {
    let mut sources: Vec<ImageSource> = Vec::new();
    for source in product.sources().filter(|source| source.media().is_none()) {
        let is_wanted = wanted.addresses.iter().any(|address| address == source.as_str());
        if product.vendor.id == wanted.vendor && is_wanted && !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    sources.truncate(PictureJob::MOST_ADDRESSES);
    sources
}

fn entry(named_at: &NamedAt, refused: Refused) -> ImportRowError {
    ImportRowError {
        severity: Severity::Warning,
        line: named_at.line,
        product: named_at.product.clone(),
        column: named_at.column.clone(),
        value: refused.address.chars().take(MAX_VALUE).collect(),
        times: 1,
        code: refused.fault.code().to_owned(),
        detail: refused.detail,
    }
}

/// The most characters of an address in the report.
const MAX_VALUE: usize = 200;
