//! What the pages for one person share: their frame, forms that have to be mended, and reading what was typed.

use api::Problem;
use browser::{Fields, Visitor, as_api};
use domain::contact::ContactPoint;
use domain::order::OrderState;
use domain::{Code, FieldError};
use pages::forms::Form;
use pages::parts::{Tone, note};
use pages::{Frame, Html, Language, Texts, fill, limits, views};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::App;

/// The parameter that names what has happened.
const NOTE: &str = "note";

/// The frame of a page for one person. `path` is below the language, with its query.
pub(crate) fn frame<'a>(
    app: &'a App,
    visitor: &Visitor,
    path: impl Into<String>,
    title: impl Into<String>,
) -> Frame<'a> {
    let f = Frame::new(&app.site.shown, visitor.language, path, title);
    Frame { signed_in: Some(visitor.session.is_some()), ..f }
}

/// What the query of a page says.
pub(crate) fn query(visitor: &Visitor) -> Fields {
    Fields::parse(visitor.path.split_once('?').map_or("", |(_, query)| query).as_bytes())
}

/// What the page before has to tell. The query names one of our sentences, so that nobody puts others into a link.
pub(crate) fn news(visitor: &Visitor) -> Html {
    let t = Texts::of(visitor.language);
    let (tone, line) = match query(visitor).text(NOTE) {
        Some("saved") => (Tone::Good, t.saved),
        Some("sent") => (Tone::Good, t.code_sent_again),
        Some("out") => (Tone::Good, t.signed_out),
        Some("confirmed") => (Tone::Good, t.confirmed),
        Some("password") => (Tone::Good, t.password_changed),
        Some("no-app") => (Tone::Good, t.mfa_removed),
        Some("fresh") => (Tone::Info, t.error_step_up),
        _ => return Html::default(),
    };
    note(tone, line)
}

/// The path of a page that says what has happened.
pub(crate) fn saying(path: &str, what: &str) -> String {
    pages::with_query(path, NOTE, what)
}

/// The path of another page in the visitor's language. `path` begins with a slash.
pub(crate) fn path_of(visitor: &Visitor, path: &str) -> String {
    format!("/{}{path}", visitor.language.code())
}

/// The form that was sent, with what was typed and each error beside its field. The page that holds it has the status
/// of the problem ([`browser::Reply::because`]).
///
/// # Errors
/// The problem itself, where the form cannot show it: a failure of ours, something that is not there, too many tries.
pub(crate) fn failed(form: Form, typed: &Fields, problem: &Problem, language: Language) -> Result<Html, Problem> {
    if problem.status().is_server_error() || matches!(problem.code(), Code::NotFound | Code::TooManyRequests) {
        return Err(problem.clone());
    }
    let t = Texts::of(language);
    let mut form = form.as_typed(|name| typed.raw(name).map(str::to_owned));
    let mut errors: Vec<(String, String)> = Vec::new();
    for error in problem.errors() {
        let name = field_of(&form, &error.pointer).unwrap_or_default();
        // The first thing that is wrong with a field is enough.
        if name.is_empty() || !errors.iter().any(|(known, _)| *known == name) {
            errors.push((name, words_of(language, error)));
        }
    }
    if errors.is_empty() {
        let own_field = match problem.code() {
            Code::CodeMismatch | Code::CodeExpired => field_of(&form, "/code"),
            Code::PasswordNeeded => field_of(&form, "/password"),
            _ => None,
        };
        errors.push((own_field.unwrap_or_default(), sentence(t, problem, language)));
    }
    let others = form.blame(errors);
    Ok(form.shown(language, &others))
}

/// What a problem means, in the words of the page's language. The API's own words are English.
pub(crate) fn sentence(t: &'static Texts, problem: &Problem, language: Language) -> String {
    let known = match problem.code() {
        Code::PasswordNeeded => Some(t.error_missing),
        Code::AlreadyExists => Some(t.error_already_there),
        other => views::sentence(t, other),
    };
    match (known, problem.detail_for_people()) {
        (Some(words), _) => words.to_owned(),
        (None, Some(detail)) if language == Language::En => fill(t.error_form, &[("detail", detail)]),
        _ => t.problem_other_text.to_owned(),
    }
}

