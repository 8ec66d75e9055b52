//! How somebody gets into their account: the password, and the authenticator app.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form, Reply, Signed, Visitor};
use domain::text::SecondFactorCode;
use domain::{Code, UserId};
use pages::forms::{Button, Field, Kind};
use pages::parts::{self, Link, Tone};
use pages::{Html, Texts, date, fill};
use shop::{Changing, Enrolment, MfaView, Password, RecoveryCodes, SecondFactor, SignInAnswer};

use crate::showing::{Reading, failed, path_of, said, saying};
use crate::sign_in::new_password_field;
use crate::signing::{answered, going_on, step_up};
use crate::{App, account};

const PATH: &str = "/account/security";
const PASSWORD: &str = "/account/security/password";
const APP: &str = "/account/security/app";
const CONFIRM: &str = "/account/security/app/confirm";
const REMOVE: &str = "/account/security/app/remove";
const CODES: &str = "/account/security/codes";

fn password_form(visitor: &Visitor) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    let current = Field::new("current_password", t.current_password, Kind::Password).completing("current-password");
    pages::forms::Form::to(path_of(visitor, PASSWORD))
        .asking(vec![current, new_password_field(t, t.new_password)])
        .button(Button::main(t.change_password))
}

/// A form with a code of the app.
fn code_form(visitor: &Visitor, path: &str, button: Button) -> pages::forms::Form {
    let t = Texts::of(visitor.language);
    // Several of these forms stand on one page.
    let id = format!("f-code-{}", path.rsplit('/').next().unwrap_or_default());
    let code = Field { id, ..Field::new("code", t.code, Kind::Text) }.completing("one-time-code").at_most(64);
    pages::forms::Form::to(path_of(visitor, path)).asking(vec![code]).button(button)
}

/// A form of the page that has to be mended, by its path.
struct Mended {
    path: &'static str,
    form: Html,
}

/// The page with all that can be done; `mended` stands in the place of the form that was sent.
fn page(app: &App, visitor: &Visitor, mfa: Option<MfaView>, mended: Option<Mended>) -> Reply {
    let t = Texts::of(visitor.language);
    let form = |path: &str, fresh: pages::forms::Form| match &mended {
        Some(mended) if mended.path == path => mended.form.clone(),
        _ => fresh.shown(visitor.language, &[]),
    };
    let forgotten = parts::actions(t.change_password, &[Link::new(path_of(visitor, "/reset"), t.forgot_password)]);
    let password = parts::boxed(t.change_password, [form(PASSWORD, password_form(visitor)), forgotten]);
    let second = match mfa {
        Some(mfa) => {
            let since = date(mfa.since, visitor.language);
            let left = mfa.recovery_codes_left.to_string();
            parts::boxed(
                t.mfa_title,
                [
                    parts::text(&fill(t.mfa_on, &[("date", &since), ("n", &left)])),
                    form(CODES, code_form(visitor, CODES, Button::quiet(t.mfa_new_codes))),
                    form(REMOVE, code_form(visitor, REMOVE, Button::danger(t.mfa_remove))),
                ],
            )
        }
        None => {
            let begin = pages::forms::Form::to(path_of(visitor, APP)).button(Button::main(t.mfa_begin));
            parts::boxed(t.mfa_title, [parts::text(t.mfa_off), form(APP, begin)])
        }
    };
    account::page(app, visitor, (PATH, t.account_security), Html::default(), [password, second])
}

