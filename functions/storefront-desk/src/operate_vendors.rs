//! The vendors as the operator sees them, and the decisions on them.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::Decision;
use domain::marketplace::OperatorPermission;
use domain::text::LongText;
use domain::vendor::{Document, PublicIdentity, VendorAccount, VendorState, VendorStep};
use domain::{PageRequest, VendorId};
use pages::forms::{Button, Field, Form, Kind};
use pages::parts::{Link, Tone, alert, anchor, badge, boxed, facts, muted, pager, plain, table, tabs};
use pages::{Html, date, date_time, money};
use serde::Deserialize;

use crate::App;
use crate::replacing::seen;
use crate::shown::{Sheet, Wrong, after, listed_at, next_page};
use crate::states;
use crate::who::Operating;

pub(crate) const VENDORS: &str = "/operate/vendors";
const PER_PAGE: u16 = 20;

const STATES: [(&str, VendorState); 5] = [
    ("submitted", VendorState::Submitted),
    ("approved", VendorState::Approved),
    ("suspended", VendorState::Suspended),
    ("rejected", VendorState::Rejected),
    ("draft", VendorState::Draft),
];

pub(crate) async fn list_vendors(State(app): State<App>, by: Operating) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadVendors)?;
    let (t, language) = (by.person.t(), by.person.language());
    let asked = by.person.asked("state");
    let chosen = STATES.iter().find(|(name, _)| Some(*name) == asked.as_deref()).or(STATES.first());
    let (name, state) = chosen.copied().unwrap_or(("submitted", VendorState::Submitted));
    let after = by.person.asked("after");
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let found = app.operator.vendors_in(state, &page).await?;
    let mut sheet = Sheet::of_operator(&app, &by, VENDORS, t.op_vendors);
    sheet.tell_done();
    let tab = |(one, state): &(&str, VendorState)| {
        let (_, label) = states::of_vendor(t, *state);
        Link::new(listed_at(VENDORS, &[("state", Some(one))], None), label).when_current(*one == name)
    };
    let links: Vec<Link> = STATES.iter().map(tab).collect();
    sheet.part(tabs(t.state, &links));
    if found.items.is_empty() {
        sheet.part(muted(t.op_no_vendors));
    } else {
        let columns = [t.desk_shop, t.desk_legal_name, t.email, t.date].map(str::to_owned);
        let row = |account: &VendorAccount| {
            vec![
                anchor(&format!("{VENDORS}/{}", account.card.id), account.card.name.as_str()),
                plain(&account.legal_name.as_ref().map(ToString::to_string).unwrap_or_default()),
                plain(account.email.as_str()),
                plain(&date(account.created_at, language)),
            ]
        };
        let rows: Vec<Vec<Html>> = found.items.iter().map(row).collect();
        sheet.part(table(t.op_vendors, &columns, &rows));
    }
    let query = [("state", Some(name))];
    let first = after.is_some().then(|| listed_at(VENDORS, &query, None));
    sheet.part(pager(t, first, next_page(VENDORS, &query, found.next.as_deref())));
    Ok(sheet.reply())
}

pub(crate) async fn show_vendor(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<VendorId>,
) -> Result<Reply, Problem> {
    vendor_page(&app, &by, id, None).await
}

async fn vendor_page(app: &App, by: &Operating, id: VendorId, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadVendors)?;
    let account = app.operator.vendor(id).await?;
    let t = by.person.t();
    let mut sheet = Sheet::of_operator(app, by, VENDORS, account.card.name.as_str()).mending(wrong);
    sheet.tell_done();
    if let Some(reason) = &account.reason {
        sheet.alert(alert(Tone::Info, t.op_reason, &[reason.to_string()], &[]));
    }
    if !account.same_name.is_empty() {
        let links: Vec<Link> =
            account.same_name.iter().map(|other| Link::new(format!("{VENDORS}/{other}"), other.to_string())).collect();
        sheet.alert(alert(Tone::Bad, "", &[t.op_error_same_name.to_owned()], &links));
    }
    let (tone, state) = states::of_vendor(t, account.state);
    sheet.part(badge(tone, state));
    sheet.part(boxed(t.desk_shop, [facts(&account_facts(by, &account))]));
    if let Some(identity) = &account.public_identity {
        sheet.part(boxed(t.about_vendor, [facts(&identity_facts(by, identity))]));
    }
    if by.operator.may(OperatorPermission::DecideVendors).is_ok() {
        papers_part(&mut sheet, app, by, &account).await?;
        decisions_part(&mut sheet, by, &account);
    }
    let steps: Vec<(String, String)> = account
        .history
        .iter()
        .map(|one| (date_time(one.at, by.person.language()), step_words(by, one.event).to_owned()))
        .collect();
    sheet.part(boxed(t.history, [facts(&steps)]));
    Ok(sheet.reply())
}

fn step_words(by: &Operating, step: VendorStep) -> &'static str {
    let t = by.person.t();
    match step {
        VendorStep::Submitted => t.desk_shop_submitted,
        VendorStep::Approved => t.desk_shop_approved,
        VendorStep::Rejected => t.desk_shop_rejected,
        VendorStep::Suspended => t.desk_shop_suspended,
        VendorStep::Reinstated => t.op_reinstated,
        VendorStep::Other => t.state_other,
    }
}