/// A problem that no form has, above a page.
pub(crate) fn said(t: &'static Texts, problem: &Problem, language: Language) -> Html {
    note(Tone::Bad, &sentence(t, problem, language))
}

/// The state of an order as its buyer is told.
pub(crate) fn order_state(t: &Texts, state: OrderState) -> (Tone, &'static str) {
    match state {
        OrderState::AwaitingConfirmation => (Tone::Wait, t.state_awaiting_confirmation),
        OrderState::AwaitingPayment => (Tone::Wait, t.state_awaiting_payment),
        OrderState::Confirmed => (Tone::Good, t.state_confirmed),
        OrderState::Paid => (Tone::Good, t.state_paid),
        OrderState::Completed => (Tone::Good, t.state_completed),
        OrderState::Cancelled => (Tone::Bad, t.state_cancelled),
        OrderState::Expired => (Tone::Bad, t.state_expired),
        OrderState::Other => (Tone::Info, t.state_other),
    }
}

/// The field that a pointer into the API's body means: the one whose name shares the longest end with it.
fn field_of(form: &Form, pointer: &str) -> Option<String> {
    let steps: Vec<&str> = pointer.split('/').filter(|step| !step.is_empty()).collect();
    let names = form.groups.iter().flat_map(|group| &group.fields).map(|field| field.name.as_str());
    let shared = |name: &str| name.rsplit('.').zip(steps.iter().rev()).take_while(|(one, other)| one == *other).count();
    let best =
        names.map(|name| (shared(name), name)).filter(|(shared, _)| *shared > 0).max_by_key(|(shared, _)| *shared);
    best.map(|(_, name)| name.to_owned())
}

fn words_of(language: Language, error: &FieldError) -> String {
    let t = Texts::of(language);
    let field = error.pointer.rsplit('/').next().unwrap_or_default();
    match (error.code.as_str(), field) {
        ("missing", _) => t.error_missing.to_owned(),
        ("wrong_password", _) => t.error_current_password.to_owned(),
        ("too_short" | "too_common", _) | (_, "password") => t.error_password_weak.to_owned(),
        (_, "contact") => t.error_contact.to_owned(),
        (_, "phone") => t.error_phone.to_owned(),
        (_, "email") => t.error_email.to_owned(),
        (_, "code") => t.error_code_form.to_owned(),
        ("too_long", _) => limits::too_long(&error.detail, language),
        _ if limits::is_too_long(&error.detail) => limits::too_long(&error.detail, language),
        // The API's own words are English.
        _ if language == Language::En => fill(t.error_form, &[("detail", &error.detail)]),
        _ => t.error_invalid.to_owned(),
    }
}

/// Reads fields one by one, so that everything that is wrong is shown at once.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    errors: Vec<FieldError>,
}

impl Reading {
    /// A field that has to be filled in, judged as the API judges it.
    pub(crate) fn needed<T: DeserializeOwned>(&mut self, name: &str, written: Option<&str>) -> Option<T> {
        let Some(written) = written.filter(|written| !written.is_empty()) else {
            self.errors.push(FieldError::new(format!("/{name}"), "missing", "is needed"));
            return None;
        };
        match as_api(&Value::from(written)) {
            Ok(read) => Some(read),
            Err(problem) => {
                self.errors.push(error_of(name, &problem));
                None
            }
        }
    }

    /// A field that may be left blank.
    pub(crate) fn given<T: DeserializeOwned>(&mut self, name: &str, written: Option<&str>) -> Option<T> {
        let written = written.filter(|written| !written.is_empty())?;
        self.needed(name, Some(written))
    }