/// The page as it is now, with the form that was sent and what is wrong with it.
async fn mended(
    app: &App,
    visitor: &Visitor,
    user: UserId,
    (path, form, fields): (&'static str, pages::forms::Form, &Fields),
    problem: &Problem,
) -> Result<Reply, Problem> {
    let form = failed(form, fields, problem, visitor.language)?;
    let mfa = app.people.mfa(user).await?;
    Ok(page(app, visitor, mfa, Some(Mended { path, form })).because(problem))
}

pub(crate) async fn show(State(app): State<App>, Signed { session, visitor }: Signed) -> Result<Reply, Problem> {
    let mfa = app.people.mfa(session.user).await?;
    Ok(page(&app, &visitor, mfa, None))
}

/// The addresses of the page's forms show the page when they are looked at.
pub(crate) async fn see_security(visitor: Visitor) -> Reply {
    Reply::see(path_of(&visitor, PATH))
}

pub(crate) async fn change_password(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    match password_changed(&app, &visitor, session.user, &fields).await {
        Ok(answer) => {
            let next = saying(&path_of(&visitor, PATH), "saved");
            answered(&app, &visitor, answer, &next).await
        }
        Err(problem) => {
            let sent = (PASSWORD, password_form(&visitor), &fields);
            mended(&app, &visitor, session.user, sent, &problem).await
        }
    }
}

async fn password_changed(
    app: &App,
    visitor: &Visitor,
    user: UserId,
    fields: &Fields,
) -> Result<SignInAnswer, Problem> {
    let wrong = || Problem::field("/current_password", "wrong_password", "is not the password of now");
    let mut reading = Reading::default();
    let current = reading.needed::<Password>("current_password", fields.raw("current_password"));
    let chosen = reading.needed::<Password>("password", fields.raw("password"));
    let (current, chosen) = reading.all(current.zip(chosen))?;
    let changed = app.people.change_my_password(user, (&current, &chosen), &visitor.client, visitor.now).await;
    changed.map_err(Problem::from).map_err(|problem| match problem.code() {
        Code::InvalidCredentials => wrong(),
        _ => problem,
    })
}

const fn by(user: UserId, visitor: &Visitor) -> SecondFactor<'_> {
    SecondFactor { user, client: visitor.client.as_str(), now: visitor.now }
}

fn confirm_form(visitor: &Visitor) -> pages::forms::Form {
    code_form(visitor, CONFIRM, Button::main(Texts::of(visitor.language).confirm))
}

/// The key and its picture, which are shown once: looking at the address again begins anew.
fn enrolment_page(app: &App, visitor: &Visitor, enrolment: &Enrolment) -> Reply {
    let t = Texts::of(visitor.language);
    // A picture without a size is as wide as the page.
    let size = format!("<svg width=\"240\" height=\"240\" aria-label=\"{}\" ", t.mfa_picture);
    let picture = Html::sanitised(&enrolment.qr_svg.replacen("<svg ", &size, 1));
    let key = [(t.mfa_key.to_owned(), enrolment.secret.clone())];
    let pieces = [
        parts::text(t.mfa_scan),
        picture,
        parts::facts(&key),
        parts::anchor(&enrolment.uri, t.mfa_open),
        confirm_form(visitor).shown(visitor.language, &[]),
    ];
    account::page(app, visitor, (PATH, t.mfa_title), Html::default(), pieces)
}

pub(crate) async fn begin(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(_): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    let begun = app.people.begin_mfa(session.signed_in_at, by(session.user, &visitor)).await;
    match begun.map_err(Problem::from) {
        Ok(enrolment) => Ok(enrolment_page(&app, &visitor, &enrolment)),
        Err(problem) if problem.code() == Code::StepUpNeeded => Ok(step_up(&visitor, PATH)),
        // It is set up already, in another tab.
        Err(problem) if problem.code() == Code::WrongState => {
            let t = Texts::of(visitor.language);
            let back = parts::actions(t.mfa_title, &[Link::new(path_of(&visitor, PATH), t.account_security)]);
            let alerts = said(t, &problem, visitor.language);
            Ok(account::page(&app, &visitor, (PATH, t.mfa_title), alerts, [back]).because(&problem))
        }
        Err(problem) => Err(problem),
    }
}

