//! One order of a vendor, with what can be done with it.

use api::views::{ParcelView, ReturnView, VendorOrderDeskView};
use api::{Path, Problem};
use axum::extract::State;
use browser::{KEY, Reply, new_key};
use domain::address::Address;
use domain::order::{OrderLine, OrderState, ParcelLine, ParcelState, VendorOrder, VendorOrderId, VendorOrderState};
use domain::returns::ReturnState;
use pages::forms::{Button, Field, Form, Group, Kind};
use pages::parts::{Line, Link, Tone, actions, boxed, facts, lines, muted, note, stated, sum};
use pages::{Html, Texts, date_time, fill, money};

use crate::App;
use crate::orders::{ORDERS, is_late, state_of};
use crate::shown::{Sheet, Wrong, numbered};
use crate::states;
use crate::who::Staff;

pub(crate) async fn show_order(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
) -> Result<Reply, Problem> {
    order_page(&app, &staff, id, None).await
}

/// The page of an order, perhaps after one of its forms was sent.
pub(crate) async fn order_page(
    app: &App,
    staff: &Staff,
    id: VendorOrderId,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let own = app.desk.vendor_order(&staff.member, id).await?;
    // What a vendor may see of an order is what the API shows of it.
    let view = VendorOrderDeskView::of(&own.placed, &own.vendor_order);
    let order = &own.vendor_order;
    let (t, language) = (staff.person.t(), staff.person.language());
    let heading = fill(t.order_title, &[("number", &view.number)]);
    let mut sheet = Sheet::of_vendor(app, staff, ORDERS, heading).mending(wrong);
    sheet.tell_done();
    if is_late(order, staff.person.visitor.now) {
        sheet.alert(note(Tone::Bad, t.desk_late_text));
    }
    let payment = view.payment.as_ref();
    if payment.is_some_and(|payment| payment.disputed) {
        sheet.alert(note(Tone::Bad, t.desk_error_disputed));
    }
    sheet.part(state_of(staff, order));
    let mut known = vec![(t.date.to_owned(), date_time(view.placed_at, language))];
    known.extend(view.due_at.map(|due| (t.desk_due.to_owned(), date_time(due, language))));
    known.extend(payment.map(|payment| (t.payment.to_owned(), states::provider(t, payment.provider).to_owned())));
    sheet.part(facts(&known));
    let path = format!("{ORDERS}/{id}");
    if order.state == VendorOrderState::Pending {
        decide_on_it(&mut sheet, t, &path);
    }
    sheet.part(boxed(
        t.goods,
        [lines(&order.lines.iter().map(|line| line_of(staff, line)).collect::<Vec<_>>()), sums(staff, &view)],
    ));
    if let Some(address) = &view.address {
        let label = actions(t.desk_label, &[Link::new(format!("{path}/label"), t.desk_label)]);
        sheet.part(boxed(t.delivery_address, [facts(&address_facts(t, address)), label]));
    }
    if matches!(order.state, VendorOrderState::Accepted | VendorOrderState::PartiallyShipped) {
        ship_it(&mut sheet, staff, order, &path);
    }
    for parcel in &view.parcels {
        parcel_part(&mut sheet, staff, order, parcel, &path);
    }
    for asked in &view.returns {
        return_part(&mut sheet, staff, order, asked, &path);
    }
    let is_paid =
        payment.is_some_and(|payment| matches!(payment.order_state, OrderState::Paid | OrderState::Completed));
    if is_paid && !view.parcels.is_empty() {
        refund_part(&mut sheet, staff, order, &path);
    }
    Ok(sheet.reply())
}

fn decide_on_it(sheet: &mut Sheet<'_>, t: &'static Texts, path: &str) {
    let accept = sheet.button(format!("{path}/accept"), Button::main(t.desk_accept));
    let decline = sheet.button(format!("{path}/decline"), Button::danger(t.desk_decline));
    sheet.part(boxed(t.desk_accept_title, [muted(t.desk_accept_text), accept, decline]));
}

