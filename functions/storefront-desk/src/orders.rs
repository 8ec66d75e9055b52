//! The list of a vendor's orders.

use api::Problem;
use axum::extract::State;
use browser::Reply;
use desk::ListVendorOrders;
use domain::order::{VendorOrder, VendorOrderState};
use domain::text::SearchText;
use domain::{PageRequest, Timestamp};
use pages::forms::{Button, Field, Form, Group, Kind};
use pages::parts::{Link, Tone, actions, anchor, badge, muted, pager, plain, table, tabs};
use pages::{Html, date_time, money};

use crate::App;
use crate::amounts::bad;
use crate::shown::{Sheet, listed_at, next_page};
use crate::states;
use crate::who::Staff;

pub(crate) const ORDERS: &str = "/desk/orders";
/// How many rows a page has.
const PER_PAGE: u16 = 20;

/// The lists that a vendor works through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    New,
    ToShip,
    OnTheWay,
    All,
}

impl Tab {
    const ALL: [Self; 4] = [Self::New, Self::ToShip, Self::OnTheWay, Self::All];

    fn parse(text: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|tab| Some(tab.as_str()) == text).unwrap_or(Self::New)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::ToShip => "to-ship",
            Self::OnTheWay => "on-the-way",
            Self::All => "all",
        }
    }

    const fn state(self) -> Option<VendorOrderState> {
        match self {
            Self::New => Some(VendorOrderState::Pending),
            Self::ToShip => Some(VendorOrderState::Accepted),
            Self::OnTheWay => Some(VendorOrderState::Shipped),
            Self::All => None,
        }
    }
}

impl App {
    /// The vendor's orders in a state, the first of them only.
    pub(crate) async fn first_orders(
        &self,
        staff: &Staff,
        state: VendorOrderState,
    ) -> Result<Vec<VendorOrder>, Problem> {
        let asked = ListVendorOrders { state: Some(state), ..ListVendorOrders::default() };
        let page = PageRequest { limit: PER_PAGE, cursor: None };
        Ok(self.desk.vendor_orders(&staff.member, &asked, &page).await?.items)
    }
}

/// What is looked for, if it can be.
fn search_of(typed: Option<&str>) -> Result<Option<SearchText>, Problem> {
    typed.map(|typed| SearchText::parse(typed).map_err(|wrong| bad("q", &wrong))).transpose()
}

pub(crate) async fn list_orders(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    let person = &staff.person;
    let (t, typed) = (person.t(), person.asked("q"));
    // A number is looked for in all of them.
    let named = person.asked("tab");
    let tab = if typed.is_some() && named.is_none() { Tab::All } else { Tab::parse(named.as_deref()) };
    let asked =
        ListVendorOrders { state: tab.state(), text: search_of(typed.as_deref())?, ..ListVendorOrders::default() };
    let after = person.asked("after");
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let found = app.desk.vendor_orders(&staff.member, &asked, &page).await?;
    let mut orders = found.items;
    if tab == Tab::ToShip && after.is_none() && typed.is_none() {
        // What is shipped in parts waits as well: there is little of it, and it is older.
        let mut begun = app.first_orders(&staff, VendorOrderState::PartiallyShipped).await?;
        begun.append(&mut orders);
        orders = begun;
    }

    let mut sheet = Sheet::of_vendor(&app, &staff, ORDERS, t.account_orders);
    sheet.tell_done();
    let link = |tab: Tab, name: &str| Link::new(listed_at(ORDERS, &[("tab", Some(tab.as_str()))], None), name);
    let names = [t.desk_tab_new, t.desk_tab_to_ship, t.desk_tab_on_the_way, t.desk_tab_all];
    let links: Vec<Link> =
        Tab::ALL.into_iter().zip(names).map(|(one, name)| link(one, name).when_current(one == tab)).collect();
    sheet.part(tabs(t.state, &links));
    sheet.part(search_form(&staff, ORDERS, typed.as_deref()));
    if orders.is_empty() {
        sheet.part(muted(t.desk_no_orders));
    } else {
        sheet.part(order_table(&sheet, &staff, &orders));
    }
    let query = [("tab", Some(tab.as_str())), ("q", typed.as_deref())];
    let first = after.is_some().then(|| listed_at(ORDERS, &query, None));
    sheet.part(pager(t, first, next_page(ORDERS, &query, found.next.as_deref())));
    Ok(sheet.reply())
}

/// A field to look for something on a list, which is asked with GET.
pub(crate) fn search_form(staff: &Staff, action: &str, typed: Option<&str>) -> Html {
    let t = staff.person.t();
    let field = Field::new("q", t.search, Kind::Text).filled(typed.unwrap_or_default()).optional().at_most(100);
    let form = Form::to(action).with(Group::of(vec![field]).in_a_row()).button(Button::quiet(t.search));
    form.asked_for().shown(staff.person.language(), &[])
}

fn order_table(sheet: &Sheet<'_>, staff: &Staff, orders: &[VendorOrder]) -> Html {
    let (t, language) = (staff.person.t(), staff.person.language());
    let columns = [t.order_number, t.date, t.goods, t.amount, t.state, t.desk_next_step].map(str::to_owned);
    let row = |order: &VendorOrder| {
        let path = format!("{ORDERS}/{}", order.id());
        let goods: Vec<&str> = order.lines.iter().map(|line| line.title.as_str()).collect();
        vec![
            anchor(&path, &order.order.number()),
            plain(&date_time(order.placed_at, language)),
            plain(&goods.join(", ")),
            plain(&money(order.totals.total, language)),
            state_of(staff, order),
            steps_of(sheet, staff, order, &path),
        ]
    };
    let rows: Vec<Vec<Html>> = orders.iter().map(row).collect();
    table(t.account_orders, &columns, &rows)
}

/// The state of an order, and when it is late.
pub(crate) fn state_of(staff: &Staff, order: &VendorOrder) -> Html {
    let t = staff.person.t();
    let (tone, state) = states::of_vendor_order(t, order.state);
    let late = is_late(order, staff.person.visitor.now).then(|| badge(Tone::Bad, t.desk_late));
    Html::joined([badge(tone, state), late.unwrap_or_default()])
}

/// Whether the vendor should have taken the next step already.
pub(crate) fn is_late(order: &VendorOrder, now: Timestamp) -> bool {
    order.due_at().is_some_and(|due| due < now)
}

/// What can be done next, without opening the order.
fn steps_of(sheet: &Sheet<'_>, staff: &Staff, order: &VendorOrder, path: &str) -> Html {
    let (t, number) = (staff.person.t(), order.order.number());
    match order.state {
        VendorOrderState::Pending => Html::joined([
            sheet.button(format!("{path}/accept"), Button::main(t.desk_accept).about(&number)),
            sheet.button(format!("{path}/decline"), Button::danger(t.desk_decline).about(&number)),
        ]),
        VendorOrderState::Accepted | VendorOrderState::PartiallyShipped => actions(
            &number,
            &[Link::new(format!("{path}#ship"), t.desk_ship), Link::new(format!("{path}/label"), t.desk_label)],
        ),
        _ => Html::default(),
    }
}