fn account_facts(by: &Operating, account: &VendorAccount) -> Vec<(String, String)> {
    let (t, language) = (by.person.t(), by.person.language());
    let mut rows = vec![(t.desk_handle.to_owned(), account.card.handle.to_string())];
    let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| (name.to_owned(), value)));
    row(t.desk_legal_name, account.legal_name.as_ref().map(ToString::to_string));
    row(t.email, Some(account.email.to_string()));
    row(t.phone, account.phone.as_ref().map(ToString::to_string));
    row(t.currency, Some(account.currency.to_string()));
    for rate in &account.shipping_rates {
        row(t.desk_shipping_rate, Some(money(*rate, language)));
    }
    for most in &account.cash_on_delivery {
        row(t.desk_cash, Some(money(*most, language)));
    }
    row(t.desk_shop_about, account.about.as_ref().map(ToString::to_string));
    for item in account.checklist().iter().filter(|item| !item.done) {
        row(states::checklist(t, item.code), Some(t.desk_item_missing.to_owned()));
    }
    rows
}

fn identity_facts(by: &Operating, identity: &PublicIdentity) -> Vec<(String, String)> {
    let t = by.person.t();
    let mut rows = pages::identity_facts(t, identity);
    rows.push((t.country.to_owned(), identity.country.as_str().to_owned()));
    rows
}

async fn papers_part(sheet: &mut Sheet<'_>, app: &App, by: &Operating, account: &VendorAccount) -> Result<(), Problem> {
    if account.documents.is_empty() {
        return Ok(());
    }
    let (t, language) = (by.person.t(), by.person.language());
    let columns = [t.desk_kind, t.desk_file, t.date, t.desk_expires].map(str::to_owned);
    let mut rows: Vec<Vec<Html>> = Vec::new();
    for document in &account.documents {
        let Document { kind, filename, at, expires_at, .. } = document;
        let file = match app.operator.document_link(document, by.person.visitor.now).await? {
            Some(link) => anchor(&link.url, filename.as_str()),
            None => plain(filename.as_str()),
        };
        rows.push(vec![
            plain(states::document(t, *kind)),
            file,
            plain(&date(*at, language)),
            plain(&expires_at.map(|at| date(at, language)).unwrap_or_default()),
        ]);
    }
    sheet.part(boxed(t.desk_papers, [table(t.desk_papers, &columns, &rows)]));
    Ok(())
}

fn decisions_part(sheet: &mut Sheet<'_>, by: &Operating, account: &VendorAccount) {
    let t = by.person.t();
    let path = format!("{VENDORS}/{}", account.card.id);
    let form = |step: &str| {
        Form::to(format!("{path}/{step}"))
            .hiding(KEY, new_key(by.person.visitor.now))
            .hiding("version", account.version.to_string())
    };
    let reason = |label: &str| {
        let why = Field::new("reason", label, Kind::Area).hinting(t.op_vendor_is_told).at_most(2_000);
        vec![why]
    };
    match account.state {
        VendorState::Submitted => {
            let mut approve = form("approve");
            if !account.same_name.is_empty() {
                approve = approve.asking(vec![Field::new("same_name", t.op_allow_same_name, Kind::Check)]);
            }
            let approve = sheet.form("approve", approve.button(Button::main(t.op_approve)), &[]);
            let reject = form("reject").asking(reason(t.op_reject_why)).button(Button::danger(t.op_reject));
            let reject = sheet.form("reject", reject, &[]);
            sheet.part(boxed(t.op_approve, [approve]));
            sheet.part(boxed(t.op_reject, [reject]));
        }
        VendorState::Approved => {
            let suspend = form("suspend").asking(reason(t.op_suspend_why)).button(Button::danger(t.op_suspend));
            let suspend = sheet.form("suspend", suspend, &[]);
            sheet.part(boxed(t.op_suspend, [suspend]));
        }
        VendorState::Suspended => {
            let reinstate = form("reinstate").button(Button::main(t.op_reinstate));
            let reinstate = sheet.form("reinstate", reinstate, &[]);
            sheet.part(boxed(t.op_reinstate, [reinstate]));
        }
        _ => {}
    }
}

/// Why something was decided.
#[derive(Debug, Deserialize)]
struct Why {
    reason: LongText,
}

async fn decide(
    app: &App,
    by: &Operating,
    id: VendorId,
    fields: &Fields,
    (step, name): (VendorStep, &str),
) -> Result<Reply, Problem> {
    let decided = async {
        by.operator.may(OperatorPermission::DecideVendors)?;
        let (user, now) = (by.operator.user, by.person.visitor.now);
        let needs_reason = matches!(step, VendorStep::Rejected | VendorStep::Suspended);
        if needs_reason && fields.text("reason").is_none() {
            return Err(Problem::field("/reason", "missing", "must be given"));
        }
        let why: Option<Why> = needs_reason.then(|| fields.read(&["reason"])).transpose()?;
        let reason = why.as_ref().map(|why| &why.reason);
        let decision = Decision { step, reason, same_name: fields.has("same_name") };
        app.operator.count_change("operator", user, now).await?;
        let route = format!("{VENDORS}/{id}/{name}");
        let request = keyed(fields, (&user.to_string(), &route), &fields.said(&[KEY]), now)?;
        let call = call::<VendorAccount>(now, Some(&request));
        let _ = app.operator.decide(id, decision, user, &seen(fields), call).await?;
        Ok::<_, Problem>(())
    };
    match decided.await {
        Ok(()) => Ok(after(&format!("{VENDORS}/{id}"), "saved")),
        Err(problem) => vendor_page(app, by, id, Wrong::with(name, fields, problem)?).await,
    }
}

pub(crate) async fn approve(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<VendorId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    decide(&app, &by, id, &fields, (VendorStep::Approved, "approve")).await
}

pub(crate) async fn reject(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<VendorId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    decide(&app, &by, id, &fields, (VendorStep::Rejected, "reject")).await
}

pub(crate) async fn suspend(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<VendorId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    decide(&app, &by, id, &fields, (VendorStep::Suspended, "suspend")).await
}

pub(crate) async fn reinstate(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<VendorId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    decide(&app, &by, id, &fields, (VendorStep::Reinstated, "reinstate")).await
}
