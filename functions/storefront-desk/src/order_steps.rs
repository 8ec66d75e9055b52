//! What a vendor does with an order.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form, Reply, call, keyed};
use desk::{Action, DeclineReturn, GrantOwnRefund, OwnVendorOrder, ShipOrder};
use domain::Code;
use domain::order::{ParcelStep, VendorOrderId};
use serde_json::{Value, json};

use crate::App;
use crate::amounts::{amount, units};
use crate::order::{order_page, units_field};
use crate::orders::ORDERS;
use crate::shown::{Wrong, after};
use crate::who::Staff;

/// Takes a step, and shows the order again: with what was done, or with what is wrong beside the form.
async fn step(
    app: &App,
    staff: &Staff,
    id: VendorOrderId,
    (form, fields): (&str, &Fields),
    (wanted, said): (Result<Action, Problem>, &str),
) -> Result<Reply, Problem> {
    let acted = async {
        let action = wanted?;
        let (member, now) = (&staff.member, staff.person.visitor.now);
        let (caller, route) = (member.key_scope(), format!("{ORDERS}/{id}/{form}"));
        let request = keyed(fields, (&caller, &route), &fields.said(&[browser::KEY]), now)?;
        let _ = app.desk.act_on_vendor_order(member, id, &action, call::<OwnVendorOrder>(now, Some(&request))).await?;
        Ok::<_, Problem>(())
    };
    match acted.await {
        Ok(()) => Ok(after(&format!("{ORDERS}/{id}"), said)),
        Err(problem) => order_page(app, staff, id, Wrong::with(form, fields, problem)?).await,
    }
}

pub(crate) async fn accept(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    step(&app, &staff, id, ("accept", &fields), (Ok(Action::Accept), "accepted")).await
}

pub(crate) async fn decline(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    step(&app, &staff, id, ("decline", &fields), (Ok(Action::Decline), "declined")).await
}

pub(crate) async fn deliver(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    step(&app, &staff, id, ("deliver", &fields), (Ok(Action::Deliver), "saved")).await
}

pub(crate) async fn ship(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let order = app.desk.vendor_order(&staff.member, id).await?.vendor_order;
    let parcel = || {
        let mut lines = Vec::new();
        let mut is_all = true;
        for line in order.lines.iter().filter(|line| line.left_to_ship() > 0) {
            let (name, left) = (units_field(line), line.left_to_ship());
            let pointer = format!("/{name}");
            let asked = fields.text(&name).map_or(Ok(0), |typed| units(typed, &pointer))?;
            is_all &= asked == i64::from(left);
            if asked != 0 {
                if !(1..=i64::from(left)).contains(&asked) {
                    return Err(Problem::field(pointer, "out_of_range", format!("1 to {left}")));
                }
                lines.push(json!({"variant_id": line.variant, "quantity": asked}));
            }
        }
        if lines.is_empty() {
            return Err(Problem::field("/lines", "missing", "nothing is in the parcel"));
        }
        let mut asked = fields.object(&["carrier", "tracking_number"]);
        if !is_all {
            asked.insert("lines".to_owned(), Value::from(lines));
        }
        let parcel: ShipOrder = browser::as_api(&Value::Object(asked))?;
        Ok(Action::Ship(parcel.into()))
    };
    step(&app, &staff, id, ("ship", &fields), (parcel(), "shipped")).await
}

pub(crate) async fn refund(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<VendorOrderId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let order = app.desk.vendor_order(&staff.member, id).await?.vendor_order;
    let asked = || {
        let typed = fields.text("amount").ok_or_else(|| Problem::field("/amount", "missing", "must be given"))?;
        let amount = amount(typed, order.totals.total.currency(), "/amount")?;
        let mut asked = fields.object(&["reason"]);
        if asked.is_empty() {
            return Err(Problem::field("/reason", "missing", "must be given"));
        }
        asked.insert("amount".to_owned(), json!(amount));
        let asked: GrantOwnRefund = browser::as_api(&Value::Object(asked))?;
        Ok(Action::Grant(asked.into()))
    };
    step(&app, &staff, id, ("refund", &fields), (asked(), "refunded")).await
}

pub(crate) async fn end_parcel(
    State(app): State<App>,
    staff: Staff,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let restock = fields.has("restock");
    let step_of = match fields.text("do") {
        Some("delivered") => Ok(Action::EndParcel { number, step: ParcelStep::Delivered, restock: false }),
        Some("lost") => Ok(Action::EndParcel { number, step: ParcelStep::Lost, restock: false }),
        Some("returned") => Ok(Action::EndParcel { number, step: ParcelStep::ReturnedToSender, restock }),
        _ => Err(Problem::of(Code::Malformed)),
    };
    step(&app, &staff, id, (&format!("parcel-{number}"), &fields), (step_of, "saved")).await
}

pub(crate) async fn decide_return(
    State(app): State<App>,
    staff: Staff,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let decided = match fields.text("do") {
        Some("approve") => Ok(Action::ApproveReturn(number)),
        Some("receive") => Ok(Action::ReceiveReturn { number, restock: fields.has("restock") }),
        Some("decline") if fields.text("reason").is_none() => {
            Err(Problem::field("/reason", "missing", "a declined return has a reason"))
        }
        Some("decline") => {
            fields.read::<DeclineReturn>(&["reason"]).map(|asked| Action::DeclineReturn(number, asked.reason))
        }
        _ => Err(Problem::of(Code::Malformed)),
    };
    step(&app, &staff, id, (&format!("return-{number}"), &fields), (decided, "saved")).await
}