fn line_of(staff: &Staff, line: &OrderLine) -> Line {
    let (t, language) = (staff.person.t(), staff.person.language());
    let mut notes = vec![format!("{} × {}", line.quantity, money(line.unit_price, language))];
    notes.extend(line.sku.clone());
    notes.extend(line.sale_unit.map(|unit| fill(t.per_unit, &[("unit", &unit.measure_of(1))])));
    let counts = [
        (line.shipped, t.desk_units_shipped),
        (line.cancelled, t.desk_units_cancelled),
        (line.returned, t.desk_units_returned),
    ];
    for (units, name) in counts {
        if units > 0 {
            notes.push(fill(name, &[("n", &units.to_string())]));
        }
    }
    Line { title: line.title.clone(), notes, price: money(line.total, language), ..Line::default() }
}

fn sums(staff: &Staff, view: &VendorOrderDeskView) -> Html {
    let (t, language) = (staff.person.t(), staff.person.language());
    let mut rows = vec![(t.goods.to_owned(), money(view.totals.items, language))];
    if !view.totals.discount.is_zero() {
        rows.push((t.discount_total.to_owned(), money(view.totals.discount, language)));
    }
    rows.extend(view.totals.shipping.map(|price| (t.delivery.to_owned(), money(price, language))));
    rows.extend(view.totals.tax.filter(|tax| !tax.is_zero()).map(|tax| (t.tax.to_owned(), money(tax, language))));
    rows.push((t.desk_commission.to_owned(), money(view.commission, language)));
    rows.push((t.total.to_owned(), money(view.totals.total, language)));
    sum(&rows)
}

/// An address as facts with their names.
pub(crate) fn address_facts(t: &'static Texts, address: &Address) -> Vec<(String, String)> {
    let mut rows = vec![(t.recipient.to_owned(), address.name.to_string())];
    let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| (name.to_owned(), value)));
    row(t.phone, address.phone.as_ref().map(ToString::to_string));
    row(t.street, address.line1.as_ref().map(ToString::to_string));
    row(t.street, address.line2.as_ref().map(ToString::to_string));
    row(t.entrance, address.entrance.as_ref().map(ToString::to_string));
    row(t.floor, address.floor.as_ref().map(ToString::to_string));
    row(t.apartment, address.apartment.as_ref().map(ToString::to_string));
    row(t.district, address.district.as_ref().map(ToString::to_string));
    row(t.city, address.city.as_ref().map(ToString::to_string));
    row(t.region, address.region.as_ref().map(ToString::to_string));
    row(t.postal_code, address.postal_code.as_ref().map(ToString::to_string));
    row(t.country, Some(address.country.as_str().to_owned()));
    row(t.landmark, address.landmark.as_ref().map(ToString::to_string));
    row(t.courier_note, address.note.as_ref().map(ToString::to_string));
    rows
}

/// The name of the field with how many units of a line are in a parcel.
pub(crate) fn units_field(line: &OrderLine) -> String {
    format!("units.{}", line.variant)
}

