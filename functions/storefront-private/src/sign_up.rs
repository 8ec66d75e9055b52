//! Signing up, and confirming the address or number with the code that was sent there.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Visitor};
use domain::Code;
use domain::text::Name;
use pages::forms::{Button, Field, Kind};
use pages::parts::{self, Link};
use pages::views::Screen;
use pages::{Html, Texts};
use shop::{Limited, Password};

use crate::App;
use crate::codes::{Purpose, Typed, contact_of};
use crate::showing::{AccountContact, Reading, failed, frame, path_of, query, saying};
use crate::sign_in::{contact_field, new_password_field};
use crate::signing::{NEXT, Requested, going_on, next_of};

const SIGN_UP: Purpose =
    Purpose { ask: "/sign-up", enter: "/confirm", again: "/confirm/resend", title: |t| t.confirm_title };

fn form(visitor: &Visitor, next: &str) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    // Without a password people sign in with codes.
    let password = new_password_field(t, t.password).optional();
    let name = Field::new("name", t.your_name, Kind::Text).completing("name").at_most(200).optional();
    pages::forms::Form::to(path_of(visitor, SIGN_UP.ask))
        .hiding(NEXT, next)
        .asking(vec![contact_field(t), password, name])
        .button(Button::main(t.sign_up))
}

fn page(app: &App, visitor: &Visitor, next: &str, form: Html) -> Reply {
    let f = frame(app, visitor, SIGN_UP.ask, Texts::of(visitor.language).sign_up_title);
    let links = [
        Link::new(going_on(visitor, "/sign-in", next), f.t.have_account),
        Link::new(going_on(visitor, "/sign-in/code", next), f.t.sign_in_by_code),
    ];
    let (heading, text) = (f.t.sign_up_title, f.t.sign_up_text);
    Reply::private(Screen::new(f, heading, [parts::text(text), form, parts::actions(heading, &links)]).shown())
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Reply {
    let next = next_of(&visitor, &query(&visitor));
    let form = form(&visitor, &next).shown(visitor.language, &[]);
    page(&app, &visitor, &next, form)
}

pub(crate) async fn act(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let next = next_of(&visitor, &fields);
    match signed_up(&app, &visitor, &fields).await {
        Ok((token, contact)) => Ok(SIGN_UP.asked(&app, &visitor, &Requested { token, contact, next }, false)),
        Err(problem) => {
            let form = failed(form(&visitor, &next), &fields, &problem, visitor.language)?;
            Ok(page(&app, &visitor, &next, form).because(&problem))
        }
    }
}

/// The token of the request, and to whom the code is sent.
async fn signed_up(app: &App, visitor: &Visitor, fields: &Fields) -> Result<(String, String), Problem> {
    let mut reading = Reading::default();
    let contact = reading.needed::<AccountContact>("contact", fields.text("contact"));
    let password: Option<Password> = reading.given("password", fields.raw("password"));
    let name: Option<Name> = reading.given("name", fields.text("name"));
    let AccountContact(contact) = reading.all(contact)?;
    let by = Limited {
        contact: &contact,
        client: &visitor.client,
        now: visitor.now,
        language: Some(visitor.language.tag()),
    };
    let token = app.people.sign_up(password.as_ref(), name.as_ref(), by).await?;
    Ok((token, contact.as_str().to_owned()))
}

/// The form of the code, with a password where it is not known which of several sign-ups is meant.
fn confirm_form(visitor: &Visitor, asked: &Requested, with_password: bool) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let password = with_password.then(|| new_password_field(t, t.password));
    SIGN_UP.enter_form(visitor, asked, password.into_iter().collect())
}

pub(crate) async fn show_confirm(State(app): State<App>, visitor: Visitor) -> Reply {
    match SIGN_UP.requested(&app, &visitor, &Fields::default()) {
        Some(asked) => {
            let form = confirm_form(&visitor, &asked, false).shown(visitor.language, &[]);
            SIGN_UP.enter_page(&app, &visitor, &asked, form)
        }
        None => Reply::see(path_of(&visitor, SIGN_UP.ask)),
    }
}

pub(crate) async fn confirm(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let Some(asked) = SIGN_UP.requested(&app, &visitor, &fields) else {
        return Ok(Reply::see(path_of(&visitor, SIGN_UP.ask)));
    };
    let confirmed = async {
        let mut reading = Reading::default();
        let typed = Typed::read(&mut reading, &fields);
        let password: Option<Password> = reading.given("password", fields.raw("password"));
        let typed = reading.all(typed)?;
        app.people.confirm(typed.entered(), password.as_ref(), typed.limited(&visitor)).await?;
        Ok::<_, Problem>(())
    };
    match confirmed.await {
        Ok(()) => {
            let path = saying(&going_on(&visitor, "/sign-in", &asked.next), "confirmed");
            Ok(Reply::see(path).with_cookies(Requested::forgotten(&app.site)))
        }
        Err(problem) => {
            let with_password = fields.has("password") || problem.code() == Code::PasswordNeeded;
            let form = confirm_form(&visitor, &asked, with_password);
            let form = failed(form, &fields, &problem, visitor.language)?;
            Ok(SIGN_UP.enter_page(&app, &visitor, &asked, form).because(&problem))
        }
    }
}

pub(crate) async fn see_confirm(visitor: Visitor) -> Reply {
    Reply::see(path_of(&visitor, SIGN_UP.enter))
}

/// Sends the code again. It is the same code, which the new request can be used with too.
pub(crate) async fn resend(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let contact = contact_of(&fields)?;
    let by = Limited {
        contact: &contact,
        client: &visitor.client,
        now: visitor.now,
        language: Some(visitor.language.tag()),
    };
    let token = app.people.resend_code(by).await?;
    let asked = Requested { token, contact: contact.as_str().to_owned(), next: next_of(&visitor, &fields) };
    Ok(SIGN_UP.asked(&app, &visitor, &asked, true))
}
