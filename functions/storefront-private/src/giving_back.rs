//! Asking to give goods back.

use api::Problem;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use browser::{Form, KEY, Reply, Visitor, call, keyed, new_key};
use domain::order::{Actor, ParcelLine, PlacedOrder, VendorOrder};
use domain::returns::{NewReturn, ReturnReason};
use domain::{Code, Ids};
use pages::forms::{Button, Choice, Field, Form as PageForm, Group, Kind};
use pages::views::{Screen, sentence};
use pages::{Texts, fill};

use crate::App;
use crate::order::path_of;
use crate::showing::frame;

const REASONS: [(&str, ReturnReason); 4] = [
    ("changed_mind", ReturnReason::ChangedMind),
    ("damaged", ReturnReason::Damaged),
    ("not_as_described", ReturnReason::NotAsDescribed),
    ("wrong_item", ReturnReason::WrongItem),
];

const fn words(t: &'static Texts, reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::ChangedMind => t.reason_changed_mind,
        ReturnReason::Damaged => t.reason_damaged,
        ReturnReason::NotAsDescribed => t.reason_not_as_described,
        ReturnReason::WrongItem => t.reason_wrong_item,
        ReturnReason::Other => t.state_other,
    }
}

fn part_of<'a>(order: &'a PlacedOrder, named: Option<&str>) -> Result<&'a VendorOrder, Problem> {
    let part = order.vendors.iter().find(|part| Some(part.id().to_string().as_str()) == named);
    part.ok_or_else(|| Problem::of(Code::NotFound))
}

fn form(t: &'static Texts, base: &str, part: &VendorOrder, visitor: &Visitor) -> PageForm {
    let mut fields = Vec::new();
    for (at, line) in part.lines.iter().enumerate() {
        let most = part.returnable_now(at, visitor.now);
        if most > 0 {
            let label = format!("{} ({}: 0–{most})", line.title, t.return_quantity);
            fields.push(Field::new(format!("units.{}", line.variant), label, Kind::Number).filled("0"));
        }
    }
    let options = REASONS.iter().map(|(value, reason)| Choice::new(*value, words(t, *reason))).collect();
    PageForm::to(format!("{base}/return"))
        .hiding("part", part.id().to_string())
        .hiding(KEY, new_key(visitor.now))
        .with(Group::named(t.return_quantity, fields))
        .with(Group::named(t.return_reason, vec![Field::new("reason", t.return_reason, Kind::Radio { options })]))
        .button(Button::main(t.return_ask))
}

fn page(app: &App, visitor: &Visitor, order: &PlacedOrder, shown: &PageForm, others: &[String]) -> String {
    let id = order.order.id;
    let title = fill(Texts::of(visitor.language).return_title, &[("number", &id.number())]);
    let f = frame(app, visitor, format!("/orders/{id}"), &title);
    Screen::new(f, title, [shown.shown(visitor.language, others)]).shown()
}

pub(crate) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Response> {
    let id = id.parse().map_err(|_| Problem::of(Code::NotFound).into_response())?;
    let order = app.order_of(id, &visitor).await?;
    let query = visitor.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let asked = browser::Fields::parse(query.as_bytes());
    let part = part_of(&order, asked.text("part")).map_err(IntoResponse::into_response)?;
    let form = form(Texts::of(visitor.language), &path_of(&visitor, id), part, &visitor);
    Ok(Reply::private(page(&app, &visitor, &order, &form, &[])).into_response())
}

pub(crate) async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response, Response> {
    let id = id.parse().map_err(|_| Problem::of(Code::NotFound).into_response())?;
    let order = app.order_of(id, &visitor).await?;
    let part = part_of(&order, fields.text("part")).map_err(IntoResponse::into_response)?;
    let (vendor, t) = (part.vendor.id, Texts::of(visitor.language));
    let units = fields.beginning("units.").filter_map(|(variant, units)| {
        let quantity: u32 = units.trim().parse().ok()?;
        Some(ParcelLine { variant_id: variant.parse().ok()?, quantity })
    });
    let lines: Vec<ParcelLine> = units.filter(|line| line.quantity > 0).collect();
    let reason = REASONS.iter().find(|(value, _)| Some(*value) == fields.text("reason")).map(|(_, reason)| *reason);
    let mut shown =
        form(t, &path_of(&visitor, id), part, &visitor).as_typed(|name| fields.raw(name).map(str::to_owned));
    let Some(reason) = reason else {
        let others = shown.blame(vec![("reason".to_owned(), t.error_missing.to_owned())]);
        let page = page(&app, &visitor, &order, &shown, &others);
        return Ok(Reply::private(page).because(&Problem::of(Code::Invalid)).into_response());
    };
    let said = format!("{lines:?} {reason:?}");
    let asked = NewReturn { lines, reason };
    let acted = async {
        app.count_change("order", &visitor).await?;
        let request = keyed(&fields, (&id.to_string(), "return"), &said, visitor.now)?;
        let apply = |order: &mut PlacedOrder, ids: &mut Ids| order.request_return(vendor, &asked, Actor::Buyer, ids);
        Ok::<_, Problem>(app.orders.decide(id, call(visitor.now, Some(&request)), |_| false, apply).await?)
    };
    match acted.await {
        Ok(_) => Ok(Reply::see(path_of(&visitor, id)).into_response()),
        Err(problem) if problem.status().is_server_error() || problem.code() == Code::TooManyRequests => {
            Err(problem.into_response())
        }
        Err(problem) => {
            let words = sentence(t, problem.code()).unwrap_or(t.problem_other_text).to_owned();
            let page = page(&app, &visitor, &order, &shown, &[words]);
            Ok(Reply::private(page).because(&problem).into_response())
        }
    }
}
