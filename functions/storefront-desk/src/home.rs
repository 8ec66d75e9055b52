//! The first page of a vendor's desk: which shops somebody works for, and what waits in the chosen one.

use api::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use browser::Reply;
use desk::VendorSummary;
use domain::VendorId;
use domain::order::VendorOrderState;
use domain::vendor::{Role, VendorAccount};
use pages::Html;
use pages::parts::{Link, Tone, actions, anchor, badge, boxed, facts, note, plain, table};

use crate::App;
use crate::orders::is_late;
use crate::shown::{Sheet, counted};
use crate::states;
use crate::who::{Person, Staff, choose};

pub(crate) async fn show_desk(State(app): State<App>, person: Person) -> Result<Response, Problem> {
    let shops = app.vendors.shops_of(person.session.user).await?;
    if let Some(named) = person.asked(browser::SHOP) {
        // An id that does not parse cannot exist; a shop of others is refused as the API refuses it.
        let named: VendorId = named.parse().map_err(|_| Problem::of(domain::Code::NotFound))?;
        app.desk.member(person.arrival(), Some(named)).await?;
        return Ok(choose(&app, named, "/desk").into_response());
    }
    let chosen = person.chosen_shop(&app).filter(|chosen| shops.iter().any(|(account, _)| account.card.id == *chosen));
    let only = match shops.as_slice() {
        [] => return Ok(Reply::see("/desk/apply").into_response()),
        [(only, _)] => Some(only.card.id),
        _ => None,
    };
    let Some(vendor) = chosen.or(only) else {
        let mut sheet = Sheet::of_person(&app, &person, person.t().desk_choose_shop);
        sheet.part(shop_table(&person, &shops));
        return Ok(sheet.reply().into_response());
    };
    let member = app.desk.member(person.arrival(), Some(vendor)).await?;
    let staff = Staff { member, person };
    let reply = summary_page(&app, &staff, &shops).await?;
    Ok(reply.into_response())
}

fn role_of(person: &Person, role: Role) -> &'static str {
    let t = person.t();
    match role {
        Role::Owner => t.desk_role_owner,
        Role::Manager => t.desk_role_manager,
        Role::Fulfilment => t.desk_role_fulfilment,
        Role::Finance => t.desk_role_finance,
        Role::Other => t.state_other,
    }
}

fn shop_table(person: &Person, shops: &[(VendorAccount, Role)]) -> Html {
    let t = person.t();
    let columns = [t.desk_shop, t.desk_role, t.state].map(str::to_owned);
    let row = |(account, role): &(VendorAccount, Role)| {
        let (tone, state) = states::of_vendor(t, account.state);
        let path = format!("/desk?shop={}", account.card.id);
        vec![anchor(&path, account.card.name.as_str()), plain(role_of(person, *role)), badge(tone, state)]
    };
    let rows: Vec<Vec<Html>> = shops.iter().map(row).collect();
    table(t.desk_choose_shop, &columns, &rows)
}

async fn summary_page(app: &App, staff: &Staff, shops: &[(VendorAccount, Role)]) -> Result<Reply, Problem> {
    let t = staff.person.t();
    let account = &staff.member.account;
    let mut sheet = Sheet::of_vendor(app, staff, "/desk", account.card.name.as_str());
    sheet.tell_done();
    let (tone, state) = states::of_vendor(t, account.state);
    if tone != Tone::Good {
        sheet.alert(note(tone, state));
    }
    if staff.member.terms_due.is_some() {
        sheet.alert(note(Tone::Wait, t.desk_terms_due));
    }
    let VendorSummary { orders, products } = app.desk.summary(&staff.member).await?;
    if let Some(open) = orders {
        let late = late_orders(app, staff).await?;
        let link = |tab: &str, name: &str| Link::new(format!("/desk/orders?tab={tab}"), name);
        let links = [
            link("new", t.desk_tab_new),
            link("to-ship", t.desk_tab_to_ship),
            link("on-the-way", t.desk_tab_on_the_way),
        ];
        if late > 0 {
            sheet.alert(note(Tone::Bad, &pages::count(t.desk_late_orders, late, staff.person.language())));
        }
        sheet.part(boxed(
            t.account_orders,
            [
                facts(&[
                    (t.desk_tab_new.to_owned(), counted(open.to_accept)),
                    (t.desk_tab_to_ship.to_owned(), counted(open.to_ship)),
                    (t.desk_tab_on_the_way.to_owned(), counted(open.on_the_way)),
                ]),
                actions(t.account_orders, &links),
            ],
        ));
    }
    if let Some(short) = products {
        let links = [
            Link::new("/desk/products/new", t.desk_new_product),
            Link::new("/desk/products?show=sold-out", t.sold_out),
            Link::new("/desk/products?show=low", t.desk_low),
        ];
        sheet.part(boxed(
            t.desk_products,
            [
                facts(&[(t.sold_out.to_owned(), counted(short.sold_out)), (t.desk_low.to_owned(), counted(short.low))]),
                actions(t.desk_products, &links),
            ],
        ));
    }
    if shops.len() > 1 {
        sheet.part(boxed(t.desk_choose_shop, [shop_table(&staff.person, shops)]));
    }
    Ok(sheet.reply())
}

/// How many orders should have been answered or sent already, among the first ones that wait.
async fn late_orders(app: &App, staff: &Staff) -> Result<u64, Problem> {
    let (new, accepted) = tokio::join!(
        app.first_orders(staff, VendorOrderState::Pending),
        app.first_orders(staff, VendorOrderState::Accepted)
    );
    let now = staff.person.visitor.now;
    let late = new?.iter().chain(&accepted?).filter(|order| is_late(order, now)).count();
    Ok(u64::try_from(late).unwrap_or(u64::MAX))
}
