//! Codes that are sent to somebody: asking for one, and the page on which it is entered. Neither tells whether the
//! address or number has an account.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Visitor};
use domain::contact::ContactPoint;
use domain::text::OneTimeCode;
use pages::forms::{Button, Field, Kind};
use pages::parts::{self, Link};
use pages::views::Screen;
use pages::{Html, Texts, fill};
use shop::{Entered, Limited, RequestToken};

use crate::App;
use crate::showing::{AccountContact, Reading, failed, frame, news, path_of, query, saying};
use crate::sign_in::contact_field;
use crate::signing::{NEXT, Requested, answered, going_on, next_of};

/// What a code is for: where it is asked for and where it is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub(crate) ask: &'static str,
    pub(crate) enter: &'static str,
    /// Where the code is sent again; it is asked for with the contact alone.
    pub(crate) again: &'static str,
    pub(crate) title: fn(&Texts) -> &'static str,
}

const SIGN_IN: Purpose = Purpose {
    ask: "/sign-in/code",
    enter: "/sign-in/code/enter",
    again: "/sign-in/code",
    title: |t| t.sign_in_by_code,
};

/// A code with what it is sent with.
pub(crate) struct Typed {
    pub(crate) contact: ContactPoint,
    code: OneTimeCode,
    request: RequestToken,
}

impl Typed {
    /// Reads contact, code and token.
    pub(crate) fn read(reading: &mut Reading, fields: &Fields) -> Option<Self> {
        let contact = reading.needed::<AccountContact>("contact", fields.text("contact"));
        let code = reading.needed("code", fields.text("code"));
        let request = reading.needed("request", fields.text("request"));
        let ((AccountContact(contact), code), request) = contact.zip(code).zip(request)?;
        Some(Self { contact, code, request })
    }

    pub(crate) const fn entered(&self) -> Entered<'_> {
        Entered { code: &self.code, request: &self.request }
    }

    pub(crate) fn limited<'a>(&'a self, visitor: &'a Visitor) -> Limited<'a> {
        Limited {
            contact: &self.contact,
            client: &visitor.client,
            now: visitor.now,
            language: Some(visitor.language.tag()),
        }
    }
}

/// The contact that a code is to be sent to.
pub(crate) fn contact_of(fields: &Fields) -> Result<ContactPoint, Problem> {
    let mut reading = Reading::default();
    let contact = reading.needed::<AccountContact>("contact", fields.text("contact"));
    let AccountContact(contact) = reading.all(contact)?;
    Ok(contact)
}

impl Purpose {
    /// The form with which a code is asked for.
    pub(crate) fn ask_form(self, visitor: &Visitor, next: &str) -> pages::forms::Form {
        let t = Texts::of(visitor.language);
        pages::forms::Form::to(path_of(visitor, self.ask))
            .hiding(NEXT, next)
            .asking(vec![contact_field(t)])
            .button(Button::main(t.send_code))
    }

    pub(crate) fn ask_page(self, app: &App, visitor: &Visitor, next: &str, text: &str, form: Html) -> Reply {
        let t = Texts::of(visitor.language);
        let f = frame(app, visitor, self.ask, (self.title)(t));
        let sign_in = Link::new(going_on(visitor, "/sign-in", next), t.sign_in);
        let ways = if visitor.session.is_some() { Html::default() } else { parts::actions(t.sign_in, &[sign_in]) };
        let pieces = [parts::text(text), form, ways];
        Reply::private(Screen::new(f, (self.title)(t), pieces).alerting(news(visitor)).shown())
    }

    /// To the page on which the code is entered, which knows from a cookie what was asked for.
    pub(crate) fn asked(self, app: &App, visitor: &Visitor, asked: &Requested, is_again: bool) -> Reply {
        let path = path_of(visitor, self.enter);
        let path = if is_again { saying(&path, "sent") } else { path };
        Reply::see(path).with_cookies(asked.kept(self.enter, &app.site))
    }

    /// What was asked for: as the form says that was sent, else as the cookie does.
    pub(crate) fn requested(self, app: &App, visitor: &Visitor, fields: &Fields) -> Option<Requested> {
        let text = |name: &str| fields.text(name).map(str::to_owned);
        let sent = text("request").zip(text("contact"));
        let sent = sent.map(|(token, contact)| Requested { token, contact, next: next_of(visitor, fields) });
        sent.or_else(|| Requested::of(&visitor.cookies, self.enter, &app.site))
    }

