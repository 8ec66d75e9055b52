//! What the operator decides about an order and its money.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form, KEY, Reply, call, keyed};
use domain::marketplace::OperatorPermission;
use domain::order::{Actor, GrantedRefund, PlacedOrder};
use domain::text::Note;
use domain::{Code, IdempotentRequest, Ids, OrderId, PaymentId, RefundId, VendorId};
use serde::Deserialize;
use shop::Changing;

use crate::App;
use crate::amounts::amount;
use crate::operate_order::order_page;
use crate::operate_orders::ORDERS;
use crate::product::required;
use crate::shown::{Wrong, after};
use crate::who::Operating;

/// Why money goes back, or how it went.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(alias = "reason")]
    note: Note,
}

/// The form as a request with its key, after it was counted.
async fn counted(
    app: &App,
    by: &Operating,
    id: OrderId,
    (name, fields): (&str, &Fields),
) -> Result<IdempotentRequest, Problem> {
    let (user, now) = (by.operator.user, by.person.visitor.now);
    app.orders.count_change("order", Changing::Person(user), now).await?;
    let route = format!("{ORDERS}/{id}/{name}");
    Ok(keyed(fields, (&user.to_string(), &route), &fields.said(&[KEY]), now)?)
}

/// The order again: with what was done, or with what is wrong beside the form.
async fn shown(
    app: &App,
    by: &Operating,
    id: OrderId,
    (name, fields): (&str, &Fields),
    (decided, said): (Result<(), Problem>, &str),
) -> Result<Reply, Problem> {
    match decided {
        Ok(()) => Ok(after(&format!("{ORDERS}/{id}"), said)),
        Err(problem) => order_page(app, by, id, Wrong::with(name, fields, problem)?).await,
    }
}

pub(crate) async fn cancel(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<OrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let cancelled = async {
        by.operator.may(OperatorPermission::ChangeOrders)?;
        if !fields.has("sure") {
            return Err(Problem::field("/sure", "missing", "must be ticked"));
        }
        let request = counted(&app, &by, id, ("cancel", &fields)).await?;
        let order = app.orders.order(id).await?;
        let call = call::<PlacedOrder>(by.person.visitor.now, Some(&request));
        let _ = app.orders.cancel(order, Actor::Operator, call).await?;
        Ok::<_, Problem>(())
    };
    let cancelled = cancelled.await;
    shown(&app, &by, id, ("cancel", &fields), (cancelled, "saved")).await
}

pub(crate) async fn grant(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<OrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let granted = async {
        by.operator.may(OperatorPermission::GrantRefunds)?;
        let currency = app.orders.order(id).await?.order.currency;
        let amount = amount(required(&fields, "amount")?, currency, "/amount")?;
        required(&fields, "reason")?;
        let Said { note } = fields.read(&["reason"])?;
        let vendor: Option<VendorId> = fields
            .text("vendor_id")
            .map(|typed| typed.parse().map_err(|_| Problem::field("/vendor_id", "unknown", "is not in this order")))
            .transpose()?;
        let asked =
            GrantedRefund { vendor, lines: Vec::new(), shipping: false, amount: Some(amount), note: Some(note) };
        let request = counted(&app, &by, id, ("refund", &fields)).await?;
        let limit = app.orders.refund_limit(&by.operator).await?;
        let grant = |order: &mut PlacedOrder, ids: &mut Ids| {
            order.within_refund_limit(&limit, |order| order.grant_refund(&asked, Actor::Operator, ids))
        };
        let call = call::<PlacedOrder>(by.person.visitor.now, Some(&request));
        let _ = app.orders.decide(id, call, |_| false, grant).await?;
        Ok::<_, Problem>(())
    };
    let granted = granted.await;
    shown(&app, &by, id, ("refund", &fields), (granted, "refunded")).await
}

pub(crate) async fn decide_amount(
    State(app): State<App>,
    by: Operating,
    Path((id, payment)): Path<(OrderId, PaymentId)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let name = format!("amount-{payment}");
    let decided = async {
        by.operator.may(OperatorPermission::DecideMoney)?;
        let accept = match fields.text("do") {
            Some("accept") => true,
            Some("refund") => false,
            _ => return Err(Problem::of(Code::Malformed)),
        };
        let request = counted(&app, &by, id, (&name, &fields)).await?;
        let call = call::<PlacedOrder>(by.person.visitor.now, Some(&request));
        let _ = app.orders.resolve_amount_mismatch(id, payment, accept, call).await?;
        Ok::<_, Problem>(())
    };
    let decided = decided.await;
    shown(&app, &by, id, (&name, &fields), (decided, "saved")).await
}

pub(crate) async fn retry(
    State(app): State<App>,
    by: Operating,
    Path((id, refund)): Path<(OrderId, RefundId)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let name = format!("retry-{refund}");
    let retried = async {
        by.operator.may(OperatorPermission::DecideMoney)?;
        let request = counted(&app, &by, id, (&name, &fields)).await?;
        let call = call::<PlacedOrder>(by.person.visitor.now, Some(&request));
        let _ = app.orders.retry_refund(id, refund, call).await?;
        Ok::<_, Problem>(())
    };
    let retried = retried.await;
    shown(&app, &by, id, (&name, &fields), (retried, "saved")).await
}

pub(crate) async fn resolve(
    State(app): State<App>,
    by: Operating,
    Path((id, refund)): Path<(OrderId, RefundId)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let name = format!("resolve-{refund}");
    let resolved = async {
        by.operator.may(OperatorPermission::DecideMoney)?;
        required(&fields, "note")?;
        let Said { note } = fields.read(&["note"])?;
        let request = counted(&app, &by, id, (&name, &fields)).await?;
        let resolve = |order: &mut PlacedOrder, ids: &mut Ids| order.resolve_refund(refund, &note, ids);
        let done = |order: &PlacedOrder| order.is_resolved(refund);
        let call = call::<PlacedOrder>(by.person.visitor.now, Some(&request));
        let _ = app.orders.decide(id, call, done, resolve).await?;
        Ok::<_, Problem>(())
    };
    let resolved = resolved.await;
    shown(&app, &by, id, (&name, &fields), (resolved, "saved")).await
}
