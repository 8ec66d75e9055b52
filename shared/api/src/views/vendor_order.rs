//! Vendor orders on the wire, as their buyers see them: lines, parcels, returns.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::catalog::SaleUnit;
use domain::order::{
    OrderLine, Parcel, ParcelLine, ParcelState, Shipment, VendorOrder, VendorOrderId, VendorOrderState,
};
use domain::pricing::{ChosenShipping, Totals};
use domain::return_policy::ReturnPolicy;
use domain::returns::{Return, ReturnReason, ReturnState};
use domain::text::{Line, Name, Note};
use domain::{Money, RefundId, Timestamp, VariantId, VendorId};

/// A vendor, as an order names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorRef {
    /// Id of the vendor.
    pub id: VendorId,
    /// Name of the shop.
    pub name: Name,
}

/// A line of a vendor order, with the price that was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLineView {
    /// Id of the variant.
    pub variant_id: VariantId,
    /// The product's title with the variant's values, when the order was placed.
    #[schema(examples("Blue bowl, M"))]
    pub title: String,
    /// The vendor's stock keeping unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("BOWL-BLUE-M"))]
    pub sku: Option<String>,
    /// What one unit is, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sale_unit: Option<SaleUnit>,
    /// Number of units.
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times unit price.
    pub total: Money,
    /// How many of its units were cancelled or declined.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u32,
    /// How many of its units were shipped.
    #[serde(default, skip_serializing_if = "is_none")]
    pub shipped: u32,
    /// How many of its units were returned.
    #[serde(default, skip_serializing_if = "is_none")]
    pub returned: u32,
    /// How many of its units are refunded, or are to be, or were never paid.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refunded: u32,
    /// What holds when it is to be returned; absent in orders of before 2026-12-02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returns: Option<ReturnPolicy>,
    /// Whether units have to come in before the line can be shipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
    /// When these units are expected, if the vendor has set a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub available_from: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(units: &u32) -> bool {
    *units == 0
}

impl From<&OrderLine> for OrderLineView {
    fn from(line: &OrderLine) -> Self {
        Self {
            variant_id: line.variant,
            title: line.title.clone(),
            sku: line.sku.clone(),
            sale_unit: line.sale_unit,
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            cancelled: line.cancelled,
            shipped: line.shipped,
            returned: line.returned,
            refunded: line.refunded,
            returns: line.returns,
            backorder: line.backorder.is_some(),
            available_from: line.backorder.and_then(|backorder| backorder.available_from),
        }
    }
}

/// A parcel of a vendor order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParcelView {
    /// Its number within the vendor order, counted from 1.
    pub number: u16,
    /// State of the parcel.
    pub state: ParcelState,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
    /// Carrier, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carrier: Option<Line>,
    /// The carrier's tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tracking_number: Option<Line>,
    /// When it was shipped.
    pub shipped_at: Timestamp,
    /// When it was delivered, given up, or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// What the carrier collects for it, of an order that is payable on delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due: Option<Money>,
    /// Whether its goods came back and can be bought again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restocked: bool,
}

/// What a buyer gives back of a vendor order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnView {
    /// Its number within the vendor order, counted from 1.
    pub number: u16,
    /// State of the return.
    pub state: ReturnState,
    /// What is given back.
    pub lines: Vec<ParcelLine>,
    /// Why.
    pub reason: ReturnReason,
    /// When the buyer asked for it.
    pub requested_at: Timestamp,
    /// By when the next step has to be taken: by the vendor, or by the buyer who has to send the goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_at: Option<Timestamp>,
    /// Why it was declined, in the words of who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<Note>,
    /// Whether its goods can be bought again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restocked: bool,
    /// The refund of what was paid for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refund_id: Option<RefundId>,
}

/// The units of the lines of a vendor order that are in a parcel or a return.
fn lines_of(vendor_order: &VendorOrder, units: &[u32]) -> Vec<ParcelLine> {
    let lines = vendor_order.lines.iter().zip(units).filter(|(_, units)| **units > 0);
    lines.map(|(line, units)| ParcelLine { variant_id: line.variant, quantity: *units }).collect()
}

pub(super) fn returns(vendor_order: &VendorOrder) -> Vec<ReturnView> {
    let view = |(number, asked): (u16, &Return)| ReturnView {
        number,
        state: asked.state,
        lines: lines_of(vendor_order, &asked.units),
        reason: asked.reason,
        requested_at: asked.requested_at,
        due_at: vendor_order.due_of_return(asked),
        note: asked.note.clone(),
        restocked: asked.restocked,
        refund_id: asked.refund,
    };
    (1..).zip(&vendor_order.returns).map(view).collect()
}

pub(super) fn parcels(vendor_order: &VendorOrder) -> Vec<ParcelView> {
    let view = |(number, parcel): (u16, &Parcel)| ParcelView {
        number,
        state: parcel.state,
        lines: lines_of(vendor_order, &parcel.units),
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        shipped_at: parcel.shipped_at,
        ended_at: parcel.ended_at,
        due: parcel.due,
        restocked: parcel.restocked,
    };
    (1..).zip(&vendor_order.parcels).map(view).collect()
}

/// One vendor's part of an order, as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorOrderView {
    /// Id of the vendor order: `vor_`, the order's id without its prefix, `_`, and a number counted from 1.
    #[schema(value_type = VendorOrderId)]
    pub id: String,
    /// The vendor.
    pub vendor: VendorRef,
    /// State of the vendor order.
    pub state: VendorOrderState,
    /// Lines of the vendor order.
    pub lines: Vec<OrderLineView>,
    /// The chosen delivery.
    pub shipping: ChosenShipping,
    /// Sums, with its own delivery and tax.
    pub totals: Totals,
    /// Its parcels, in the order in which they were shipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelView>,
    /// What the buyer gives back, in the order in which it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnView>,
    /// Until when something that was delivered can be given back; absent when nothing can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returnable_until: Option<Timestamp>,
    /// The last of its parcels; absent until one is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipment: Option<Shipment>,
}

impl From<&VendorOrder> for VendorOrderView {
    fn from(vendor_order: &VendorOrder) -> Self {
        Self {
            id: vendor_order.id().to_string(),
            vendor: VendorRef { id: vendor_order.vendor.id, name: vendor_order.vendor.name.clone() },
            state: vendor_order.state,
            lines: vendor_order.lines.iter().map(OrderLineView::from).collect(),
            shipping: vendor_order.shipping.clone(),
            totals: vendor_order.totals,
            parcels: parcels(vendor_order),
            returns: returns(vendor_order),
            returnable_until: vendor_order.returnable_until(),
            shipment: vendor_order.parcels.last().map(Shipment::from),
        }
    }
}
