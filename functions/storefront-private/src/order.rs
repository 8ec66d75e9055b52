//! The page of an order: what became of each part of it, and what its buyer can do.

use api::Problem;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use browser::{Form, KEY, Reply, Visitor, call, done, keyed, new_key, sign_in_path};
use domain::order::{Actor, HistoryEvent, OrderState, Parcel, PlacedOrder, VendorOrder, VendorOrderState};
use domain::payment::{Action, PaymentState, Refund, RefundState};
use domain::returns::ReturnState;
use domain::{Code, OrderId};
use pages::forms::{Button, Field, Form as PageForm, Kind};
use pages::parts::{Line, Link, Tone, alert, boxed, facts, lines, note, stated, sum, text};
use pages::views::{Screen, sentence};
use pages::{Frame, Html, Texts, count, date, date_time, event_words, fill, money};
use serde_json::json;

use crate::App;
use crate::cart::sums;
use crate::guest_orders::GuestOrders;
use crate::showing::frame;

impl App {
    /// The visitor's order: of their account, or of a token that this device keeps. Everybody else signs in first.
    pub(crate) async fn order_of(&self, id: OrderId, visitor: &Visitor) -> Result<PlacedOrder, Response> {
        let orders = GuestOrders::of(visitor, &self.site);
        let refused = |error: shop::Error| Problem::from(error).into_response();
        if let Some(token) = orders.token(id) {
            return self.orders.guest_order(id, Some(token), &visitor.client, visitor.now).await.map_err(refused);
        }
        match visitor.user() {
            Some(user) => self.orders.buyers_order(id, user).await.map_err(refused),
            None => Err(Reply::see(sign_in_path(visitor.language, &path_of(visitor, id))).into_response()),
        }
    }
}

/// The path of an order's page.
pub(crate) fn path_of(visitor: &Visitor, id: OrderId) -> String {
    format!("/{}/orders/{id}", visitor.language.code())
}

pub(crate) fn state_words(t: &'static Texts, state: OrderState) -> (Tone, &'static str) {
    match state {
        OrderState::AwaitingConfirmation => (Tone::Wait, t.state_awaiting_confirmation),
        OrderState::AwaitingPayment => (Tone::Wait, t.state_awaiting_payment),
        OrderState::Confirmed => (Tone::Good, t.state_confirmed),
        OrderState::Paid => (Tone::Good, t.state_paid),
        OrderState::Completed => (Tone::Good, t.state_completed),
        OrderState::Cancelled => (Tone::Bad, t.state_cancelled),
        OrderState::Expired => (Tone::Bad, t.state_expired),
        OrderState::Other => (Tone::Wait, t.state_other),
    }
}

fn vendor_state_words(t: &'static Texts, of_order: OrderState, state: VendorOrderState) -> (Tone, &'static str) {
    let is_open = matches!(of_order, OrderState::AwaitingPayment | OrderState::AwaitingConfirmation);
    match state {
        VendorOrderState::Pending if is_open => (Tone::Wait, t.vendor_pending),
        VendorOrderState::Pending => (Tone::Wait, t.vendor_placed),
        VendorOrderState::Accepted => (Tone::Good, t.vendor_accepted),
        VendorOrderState::Declined => (Tone::Bad, t.vendor_declined),
        VendorOrderState::Cancelled => (Tone::Bad, t.vendor_cancelled),
        VendorOrderState::PartiallyShipped => (Tone::Good, t.vendor_partly_shipped),
        VendorOrderState::Shipped => (Tone::Good, t.vendor_shipped),
        VendorOrderState::Delivered => (Tone::Good, t.vendor_delivered),
        VendorOrderState::Lost => (Tone::Bad, t.vendor_lost),
        VendorOrderState::ReturnedToSender => (Tone::Bad, t.vendor_returned_to_sender),
        VendorOrderState::Returned => (Tone::Wait, t.vendor_returned),
        VendorOrderState::Completed => (Tone::Good, t.vendor_completed),
        VendorOrderState::Other => (Tone::Wait, t.state_other),
    }
}

