//! Choosing another password with a code, for whoever has forgotten theirs or never had one.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Visitor};
use pages::Texts;
use shop::{Limited, Password};

use crate::App;
use crate::codes::{Purpose, Typed, contact_of};
use crate::showing::{Reading, failed, path_of, query, saying};
use crate::sign_in::new_password_field;
use crate::signing::{Requested, going_on, next_of};

const RESET: Purpose = Purpose { ask: "/reset", enter: "/reset/enter", again: "/reset", title: |t| t.reset_title };

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Reply {
    let next = next_of(&visitor, &query(&visitor));
    let form = RESET.ask_form(&visitor, &next).shown(visitor.language, &[]);
    RESET.ask_page(&app, &visitor, &next, Texts::of(visitor.language).reset_text, form)
}

pub(crate) async fn act(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let next = next_of(&visitor, &fields);
    let asked = async {
        let contact = contact_of(&fields)?;
        let by = Limited {
            contact: &contact,
            client: &visitor.client,
            now: visitor.now,
            language: Some(visitor.language.tag()),
        };
        let token = app.people.request_password_reset(by).await?;
        Ok::<_, Problem>(Requested { token, contact: contact.as_str().to_owned(), next: next.clone() })
    };
    match asked.await {
        Ok(asked) => Ok(RESET.asked(&app, &visitor, &asked, fields.has("again"))),
        Err(problem) => {
            let form = failed(RESET.ask_form(&visitor, &next), &fields, &problem, visitor.language)?;
            let text = Texts::of(visitor.language).reset_text;
            Ok(RESET.ask_page(&app, &visitor, &next, text, form).because(&problem))
        }
    }
}

fn enter_form(visitor: &Visitor, asked: &Requested) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    RESET.enter_form(visitor, asked, vec![new_password_field(t, t.new_password)])
}

pub(crate) async fn show_enter(State(app): State<App>, visitor: Visitor) -> Reply {
    match RESET.requested(&app, &visitor, &Fields::default()) {
        Some(asked) => {
            let form = enter_form(&visitor, &asked).shown(visitor.language, &[]);
            RESET.enter_page(&app, &visitor, &asked, form)
        }
        None => Reply::see(path_of(&visitor, RESET.ask)),
    }
}

/// Sets the password. All sessions end with it, and nobody is signed in by it: who has the mail need not be who knows
/// the second factor.
pub(crate) async fn enter(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Reply, Problem> {
    let Some(asked) = RESET.requested(&app, &visitor, &fields) else {
        return Ok(Reply::see(path_of(&visitor, RESET.ask)));
    };
    let reset = async {
        let mut reading = Reading::default();
        let typed = Typed::read(&mut reading, &fields);
        let password = reading.needed::<Password>("password", fields.raw("password"));
        let (typed, password) = reading.all(typed.zip(password))?;
        app.people.reset_password(typed.entered(), &password, typed.limited(&visitor)).await?;
        Ok::<_, Problem>(())
    };
    match reset.await {
        Ok(()) => {
            let path = saying(&going_on(&visitor, "/sign-in", &asked.next), "password");
            Ok(Reply::see(path).with_cookies(Requested::forgotten(&app.site)))
        }
        Err(problem) => {
            let form = failed(enter_form(&visitor, &asked), &fields, &problem, visitor.language)?;
            Ok(RESET.enter_page(&app, &visitor, &asked, form).because(&problem))
        }
    }
}
