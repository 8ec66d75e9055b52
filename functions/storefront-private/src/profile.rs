//! A person's name and language, and the address and number with which they sign in.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Signed, Visitor};
use domain::{Code, UserId};
use pages::forms::{Button, Choice, Field, Kind};
use pages::parts::{self, Link};
use pages::{Html, Language, Texts};
use serde_json::json;
use shop::{ChangeMe, Changing, Limited, Me};

use crate::codes::{Purpose, Typed, contact_of};
use crate::showing::{Reading, failed, path_of, saying};
use crate::signing::{Requested, answered, step_up};
use crate::{App, account};

const PATH: &str = "/account/profile";
const CONTACT: Purpose = Purpose {
    ask: "/account/contact",
    enter: "/account/contact/enter",
    again: "/account/contact",
    title: |t| t.change_contact,
};

fn form(visitor: &Visitor, me: &Me) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let mut options: Vec<Choice> =
        Language::ALL.iter().map(|language| Choice::new(language.tag(), language.own_name())).collect();
    // One that was chosen through the API may be any.
    let chosen = me.language.as_deref().unwrap_or_else(|| visitor.language.tag());
    if !options.iter().any(|option| option.value == chosen) {
        options.push(Choice::new(chosen, chosen));
    }
    let name = me.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let fields = vec![
        Field::new("name", t.your_name, Kind::Text).filled(name).completing("name").at_most(200).optional(),
        Field::new("language", t.mail_language, Kind::Choice { options }).filled(chosen),
    ];
    pages::forms::Form::to(path_of(visitor, PATH)).asking(fields).button(Button::main(t.save))
}

fn page(app: &App, visitor: &Visitor, me: &Me, form: Html) -> Reply {
    let t = Texts::of(visitor.language);
    let known =
        [(t.email, me.email.as_ref().map(ToString::to_string)), (t.phone, me.phone.as_ref().map(ToString::to_string))];
    let known: Vec<(String, String)> =
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let change = [Link::new(path_of(visitor, CONTACT.ask), t.change_contact)];
    let contacts = [parts::facts(&known), parts::actions(t.change_contact, &change)];
    let pieces = [form, parts::boxed(t.sign_in_contact, contacts)];
    account::page(app, visitor, (PATH, t.account_profile), Html::default(), pieces)
}

pub(crate) async fn show(State(app): State<App>, Signed { session, visitor }: Signed) -> Result<Reply, Problem> {
    let me = app.people.me(session.user).await?;
    Ok(page(&app, &visitor, &me, form(&visitor, &me).shown(visitor.language, &[])))
}

pub(crate) async fn act(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    match changed(&app, &visitor, session.user, &fields).await {
        Ok(()) => Ok(Reply::see(saying(&path_of(&visitor, PATH), "saved"))),
        Err(problem) => {
            let me = app.people.me(session.user).await?;
            let form = failed(form(&visitor, &me), &fields, &problem, visitor.language)?;
            Ok(page(&app, &visitor, &me, form).because(&problem))
        }
    }
}

async fn changed(app: &App, visitor: &Visitor, user: UserId, fields: &Fields) -> Result<(), Problem> {
    // A blank name takes the name away; a form without the field changes nothing of it.
    let mut said = fields.object(&["language"]);
    if fields.has("name") {
        said.insert("name".to_owned(), json!(fields.text("name")));
    }
    let asked: ChangeMe = browser::as_api(&said.into())?;
    drop(app.people.change_profile(user, &asked, browser::call(visitor.now, None)).await?);
    Ok(())
}

fn ask_page(app: &App, visitor: &Visitor, form: Html) -> Reply {
    let t = Texts::of(visitor.language);
    CONTACT.ask_page(app, visitor, &path_of(visitor, PATH), t.change_contact_text, form)
}

pub(crate) async fn show_contact(State(app): State<App>, Signed { visitor, .. }: Signed) -> Reply {
    let form = CONTACT.ask_form(&visitor, &path_of(&visitor, PATH)).shown(visitor.language, &[]);
    ask_page(&app, &visitor, form)
}

pub(crate) async fn ask(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let next = path_of(&visitor, PATH);
    let asked = async {
        let contact = contact_of(&fields)?;
        let by = Limited {
            contact: &contact,
            client: &visitor.client,
            now: visitor.now,
            language: Some(visitor.language.tag()),
        };
        let token = app.people.ask_to_change_contact(session.user, session.signed_in_at, by).await?;
        Ok::<_, Problem>(Requested { token, contact: contact.as_str().to_owned(), next: next.clone() })
    };
    match asked.await {
        Ok(asked) => Ok(CONTACT.asked(&app, &visitor, &asked, fields.has("again"))),
        Err(problem) if problem.code() == Code::StepUpNeeded => Ok(step_up(&visitor, CONTACT.ask)),
        Err(problem) => {
            let form = failed(CONTACT.ask_form(&visitor, &next), &fields, &problem, visitor.language)?;
            Ok(ask_page(&app, &visitor, form).because(&problem))
        }
    }
}

pub(crate) async fn show_enter(State(app): State<App>, Signed { visitor, .. }: Signed) -> Reply {
    match CONTACT.requested(&app, &visitor, &Fields::default()) {
        Some(asked) => {
            let form = CONTACT.enter_form(&visitor, &asked, Vec::new()).shown(visitor.language, &[]);
            CONTACT.enter_page(&app, &visitor, &asked, form)
        }
        None => Reply::see(path_of(&visitor, CONTACT.ask)),
    }
}

/// Enters the contact. Every session ends with it; the answer begins another one for this browser.
pub(crate) async fn enter(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let Some(asked) = CONTACT.requested(&app, &visitor, &fields) else {
        return Ok(Reply::see(path_of(&visitor, CONTACT.ask)));
    };
    let entered = async {
        let mut reading = Reading::default();
        let typed = Typed::read(&mut reading, &fields);
        let typed = reading.all(typed)?;
        let by = typed.limited(&visitor);
        Ok::<_, Problem>(app.people.change_contact(session.user, session.signed_in_at, typed.entered(), by).await?)
    };
    match entered.await {
        Ok(answer) => {
            let next = saying(&path_of(&visitor, PATH), "saved");
            answered(&app, &visitor, answer, &next).await
        }
        Err(problem) if problem.code() == Code::StepUpNeeded => Ok(step_up(&visitor, CONTACT.ask)),
        Err(problem) => {
            let form = CONTACT.enter_form(&visitor, &asked, Vec::new());
            let form = failed(form, &fields, &problem, visitor.language)?;
            Ok(CONTACT.enter_page(&app, &visitor, &asked, form).because(&problem))
        }
    }
}