const fn return_words(t: &'static Texts, state: ReturnState) -> &'static str {
    match state {
        ReturnState::Requested => t.return_requested,
        ReturnState::Approved => t.return_approved,
        ReturnState::Declined => t.return_declined,
        ReturnState::Received => t.return_received,
        ReturnState::Refunded => t.return_refunded,
        ReturnState::Expired => t.return_expired,
        ReturnState::Other => t.state_other,
    }
}

/// Where a parcel is.
fn parcel_words(f: &Frame<'_>, number: usize, parcel: &Parcel) -> Html {
    let t = f.t;
    let mut words = vec![fill(t.parcel, &[("n", &number.to_string())])];
    words.extend(parcel.carrier.as_ref().map(|name| fill(t.carrier, &[("name", name.as_str())])));
    let tracking = parcel.tracking_number.as_ref();
    words.extend(tracking.map(|number| fill(t.tracking, &[("number", number.as_str())])));
    words.push(fill(t.shipped_on, &[("date", &date(parcel.shipped_at, f.language))]));
    if let Some(ended) = parcel.ended_at.filter(|_| parcel.state == domain::order::ParcelState::Delivered) {
        words.push(fill(t.delivered_on, &[("date", &date(ended, f.language))]));
    }
    text(&words.join(" · "))
}

/// One vendor's part, with what can be done about it.
fn vendor_part(f: &Frame<'_>, order: &PlacedOrder, part: &VendorOrder, base: &str, visitor: &Visitor) -> Html {
    let t = f.t;
    let all: Vec<Line> = part
        .lines
        .iter()
        .map(|line| Line {
            title: line.title.clone(),
            notes: vec![count(t.items_count, u64::from(line.quantity), f.language)],
            price: money(line.total, f.language),
            ..Line::default()
        })
        .collect();
    let parcels = part.parcels.iter().enumerate().map(|(place, parcel)| parcel_words(f, place + 1, parcel));
    let mut parts: Vec<Html> = parcels.collect();
    parts.push(lines(&all));
    for back in &part.returns {
        let words = return_words(t, back.state);
        let note = back.note.as_ref().map(|note| format!(": {}", note.as_str())).unwrap_or_default();
        parts.push(text(&format!("{words}{note}")));
    }
    if part.lines.iter().enumerate().any(|(at, _)| part.returnable_now(at, visitor.now) > 0) {
        let to = format!("{base}/return?part={}", part.id());
        parts.push(pages::parts::actions(t.return_goods, &[Link::new(to, t.return_goods)]));
    }
    stated(part.vendor.name.as_str(), vendor_state_words(t, order.order.state, part.state), parts)
}

/// What has happened, in words.
fn history(f: &Frame<'_>, order: &PlacedOrder) -> Html {
    let t = f.t;
    let vendor = |id: Option<domain::VendorId>| {
        let part = id.and_then(|id| order.vendor_order(id));
        part.map(|part| part.vendor.name.to_string()).unwrap_or_default()
    };
    let mut rows = Vec::new();
    for entry in &order.history {
        let name = vendor(entry.vendor);
        // The rest is between the shop, the provider and the bank; what of it is the buyer's stands above.
        let is_told = matches!(
            entry.event,
            HistoryEvent::Placed
                | HistoryEvent::Paid
                | HistoryEvent::Accepted
                | HistoryEvent::Declined
                | HistoryEvent::Shipped
                | HistoryEvent::PartiallyShipped
                | HistoryEvent::Delivered
                | HistoryEvent::ParcelDelivered
                | HistoryEvent::ParcelLost
                | HistoryEvent::ParcelReturnedToSender
                | HistoryEvent::ReturnRequested
                | HistoryEvent::ReturnApproved
                | HistoryEvent::ReturnDeclined
                | HistoryEvent::ReturnExpired
                | HistoryEvent::ReturnReceived
                | HistoryEvent::Expired
                | HistoryEvent::Cancelled
                | HistoryEvent::Refunded
        );
        if !is_told {
            continue;
        }
        let words = event_words(t, &entry.event, &name);
        rows.push((date_time(entry.at, f.language), words));
    }
    if rows.is_empty() { Html::default() } else { boxed(t.history, [facts(&rows)]) }
}

/// What the buyer is to do first, or should know.
fn first_things(f: &Frame<'_>, order: &PlacedOrder, base: &str, visitor: &Visitor) -> Vec<Html> {
    let t = f.t;
    let payment = order.payment();
    let mut parts = Vec::new();
    match order.order.state {
        OrderState::AwaitingConfirmation => {
            let contact = order.person.as_ref().and_then(|person| person.contact_point());
            let contact = contact.map(|contact| contact.as_str().to_owned()).unwrap_or_default();
            let code = Field::new("code", t.code, Kind::Digits).completing("one-time-code");
            let form = PageForm::to(format!("{base}/confirm"))
                .asking(vec![code])
                .button(Button::main(t.confirm).sending("do", "confirm"))
                .button(Button::link(t.send_code_again).sending("do", "again"));
            let words = fill(t.order_confirm_text, &[("contact", &contact)]);
            parts.push(boxed(t.order_confirm_title, [text(&words), form.shown(f.language, &[])]));
        }
        OrderState::AwaitingPayment => {
            let mut words = vec![t.order_awaits_payment.to_owned()];
            if let Some(due) = order.order.due_at {
                words.push(fill(t.order_pay_until, &[("date", &date_time(due, f.language))]));
            }
            let failed = payment.is_some_and(|payment| payment.state == PaymentState::Failed);
            let works = payment.is_some_and(|payment| payment.processing.is_some());
            if works {
                words = vec![t.order_payment_pending.to_owned()];
            } else if failed {
                words = vec![t.order_payment_failed.to_owned()];
            }
            parts.push(alert(if failed { Tone::Bad } else { Tone::Info }, "", &words, &[]));
            if !works {
                let pay = PageForm::to(format!("{base}/pay")).hiding(KEY, new_key(visitor.now));
                parts.push(pay.button(Button::main(t.pay_now)).shown(f.language, &[]));
            }
            let look = PageForm::to(format!("{base}/refresh")).button(Button::quiet(t.check_payment));
            parts.push(look.shown(f.language, &[]));
        }
        OrderState::Paid => parts.push(note(Tone::Good, t.order_paid)),
        OrderState::Cancelled => parts.push(note(Tone::Info, t.order_cancelled)),
        _ => {}
    }
    parts
}

fn can_be_cancelled(order: &PlacedOrder, visitor: &Visitor) -> bool {
    let is_over = matches!(order.order.state, OrderState::Cancelled | OrderState::Expired | OrderState::Completed);
    !is_over && order.clone().cancel(Actor::Buyer, &mut platform::ids(visitor.now)).is_ok()
}

/// What became of a refund. One that the buyer's bank sent back keeps its state, and the buyer does not have its money.
const fn refund_words(t: &'static Texts, refund: &Refund) -> &'static str {
    match (refund.state, refund.returned_at, &refund.resolution) {
        (_, Some(_), None) => t.refund_returned,
        (RefundState::Succeeded | RefundState::Resolved, ..) => t.refunded,
        _ => t.refund_pending,
    }
}

pub(crate) fn page(app: &App, visitor: &Visitor, order: &PlacedOrder, alerts: Html) -> String {
    let id = order.order.id;
    let number = id.number();
    let title = fill(Texts::of(visitor.language).order_title, &[("number", &number)]);
    let f = frame(app, visitor, format!("/orders/{id}"), &title);
    let (t, base) = (f.t, path_of(visitor, id));
    let mut main = first_things(&f, order, &base, visitor);
    main.extend(order.vendors.iter().map(|part| vendor_part(&f, order, part, &base, visitor)));
    main.push(history(&f, order));

    let mut rows = sums(&f, &order.order.totals);
    for refund in &order.refunds {
        let words = refund_words(t, refund);
        rows.insert(rows.len().saturating_sub(1), (words.to_owned(), format!("−{}", money(refund.amount, f.language))));
    }
    let mut aside =
        vec![text(&fill(t.order_placed_on, &[("date", &date(order.order.placed_at, f.language))])), sum(&rows)];
    if let Some(person) = &order.person {
        let place = &person.address;
        let contact = person.contact_point().map(|contact| contact.as_str().to_owned());
        let known = [Some(place.name.to_string()), contact, Some(crate::checkout::address_line(place))];
        aside.push(facts(&[(t.address.to_owned(), known.into_iter().flatten().collect::<Vec<_>>().join(", "))]));
    }
    if visitor.session.is_none() {
        aside.push(pages::parts::muted(t.guest_note));
    }
    if can_be_cancelled(order, visitor) {
        let links = [Link::new(format!("{base}/cancel"), t.cancel_order)];
        aside.push(pages::parts::actions(t.cancel_order, &links));
    }
    let (tone, state) = state_words(t, order.order.state);
    let aside = stated(t.payment, (tone, state), aside);
    Screen::new(f, title, main).beside(aside).alerting(alerts).shown()
}

/// An id that does not parse cannot exist.
fn id_of(path: &str) -> Option<OrderId> {
    path.parse().ok()
}

fn nothing() -> Response {
    Problem::of(Code::NotFound).into_response()
}

/// A problem on an order's page: told there, unless nothing can be shown.
async fn told(app: &App, visitor: &Visitor, order: &PlacedOrder, problem: Problem) -> Response {
    if problem.status().is_server_error() || problem.code() == Code::TooManyRequests {
        return problem.into_response();
    }
    let t = Texts::of(visitor.language);
    let words = sentence(t, problem.code()).unwrap_or(t.problem_other_text);
    // From this page, too, a buyer may go on to pay.
    let origins = app.checkout.hosted_pages_of(order).await;
    let page = page(app, visitor, order, note(Tone::Bad, words));
    Reply::private(page).leading_to(origins).because(&problem).into_response()
}

pub(crate) async fn show_order(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Response> {
    let id = id_of(&id).ok_or_else(nothing)?;
    let mut order = app.order_of(id, &visitor).await?;
    let came_back = visitor.path.contains("?paid") || visitor.path.contains("&paid");
    if came_back {
        // Who comes back from paying sees what has become of it, also before the provider's news has come. When the
        // provider does not answer, the page shows what is known.
        if let Ok(refreshed) = app.orders.refresh_payment(order.clone(), &visitor.client, visitor.now).await {
            order = refreshed;
        }
    }
    let placed = visitor.path.contains("?placed");
    let alerts = if placed { note(Tone::Good, Texts::of(visitor.language).order_thanks) } else { Html::default() };
    let origins = app.checkout.hosted_pages_of(&order).await;
    Ok(Reply::private(page(&app, &visitor, &order, alerts)).leading_to(origins).kept_offline().into_response())
}

pub(crate) async fn refresh(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result<Response, Response> {
    let order = app.order_of(id_of(&id).ok_or_else(nothing)?, &visitor).await?;
    match app.orders.refresh_payment(order.clone(), &visitor.client, visitor.now).await {
        Ok(_) => Ok(Reply::see(path_of(&visitor, order.order.id)).into_response()),
        Err(error) => Ok(told(&app, &visitor, &order, error.into()).await),
    }
}

pub(crate) async fn pay(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response, Response> {
    let order = app.order_of(id_of(&id).ok_or_else(nothing)?, &visitor).await?;
    let (id, base) = (order.order.id, path_of(&visitor, order.order.id));
    // A page of a provider that still waits is the same page again.
    let waiting = order.payment().filter(|payment| payment.state.is_open()).and_then(|payment| payment.action.clone());
    if let Some(Action::Redirect { url }) = waiting {
        return Ok(Reply::see(url).into_response());
    }
    let back = format!("{}{base}?paid", app.site.shown.url);
    let said = json!({"provider": "stripe", "hosted_page": true, "return_url": back});
    let asked: Result<shop::RetryPayment, Problem> = browser::as_api(&said);
    let request = keyed(&fields, (&id.to_string(), "pay"), "stripe", visitor.now).map_err(Problem::from);
    let retried = async {
        let (asked, request) = (asked?, request?);
        let call = call(visitor.now, Some(&request));
        Ok::<_, Problem>(app.checkout.retry_payment(order.clone(), &asked, &visitor.client, call).await?)
    };
    match retried.await {
        Ok(outcome) => {
            let opened = done(outcome).map(|opened: shop::OpenedOrder| opened.order);
            let action = opened.as_ref().and_then(PlacedOrder::payment).and_then(|payment| payment.action.clone());
            let to = if let Some(Action::Redirect { url }) = action { url } else { base };
            Ok(Reply::see(to).into_response())
        }
        Err(problem) => Ok(told(&app, &visitor, &order, problem).await),
    }
}

pub(crate) async fn confirm(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response, Response> {
    let order = app.order_of(id_of(&id).ok_or_else(nothing)?, &visitor).await?;
    let base = path_of(&visitor, order.order.id);
    let acted = async {
        if fields.text("do") == Some("again") {
            app.orders.resend_code(order.clone(), &visitor.client, visitor.now).await?;
            return Ok::<_, Problem>(());
        }
        let code = browser::as_api(&json!(fields.text("code").unwrap_or_default()))
            .map_err(|_| Problem::of(Code::CodeMismatch))?;
        app.orders.confirm(order.clone(), &code, &visitor.client, visitor.now).await?;
        Ok(())
    };
    match acted.await {
        Ok(()) => Ok(Reply::see(base).into_response()),
        Err(problem) => Ok(told(&app, &visitor, &order, problem).await),
    }
}

/// A form that was sent leads here when its page is loaded again, or after signing in.
pub(crate) async fn see_order(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Result<Reply, Response> {
    Ok(Reply::see(path_of(&visitor, id_of(&id).ok_or_else(nothing)?)))
}

/// The question before a cancellation, which cannot be taken back.
pub(crate) async fn ask_to_cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Response> {
    let order = app.order_of(id_of(&id).ok_or_else(nothing)?, &visitor).await?;
    let (id, base) = (order.order.id, path_of(&visitor, order.order.id));
    let number = id.number();
    let title = fill(Texts::of(visitor.language).order_cancel_title, &[("number", &number)]);
    let f = frame(&app, &visitor, format!("/orders/{id}/cancel"), &title);
    let form = PageForm::to(format!("{base}/cancel")).button(Button::danger(f.t.cancel_order));
    let keep = pages::parts::actions(f.t.keep_order, &[Link::new(base, f.t.keep_order)]);
    let (ask, language) = (text(f.t.cancel_order_ask), f.language);
    Ok(Reply::private(Screen::new(f, title, [ask, form.shown(language, &[]), keep]).shown()).into_response())
}

pub(crate) async fn cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result<Response, Response> {
    let order = app.order_of(id_of(&id).ok_or_else(nothing)?, &visitor).await?;
    app.count_change("order", &visitor).await.map_err(IntoResponse::into_response)?;
    match app.orders.cancel(order.clone(), Actor::Buyer, call(visitor.now, None)).await {
        Ok(_) => Ok(Reply::see(path_of(&visitor, order.order.id)).into_response()),
        Err(error) => Ok(told(&app, &visitor, &order, error.into()).await),
    }
}