    /// A field that may be left blank, read by a rule of the domain.
    pub(crate) fn given_with<T>(
        &mut self,
        name: &str,
        written: Option<&str>,
        read: impl FnOnce(&str) -> Result<T, domain::text::BadText>,
    ) -> Option<T> {
        match read(written?) {
            Ok(read) => Some(read),
            Err(wrong) => {
                self.errors.push(FieldError::new(format!("/{name}"), "invalid", wrong.to_string()));
                None
            }
        }
    }

    /// All that was read, if nothing was wrong with any field.
    ///
    /// # Errors
    /// `invalid`, with each field that is wrong.
    pub(crate) fn all<T>(self, read: Option<T>) -> Result<T, Problem> {
        let is_good = self.errors.is_empty();
        read.filter(|_| is_good).ok_or_else(|| Problem::of(Code::Invalid).with_errors(self.errors))
    }
}

/// A contact of an account, judged as the API judges it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct AccountContact(#[serde(deserialize_with = "domain::contact::of_account")] pub(crate) ContactPoint);

/// What is wrong with one field that was read alone.
fn error_of(name: &str, problem: &Problem) -> FieldError {
    let pointer = format!("/{name}");
    match problem.errors() {
        [error, ..] => FieldError::new(pointer, error.code.as_str(), error.detail.as_str()),
        [] => FieldError::new(pointer, "invalid", problem.detail_for_people().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use domain::text::Email;
    use pages::forms::{Field, Kind};

    use super::*;

    fn form() -> Form {
        let names = ["contact.phone", "address.phone", "address.line1", "password", "code"];
        let kind = |name| if name == "password" { Kind::Password } else { Kind::Text };
        Form::to("/en/x").asking(names.map(|name| Field::new(name, name, kind(name))).to_vec())
    }

    #[test]
    fn a_pointer_means_the_field_that_shares_its_end() {
        for (pointer, field) in [
            ("/address/phone", Some("address.phone")),
            ("/contact/phone", Some("contact.phone")),
            ("/line1", Some("address.line1")),
            ("/items/0/address/line1", Some("address.line1")),
            ("/city", None),
            ("", None),
        ] {
            assert_eq!(field_of(&form(), pointer).as_deref(), field, "{pointer}");
        }
    }

    #[test]
    fn a_problem_stands_beside_its_field_or_above_the_form_and_what_was_typed_stays() {
        let typed = Fields::parse(b"address.line1=%3Cb%3E&password=secret");
        let problem = Problem::field("/address/line1", "missing", "is needed in UZ");
        let html = failed(form(), &typed, &problem, Language::En).unwrap().into_string();
        assert!(html.contains("id=\"f-address-line1-e\">Please fill this in.") && !html.contains("secret"), "{html}");
        assert!(!html.contains("value=\"<b>\"") && html.contains("b&#62;\"") || html.contains("b&gt;\""), "{html}");

        let wrong = failed(form(), &typed, &Problem::of(Code::CodeMismatch), Language::En).unwrap().into_string();
        assert!(wrong.contains("id=\"f-code-e\""), "{wrong}");
        let wrong = failed(form(), &typed, &Problem::of(Code::InvalidCredentials), Language::Ru).unwrap().into_string();
        assert!(wrong.contains(Texts::of(Language::Ru).error_credentials), "{wrong}");
    }

    #[test]
    fn what_no_form_can_mend_is_passed_on() {
        for code in [Code::Internal, Code::Unavailable, Code::NotFound, Code::TooManyRequests] {
            assert!(failed(form(), &Fields::default(), &Problem::of(code), Language::En).is_err(), "{code:?}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let mut reading = Reading::default();
        let (email, other) = (reading.needed::<Email>("email", Some("nobody")), reading.needed::<Email>("other", None));
        let blank: Option<Email> = reading.given("blank", Some(""));
        assert!(blank.is_none());
        let problem = reading.all(email.zip(other)).unwrap_err();
        let pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/email", "/other"]);
    }
}