    /// The form in which the code is entered, with these fields besides.
    pub(crate) fn enter_form(self, visitor: &Visitor, asked: &Requested, more: Vec<Field>) -> pages::forms::Form {
        let t = Texts::of(visitor.language);
        let code = Field::new("code", t.code, Kind::Digits).completing("one-time-code").at_most(64);
        pages::forms::Form::to(path_of(visitor, self.enter))
            .hiding("request", asked.token.as_str())
            .hiding("contact", asked.contact.as_str())
            .hiding(NEXT, asked.next.as_str())
            .asking(std::iter::once(code).chain(more).collect())
            .button(Button::main(t.confirm))
    }

    pub(crate) fn enter_page(self, app: &App, visitor: &Visitor, asked: &Requested, form: Html) -> Reply {
        let t = Texts::of(visitor.language);
        let f = frame(app, visitor, self.enter, (self.title)(t));
        let again = pages::forms::Form::to(path_of(visitor, self.again))
            .hiding("contact", asked.contact.as_str())
            .hiding(NEXT, asked.next.as_str())
            .hiding("again", "1")
            .button(Button::quiet(t.send_code_again));
        let other = Link::new(going_on(visitor, self.ask, &asked.next), t.begin_again);
        let pieces = [
            parts::text(&fill(t.confirm_text, &[("contact", &asked.contact)])),
            form,
            again.shown(visitor.language, &[]),
            parts::actions(t.begin_again, &[other]),
        ];
        Reply::private(Screen::new(f, (self.title)(t), pieces).alerting(news(visitor)).shown())
    }
}

pub(crate) async fn show_ask_to_sign_in(State(app): State<App>, visitor: Visitor) -> Reply {
    let next = next_of(&visitor, &query(&visitor));
    let form = SIGN_IN.ask_form(&visitor, &next).shown(visitor.language, &[]);
    SIGN_IN.ask_page(&app, &visitor, &next, Texts::of(visitor.language).code_text, form)
}

pub(crate) async fn ask_to_sign_in(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let next = next_of(&visitor, &fields);
    let asked = async {
        let contact = contact_of(&fields)?;
        let by = Limited {
            contact: &contact,
            client: &visitor.client,
            now: visitor.now,
            language: Some(visitor.language.tag()),
        };
        let token = app.people.ask_to_sign_in(by).await?;
        Ok::<_, Problem>(Requested { token, contact: contact.as_str().to_owned(), next: next.clone() })
    };
    match asked.await {
        Ok(asked) => Ok(SIGN_IN.asked(&app, &visitor, &asked, fields.has("again"))),
        Err(problem) => {
            let form = failed(SIGN_IN.ask_form(&visitor, &next), &fields, &problem, visitor.language)?;
            let text = Texts::of(visitor.language).code_text;
            Ok(SIGN_IN.ask_page(&app, &visitor, &next, text, form).because(&problem))
        }
    }
}

pub(crate) async fn show_sign_in_code(State(app): State<App>, visitor: Visitor) -> Reply {
    match SIGN_IN.requested(&app, &visitor, &Fields::default()) {
        Some(asked) => {
            let form = SIGN_IN.enter_form(&visitor, &asked, Vec::new()).shown(visitor.language, &[]);
            SIGN_IN.enter_page(&app, &visitor, &asked, form)
        }
        None => Reply::see(path_of(&visitor, SIGN_IN.ask)),
    }
}

pub(crate) async fn sign_in_by_code(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let Some(asked) = SIGN_IN.requested(&app, &visitor, &fields) else {
        return Ok(Reply::see(path_of(&visitor, SIGN_IN.ask)));
    };
    let entered = async {
        let mut reading = Reading::default();
        let typed = Typed::read(&mut reading, &fields);
        let typed = reading.all(typed)?;
        Ok::<_, Problem>(app.people.sign_in_by_code(typed.entered(), typed.limited(&visitor)).await?)
    };
    match entered.await {
        Ok(answer) => answered(&app, &visitor, answer, &asked.next).await,
        Err(problem) => {
            let form = SIGN_IN.enter_form(&visitor, &asked, Vec::new());
            let form = failed(form, &fields, &problem, visitor.language)?;
            Ok(SIGN_IN.enter_page(&app, &visitor, &asked, form).because(&problem))
        }
    }
}
