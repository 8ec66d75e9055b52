//! A page to print and to put on a parcel.

use api::views::VendorOrderDeskView;
use api::{Path, Problem};
use axum::extract::State;
use browser::Reply;
use domain::Code;
use domain::order::VendorOrderId;
use pages::views::Label;
use pages::{fill, money};

use crate::App;
use crate::who::Staff;

pub(crate) async fn show_label(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
) -> Result<Reply, Problem> {
    let own = app.desk.vendor_order(&staff.member, id).await?;
    let view = VendorOrderDeskView::of(&own.placed, &own.vendor_order);
    // After it was cancelled or declined, a vendor sees no address.
    let address = view.address.as_ref().ok_or_else(|| Problem::of(Code::WrongState))?;
    let (t, language) = (staff.person.t(), staff.person.language());
    let text = |value: Option<String>| value.filter(|value| !value.is_empty());
    let place = |name: &str, value: Option<String>| text(value).map(|value| format!("{name} {value}"));
    let inside = [
        place(t.entrance, address.entrance.as_ref().map(ToString::to_string)),
        place(t.floor, address.floor.as_ref().map(ToString::to_string)),
        place(t.apartment, address.apartment.as_ref().map(ToString::to_string)),
    ];
    let inside: Vec<String> = inside.into_iter().flatten().collect();
    let town = [&address.postal_code, &address.city, &address.district, &address.region];
    let town: Vec<String> = town.into_iter().flatten().map(ToString::to_string).collect();
    let to = [
        Some(address.name.to_string()),
        address.phone.as_ref().map(ToString::to_string),
        address.line1.as_ref().map(ToString::to_string),
        address.line2.as_ref().map(ToString::to_string),
        Some(inside.join(", ")),
        Some(town.join(", ")),
        Some(address.country.as_str().to_owned()),
        address.landmark.as_ref().map(ToString::to_string),
        address.note.as_ref().map(ToString::to_string),
    ];
    let account = &staff.member.account;
    let phone = account.phone.as_ref().map(ToString::to_string);
    let lines = view.lines.iter().filter(|line| line.quantity > line.cancelled).map(|line| {
        let left = line.quantity.saturating_sub(line.cancelled);
        format!("{left} × {}", line.title)
    });
    let title = fill(t.order_title, &[("number", &view.number)]);
    // What a carrier collects of an order that is paid on delivery.
    let is_cash = view.payment.as_ref().is_some_and(|payment| {
        payment.provider == domain::payment::ProviderName::CashOnDelivery
            && payment.order_state == domain::order::OrderState::Confirmed
    });
    let page = Label {
        language,
        back: format!("{}/{id}", crate::orders::ORDERS),
        back_name: t.desk_back_to_order,
        title,
        from_name: t.desk_sender,
        from: [Some(account.card.name.to_string()), phone].into_iter().flatten().collect(),
        to_name: t.recipient,
        to: to.into_iter().filter_map(text).collect(),
        collect: is_cash.then(|| format!("{}: {}", t.desk_to_collect, money(view.totals.total, language))),
        lines: lines.collect(),
        hint: t.desk_label_hint,
    };
    Ok(Reply::private(page.shown()))
}
