//! The table Orders: orders with their vendor orders, payments, refunds and disputes; idempotency records; events.

#[cfg(test)]
mod actions;
mod events;
mod head;
mod idempotency;
mod items;
mod late;
mod lists;
mod operator_lists;
mod person_lists;
mod references;
mod relisting;
mod sealing;
mod settlements;
mod statement;
mod unmatched;
mod unpaid;
mod vendor_lists;
mod write;

use aws_sdk_dynamodb::Client;
use domain::cart::Cart;
use domain::dispute::{Dispute, DisputeState};
use domain::order::{Order, OrderState, PlacedOrder, Terms, VendorOrder, VendorOrderState};
use domain::payment::{Action, Payment, PaymentState, ProviderName, Refund, RefundState, Transaction};
use domain::sealed::{KeyOwner, PersonKey};
use domain::{
    DisputeId, EventId, LookUp, MoneyMovement, OrderId, PaymentId, RefundId, SettlementId, Timestamp, UnmatchedPayment,
    UnmatchedState, UserId, VendorId,
};

pub use self::events::{Claim, Undelivered, event_of};
use self::head::{Assembled, assemble};
use self::items::{
    dispute_item, event_item, payment_item, place_of_dispute, place_of_refund, place_of_vendor_order, refund_item,
    unmatched_item, vendor_order_item, write_serial,
};
pub use self::lists::{Due, DueKind, DueWalk, OrderSummary, next_check};
pub use self::operator_lists::{FindContact, FindOrders, Waiting};
pub use self::relisting::RelistedOrder;
pub use self::vendor_lists::{FindVendorOrders, OpenVendorOrders};
pub use self::write::{PlaceOutcome, Start};

use crate::idempotency::stores_responses;
use crate::item::{Attributes, key};
use crate::retry::{QueryRequest, query_all};
use crate::stored::{check_known, stored};
use crate::{Backoff, Carts, Error, Keys, Stock};

const ORDER: &str = "order";
const TERMS: &str = "terms";
const HISTORY: &str = "history";
const VENDOR_ORDER: &str = "vendor_order";
const PAYMENT: &str = "payment";
const REFUND: &str = "refund";
const DISPUTE: &str = "dispute";
const REFERENCE: &str = "reference";
const EVENT: &str = "event";
const UNMATCHED: &str = "unclaimed";
const SETTLEMENT: &str = "settlement";

stored! {
    ORDER => Order: [
        "needs", "reference", "state_key", "state_sort", "buyer_key", "buyer_sort", "due_key", "due_at", "list_key"
    ];
    TERMS => Terms: ["needs"];
    VENDOR_ORDER => VendorOrder: [
        "needs", "vendor_key", "vendor_sort", "state_key", "state_sort", "due_key", "due_at", "list_key"
    ];
    PAYMENT => Payment: ["needs", "reference", "state_key", "state_sort", "due_key", "due_at"],
        tagged: ["action"],
        understood: |payment| payment.action != Some(Action::Other);
    REFUND => Refund: ["needs", "reference", "state_key", "state_sort", "due_key", "due_at"];
    DISPUTE => Dispute: ["needs", "reference", "state_key", "state_sort", "due_key", "due_at"];
    UNMATCHED => UnmatchedPayment: ["state_key", "state_sort", "due_key", "due_at"];
}

/// What is said of an order whose items never fit.
pub const TORN: &str = "the items of an order do not belong together";

/// Over how many partitions deadlines and undelivered events are spread.
pub const DUE_PARTITIONS: u8 = 8;

/// Over how many partitions each list of orders of the whole shop is spread, see `infra/growth.md`.
const BUCKETS: u8 = 8;

