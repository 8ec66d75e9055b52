//! Signing in with a password, the step that may follow, and signing out.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Visitor};
use domain::text::SecondFactorCode;
use domain::{Code, Coded};
use pages::forms::{Button, Field, Kind};
use pages::parts::{self, Link};
use pages::views::Screen;
use pages::{Html, Texts};
use shop::{Changing, Limited, Password, RefreshToken, SignInAnswer};

use crate::App;
use crate::showing::{AccountContact, Reading, failed, frame, news, path_of, query, saying};
use crate::signing::{NEXT, Waiting, answered, going_on, next_of, signed_out};

/// The field of whoever has, or wants, an account.
pub(crate) fn contact_field(t: &Texts) -> Field {
    Field::new("contact", t.sign_in_contact, Kind::Text).hinting(t.contact_example).completing("username").at_most(254)
}

pub(crate) fn new_password_field(t: &Texts, label: &str) -> Field {
    Field::new("password", label, Kind::Password).hinting(t.password_hint).completing("new-password")
}

fn form(visitor: &Visitor, next: &str) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let password = Field::new("password", t.password, Kind::Password).completing("current-password");
    pages::forms::Form::to(path_of(visitor, "/sign-in"))
        .hiding(NEXT, next)
        .asking(vec![contact_field(t), password])
        .button(Button::main(t.sign_in))
}

fn page(app: &App, visitor: &Visitor, next: &str, form: Html) -> Reply {
    let path = going_on(visitor, "/sign-in", next);
    let path = path.strip_prefix(&path_of(visitor, "")).unwrap_or(&path).to_owned();
    let f = frame(app, visitor, path, Texts::of(visitor.language).sign_in_title);
    let to = |path: &str, name: &str| Link::new(going_on(visitor, path, next), name);
    let links = [
        to("/sign-in/code", f.t.sign_in_by_code),
        to("/sign-up", f.t.sign_up),
        Link::new(f.to("/reset"), f.t.forgot_password),
    ];
    let ways = parts::actions(f.t.sign_in_title, &links);
    let heading = f.t.sign_in_title;
    Reply::private(Screen::new(f, heading, [form, ways]).alerting(news(visitor)).shown())
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Reply {
    let next = next_of(&visitor, &query(&visitor));
    let form = form(&visitor, &next).shown(visitor.language, &[]);
    page(&app, &visitor, &next, form)
}

pub(crate) async fn act(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let next = next_of(&visitor, &fields);
    match signed(&app, &visitor, &fields).await {
        Ok(answer) => answered(&app, &visitor, answer, &next).await,
        Err(problem) => {
            let form = failed(form(&visitor, &next), &fields, &problem, visitor.language)?;
            Ok(page(&app, &visitor, &next, form).because(&problem))
        }
    }
}

async fn signed(app: &App, visitor: &Visitor, fields: &Fields) -> Result<SignInAnswer, Problem> {
    let mut reading = Reading::default();
    let contact = reading.needed::<AccountContact>("contact", fields.text("contact"));
    let written = fields.raw("password").filter(|password| !password.is_empty());
    if written.is_none() {
        reading.needed::<Password>("password", None);
    }
    let (AccountContact(contact), written) = reading.all(contact.zip(written))?;
    // What can be nobody's password is a wrong one; how passwords are chosen is no matter of this page.
    let password: Password = browser::as_api(&written.into()).map_err(|_| Problem::of(Code::InvalidCredentials))?;
    let by = Limited {
        contact: &contact,
        client: &visitor.client,
        now: visitor.now,
        language: Some(visitor.language.tag()),
    };
    Ok(app.people.sign_in(&password, by).await?)
}

fn challenge_form(visitor: &Visitor, waiting: &Waiting) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let field = if waiting.for_password {
        new_password_field(t, t.new_password)
    } else {
        Field::new("code", t.code, Kind::Text).completing("one-time-code").at_most(64)
    };
    let label = if waiting.for_password { t.save } else { t.confirm };
    pages::forms::Form::to(path_of(visitor, "/challenge")).asking(vec![field]).button(Button::main(label))
}

fn challenge_page(app: &App, visitor: &Visitor, waiting: &Waiting, form: Html) -> Reply {
    let f = frame(app, visitor, "/challenge", Texts::of(visitor.language).challenge_title);
    let text = if waiting.for_password { f.t.own_password_text } else { f.t.challenge_text };
    let again = Link::new(going_on(visitor, "/sign-in", &waiting.next), f.t.begin_again);
    let heading = f.t.challenge_title;
    let ways = parts::actions(heading, &[again]);
    Reply::private(Screen::new(f, heading, [parts::text(text), form, ways]).shown())
}

pub(crate) async fn show_challenge(State(app): State<App>, visitor: Visitor) -> Reply {
    match Waiting::of(&visitor, &app.site) {
        Some(waiting) => {
            let form = challenge_form(&visitor, &waiting).shown(visitor.language, &[]);
            challenge_page(&app, &visitor, &waiting, form)
        }
        None => Reply::see(path_of(&visitor, "/sign-in")),
    }
}

pub(crate) async fn act_on_challenge(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let Some(waiting) = Waiting::of(&visitor, &app.site) else {
        return Ok(Reply::see(path_of(&visitor, "/sign-in")));
    };
    match challenged(&app, &visitor, &waiting, &fields).await {
        Ok(answer) => answered(&app, &visitor, answer, &waiting.next).await,
        Err(problem) => {
            let form = failed(challenge_form(&visitor, &waiting), &fields, &problem, visitor.language)?;
            Ok(challenge_page(&app, &visitor, &waiting, form).because(&problem))
        }
    }
}

async fn challenged(app: &App, visitor: &Visitor, waiting: &Waiting, fields: &Fields) -> Result<SignInAnswer, Problem> {
    app.people.count_change("account", Changing::Client(&visitor.client), visitor.now).await?;
    let token: RefreshToken =
        browser::as_api(&waiting.token.as_str().into()).map_err(|_| Problem::of(Code::CodeMismatch))?;
    let mut reading = Reading::default();
    if waiting.for_password {
        let password = reading.needed::<Password>("password", fields.raw("password"));
        let password = reading.all(password)?;
        Ok(app.people.choose_password(&token, &password, visitor.now).await?)
    } else {
        let code = reading.needed::<SecondFactorCode>("code", fields.text("code"));
        let code = reading.all(code)?;
        Ok(app.people.answer_challenge(&token, &code, &visitor.client, visitor.now).await?)
    }
}

pub(crate) async fn show_sign_out(State(app): State<App>, visitor: Visitor) -> Reply {
    let f = frame(&app, &visitor, "/sign-out", Texts::of(visitor.language).sign_out);
    let form = pages::forms::Form::to(f.to("/sign-out")).button(Button::main(f.t.sign_out)).shown(f.language, &[]);
    let heading = f.t.sign_out;
    Reply::private(Screen::new(f, heading, [form]).shown())
}

/// Ends the session, and has the browser forget it. A link or a picture of another site signs nobody out: only the form
/// does.
pub(crate) async fn sign_out(State(app): State<App>, visitor: Visitor, Form(_): Form) -> Result<Reply, Problem> {
    if let Some(session) = &visitor.session {
        match app.people.end_my_session(session.user, session.id).await {
            Err(cause) if cause.code() != Code::NotFound => return Err(cause.into()),
            _ => {}
        }
    }
    let path = saying(&path_of(&visitor, "/sign-in"), "out");
    Ok(Reply::see(path).with_cookies(signed_out(&app.site)))
}
