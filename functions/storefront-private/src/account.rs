//! The account: what is in it, its orders, where its owner is signed in, and what is known of them.

use api::Problem;
use axum::extract::State;
use browser::{Form, Reply, Signed, Visitor};
use domain::{Code, Coded, PageRequest, SessionId};
use pages::forms::Button;
use pages::parts::{self, Link, Tone};
use pages::views::Screen;
use pages::{Frame, Html, date, date_time, fill, money, with_query};
use shop::{Changing, OrderSummary};

use crate::App;
use crate::showing::{frame, news, order_state, path_of, query, saying};
use crate::signing::signed_out;

/// Orders on a page of the list.
const PER_PAGE: u16 = 20;
/// Orders on the first page of the account.
const LATEST: u16 = 3;

/// A page of the account, with the way to the others. `path` is its own, of GET.
pub(crate) fn page(
    app: &App,
    visitor: &Visitor,
    (path, title): (&str, &str),
    alerts: Html,
    pieces: impl IntoIterator<Item = Html>,
) -> Reply {
    let f = frame(app, visitor, path, title);
    let t = f.t;
    let pages = [
        ("/account", t.account_title),
        ("/account/orders", t.account_orders),
        ("/account/addresses", t.account_addresses),
        ("/account/profile", t.account_profile),
        ("/account/security", t.account_security),
        ("/account/sessions", t.account_sessions),
        ("/account/privacy", t.account_privacy),
        ("/sign-out", t.sign_out),
    ];
    let nav = pages.map(|(to, name)| Link::new(f.to(to), name).when_current(to == path)).to_vec();
    let alerts = Html::joined([news(visitor), alerts]);
    Reply::private(Screen::new(f, title, pieces).among(nav).alerting(alerts).shown())
}

/// The orders as a table, each with the way to its page.
fn orders_table(f: &Frame<'_>, orders: &[OrderSummary]) -> Html {
    let t = f.t;
    if orders.is_empty() {
        let links = [Link::new(f.to("/products"), t.go_shopping)];
        return parts::alert(Tone::Info, "", &[t.no_orders.to_owned()], &links);
    }
    let columns = [t.order_number, t.date, t.amount, t.state].map(str::to_owned);
    let row = |order: &OrderSummary| {
        let (tone, state) = order_state(t, order.state);
        vec![
            parts::anchor(&f.to(&format!("/orders/{}", order.id)), &order.id.number()),
            parts::plain(&date(order.placed_at, f.language)),
            parts::plain(&money(order.totals.total, f.language)),
            parts::badge(tone, state),
        ]
    };
    let rows: Vec<Vec<Html>> = orders.iter().map(row).collect();
    parts::table(t.account_orders, &columns, &rows)
}

pub(crate) async fn show(State(app): State<App>, Signed { session, visitor }: Signed) -> Result<Reply, Problem> {
    let latest = app.orders.of_buyer(session.user, &PageRequest { limit: LATEST, cursor: None }).await?;
    let f = frame(&app, &visitor, "/account", "");
    let title = f.t.account_title;
    let pieces = [parts::title(f.t.account_orders), orders_table(&f, &latest.items)];
    Ok(page(&app, &visitor, ("/account", title), Html::default(), pieces))
}

pub(crate) async fn show_orders(State(app): State<App>, Signed { session, visitor }: Signed) -> Result<Reply, Problem> {
    let cursor = query(&visitor).text("after").map(str::to_owned);
    let is_first = cursor.is_none();
    let found = app.orders.of_buyer(session.user, &PageRequest { limit: PER_PAGE, cursor }).await?;
    let f = frame(&app, &visitor, "/account/orders", "");
    let own = f.to("/account/orders");
    let next = found.next.as_deref().map(|next| with_query(&own, "after", next));
    let pager = parts::pager(f.t, (!is_first).then_some(own), next);
    let title = f.t.account_orders;
    let pieces = [orders_table(&f, &found.items), pager];
    Ok(page(&app, &visitor, ("/account/orders", title), Html::default(), pieces))
}

pub(crate) async fn show_sessions(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
) -> Result<Reply, Problem> {
    let sessions = app.people.my_sessions(session.user, visitor.now).await?;
    let f = frame(&app, &visitor, "/account/sessions", "");
    let t = f.t;
    let shown = sessions.iter().map(|one| {
        let since = date_time(one.created_at, visitor.language);
        let used = date_time(one.used_at, visitor.language);
        let said = fill(t.session_since, &[("date", &since), ("used", &used)]);
        if one.id == session.id {
            return parts::stated("", (Tone::Good, t.this_session), [parts::text(&said)]);
        }
        let end = pages::forms::Form::to(f.to("/account/sessions"))
            .hiding("session", one.id.to_string())
            .button(Button::danger(t.end_session).about(said.as_str()));
        parts::boxed("", [parts::text(&said), end.shown(visitor.language, &[])])
    });
    Ok(page(&app, &visitor, ("/account/sessions", t.account_sessions), Html::default(), shown))
}

/// Ends one session. One that is not there any more has ended, which is what was wanted.
pub(crate) async fn end_session(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    let id = fields.text("session").and_then(|id| id.parse::<SessionId>().ok());
    let id = id.ok_or_else(|| Problem::of(Code::NotFound))?;
    match app.people.end_my_session(session.user, id).await {
        Err(cause) if cause.code() != Code::NotFound => return Err(cause.into()),
        _ => {}
    }
    if id == session.id {
        let path = saying(&path_of(&visitor, "/sign-in"), "out");
        return Ok(Reply::see(path).with_cookies(signed_out(&app.site)));
    }
    Ok(Reply::see(saying(&path_of(&visitor, "/account/sessions"), "saved")))
}

pub(crate) async fn show_privacy(State(app): State<App>, Signed { visitor, .. }: Signed) -> Reply {
    let f = frame(&app, &visitor, "/account/privacy", "");
    let (t, more) = (f.t, [Link::new(f.to("/privacy"), f.t.privacy_page)]);
    let pieces = [parts::prose(&parts::text(t.privacy_text)), parts::actions(t.account_privacy, &more)];
    page(&app, &visitor, ("/account/privacy", t.account_privacy), Html::default(), pieces)
}
