//! The operator's lists: all orders, refunds and disputes of the shop, and how many of them wait for somebody.
//!
//! Each is spread over buckets of `keys_by_state` or `keys_by_time`, which are read side by side and merged: one
//! partition for the whole shop would be written with every order.

use std::collections::BTreeMap;
use std::future::ready;

use domain::contact::ContactPoint;
use domain::dispute::{Dispute, DisputeState};
use domain::order::OrderState;
use domain::payment::{PaymentState, Refund, RefundState};
use domain::text::Email;
use domain::{
    Code, Coded, Count, DisputeId, LookUp, OrderId, OrderNumber, PageRequest, Period, RefundId, Slice, UnmatchedState,
    VendorId,
};

use super::lists::{order_of, sorted};
use super::{
    Entry, FAILED_REFUNDS, OPEN_DISPUTES, OrderSummary, Orders, contact_partition, dispute_partition, email_partition,
    list_partitions, payment_partitions, refund_partition, state_partitions, unmatched_partition, vendor_partition,
};
use crate::Error;
use crate::item::{Attributes, all_readable, integer, number, readable, text};
use crate::merged::Merged;
use crate::page::{Bounds, List, Reach};
use crate::retry::{QueryRequest, batch, is_missing_index, query};
use crate::stored::read;

/// The most orders that are looked at for one page of a list that leaves some of them out.
const MOST_LOOKED_AT: u16 = 1_000;

/// Which orders are listed.
#[derive(Clone, Debug, Default)]
pub struct FindOrders {
    pub number: Option<OrderNumber>,
    /// Those with a vendor order of this vendor that the vendor sees.
    pub vendor: Option<VendorId>,
    pub contact: Option<FindContact>,
    pub state: Option<OrderState>,
    pub placed: Period,
}

/// An e-mail address or a telephone number, and what the orders that were placed with it are looked up by.
#[derive(Clone, Debug)]
pub struct FindContact {
    pub point: ContactPoint,
    /// Under the current secret, and under the one before it.
    pub look_ups: Vec<LookUp>,
}

impl FindContact {
    /// The partitions of its orders. Those of earlier releases are by the address itself, with its domain in its own
    /// script before 2026-11-29; none is by a telephone number.
    pub(super) fn partitions(&self) -> Vec<String> {
        let email = self.point.email();
        let before = email.and_then(Email::with_unicode_domain);
        let spellings = email.map(Email::as_str).into_iter().chain(before.as_deref());
        self.look_ups.iter().map(contact_partition).chain(spellings.map(email_partition)).collect()
    }
}

impl FindOrders {
    /// Whether an order is in the state and in the time that are asked for.
    fn has(&self, order: &OrderSummary) -> bool {
        self.state.is_none_or(|state| order.state == state) && self.placed.contains(order.placed_at)
    }

    /// Whether an order's item was placed with the address that is asked for.
    fn has_address_of(&self, item: &Attributes) -> bool {
        let stored = text(item, "email_key");
        let is_in = |partition: &String| stored == Some(partition);
        self.contact.as_ref().is_none_or(|contact| contact.partitions().iter().any(is_in))
    }

    /// What tells its list from others in the same partition.
    fn variant(&self) -> String {
        let state = self.state.map_or("", OrderState::as_str);
        let contact = self.contact.as_ref().map_or("", |contact| contact.point.as_str());
        format!("{}{state}{contact}", Bounds::from(self.placed).variant())
    }
}

/// How much waits for the operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    /// Orders that await their payment.
    pub unpaid_orders: Count,
    pub amount_mismatches: Count,
    /// Unmatched payments whose news is not tried any more.
    pub unmatched_payments: Count,
    /// Refunds that failed and need a manual refund.
    pub failed_refunds: Count,
    /// Disputes that the buyer's bank has not decided.
    pub open_disputes: Count,
    /// Vendor orders that should have been shipped.
    pub late_vendor_orders: Count,
}

