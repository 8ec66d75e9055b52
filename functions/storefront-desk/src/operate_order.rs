//! One order as the operator sees it, with what the operator decides about it.

use api::views::{OperatorOrderView, OperatorPaymentView, RefundView, VendorOrderView};
use api::{Path, Problem};
use axum::extract::State;
use browser::{KEY, Reply, new_key};
use domain::marketplace::OperatorPermission;
use domain::order::OrderState;
use domain::payment::{PaymentState, RefundState};
use domain::{Money, OrderId};
use pages::forms::{Button, Choice, Field, Form, Kind};
use pages::parts::{Line, Tone, badge, boxed, facts, lines, muted, note, stated, sum};
use pages::{date_time, event_words, fill, money};

use crate::App;
use crate::operate_orders::ORDERS;
use crate::order::address_facts;
use crate::shown::{Sheet, Wrong, numbered};
use crate::states;
use crate::who::Operating;

pub(crate) async fn show_order(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<OrderId>,
) -> Result<Reply, Problem> {
    order_page(&app, &by, id, None).await
}

/// The page of an order, perhaps after one of its forms was sent.
pub(crate) async fn order_page(app: &App, by: &Operating, id: OrderId, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadOrders)?;
    let placed = app.operator.order(id).await?;
    let suppressed = app.orders.is_suppressed(&placed).await;
    let view = OperatorOrderView::new(&placed, suppressed);
    let order = &view.order;
    let (t, language) = (by.person.t(), by.person.language());
    let heading = fill(t.order_title, &[("number", &order.number)]);
    let mut sheet = Sheet::of_operator(app, by, ORDERS, heading).mending(wrong);
    sheet.tell_done();
    if order.undeliverable {
        sheet.alert(note(Tone::Bad, t.op_undeliverable));
    }
    let (tone, state) = states::of_order(t, order.state);
    sheet.part(badge(tone, state));
    let mut known = vec![(t.date.to_owned(), date_time(order.placed_at, language))];
    known.extend(order.expires_at.map(|at| (t.desk_due.to_owned(), date_time(at, language))));
    known.extend(order.contact.email.as_ref().map(|email| (t.email.to_owned(), email.to_string())));
    known.extend(order.contact.phone.as_ref().map(|phone| (t.phone.to_owned(), phone.to_string())));
    known.extend(view.accepted_terms.map(|version| (t.desk_terms.to_owned(), version.to_string())));
    sheet.part(facts(&known));
    for vendor_order in &order.vendors {
        vendor_part(&mut sheet, by, vendor_order);
    }
    sheet.part(boxed(t.total, [sums(by, order.totals)]));
    if let Some(address) = &order.address {
        sheet.part(boxed(t.delivery_address, [facts(&address_facts(t, address))]));
    }
    payments_part(&mut sheet, by, id, &view);
    for refund in &order.refunds {
        refund_part(&mut sheet, by, id, refund);
    }
    if matches!(order.state, OrderState::Paid | OrderState::Completed)
        && by.operator.role.allows(OperatorPermission::GrantRefunds)
    {
        grant_part(&mut sheet, by, id, &order.vendors, order.totals.total);
    }
    let can_end = !matches!(order.state, OrderState::Cancelled | OrderState::Expired | OrderState::Completed);
    if can_end && by.operator.may(OperatorPermission::ChangeOrders).is_ok() {
        let form = Form::to(format!("{ORDERS}/{id}/cancel"))
            .hiding(KEY, new_key(by.person.visitor.now))
            .asking(vec![Field::new("sure", t.op_cancel_sure, Kind::Check)])
            .button(Button::danger(t.cancel_order));
        let form = sheet.form("cancel", form, &[]);
        sheet.part(boxed(t.cancel_order, [muted(t.op_cancel_text), form]));
    }
    let vendor = |id: domain::VendorId| order.vendors.iter().find(|part| part.vendor.id == id);
    let step = |one: &api::views::HistoryView| {
        let name = one.vendor_id.and_then(vendor).map(|part| part.vendor.name.to_string()).unwrap_or_default();
        (date_time(one.at, language), event_words(t, &one.event, &name))
    };
    let steps: Vec<(String, String)> = order.history.iter().map(step).collect();
    sheet.part(boxed(t.history, [facts(&steps)]));
    Ok(sheet.reply())
}

fn vendor_part(sheet: &mut Sheet<'_>, by: &Operating, vendor_order: &VendorOrderView) {
    let (t, language) = (by.person.t(), by.person.language());
    let line = |line: &api::views::OrderLineView| Line {
        title: line.title.clone(),
        notes: vec![format!("{} × {}", line.quantity, money(line.unit_price, language))],
        price: money(line.total, language),
        ..Line::default()
    };
    let goods: Vec<Line> = vendor_order.lines.iter().map(line).collect();
    let mut known = Vec::new();
    for parcel in &vendor_order.parcels {
        let name = fill(t.parcel, &[("n", &parcel.number.to_string())]);
        let carrier = parcel.carrier.as_ref().map(ToString::to_string).unwrap_or_default();
        let number = parcel.tracking_number.as_ref().map(ToString::to_string).unwrap_or_default();
        let (_, state) = states::of_parcel(t, parcel.state);
        known.push((name, format!("{state} · {} · {carrier} {number}", date_time(parcel.shipped_at, language))));
    }
    for asked in &vendor_order.returns {
        let name = fill(t.desk_return, &[("n", &asked.number.to_string())]);
        let (_, state) = states::of_return(t, asked.state);
        known.push((name, format!("{state} · {}", states::reason(t, asked.reason))));
    }
    known.push((t.total.to_owned(), money(vendor_order.totals.total, language)));
    let state = states::of_vendor_order(t, vendor_order.state);
    sheet.part(stated(vendor_order.vendor.name.as_str(), state, [lines(&goods), facts(&known)]));
}

