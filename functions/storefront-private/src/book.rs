//! The address book of a buyer.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Signed, Visitor};
use domain::address::Address;
use domain::{AddressId, Code, Expected, UserId};
use pages::forms::Button;
use pages::parts::{self, Line};
use pages::{Html, Texts};
use serde_json::{Value, json};
use shop::{AddressBook, Changing, ReplaceAddresses, SavedAddress};

use crate::showing::{failed, path_of, saying};
use crate::{App, account, address};

const PATH: &str = "/account/addresses";

fn form(visitor: &Visitor, country: Option<&str>) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let form = pages::forms::Form::to(path_of(visitor, PATH));
    let form = address::fields(t, "", None, country).into_iter().fold(form, pages::forms::Form::with);
    form.button(Button::main(t.save))
}

fn page(app: &App, visitor: &Visitor, book: &AddressBook, form: Html) -> Reply {
    let t = Texts::of(visitor.language);
    let line = |saved: &SavedAddress| {
        let delete = pages::forms::Form::to(path_of(visitor, "/account/addresses/delete"))
            .hiding("address", saved.id.to_string())
            .button(Button::danger(t.delete).about(saved.address.name.as_str()));
        let mut notes = address::lines(&saved.address);
        let title = if notes.is_empty() { String::new() } else { notes.remove(0) };
        Line { title, notes, actions: delete.shown(visitor.language, &[]), ..Line::default() }
    };
    let known: Vec<Line> = book.items.iter().map(line).collect();
    let known = if known.is_empty() {
        parts::muted(t.no_addresses)
    } else {
        parts::boxed(t.saved_addresses, [parts::lines(&known)])
    };
    let pieces = [known, parts::boxed(t.new_address, [form])];
    account::page(app, visitor, (PATH, t.account_addresses), Html::default(), pieces)
}

pub(crate) async fn show(State(app): State<App>, Signed { session, visitor }: Signed) -> Result<Reply, Problem> {
    let book = app.people.address_book(session.user).await?;
    Ok(page(&app, &visitor, &book, form(&visitor, None).shown(visitor.language, &[])))
}

pub(crate) async fn add(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    match added(&app, &visitor, session.user, &fields).await {
        Ok(()) => Ok(Reply::see(saying(&path_of(&visitor, PATH), "saved"))),
        Err(problem) => {
            let form = failed(form(&visitor, fields.text("country")), &fields, &problem, visitor.language)?;
            let book = app.people.address_book(session.user).await?;
            Ok(page(&app, &visitor, &book, form).because(&problem))
        }
    }
}

/// The one that was entered last stands first: the checkout offers it first too. An equal one is in the book once, so
/// that a form that is sent twice adds one address.
async fn added(app: &App, visitor: &Visitor, buyer: UserId, fields: &Fields) -> Result<(), Problem> {
    let address = address::read(fields, "")?;
    let book = app.people.address_book(buyer).await?;
    if book.items.iter().any(|saved| saved.address == address) {
        return Ok(());
    }
    let asked = replaced(&book, Some(&address), |_| true)?;
    save(app, visitor, buyer, &asked, book.version).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    let id = fields.text("address").and_then(|id| id.parse::<AddressId>().ok());
    let id = id.ok_or_else(|| Problem::of(Code::NotFound))?;
    let book = app.people.address_book(session.user).await?;
    // It is gone already: a button is pressed twice.
    if book.items.iter().any(|saved| saved.id == id) {
        let asked = replaced(&book, None, |saved| saved.id != id)?;
        save(&app, &visitor, session.user, &asked, book.version).await?;
    }
    Ok(Reply::see(saying(&path_of(&visitor, PATH), "saved")))
}

pub(crate) async fn see_book(visitor: Visitor) -> Reply {
    Reply::see(path_of(&visitor, PATH))
}

/// The book as the API is asked for it.
fn replaced(
    book: &AddressBook,
    first: Option<&Address>,
    keeps: impl Fn(&SavedAddress) -> bool,
) -> Result<ReplaceAddresses, Problem> {
    let first = first.map(|address| json!({"address": address}));
    let kept = book.items.iter().filter(|saved| keeps(saved));
    let kept = kept.map(|saved| json!({"id": saved.id, "address": saved.address}));
    let items: Vec<Value> = first.into_iter().chain(kept).collect();
    browser::as_api(&json!({"items": items}))
}

/// Replaces the book that was read, and no other: what was added meanwhile is not lost.
async fn save(
    app: &App,
    visitor: &Visitor,
    buyer: UserId,
    asked: &ReplaceAddresses,
    version: u64,
) -> Result<(), Problem> {
    let expected = Expected::Versions(vec![version]);
    drop(app.people.replace_addresses(buyer, asked, &expected, browser::call(visitor.now, None)).await?);
    Ok(())
}