impl Orders {
    /// Orders, newest first. The narrowest list that has all of them is read: of a number, of a vendor, of an e-mail
    /// address, of a state, or of all; what is not asked for is left out of it. Unless it is known that
    /// `rebuilds orders` was through (`is_whole`), the places of releases before it are read as well.
    pub async fn find(
        &self,
        find: &FindOrders,
        is_whole: bool,
        page: &PageRequest,
    ) -> Result<Slice<OrderSummary>, Error> {
        match (&find.number, find.vendor, &find.contact) {
            (Some(number), vendor, _) => {
                let mut found = self.items_with_number(number).await?;
                found.retain(|item| find.has_address_of(item));
                let mut items = all_readable(&found, read)?;
                items.retain(|order| find.has(order));
                if let Some(vendor) = vendor {
                    items = self.those_of(vendor, items).await?;
                }
                Ok(Slice { items, next: None })
            }
            (None, Some(vendor), _) => self.orders_of_vendor(vendor, find, page).await,
            (None, None, Some(contact)) => {
                let list = Merged {
                    table: self.table.clone(),
                    index: "keys_by_contact",
                    keys: ("email_key", "email_sort"),
                    partitions: contact.partitions(),
                    beside: None,
                    bounds: Bounds::from(find.placed),
                    variant: find.state.map_or("", OrderState::as_str),
                };
                list.page::<OrderId, _>(&self.client, page, read, |order| find.has(order)).await
            }
            (None, None, None) => {
                let states = |with_former: bool| {
                    let wanted = OrderState::ALL.into_iter().filter(|state| find.state.is_none_or(|one| one == *state));
                    let partitions = wanted.flat_map(move |state| state_partitions(state, with_former));
                    self.by_states(partitions.collect(), "order", find.placed)
                };
                let is_kept = |order: &OrderSummary| find.has(order);
                // A stack that has no such index yet goes on with cursors of the other list.
                if is_whole && find.state.is_none() {
                    let list = Merged {
                        index: "keys_by_time",
                        keys: ("list_key", "state_sort"),
                        ..self.by_states(list_partitions().collect(), "order", find.placed)
                    };
                    match list.page::<OrderId, _>(&self.client, page, read, is_kept).await {
                        Err(cause) if is_missing_index(&cause) || cause.code() == Code::InvalidCursor => {}
                        listed => return listed,
                    }
                }
                states(!is_whole).page::<OrderId, _>(&self.client, page, read, is_kept).await
            }
        }
    }

    /// The orders with a number, at most 20. Usually there is one: two numbers of 50 bits are equal only by rare
    /// chance.
    pub async fn with_number(&self, number: &OrderNumber) -> Result<Vec<OrderSummary>, Error> {
        all_readable(&self.items_with_number(number).await?, read)
    }

    async fn items_with_number(&self, number: &OrderNumber) -> Result<Vec<Attributes>, Error> {
        let reference = format!("number#{}", number.as_str());
        let request = QueryRequest {
            limit: Some(20),
            ..QueryRequest::of(&self.table, "keys_by_reference", ("reference", reference))
        };
        Ok(query(&self.client, request).await?.items)
    }