fn sums(by: &Operating, totals: domain::pricing::Totals) -> pages::Html {
    let (t, language) = (by.person.t(), by.person.language());
    let mut rows = vec![(t.goods.to_owned(), money(totals.items, language))];
    if !totals.discount.is_zero() {
        rows.push((t.discount_total.to_owned(), money(totals.discount, language)));
    }
    rows.extend(totals.shipping.map(|price| (t.delivery.to_owned(), money(price, language))));
    rows.extend(totals.tax.filter(|tax| !tax.is_zero()).map(|tax| (t.tax.to_owned(), money(tax, language))));
    rows.push((t.total.to_owned(), money(totals.total, language)));
    sum(&rows)
}

fn payments_part(sheet: &mut Sheet<'_>, by: &Operating, id: OrderId, view: &OperatorOrderView) {
    let (t, language) = (by.person.t(), by.person.language());
    let (mut known, mut pieces) = (Vec::new(), Vec::new());
    for payment in &view.payments {
        let state = states::of_payment(t, payment.state);
        let paid = money(payment.captured.unwrap_or(payment.amount), language);
        let name = states::provider(t, payment.provider).to_owned();
        known.push((name, format!("{paid} · {state} · {}", date_time(payment.created_at, language))));
        known.extend(payment.reference.as_ref().map(|reference| (t.op_reference.to_owned(), reference.clone())));
    }
    let is_to_decide = |payment: &&OperatorPaymentView| payment.state == PaymentState::AmountMismatch;
    let may_decide = by.operator.may(OperatorPermission::DecideMoney).is_ok();
    for payment in view.payments.iter().filter(|payment| may_decide && is_to_decide(payment)) {
        let form = Form::to(format!("{ORDERS}/{id}/payments/{}", payment.id))
            .hiding(KEY, new_key(by.person.visitor.now))
            .button(Button::main(t.op_accept_amount).sending("do", "accept"))
            .button(Button::danger(t.op_refund_amount).sending("do", "refund"));
        pieces.push(muted(t.op_amount_text));
        pieces.push(sheet.form(&format!("amount-{}", payment.id), form, &[]));
    }
    for dispute in &view.disputes {
        let amount = dispute.amount.map(|amount| money(amount, language)).unwrap_or_default();
        known.push((t.op_dispute.to_owned(), format!("{amount} · {}", dispute.reason)));
        known.extend(dispute.evidence_due_at.map(|at| (t.desk_due.to_owned(), date_time(at, language))));
    }
    pieces.insert(0, facts(&known));
    sheet.part(boxed(t.payment, pieces));
}

fn refund_part(sheet: &mut Sheet<'_>, by: &Operating, id: OrderId, refund: &RefundView) {
    let (t, language) = (by.person.t(), by.person.language());
    let mut known = vec![(t.amount.to_owned(), money(refund.amount, language))];
    known.extend(refund.reference.as_ref().map(|reference| (t.op_reference.to_owned(), reference.clone())));
    known.extend(refund.resolution.as_ref().map(|said| (t.op_resolution.to_owned(), said.to_string())));
    let mut pieces = vec![facts(&known)];
    // What the buyer's bank has sent back waits as well, though the refund had succeeded.
    let state = match (refund.returned_at, &refund.resolution) {
        (Some(_), None) => RefundState::Failed,
        (Some(_), Some(_)) => RefundState::Resolved,
        (None, _) => refund.state,
    };
    if state == RefundState::Failed && by.operator.may(OperatorPermission::DecideMoney).is_ok() {
        let path = format!("{ORDERS}/{id}/refunds/{}", refund.id);
        let form = |step: &str| Form::to(format!("{path}/{step}")).hiding(KEY, new_key(by.person.visitor.now));
        let retry = form("retry").button(Button::main(t.op_retry_refund));
        pieces.push(sheet.form(&format!("retry-{}", refund.id), retry, &[]));
        let how = Field::new("note", t.op_resolve_how, Kind::Area).at_most(500);
        let how = numbered(how, refund.id);
        let resolve = form("resolve").asking(vec![how]).button(Button::quiet(t.op_resolve_refund));
        pieces.push(sheet.form(&format!("resolve-{}", refund.id), resolve, &[]));
    }
    sheet.part(stated(t.op_refund, states::of_refund(t, state), pieces));
}

fn grant_part(sheet: &mut Sheet<'_>, by: &Operating, id: OrderId, vendors: &[VendorOrderView], total: Money) {
    let t = by.person.t();
    let currency = total.currency();
    let mut payers = vec![Choice::new("", t.op_paid_by_operator)];
    payers.extend(vendors.iter().map(|one| Choice::new(one.vendor.id.to_string(), one.vendor.name.as_str())));
    let form = Form::to(format!("{ORDERS}/{id}/refund"))
        .hiding(KEY, new_key(by.person.visitor.now))
        .asking(vec![
            Field::new("amount", fill(t.desk_amount_in, &[("currency", currency.as_str())]), Kind::Decimal),
            Field::new("vendor_id", t.op_who_pays, Kind::Choice { options: payers }).optional(),
            Field::new("reason", t.desk_refund_why, Kind::Area).hinting(t.desk_buyer_is_told).at_most(500),
        ])
        .button(Button::danger(t.desk_refund));
    let form = sheet.form("refund", form, &[]);
    sheet.part(boxed(t.desk_refund_title, [form]));
}