fn ship_it(sheet: &mut Sheet<'_>, staff: &Staff, order: &VendorOrder, path: &str) {
    let t = staff.person.t();
    let left: Vec<&OrderLine> = order.lines.iter().filter(|line| line.left_to_ship() > 0).collect();
    let units = |line: &&OrderLine| {
        Field::new(units_field(line), line.title.clone(), Kind::Number).filled(line.left_to_ship().to_string())
    };
    let form = Form::to(format!("{path}/ship"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .asking(vec![
            Field::new("carrier", t.desk_carrier, Kind::Text).hinting(t.desk_carrier_hint).optional().at_most(250),
            Field::new("tracking_number", t.desk_tracking, Kind::Text).optional().at_most(250),
        ])
        .with(Group::named(t.desk_in_the_parcel, left.iter().map(units).collect()).in_a_row())
        .button(Button::main(t.desk_ship));
    let renamed = [("/lines", "carrier")];
    let form = sheet.form("ship", form, &renamed);
    sheet.part(pages::parts::anchored("ship", boxed(t.desk_ship_title, [form])));
}

/// What is in a parcel or a return, in words.
fn contents(order: &VendorOrder, units: &[ParcelLine]) -> String {
    let title = |variant| order.lines.iter().find(|line| line.variant == variant).map(|line| line.title.as_str());
    let words = units.iter().map(|one| format!("{} × {}", one.quantity, title(one.variant_id).unwrap_or_default()));
    words.collect::<Vec<_>>().join(", ")
}

fn parcel_part(sheet: &mut Sheet<'_>, staff: &Staff, order: &VendorOrder, parcel: &ParcelView, path: &str) {
    let (t, language) = (staff.person.t(), staff.person.language());
    let mut known = vec![(t.goods.to_owned(), contents(order, &parcel.lines))];
    known.extend(parcel.carrier.as_ref().map(|carrier| (t.desk_carrier.to_owned(), carrier.to_string())));
    known.extend(parcel.tracking_number.as_ref().map(|number| (t.desk_tracking.to_owned(), number.to_string())));
    known.push((t.desk_shipped_at.to_owned(), date_time(parcel.shipped_at, language)));
    known.extend(parcel.due.map(|due| (t.desk_to_collect.to_owned(), money(due, language))));
    let mut pieces = vec![facts(&known)];
    if parcel.state == ParcelState::Shipped {
        let form = Form::to(format!("{path}/parcels/{}", parcel.number))
            .hiding(KEY, new_key(staff.person.visitor.now))
            .asking(vec![numbered(Field::new("restock", t.desk_restock, Kind::Check), format!("p{}", parcel.number))])
            .button(Button::main(t.desk_delivered).sending("do", "delivered"))
            .button(Button::quiet(t.desk_came_back).sending("do", "returned"))
            .button(Button::danger(t.desk_lost).sending("do", "lost"));
        pieces.push(sheet.form(&format!("parcel-{}", parcel.number), form, &[]));
    }
    let title = fill(t.parcel, &[("n", &parcel.number.to_string())]);
    sheet.part(stated(&title, states::of_parcel(t, parcel.state), pieces));
}

fn return_part(sheet: &mut Sheet<'_>, staff: &Staff, order: &VendorOrder, asked: &ReturnView, path: &str) {
    let (t, language) = (staff.person.t(), staff.person.language());
    let mut known = vec![
        (t.goods.to_owned(), contents(order, &asked.lines)),
        (t.desk_why.to_owned(), states::reason(t, asked.reason).to_owned()),
        (t.date.to_owned(), date_time(asked.requested_at, language)),
    ];
    known.extend(asked.due_at.map(|due| (t.desk_due.to_owned(), date_time(due, language))));
    known.extend(asked.note.as_ref().map(|said| (t.desk_your_answer.to_owned(), said.to_string())));
    let mut pieces = vec![facts(&known)];
    let to = format!("{path}/returns/{}", asked.number);
    let form = || Form::to(&to).hiding(KEY, new_key(staff.person.visitor.now));
    let name = format!("return-{}", asked.number);
    match asked.state {
        ReturnState::Requested => {
            let why = Field::new("reason", t.desk_decline_return_why, Kind::Area).optional().at_most(500);
            let why = numbered(why, asked.number);
            let form = form()
                .asking(vec![why])
                .button(Button::main(t.desk_approve_return).sending("do", "approve"))
                .button(Button::danger(t.desk_decline_return).sending("do", "decline"));
            pieces.push(sheet.form(&name, form, &[]));
        }
        ReturnState::Approved => {
            let form = form()
                .asking(vec![numbered(Field::new("restock", t.desk_restock, Kind::Check), asked.number)])
                .button(Button::main(t.desk_receive_return).sending("do", "receive"));
            pieces.push(sheet.form(&name, form, &[]));
        }
        _ => {}
    }
    let title = fill(t.desk_return, &[("n", &asked.number.to_string())]);
    sheet.part(stated(&title, states::of_return(t, asked.state), pieces));
}

fn refund_part(sheet: &mut Sheet<'_>, staff: &Staff, order: &VendorOrder, path: &str) {
    let t = staff.person.t();
    let currency = order.totals.total.currency();
    let amount = fill(t.desk_amount_in, &[("currency", currency.as_str())]);
    let form = Form::to(format!("{path}/refund"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .asking(vec![
            Field::new("amount", amount, Kind::Decimal),
            Field::new("reason", t.desk_refund_why, Kind::Area).hinting(t.desk_buyer_is_told).at_most(500),
        ])
        .button(Button::danger(t.desk_refund));
    let form = sheet.form("refund", form, &[]);
    sheet.part(boxed(t.desk_refund_title, [muted(t.desk_refund_text), form]));
}
