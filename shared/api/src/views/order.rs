//! Orders on the wire: as buyers, vendors and the operator see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::address::Address;
use domain::contact::Contact;
use domain::order::{Actor, History, HistoryEvent, OrderState, Person, PlacedOrder};
use domain::payment::{Action, PaymentState, ProviderName, Refund, RefundReason, RefundState};
use domain::pricing::Totals;
use domain::text::{Email, Note};
use domain::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp, VendorId};

use super::vendor_order::VendorOrderView;

/// The payment attempt that counts now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Id of the payment attempt.
    pub id: PaymentId,
    /// The payment provider.
    pub provider: ProviderName,
    /// State of the payment attempt.
    pub state: PaymentState,
    /// The amount that is asked for.
    pub amount: Money,
    /// What the buyer's client has to do next; absent when there is nothing to do any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub action: Option<Action>,
    /// Until when the buyer's bank decides at the latest. The order can neither be cancelled nor paid again until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub processing_until: Option<Timestamp>,
}

/// A refund of a payment, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundView {
    /// Id of the refund.
    pub id: RefundId,
    /// The amount to refund, including what was charged back.
    pub amount: Money,
    /// State of the refund.
    pub state: RefundState,
    /// Why money is refunded.
    pub reason: RefundReason,
    /// The vendor whose vendor order is refunded; absent when it is not about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vendor_id: Option<VendorId>,
    /// When the buyer's bank sent the money back after the refund had succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returned_at: Option<Timestamp>,
    /// The part of `amount` that the buyer's bank has charged back: only the rest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub charged_back: Option<Money>,
    /// The part of `amount` that was given back at the provider's dashboard: only the rest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refunded_elsewhere: Option<Money>,
    /// The dispute that decides about this money, or has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dispute_id: Option<DisputeId>,
    /// Why somebody gave it back of their own accord.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<Note>,
    /// How the buyer got the money by other means; only the operator sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resolution: Option<Note>,
    /// The provider's id of the refund; only the operator sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("re_3Qx7Yb2eZvKYlo2C"))]
    pub reference: Option<String>,
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            state: refund.state,
            reason: refund.reason,
            vendor_id: refund.vendor,
            returned_at: refund.returned_at,
            charged_back: refund.charged_back,
            refunded_elsewhere: refund.refunded_elsewhere,
            dispute_id: refund.dispute,
            note: refund.note.clone(),
            resolution: None,
            reference: None,
        }
    }
}

/// An entry of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: HistoryEvent,
    /// Who did it.
    pub by: Actor,
    /// The vendor whose vendor order it concerns; absent when it concerns the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vendor_id: Option<VendorId>,
    /// The number of the parcel that it concerns, within the vendor order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parcel: Option<u16>,
    /// The number of the return that it concerns, within the vendor order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub return_number: Option<u16>,
}

impl From<&History> for HistoryView {
    fn from(history: &History) -> Self {
        // Other subjects are not shown: the provider's ids are for the operator only.
        Self {
            at: history.at,
            event: history.event.clone(),
            by: history.by,
            vendor_id: history.vendor,
            parcel: history.parcel(),
            return_number: history.return_number(),
        }
    }
}

/// An order, as its buyer and the operator see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Id of the order.
    pub id: OrderId,
    /// Order number for people, such as `7R0QK-2M9XD`. It is not guaranteed to be unique.
    #[schema(examples("7HQ2K-9XY4M"))]
    pub number: String,
    /// The token that gives a guest access; only in the response to a checkout. Send it in the header `Order-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("q1FZ7y2uXb0m5tCw8rJv3KdPa6sNe9LhTgUo4iRxEzc"))]
    pub token: Option<String>,
    /// State of the order.
    pub state: OrderState,
    /// How the buyer is reached; empty once the buyer's data was erased.
    pub contact: Contact,
    /// The same e-mail address as in `contact`; absent where there is none, and once the buyer's data was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    /// Whether no mail reaches that address: one bounced, or was reported as spam. A checkout does not tell.
    #[serde(default)]
    pub undeliverable: bool,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums over all vendor orders.
    pub totals: Totals,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// When the order expires unless it is paid; absent when it waits for no payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// Delivery address; absent once the buyer's data was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<Address>,
    /// One vendor order per vendor.
    pub vendors: Vec<VendorOrderView>,
    /// The payment attempt that counts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payment: Option<PaymentView>,
    /// Refunds of the order's payments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundView>,
    /// Entries of the history, oldest first.
    pub history: Vec<HistoryView>,
}

impl OrderView {
    /// The order, whose address is suppressed or not.
    pub fn new(placed: &PlacedOrder, suppressed: bool) -> Self {
        let shown = Self::from(placed);
        Self { undeliverable: shown.undeliverable || suppressed, ..shown }
    }
}

impl From<&PlacedOrder> for OrderView {
    fn from(placed: &PlacedOrder) -> Self {
        let (order, person) = (&placed.order, placed.person.as_ref());
        let email = person.and_then(|person| person.email.clone());
        let waits = order.state == OrderState::AwaitingPayment;
        let confirms = order.state == OrderState::AwaitingConfirmation;
        Self {
            id: order.id,
            number: order.id.number(),
            token: None,
            state: order.state,
            contact: person.map(Person::contact).unwrap_or_default(),
            undeliverable: email.as_ref().is_some_and(|email| !email.can_be_mailed()),
            email,
            currency: order.currency,
            totals: order.totals,
            placed_at: order.placed_at,
            expires_at: order.due_at.filter(|_| waits || confirms),
            address: person.map(|person| person.address.clone()),
            vendors: placed.vendors.iter().map(VendorOrderView::from).collect(),
            payment: placed.payment().map(|payment| PaymentView {
                id: payment.id,
                provider: payment.provider,
                state: payment.state,
                amount: payment.amount,
                // A secret of the provider's is shown only while it can be used.
                action: if confirms {
                    Some(Action::Confirm)
                } else {
                    payment.action.clone().filter(|_| {
                        waits || order.state == OrderState::Confirmed || payment.provider == ProviderName::Unneeded
                    })
                },
                processing_until: payment.processing.filter(|_| waits).map(|processing| processing.until),
            }),
            refunds: placed.refunds.iter().map(RefundView::from).collect(),
            history: placed.history.iter().map(HistoryView::from).collect(),
        }
    }
}
