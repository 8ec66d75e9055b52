//! Pictures of vendors: what became of each, which products have named it, and which nobody may name any more.
//!
//! A picture is followed from two sides. A product that begins to name one adds itself to the picture's item before it
//! is written; the function that looks at pictures writes there what became of it, and then into those products. So
//! whichever comes second sees the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::catalog::{ImageSource, Picture, PictureFault, PictureFiles, Product, VendorPicture};
use domain::{Code, Coded as _, MediaId, ProductId, Timestamp, VendorId};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::products::product_of;
use super::{Catalog, Entry, PRODUCT, StoredProduct, UNUSED_PICTURE};
use crate::item::{Attributes, Condition, body, delete, item, key, put, readable, string, text};
use crate::retry::{QueryRequest, batch, delete_one, get, put_one, query};
use crate::stored::{read, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Decision, Error};

/// Partition of the pictures that perhaps no product names: sorted by the day on which that began.
const UNUSED: &str = "UNUSED_PICTURES";
/// What stands for the day of a picture that a product has just given up.
const GIVEN_UP: &str = "given_up";
const DAY_MS: i64 = 86_400_000;

/// A picture that perhaps no product names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedPicture {
    pub vendor: VendorId,
    pub id: MediaId,
    sort: String,
    judged: Option<Judged>,
}

/// That no product named a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Judged {
    /// The version of the picture's item then, which a product that begins to name it changes before it is written.
    version: u64,
    at: Timestamp,
}

/// How long after it was seen that no product names a picture its files may go: a product that began to name it just
/// before is written by then.
const WRITTEN_WITHIN: Duration = Duration::from_secs(600);

impl UnusedPicture {
    /// Whether no product has named the picture, as it is now, for long enough.
    pub fn is_certain(&self, known: &VendorPicture, now: Timestamp) -> bool {
        self.judged.is_some_and(|judged| judged.version == known.version && judged.at + WRITTEN_WITHIN <= now)
    }
}

/// The id of the picture behind a source: the upload's own, or one made of vendor and address, so that an address is
/// fetched once for all products of a vendor.
pub fn picture_id(vendor: VendorId, source: &ImageSource) -> MediaId {
    source.media().unwrap_or_else(|| {
        let hash = digest::digest(&digest::SHA256, format!("{vendor} {}", source.as_str()).as_bytes());
        let bits = hash.as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        MediaId::from_bits(bits)
    })
}

fn sort_key(day: &str, vendor: VendorId, id: MediaId) -> String {
    format!("{day}#{vendor}#{id}")
}

/// Days since 1970, padded so that they sort as text.
fn day(at: Timestamp) -> String {
    format!("{:06}", at.millis().div_euclid(DAY_MS))
}

fn unused_item(sort: &str, judged: Option<Judged>) -> Result<Attributes, Error> {
    item(key(UNUSED, sort), UNUSED_PICTURE, 1, &judged)
}

impl Catalog {
    /// What is known of a vendor's picture, read consistently.
    pub async fn picture(&self, vendor: VendorId, id: MediaId) -> Result<Option<VendorPicture>, Error> {
        let found = get(&self.client, &self.table, Entry::Picture(vendor, id).key(), true).await?;
        found.map(|found| read(&found)).transpose()
    }

    /// Notes that a picture is going to be uploaded. Perhaps it never is.
    pub async fn announce_picture(&self, vendor: VendorId, id: MediaId, now: Timestamp) -> Result<(), Error> {
        let announced = VendorPicture { version: 1, ..VendorPicture::new(vendor, id) };
        let written = write(Entry::Picture(vendor, id).key(), announced.version, &announced)?;
        let row = unused_item(&sort_key(&day(now), vendor, id), None)?;
        let actions = vec![put(&self.table, written, &Condition::absent())?, put(&self.table, row, &Condition::any())?];
        Ok(Transaction::of(Purpose::Item, actions).run(&self.client).await?)
    }

    /// Changes what is known of a vendor's picture, and returns what is known then.
    async fn change_picture(
        &self,
        (vendor, id): (VendorId, MediaId),
        change: impl Fn(&mut VendorPicture),
    ) -> Result<VendorPicture, Error> {
        let mut backoff = Backoff::default();
        loop {
            let known = self.picture(vendor, id).await?.unwrap_or_else(|| VendorPicture::new(vendor, id));
            let mut changed = known.clone();
            change(&mut changed);
            if changed == known && known.version > 0 {
                return Ok(known);
            }
            changed.version = known.version + 1;
            let written = write(Entry::Picture(vendor, id).key(), changed.version, &changed)?;
            let condition = Condition::at_version(known.version);
            match put_one(&self.client, &self.table, written, &condition).await.map_err(Error::from) {
                Ok(()) => return Ok(changed),
                Err(Error::Conflict) => backoff.pause().await?,
                Err(other) => return Err(other),
            }
        }
    }

