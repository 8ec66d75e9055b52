//! How many products an import may add: what the vendor's quota leaves.

use domain::VendorId;
use domain::job::ImportFault;
use store::{Catalog, Error};

use crate::merge::Issue;

/// The room that a slice of an import has for new products. It is counted when the first new one comes, so that a file
/// which only changes products reads nothing for it. What the slice adds is subtracted: the index that is counted shows
/// it with a delay.
#[derive(Debug)]
pub(crate) struct Room {
    /// The most products that the vendor may have.
    most: u32,
    /// What earlier slices of a dry run would have added: nobody can count it.
    promised: u64,
    /// Nothing before it was counted.
    left: Option<u64>,
}

impl Room {
    pub(crate) const fn new(most: u32, promised: u64) -> Self {
        Self { most, promised, left: None }
    }

    /// How many products may be added.
    pub(crate) async fn left(&mut self, catalog: &Catalog, vendor: VendorId) -> Result<u64, Error> {
        if let Some(left) = self.left {
            return Ok(left);
        }
        let free = catalog.room_for_products(vendor, self.most).await?;
        let left = u64::from(free).saturating_sub(self.promised);
        self.left = Some(left);
        Ok(left)
    }

    /// Takes what a batch has added, or would have.
    pub(crate) fn take(&mut self, created: u64) {
        self.left = self.left.map(|left| left.saturating_sub(created));
    }

    /// Why one more product is refused.
    pub(crate) fn used_up(&self) -> Issue {
        let detail = format!("the vendor has the most products that are allowed: {}", self.most);
        Issue { value: self.most.to_string(), ..Issue::new("", ImportFault::LimitReached, detail) }
    }
}