    /// Those of the orders that have a vendor order of this vendor.
    async fn those_of(&self, vendor: VendorId, mut orders: Vec<OrderSummary>) -> Result<Vec<OrderSummary>, Error> {
        let keys = orders.iter().map(|order| Entry::Vendor(order.id, vendor).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, false)]).await?;
        // One that the vendor sees has a place in its list.
        let seen = found.iter().filter(|(_, item)| text(item, "vendor_key").is_some());
        let own: Vec<OrderId> = seen.filter_map(|(_, item)| order_of(item)).collect();
        orders.retain(|order| own.contains(&order.id));
        Ok(orders)
    }

    /// The orders of which a vendor sees its part. Their ids are read from the list of its vendor orders.
    async fn orders_of_vendor(
        &self,
        vendor: VendorId,
        find: &FindOrders,
        page: &PageRequest,
    ) -> Result<Slice<OrderSummary>, Error> {
        let sort = "vendor_sort";
        let position = |last: &Attributes| text(last, sort)?.parse().ok();
        let key = |order: &OrderId| sorted(Entry::Vendor(*order, vendor), sort, order);
        let query = QueryRequest {
            sort_key_condition: Bounds::from(find.placed).condition::<OrderId>(sort),
            newest_first: true,
            only: Some(sort),
            ..QueryRequest::of(&self.table, "by_vendor", ("vendor_key", vendor_partition(vendor)))
        };
        let list = List { query, variant: format!("orders{}", find.variant()), position: &position, key: &key };
        let id_of = |item: &Attributes| {
            let id = text(item, sort).and_then(|id| id.parse::<OrderId>().ok());
            id.ok_or_else(|| Error::Failed("a vendor order has no order".to_owned()))
        };
        let orders = move |ids: Vec<OrderId>| async move {
            let keys = ids.iter().map(|id| Entry::Order(*id).key()).collect();
            let mut found = BTreeMap::new();
            let mut items = batch(&self.client, vec![(self.table.clone(), keys, false)]).await?;
            items.retain(|(_, item)| find.has_address_of(item));
            for (_, item) in items {
                let order: Option<OrderSummary> = readable(read(&item), &item)?;
                let order = order.filter(|order| find.has(order));
                found.extend(order.map(|order| (order.id, order)));
            }
            Ok(ids.iter().map(|id| found.remove(id)).collect())
        };
        list.filtered_page(
            &self.client,
            page,
            reach(find.state.is_some() || find.contact.is_some(), page),
            id_of,
            orders,
        )
        .await
    }

    /// The refunds, newest first; with a state, only those in it. Those that need a manual refund are in a partition of
    /// their own, whatever their state.
    pub async fn refunds(&self, state: Option<RefundState>, page: &PageRequest) -> Result<Slice<Refund>, Error> {
        let states = state.map_or_else(|| RefundState::ALL.to_vec(), |state| vec![state]);
        let mut partitions: Vec<String> = states.into_iter().map(refund_partition).collect();
        if state.is_none_or(|state| matches!(state, RefundState::Failed | RefundState::Succeeded)) {
            partitions.push(FAILED_REFUNDS.to_owned());
        }
        let is_asked_for = |refund: &Refund| state.is_none_or(|state| refund.state == state);
        let list = self.by_states(partitions, "refund", Period::default());
        list.page::<RefundId, _>(&self.client, page, read, is_asked_for).await
    }

    /// The disputes, newest first; with a state, only those in it.
    pub async fn disputes(&self, state: Option<DisputeState>, page: &PageRequest) -> Result<Slice<Dispute>, Error> {
        let states = state.map_or_else(|| DisputeState::ALL.to_vec(), |state| vec![state]);
        let partitions = states.into_iter().map(dispute_partition).collect();
        let is_asked_for = |dispute: &Dispute| state.is_none_or(|state| dispute.state == state);
        let list = self.by_states(partitions, "dispute", Period::default());
        list.page::<DisputeId, _>(&self.client, page, read, is_asked_for).await
    }

    /// The open disputes, in the order in which they have to be answered. Those without a time come last.
    pub async fn open_disputes(&self, page: &PageRequest) -> Result<Slice<Dispute>, Error> {
        let position = |last: &Attributes| {
            let dispute = text(last, "sk")?.strip_prefix("DISPUTE#")?.parse().ok()?;
            Some((integer(last, "due_at")?, (order_of(last)?, dispute)))
        };
        let key = |(due, (order, dispute)): &(i64, (OrderId, DisputeId))| {
            let mut key = Entry::Dispute(*order, *dispute).key();
            key.insert("due_at".to_owned(), number(*due));
            key
        };
        let query = QueryRequest::of(&self.table, "keys_by_due", ("due_key", OPEN_DISPUTES.to_owned()));
        let list = List { query, variant: String::new(), position: &position, key: &key };
        // One that was decided since the index has been written is left out.
        let keep = |found: Vec<Dispute>| {
            let is_open = |dispute: &Dispute| dispute.state == DisputeState::Opened;
            ready(Ok(found.into_iter().map(|dispute| Some(dispute).filter(is_open)).collect()))
        };
        list.filtered_page(&self.client, page, Reach::of_page(page), read, keep).await
    }

    /// How much waits for the operator, each counted up to a little more than is shown.
    pub async fn waiting(&self) -> Result<Waiting, Error> {
        let (unpaid_orders, amount_mismatches, unmatched_payments, failed_refunds, open_disputes, late) = tokio::try_join!(
            self.count_in(state_partitions(OrderState::AwaitingPayment, true)),
            self.count_in(payment_partitions(PaymentState::AmountMismatch)),
            self.count_in([unmatched_partition(UnmatchedState::Open)]),
            self.count_in([FAILED_REFUNDS.to_owned()]),
            self.count_in([dispute_partition(DisputeState::Opened)]),
            self.count_late(),
        )?;
        Ok(Waiting {
            unpaid_orders,
            amount_mismatches,
            unmatched_payments,
            failed_refunds,
            open_disputes,
            late_vendor_orders: late,
        })
    }

    pub(super) fn by_states(&self, partitions: Vec<String>, variant: &'static str, period: Period) -> Merged {
        Merged {
            table: self.table.clone(),
            index: "keys_by_state",
            keys: ("state_key", "state_sort"),
            partitions,
            beside: None,
            bounds: Bounds::from(period),
            variant,
        }
    }
}

/// One query for a page of which nothing is left out; else as many as it takes, up to a number of orders.
fn reach(is_filtered: bool, page: &PageRequest) -> Reach {
    if is_filtered { Reach::up_to(MOST_LOOKED_AT, page) } else { Reach::of_page(page) }
}