    /// Notes that a product names a vendor's picture, and returns what is known of it.
    pub async fn name_picture(
        &self,
        vendor: VendorId,
        id: MediaId,
        product: ProductId,
    ) -> Result<VendorPicture, Error> {
        self.change_picture((vendor, id), |known| {
            known.products.insert(product);
        })
        .await
    }

    /// Writes what became of a picture, unless that is known already: the first result stays. A picture that could not
    /// be fetched gets another try. Returns what is known then, with the products to show it in.
    pub async fn settle_picture(
        &self,
        (vendor, id): (VendorId, MediaId),
        (address, picture): (Option<&str>, &Picture),
        now: Timestamp,
    ) -> Result<VendorPicture, Error> {
        let mut backoff = Backoff::default();
        loop {
            let known = self.picture(vendor, id).await?.unwrap_or_else(|| VendorPicture::new(vendor, id));
            let may_change = known.picture.is_waiting() || (address.is_some() && known.picture.files.is_none());
            if !may_change || known.picture == *picture {
                return Ok(known);
            }
            let mut settled = VendorPicture { picture: picture.clone(), version: known.version + 1, ..known.clone() };
            settled.address = address.map(str::to_owned);
            let written = write(Entry::Picture(vendor, id).key(), settled.version, &settled)?;
            // Perhaps no product will ever name it.
            let row = unused_item(&sort_key(&day(now), vendor, id), None)?;
            let actions = vec![
                put(&self.table, written, &Condition::at_version(known.version))?,
                put(&self.table, row, &Condition::any())?,
            ];
            match Transaction::of(Purpose::Item, actions).run(&self.client).await.map_err(Error::from) {
                Ok(()) => return Ok(settled),
                Err(Error::Conflict) => backoff.pause().await?,
                Err(other) => return Err(other),
            }
        }
    }

    /// Writes what became of pictures into a product that names them, by their sources. Says which of them it names.
    pub async fn show_pictures(
        &self,
        product: ProductId,
        pictures: &BTreeMap<String, Picture>,
    ) -> Result<BTreeSet<String>, Error> {
        let decide = |mut stored: StoredProduct| async move {
            let named = stored.product.sources().map(|source| source.as_str().to_owned());
            let named: BTreeSet<String> = named.filter(|source| pictures.contains_key(source)).collect();
            let shown = named.iter().filter_map(|source| Some((source.clone(), pictures.get(source)?.clone())));
            stored.product.pictures.extend(shown);
            Ok::<_, Error>(Decision::Write(stored, named))
        };
        match self.change(product, decide, |_, _| Ok(((), None))).await {
            Err(error) if error.code() == Code::NotFound => Ok(BTreeSet::new()),
            done => Ok(done?.1),
        }
    }

    /// Makes a product that is about to be written know its pictures: it asks for those that it begins to name, forgets
    /// those that it does not name any more, and notes that these may be unused.
    pub(super) async fn follow_pictures(&self, loaded: Option<&Product>, product: &mut Product) -> Result<(), Error> {
        let vendor = product.vendor.id;
        let texts = |product: &Product| -> BTreeSet<String> {
            product.sources().map(|source| source.as_str().to_owned()).collect()
        };
        let before = loaded.map(texts).unwrap_or_default();
        let begun: BTreeMap<String, MediaId> = product
            .sources()
            .filter(|source| !before.contains(source.as_str()) && !product.pictures.contains_key(source.as_str()))
            .filter_map(|source| Some((source.as_str().to_owned(), source.media()?)))
            .collect();
        for (source, id) in begun {
            let known = self.name_picture(vendor, id, product.id).await?;
            product.pictures.insert(source, known.picture);
        }
        if let Some(loaded) = loaded {
            let now = texts(product);
            self.give_up_pictures(loaded, |source| !now.contains(source)).await?;
        }
        product.forget_pictures();
        Ok(())
    }

    /// Notes that some of a product's pictures may be unused from now on. It is noted before the product is written: a
    /// picture that is still named when its time comes stays.
    pub(super) async fn give_up_pictures(&self, product: &Product, goes: impl Fn(&str) -> bool) -> Result<(), Error> {
        let vendor = product.vendor.id;
        let goes = |source: &&ImageSource| product.pictures.contains_key(source.as_str()) && goes(source.as_str());
        let given_up: BTreeSet<MediaId> = product.sources().filter(goes).map(|of| picture_id(vendor, of)).collect();
        for id in given_up {
            let row = unused_item(&sort_key(GIVEN_UP, vendor, id), None)?;
            put_one(&self.client, &self.table, row, &Condition::any()).await?;
        }
        Ok(())
    }

    /// Pictures that products have given up and that have no day yet.
    pub async fn given_up_pictures(&self, limit: u16) -> Result<Vec<UnusedPicture>, Error> {
        let values = Attributes::from([(":given_up".to_owned(), string(format!("{GIVEN_UP}#")))]);
        self.unused_where(("begins_with(sk, :given_up)".to_owned(), values), None, limit).await
    }