/// The keys of the items.
enum Entry<'a> {
    /// `ORDER#<id>` / `ORDER`.
    Order(OrderId),
    /// `ORDER#<id>` / `TERMS`.
    Terms(OrderId),
    /// `ORDER#<id>` / `HISTORY#<number>`, counted from 1: the entries of one change.
    History(OrderId, u32),
    /// `ORDER#<id>` / `VENDOR#<vendor>`.
    Vendor(OrderId, VendorId),
    /// `ORDER#<id>` / `PAYMENT#<payment>`.
    Payment(OrderId, PaymentId),
    /// `ORDER#<id>` / `REFUND#<refund>`.
    Refund(OrderId, RefundId),
    /// `ORDER#<id>` / `DISPUTE#<dispute>`.
    Dispute(OrderId, DisputeId),
    /// `REFERENCE#<provider>#<reference>` / `REFERENCE`: the order of a payment, refund or dispute at its provider.
    Reference(ProviderName, &'a str),
    /// `EVENT#<id>` / `EVENT`: one partition per event, so that no partition is hot.
    Event(EventId),
    /// `UNPAID#<hash of an e-mail address>` / `UNPAID`.
    Unpaid(&'a str),
    /// `UNCLAIMED#<provider>#<reference>` / `PAYMENT`, `REFUND` or `DISPUTE`: one item per object at the provider.
    UnmatchedPayment(ProviderName, MoneyMovement, &'a str),
    /// `STATEMENT#<provider>#<day>` / `<time>#<reference>`: a transaction of a provider that drives the payment.
    Stated(ProviderName, &'a Transaction),
    /// `SETTLEMENT#<id>` / `SETTLEMENT`: one partition per entry.
    Settlement(SettlementId),
}

impl Entry<'_> {
    fn key(&self) -> Attributes {
        match self {
            Self::Order(id) => key(order_partition(*id), "ORDER"),
            Self::Terms(id) => key(order_partition(*id), "TERMS"),
            Self::History(id, number) => key(order_partition(*id), format!("HISTORY#{number:05}")),
            Self::Vendor(id, vendor) => key(order_partition(*id), format!("VENDOR#{vendor}")),
            Self::Payment(id, payment) => key(order_partition(*id), format!("PAYMENT#{payment}")),
            Self::Refund(id, refund) => key(order_partition(*id), format!("REFUND#{refund}")),
            Self::Dispute(id, dispute) => key(order_partition(*id), format!("DISPUTE#{dispute}")),
            Self::Reference(provider, reference) => {
                key(format!("REFERENCE#{}", provider_reference(*provider, reference)), "REFERENCE")
            }
            Self::Event(id) => key(format!("EVENT#{id}"), "EVENT"),
            Self::Unpaid(hash) => key(format!("UNPAID#{hash}"), "UNPAID"),
            Self::UnmatchedPayment(provider, what, reference) => {
                let what = what.as_str().to_ascii_uppercase();
                key(format!("{UNMATCHED_PREFIX}{}", provider_reference(*provider, reference)), what)
            }
            Self::Settlement(id) => key(format!("SETTLEMENT#{id}"), "SETTLEMENT"),
            Self::Stated(provider, stated) => {
                let position = format!("{}#{}", statement::position(stated.stated_at), stated.reference);
                key(statement::partition(*provider, stated.stated_at), position)
            }
        }
    }
}

fn order_partition(id: OrderId) -> String {
    format!("ORDER#{id}")
}

/// Partition of `by_vendor`: the vendor orders of a vendor.
fn vendor_partition(vendor: VendorId) -> String {
    format!("VENDOR#{vendor}")
}

/// Partition of `by_buyer`: a buyer's orders.
fn buyer_partition(buyer: UserId) -> String {
    format!("BUYER#{buyer}")
}

/// Partition of `keys_by_contact`: the orders placed with an e-mail address or a telephone number.
fn contact_partition(contact: &LookUp) -> String {
    format!("CONTACT#{contact}")
}

/// Partition of `keys_by_contact`: those of earlier releases that were placed with an e-mail address.
fn email_partition(email: &str) -> String {
    format!("EMAIL#{email}")
}

/// Partition of `keys_by_state`: one of [`BUCKETS`] of the orders in a state.
fn state_partition(state: OrderState, id: OrderId) -> String {
    format!("STATE#{}#{}", state.as_str(), bucket_of(id))
}

/// All partitions of the orders in a state; with those of releases before 2026-12-02, which had one for each state.
fn state_partitions(state: OrderState, with_former: bool) -> impl Iterator<Item = String> {
    let former = with_former.then(|| format!("STATE#{}", state.as_str()));
    former.into_iter().chain((0..BUCKETS).map(move |bucket| format!("STATE#{}#{bucket}", state.as_str())))
}

/// Partition of `keys_by_time`: one of [`BUCKETS`] of all orders.
fn list_partition(id: OrderId) -> String {
    format!("ORDERS#{}", bucket_of(id))
}

/// All partitions of all orders.
fn list_partitions() -> impl Iterator<Item = String> {
    (0..BUCKETS).map(|bucket| format!("ORDERS#{bucket}"))
}

/// By the last bits of an order's id, which are random.
fn bucket_of(id: OrderId) -> u128 {
    id.bits() % u128::from(BUCKETS)
}

/// Partition of `keys_by_state`: one of [`BUCKETS`] of the payment attempts in a state.
fn payment_partition(state: PaymentState, id: PaymentId) -> String {
    format!("{}#{}", payments_in(state), id.bits() % u128::from(BUCKETS))
}

/// All partitions of the payment attempts in a state, with the one of releases before 2026-12-02.
fn payment_partitions(state: PaymentState) -> impl Iterator<Item = String> {
    let former = payments_in(state);
    std::iter::once(former.clone()).chain((0..BUCKETS).map(move |bucket| format!("{former}#{bucket}")))
}

/// A key outlives its state's name: `amount_mismatch` was `conflicted` in release 0.1.0.
fn payments_in(state: PaymentState) -> String {
    let name = if state == PaymentState::AmountMismatch { "conflicted" } else { state.as_str() };
    format!("PAYMENT#{name}")
}

/// Partition of `keys_by_state`: the vendor orders of a vendor in a state. Of those that wait for the vendor there are
/// few, but they may be old, so a list of all would have to be read to its end for them.
fn vendor_state_partition(vendor: VendorId, state: VendorOrderState) -> String {
    format!("VENDOR#{vendor}#{}", state.as_str())
}

/// Partition of `keys_by_state`: the failed refunds, which need a manual refund.
const FAILED_REFUNDS: &str = "REFUND#stranded";

/// Partition of `keys_by_state`: the refunds in a state, without those that need a manual refund.
fn refund_partition(state: RefundState) -> String {
    format!("REFUND#{}", state.as_str())
}

/// Partition of `keys_by_state`: the disputes in a state.
fn dispute_partition(state: DisputeState) -> String {
    format!("DISPUTE#{}", state.as_str())
}

/// Partition of `keys_by_due`: the open disputes, by the time until which they may be answered.
const OPEN_DISPUTES: &str = "DISPUTES";

/// Where an open dispute is among the others: one without a time comes last.
fn deadline_of(dispute: &Dispute) -> i64 {
    dispute.evidence_due_at.unwrap_or(Timestamp::from_millis(i64::MAX)).millis()
}

/// Partition of `keys_by_state`: the unmatched payments in a state. Those that wait for the operator have the one in
/// which releases before 2026-12-02 had all of them.
fn unmatched_partition(state: UnmatchedState) -> String {
    match state {
        UnmatchedState::Open => "UNCLAIMED".to_owned(),
        other => format!("UNCLAIMED#{}", other.as_str()),
    }
}

/// Partition of `keys_by_due`: the unmatched payments whose news is tried again. Releases before 2026-12-02 do not look
/// at it.
const RETRIED_UNMATCHED: &str = "UNCLAIMED";

/// The beginning of the partition of each unmatched payment.
const UNMATCHED_PREFIX: &str = "UNCLAIMED#";

/// Partition of `keys_by_reference`: the order with a number.
fn number_reference(id: OrderId) -> String {
    format!("number#{}", id.number())
}

/// What a reference of a provider is called in keys. Releases before 2026-12-02 had it as a partition of
/// `by_reference`.
fn provider_reference(provider: ProviderName, reference: &str) -> String {
    format!("{}#{reference}", provider.as_str())
}

/// Partition of `keys_by_due`: one of [`DUE_PARTITIONS`], by the last bits of the order's id.
fn due_partition(id: OrderId) -> String {
    format!("DUE#{}", id.bits() % u128::from(DUE_PARTITIONS))
}

#[derive(Clone, Debug)]
pub struct Orders {
    client: Client,
    table: String,
    stock: Stock,
    carts: Option<Carts>,
    keys: Option<Keys>,
}

stores_responses!(Orders);

impl Orders {
    /// The table of this name. `stock` is written in the transactions of orders.
    pub fn new(client: Client, table: impl Into<String>, stock: Stock) -> Self {
        Self { client, table: table.into(), stock, carts: None, keys: None }
    }

    /// The table of this name for a function that only reads orders and therefore has no Stock table.
    pub fn for_reading(client: Client, table: impl Into<String>) -> Self {
        Self::new(client.clone(), table, Stock::new(client, ""))
    }

    /// The stock that orders reserve.
    pub const fn stock(&self) -> &Stock {
        &self.stock
    }

    /// With carts: for placing orders, for reopening carts, and for reopening orders.
    #[must_use]
    pub fn with_carts(self, carts: Carts) -> Self {
        Self { carts: Some(carts), ..self }
    }

    /// With the table Keys: for placing orders, and for showing who placed them.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// # Errors
    /// This function has no table Keys.
    pub fn keys(&self) -> Result<&Keys, Error> {
        self.keys.as_ref().ok_or_else(|| Error::Failed("this function opens no persons".to_owned()))
    }

    /// The cart that has the lines of an order now; `None` when it is gone.
    pub async fn cart_of(&self, order: &PlacedOrder) -> Result<Option<Cart>, Error> {
        self.carts()?.find_current(order.order.cart).await
    }

    fn carts(&self) -> Result<&Carts, Error> {
        self.carts.as_ref().ok_or_else(|| Error::Failed("this function does not write carts".to_owned()))
    }

    /// An order with all that belongs to it, in one consistent query.
    ///
    /// A query is no snapshot: it may meet a transaction half-way. The head tells the versions of the other items, so
    /// an order whose items do not belong together is read again.
    pub async fn load(&self, id: OrderId) -> Result<Option<PlacedOrder>, Error> {
        let mut backoff = Backoff::default();
        loop {
            let request = QueryRequest {
                table: self.table.clone(),
                partition: ("pk", order_partition(id)),
                consistent: true,
                ..QueryRequest::default()
            };
            match assemble(&query_all(&self.client, request).await?)? {
                Assembled::Whole(order) => return Ok(Some(*order)),
                Assembled::Absent => return Ok(None),
                Assembled::Torn => {
                    if !backoff.waits().await {
                        // No transaction takes so long: an item is missing, or was written by something else.
                        tracing::error!(needs = "money", order.id = %id, "the items of an order do not belong together");
                        return Err(Error::Unavailable(TORN.to_owned()));
                    }
                }
            }
        }
    }

    /// An order, and the row that opens its person. They are read side by side when `buyer` is whose order it is,
    /// nobody for a guest's; else the row comes after the order.
    pub async fn load_with_key(
        &self,
        id: OrderId,
        buyer: Option<UserId>,
    ) -> Result<Option<(PlacedOrder, Option<PersonKey>)>, Error> {
        let (keys, expected) = (self.keys()?, buyer.map_or(KeyOwner::Order(id), KeyOwner::Buyer));
        let (order, key) = tokio::join!(self.load(id), keys.read(expected));
        let Some(order) = order? else { return Ok(None) };
        let owner = order.order.key_owner();
        let key = match order.terms.sealed {
            None => None,
            // A row that was written between the two reads is no erased one.
            Some(_) if owner == expected => match key? {
                None => keys.read(owner).await?,
                known => known,
            },
            Some(_) => keys.read(owner).await?,
        };
        Ok(Some((order, key)))
    }
}

/// Refuses a change of an order that a newer release has taken to a state that this one does not know: what this one
/// would decide about the rest is wrong as well.
fn check_understood(order: &PlacedOrder) -> Result<(), Error> {
    check_known(&order.order)?;
    check_known(&order.terms)?;
    order.vendors.iter().try_for_each(check_known)?;
    order.payments.iter().try_for_each(check_known)?;
    order.refunds.iter().try_for_each(check_known)?;
    order.disputes.iter().try_for_each(check_known)
}
