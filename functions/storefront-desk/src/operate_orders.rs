//! Finding any order: by its number, by who placed it, by its state.

use api::Problem;
use axum::extract::State;
use browser::Reply;
use desk::{ListOrders, OrderSummary};
use domain::PageRequest;
use domain::contact::ContactPoint;
use domain::marketplace::OperatorPermission;
use domain::order::OrderState;
use pages::Html;
use pages::forms::{Button, Choice, Field, Form, Group, Kind};
use pages::parts::{anchor, badge, muted, pager, plain, table};
use pages::{date_time, money};

use crate::App;
use crate::amounts::bad;
use crate::shown::{Sheet, detailed, listed_at, next_page};
use crate::states;
use crate::who::Operating;

pub(crate) const ORDERS: &str = "/operate/orders";
const PER_PAGE: u16 = 20;

pub(crate) async fn list_orders(State(app): State<App>, by: Operating) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadOrders)?;
    let (t, person) = (by.person.t(), &by.person);
    let (number, contact) = (person.asked("number"), person.asked("contact"));
    let (state, after) = (person.asked("state"), person.asked("after"));
    let point = contact.as_deref().map(|typed| ContactPoint::parse(typed).map_err(|wrong| bad("/contact", &wrong)));
    let (point, wrong) = match point.transpose() {
        Ok(point) => (point, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let mut sheet = Sheet::of_operator(&app, &by, ORDERS, t.account_orders);
    sheet.tell_done();
    sheet.part(find_form(&by, (number.as_deref(), contact.as_deref(), state.as_deref()), wrong.as_ref()));
    if wrong.is_some() {
        return Ok(sheet.reply());
    }
    let asked = ListOrders {
        number: number.clone(),
        contact: point,
        state: state.as_deref().and_then(OrderState::parse),
        ..ListOrders::default()
    };
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let found = app.operator.find_orders(asked, &page).await?;
    if found.items.is_empty() {
        sheet.part(muted(t.desk_no_orders));
    } else {
        sheet.part(order_table(&by, &found.items));
    }
    let query = [("number", number.as_deref()), ("contact", contact.as_deref()), ("state", state.as_deref())];
    let first = after.is_some().then(|| listed_at(ORDERS, &query, None));
    sheet.part(pager(t, first, next_page(ORDERS, &query, found.next.as_deref())));
    Ok(sheet.reply())
}

fn find_form(
    by: &Operating,
    (number, contact, state): (Option<&str>, Option<&str>, Option<&str>),
    wrong: Option<&Problem>,
) -> Html {
    let t = by.person.t();
    let mut states = vec![Choice::new("", t.desk_tab_all)];
    states.extend(OrderState::ALL.into_iter().map(|state| Choice::new(state.as_str(), states::of_order(t, state).1)));
    let mut form = Form::to(ORDERS)
        .with(
            Group::of(vec![
                Field::new("number", t.op_order_number, Kind::Text).filled(number.unwrap_or_default()).optional(),
                Field::new("contact", t.sign_in_contact, Kind::Text).filled(contact.unwrap_or_default()).optional(),
                Field::new("state", t.state, Kind::Choice { options: states })
                    .filled(state.unwrap_or_default())
                    .optional(),
            ])
            .in_a_row(),
        )
        .button(Button::main(t.search))
        .asked_for();
    let said = wrong.and_then(|wrong| wrong.errors().first()).map(|error| error.detail.clone());
    let others = said.map(|detail| {
        let words = detailed(t, t.error_invalid, &detail);
        form.blame(vec![("contact".to_owned(), words)])
    });
    form.shown(by.person.language(), &others.unwrap_or_default())
}

fn order_table(by: &Operating, orders: &[OrderSummary]) -> Html {
    let (t, language) = (by.person.t(), by.person.language());
    let columns = [t.order_number, t.date, t.amount, t.payment, t.state].map(str::to_owned);
    let row = |order: &OrderSummary| {
        let (tone, state) = states::of_order(t, order.state);
        vec![
            anchor(&format!("{ORDERS}/{}", order.id), &order.id.number()),
            plain(&date_time(order.placed_at, language)),
            plain(&money(order.totals.total, language)),
            plain(states::provider(t, order.provider)),
            badge(tone, state),
        ]
    };
    let rows: Vec<Vec<Html>> = orders.iter().map(row).collect();
    table(t.account_orders, &columns, &rows)
}