/// The codes on paper, which are shown once.
fn codes_page(app: &App, visitor: &Visitor, codes: &RecoveryCodes, and: Html) -> Reply {
    let t = Texts::of(visitor.language);
    let codes: Vec<Vec<Html>> = codes.recovery_codes.iter().map(|code| vec![parts::plain(code)]).collect();
    let pieces = [
        parts::alert(Tone::Good, "", &[t.mfa_codes_text.to_owned()], &[]),
        parts::table(t.mfa_codes_title, &[t.code.to_owned()], &codes),
        and,
    ];
    account::page(app, visitor, (PATH, t.mfa_codes_title), Html::default(), pieces)
}

/// Sets the app up. Every session ends, this one too: each was begun without the app.
pub(crate) async fn confirm(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let t = Texts::of(visitor.language);
    let confirmed = async {
        let mut reading = Reading::default();
        let code = reading.needed::<SecondFactorCode>("code", fields.text("code"));
        let code = reading.all(code)?;
        let by = by(session.user, &visitor);
        Ok::<_, Problem>(app.people.confirm_mfa(session.signed_in_at, &code, by).await?)
    };
    match confirmed.await {
        Ok(codes) => {
            let to = going_on(&visitor, "/sign-in", &path_of(&visitor, PATH));
            let again = parts::actions(t.sign_in, &[Link::new(to, t.sign_in)]);
            let and = Html::joined([parts::text(t.mfa_signed_out), again]);
            // The cart stays: it is the same person who signs in again.
            let jar = browser::Jar::default().forget(browser::SESSION, &app.site);
            let visitor = Visitor { session: None, ..visitor };
            Ok(codes_page(&app, &visitor, &codes, and).with_cookies(jar))
        }
        Err(problem) if problem.code() == Code::StepUpNeeded => Ok(step_up(&visitor, PATH)),
        // The key is not shown again: the app has it by now, or it is set up anew.
        Err(problem) => {
            let form = failed(confirm_form(&visitor), &fields, &problem, visitor.language)?;
            let anew = pages::forms::Form::to(path_of(&visitor, APP)).button(Button::quiet(t.begin_again));
            let pieces = [form, anew.shown(visitor.language, &[])];
            Ok(account::page(&app, &visitor, (PATH, t.mfa_title), Html::default(), pieces).because(&problem))
        }
    }
}

pub(crate) async fn remove(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.people.count_change("account", Changing::Person(session.user), visitor.now).await?;
    let removed = async {
        let mut reading = Reading::default();
        let code = reading.needed::<SecondFactorCode>("code", fields.text("code"));
        let code = reading.all(code)?;
        Ok::<_, Problem>(app.people.remove_mfa(&code, by(session.user, &visitor)).await?)
    };
    match removed.await {
        Ok(()) => {
            let path = saying(&going_on(&visitor, "/sign-in", &path_of(&visitor, PATH)), "no-app");
            let jar = browser::Jar::default().forget(browser::SESSION, &app.site);
            Ok(Reply::see(path).with_cookies(jar))
        }
        Err(problem) => {
            let button = Button::danger(Texts::of(visitor.language).mfa_remove);
            let sent = (REMOVE, code_form(&visitor, REMOVE, button), &fields);
            mended(&app, &visitor, session.user, sent, &problem).await
        }
    }
}

pub(crate) async fn replace_codes(
    State(app): State<App>,
    Signed { session, visitor }: Signed,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let replaced = async {
        let mut reading = Reading::default();
        let code = reading.needed::<SecondFactorCode>("code", fields.text("code"));
        let code = reading.all(code)?;
        Ok::<_, Problem>(app.people.replace_recovery_codes(&code, by(session.user, &visitor)).await?)
    };
    match replaced.await {
        Ok(codes) => Ok(codes_page(&app, &visitor, &codes, Html::default())),
        Err(problem) => {
            let button = Button::quiet(Texts::of(visitor.language).mfa_new_codes);
            let sent = (CODES, code_form(&visitor, CODES, button), &fields);
            mended(&app, &visitor, session.user, sent, &problem).await
        }
    }
}