    /// Pictures that may be unused since this time or longer, those behind `after`.
    pub async fn unused_pictures(
        &self,
        since: Timestamp,
        after: Option<&UnusedPicture>,
        limit: u16,
    ) -> Result<Vec<UnusedPicture>, Error> {
        // The character behind `#`: all of the day as well.
        let values = Attributes::from([(":since".to_owned(), string(format!("{}$", day(since))))]);
        self.unused_where(("sk < :since".to_owned(), values), after, limit).await
    }

    async fn unused_where(
        &self,
        sort: (String, Attributes),
        after: Option<&UnusedPicture>,
        limit: u16,
    ) -> Result<Vec<UnusedPicture>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", UNUSED.to_owned()),
            sort_key_condition: Some(sort),
            limit: Some(i32::from(limit)),
            consistent: true,
            start: after.map(|after| key(UNUSED, &*after.sort)),
            ..QueryRequest::default()
        };
        let found = query(&self.client, request).await?;
        let row = |found: &Attributes| {
            let sort = text(found, "sk")?;
            let (_, of_vendor) = sort.split_once('#')?;
            let (vendor, id) = of_vendor.split_once('#')?;
            let judged = body(found, UNUSED_PICTURE).ok().flatten();
            Some(UnusedPicture { vendor: vendor.parse().ok()?, id: id.parse().ok()?, sort: sort.to_owned(), judged })
        };
        Ok(found.items.iter().filter_map(row).collect())
    }

    /// Lets the time of a picture that was given up begin.
    pub async fn date_unused(&self, unused: &UnusedPicture, now: Timestamp) -> Result<(), Error> {
        let dated = unused_item(&sort_key(&day(now), unused.vendor, unused.id), None)?;
        let actions = vec![
            put(&self.table, dated, &Condition::any())?,
            delete(&self.table, key(UNUSED, &*unused.sort), &Condition::any())?,
        ];
        Ok(Transaction::of(Purpose::Item, actions).run(&self.client).await?)
    }

    /// Notes that no product names a picture, as it is now.
    pub async fn judge_unused(
        &self,
        unused: &UnusedPicture,
        known: &VendorPicture,
        now: Timestamp,
    ) -> Result<(), Error> {
        let row = unused_item(&unused.sort, Some(Judged { version: known.version, at: now }))?;
        Ok(put_one(&self.client, &self.table, row, &Condition::any()).await?)
    }

    /// Asks no more whether a picture is used.
    pub async fn forget_unused(&self, unused: &UnusedPicture) -> Result<(), Error> {
        Ok(delete_one(&self.client, &self.table, key(UNUSED, &*unused.sort), &Condition::any()).await?)
    }

    /// Whether a product names a picture. One that cannot be read may name it.
    pub async fn is_named(&self, picture: &VendorPicture) -> Result<bool, Error> {
        if picture.products.is_empty() {
            return Ok(false);
        }
        let keys = picture.products.iter().map(|product| Entry::Product(*product).key()).collect();
        for (_, found) in batch(&self.client, vec![(self.table.clone(), keys, true)]).await? {
            if text(&found, "kind") != Some(PRODUCT) {
                continue;
            }
            let Some(product) = readable(product_of(&found), &found)? else { return Ok(true) };
            if product.sources().any(|source| picture_id(picture.vendor, source) == picture.id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the files from a picture that no product names, and returns what is to be deleted. A product that names it
    /// from now on finds that it is gone.
    pub async fn take_files(&self, picture: &VendorPicture) -> Result<Option<PictureFiles>, Error> {
        let mut taken = picture.clone();
        if let Some(files) = taken.picture.files.take() {
            taken.gone = Some(files);
        }
        taken.picture.fault.get_or_insert_with(|| PictureFault::Removed.code().to_owned());
        if taken != *picture {
            taken.version += 1;
            let written = write(Entry::Picture(picture.vendor, picture.id).key(), taken.version, &taken)?;
            put_one(&self.client, &self.table, written, &Condition::at_version(picture.version)).await?;
        }
        Ok(taken.gone)
    }

    /// Forgets the files of before of a picture that was fetched anew, once they are deleted.
    pub async fn forget_gone(&self, picture: &VendorPicture) -> Result<(), Error> {
        let kept = VendorPicture { gone: None, version: picture.version + 1, ..picture.clone() };
        let written = write(Entry::Picture(picture.vendor, picture.id).key(), kept.version, &kept)?;
        Ok(put_one(&self.client, &self.table, written, &Condition::at_version(picture.version)).await?)
    }

    /// Forgets a picture whose files are deleted, unless a product has come to name it meanwhile.
    pub async fn forget_picture(&self, vendor: VendorId, id: MediaId) -> Result<(), Error> {
        let Some(known) = self.picture(vendor, id).await? else { return Ok(()) };
        if known.picture.files.is_some() || self.is_named(&known).await? {
            return Ok(());
        }
        let condition = Condition::at_version(known.version);
        match delete_one(&self.client, &self.table, Entry::Picture(vendor, id).key(), &condition).await {
            Ok(()) => Ok(()),
            Err(failed) => match Error::from(failed) {
                Error::Conflict => Ok(()),
                other => Err(other),
            },
        }
    }
}
