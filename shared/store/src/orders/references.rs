//! The references of payments, refunds and disputes at their providers: each is an item of its own that names the
//! order, written with it. So a reference is found as soon as it was stored, which an index cannot promise.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::OrderId;
use domain::order::PlacedOrder;
use domain::payment::ProviderName;

use super::lists::order_of;
use super::{Entry, Orders, REFERENCE, provider_reference};
use crate::Error;
use crate::item::{Condition, put, raw_item, string, text};
use crate::retry::{QueryRequest, get, query};

impl Orders {
    /// The order whose payment, refund or dispute has this reference at the provider. A miss asks the index by which
    /// releases before 2026-12-02 found it: their orders have no such item until `rebuilds orders` has sealed them.
    pub async fn with_reference(&self, provider: ProviderName, reference: &str) -> Result<Option<OrderId>, Error> {
        let key = Entry::Reference(provider, reference).key();
        let found = get(&self.client, &self.table, key, true).await?;
        if let Some(order) = found.as_ref().and_then(|found| text(found, "order_id")).and_then(|id| id.parse().ok()) {
            return Ok(Some(order));
        }
        let partition = ("reference", provider_reference(provider, reference));
        let request = QueryRequest {
            limit: Some(1),
            only_keys: true,
            ..QueryRequest::of(&self.table, "keys_by_reference", partition)
        };
        Ok(query(&self.client, request).await?.items.first().and_then(order_of))
    }

    /// The actions that write the references that an order has got since it was loaded. One that a release has written
    /// which had no such items gets all of its.
    pub(super) fn reference_actions(
        &self,
        loaded: Option<&PlacedOrder>,
        written: &PlacedOrder,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let has_items = |loaded: &&PlacedOrder| loaded.order.parts.is_some();
        let known = loaded.filter(has_items).map(references).unwrap_or_default();
        let order = written.order.id.to_string();
        let action = |(provider, reference): &(ProviderName, &str)| {
            let mut item = raw_item(Entry::Reference(*provider, reference).key(), REFERENCE, 1, "{}".to_owned());
            item.insert("order_id".to_owned(), string(&order));
            let own = Condition::of("attribute_not_exists(pk) OR order_id = :order").value(":order", string(&order));
            put(&self.table, item, &own)
        };
        references(written).difference(&known).map(action).collect()
    }
}

/// The references of an order's payments, refunds and disputes. A refund or dispute belongs to the provider of its own
/// payment, which need not be the order's current one.
fn references(order: &PlacedOrder) -> BTreeSet<(ProviderName, &str)> {
    let current = order.order.provider;
    let provider = |of| order.payments.iter().find(|known| known.id == of).map_or(current, |known| known.provider);
    let payments = order.payments.iter().flat_map(|payment| payment.references().map(|one| (payment.provider, one)));
    let refunds =
        order.refunds.iter().filter_map(|refund| Some((provider(refund.payment), refund.reference.as_deref()?)));
    let disputes = order.disputes.iter().map(|dispute| (provider(dispute.payment), dispute.reference.as_str()));
    payments.chain(refunds).chain(disputes).collect()
}
