//! A person's orders: those that they placed signed in, and those that guests placed with a contact of theirs.

use domain::{Code, Coded, OrderId, PageRequest, Period, Slice, UserId};

use super::{FindContact, OrderSummary, Orders, buyer_partition};
use crate::Error;
use crate::merged::{Merged, Place};
use crate::page::Bounds;
use crate::stored::read;

impl Orders {
    /// A buyer's orders, and those that guests have placed with a contact that the buyer has proven, newest first.
    pub async fn of_person(
        &self,
        buyer: UserId,
        proven: &[FindContact],
        page: &PageRequest,
    ) -> Result<Slice<OrderSummary>, Error> {
        if proven.is_empty() {
            return self.of_buyer(buyer, page).await;
        }
        let list = Merged {
            table: self.table.clone(),
            index: "keys_by_contact",
            keys: ("email_key", "email_sort"),
            partitions: proven.iter().flat_map(FindContact::partitions).collect(),
            beside: Some(Place {
                index: "by_buyer",
                keys: ("buyer_key", "buyer_sort"),
                partition: buyer_partition(buyer),
            }),
            bounds: Bounds::from(Period::default()),
            variant: "person",
        };
        // An order of another buyer may name the same contact, which they need not have proven.
        let is_theirs = |order: &OrderSummary| order.buyer.is_none_or(|owner| owner == buyer);
        match list.page::<OrderId, _>(&self.client, page, read, is_theirs).await {
            // A cursor from before the person had proven a contact.
            Err(cause) if cause.code() == Code::InvalidCursor => self.of_buyer(buyer, page).await,
            listed => listed,
        }
    }
}
