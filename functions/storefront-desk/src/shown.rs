//! How pages of the desks are put together: their frame, what was done, and what is wrong with a form.

use api::Problem;
use browser::{Fields, KEY, Reply, new_key, sign_in_path};
use domain::marketplace::OperatorPermission;
use domain::{Code, Count, FieldError, marketplace};
use pages::forms::{Button, Field, Form};
use pages::parts::{Link, Tone, alert, note};
use pages::views::{Screen, sentence};
use pages::{Html, Language, Texts, fill, limits, with_query};

use crate::App;
use crate::who::{Operating, Person, Staff, page_of};

/// The parameter that says on the next page what was done.
const DONE: &str = "done";

/// A form that was sent and has to be mended.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// Which of the page's forms.
    form: String,
    typed: Fields,
    problem: Problem,
}

impl Wrong {
    pub(crate) fn has_typed(&self, name: &str) -> bool {
        self.typed.has(name)
    }

    /// What is shown of a problem on the page of its form.
    ///
    /// # Errors
    /// A problem for which the page itself is to blame, or which it cannot be without.
    pub(crate) fn with(form: impl Into<String>, typed: &Fields, problem: Problem) -> Result<Option<Self>, Problem> {
        if matches!(problem.code(), Code::NotFound | Code::Internal) {
            return Err(problem);
        }
        Ok(Some(Self { form: form.into(), typed: typed.clone(), problem }))
    }
}

/// A page of a desk before it is shown.
pub(crate) struct Sheet<'a> {
    app: &'a App,
    person: &'a Person,
    wrong: Option<Wrong>,
    /// Whether what is wrong stands beside its form already.
    is_told: bool,
    nav: Vec<Link>,
    heading: String,
    alerts: Vec<Html>,
    parts: Vec<Html>,
}

impl<'a> Sheet<'a> {
    /// A page of a vendor's desk; `at` is the path of the page in its navigation.
    pub(crate) fn of_vendor(app: &'a App, staff: &'a Staff, at: &str, heading: impl Into<String>) -> Self {
        let t = staff.person.t();
        let link = |path: &str, name: &str| Link::new(path, name).when_current(path == at);
        let nav = vec![
            link("/desk", staff.member.account.card.name.as_str()),
            link("/desk/orders", t.account_orders),
            link("/desk/products", t.desk_products),
            link("/desk/imports", t.desk_imports),
            link("/desk/shop", t.desk_shop),
        ];
        Self::new(app, &staff.person, nav, heading)
    }

    /// A page of the operator's desk.
    pub(crate) fn of_operator(app: &'a App, by: &'a Operating, at: &str, heading: impl Into<String>) -> Self {
        let t = by.person.t();
        let link = |path: &str, name: &str| Link::new(path, name).when_current(path == at);
        let mut nav = vec![link("/operate", t.op_summary)];
        let mut readable = |permission, path: &str, name: &str| {
            if may_read(&by.operator, permission) {
                nav.push(link(path, name));
            }
        };
        readable(OperatorPermission::ReadVendors, "/operate/vendors", t.op_vendors);
        readable(OperatorPermission::ReadOrders, "/operate/orders", t.account_orders);
        readable(OperatorPermission::ReadSettings, "/operate/settings/limits", t.op_settings);
        Self::new(app, &by.person, nav, heading)
    }

    /// A page of somebody who works for no shop yet.
    pub(crate) fn of_person(app: &'a App, person: &'a Person, heading: impl Into<String>) -> Self {
        Self::new(app, person, Vec::new(), heading)
    }

    fn new(app: &'a App, person: &'a Person, nav: Vec<Link>, heading: impl Into<String>) -> Self {
        let (alerts, parts) = (Vec::new(), Vec::new());
        Self { app, person, wrong: None, is_told: false, nav, heading: heading.into(), alerts, parts }
    }

    /// The same page after one of its forms was sent.
    pub(crate) fn mending(self, wrong: Option<Wrong>) -> Self {
        Self { wrong, ..self }
    }

    pub(crate) fn alert(&mut self, alert: Html) {
        self.alerts.push(alert);
    }

    pub(crate) fn part(&mut self, part: Html) {
        self.parts.push(part);
    }

    /// A form by its name on the page, with each error beside its field when it is the one that was sent. `renamed`
    /// leads from pointers of the API to names of fields; a pointer that is not in it names its field itself.
    pub(crate) fn form(&mut self, name: &str, form: Form, renamed: &[(&str, &str)]) -> Html {
        match &self.wrong {
            Some(wrong) if wrong.form == name => {
                self.is_told = true;
                blamed(form, wrong, self.person, renamed)
            }
            _ => form.shown(self.person.language(), &[]),
        }
    }

    /// A form of one button, whose second press does nothing.
    pub(crate) fn button(&self, action: impl Into<String>, button: Button) -> Html {
        let form = Form::to(action).hiding(KEY, new_key(self.person.visitor.now)).button(button);
        form.shown(self.person.language(), &[])
    }

    /// What somebody has just done, as the address of the page says.
    pub(crate) fn tell_done(&mut self) {
        let t = self.person.t();
        let said = match self.person.asked(DONE).as_deref() {
            Some("accepted") => t.desk_done_accepted,
            Some("declined") => t.desk_done_declined,
            Some("shipped") => t.desk_done_shipped,
            Some("refunded") => t.desk_done_refunded,
            Some("created") => t.desk_done_created,
            Some("published") => t.desk_done_published,
            Some("unpublished") => t.desk_done_unpublished,
            Some("deleted") => t.desk_done_deleted,
            Some("submitted") => t.desk_done_submitted,
            Some("opened") => t.desk_done_opened,
            Some("joined") => t.desk_done_joined,
            Some("not-joined") => t.desk_done_not_joined,
            Some("published-text") => t.op_done_published_text,
            Some("saved") => t.saved,
            _ => return,
        };
        self.alerts.insert(0, note(Tone::Good, said));
    }

    /// The page.
    pub(crate) fn reply(mut self) -> Reply {
        if let Some(wrong) = self.wrong.as_ref().filter(|_| !self.is_told) {
            self.alerts.insert(0, complaint(&wrong.problem, self.person));
        }
        let frame = self.person.frame(self.app, &self.heading);
        let screen = Screen::new(frame, self.heading, self.parts).among(self.nav).alerting(Html::joined(self.alerts));
        let reply = Reply::private(screen.shown());
        match &self.wrong {
            Some(wrong) => reply.because(&wrong.problem),
            None => reply,
        }
    }
}

/// Whether somebody may read something at all, whatever they have shown of themselves so far.
pub(crate) fn may_read(operator: &marketplace::Operator, permission: OperatorPermission) -> bool {
    operator.may(permission).is_ok()
}

/// To a page that says what was done.
pub(crate) fn after(path: &str, done: &str) -> Reply {
    Reply::see(with_query(path, DONE, done))
}

/// A form as it was sent, with each error beside its field.
fn blamed(form: Form, wrong: &Wrong, person: &Person, renamed: &[(&str, &str)]) -> Html {
    let Wrong { typed, problem, .. } = wrong;
    let mut form = form.as_typed(|name| typed.has(name).then(|| typed.raw(name).unwrap_or_default().to_owned()));
    let named = |error: &FieldError| {
        let known = renamed.iter().find(|(pointer, _)| *pointer == error.pointer).map(|(_, name)| *name);
        (known.unwrap_or(error.pointer.trim_start_matches('/')).to_owned(), in_words(person.language(), error))
    };
    let errors: Vec<(String, String)> = problem.errors().iter().map(named).collect();
    let mut others = if errors.is_empty() { vec![words(problem, person)] } else { Vec::new() };
    others.extend(form.blame(errors));
    Html::joined([form.shown(person.language(), &others), ways_out(problem, person)])
}

/// What is wrong with a field.
fn in_words(language: Language, error: &FieldError) -> String {
    let t = Texts::of(language);
    let is_of_texts = error.pointer.starts_with("/translations/");
    match error.code.as_str() {
        "missing" => t.error_missing.to_owned(),
        "amount" => t.desk_bad_amount.to_owned(),
        "number" => t.desk_bad_number.to_owned(),
        "file_type" => t.desk_bad_file_type.to_owned(),
        _ if error.pointer == "/content_type" => t.desk_bad_file_type.to_owned(),
        "too_long" => limits::too_long(&error.detail, language),
        _ if limits::is_too_long(&error.detail) => limits::too_long(&error.detail, language),
        "duplicate" if is_of_texts && error.pointer.contains("/options/") => t.desk_error_same_word.to_owned(),
        "duplicate" if is_of_texts => t.desk_error_language_twice.to_owned(),
        _ => detailed(t, t.error_invalid, &error.detail),
    }
}

/// What is wrong, in the words of the API. They are English; in other languages ours stand before them.
pub(crate) fn detailed(t: &'static Texts, own: &str, detail: &str) -> String {
    if std::ptr::eq(t, Texts::of(Language::En)) {
        return fill(t.error_form, &[("detail", detail)]);
    }
    if detail.is_empty() { own.to_owned() } else { format!("{own} ({detail})") }
}

/// What has happened and what to do about it, for people.
fn words(problem: &Problem, person: &Person) -> String {
    let (t, language, detail) = (person.t(), person.language(), problem.detail_for_people());
    let own = match problem.code() {
        Code::RefundLimit => return limits::refund(detail, language),
        Code::LimitReached => Some(limits::reached(detail, language)),
        code => known_words(t, code).map(str::to_owned),
    };
    match (own, detail) {
        // The words of the use cases are English and say more.
        (Some(own), Some(detail)) if language == Language::En => format!("{own} ({detail})"),
        (Some(own), _) => own,
        (None, detail) => detailed(t, t.problem_other_text, detail.unwrap_or(problem.code().meaning())),
    }
}

/// What a code means to who works at a desk.
fn known_words(t: &'static Texts, code: Code) -> Option<&'static str> {
    match code {
        Code::HandleTaken => Some(t.desk_error_handle),
        Code::ImportRunning => Some(t.desk_error_import_running),
        Code::ChecklistIncomplete => Some(t.desk_error_checklist),
        Code::VendorSuspended => Some(t.desk_error_suspended),
        Code::AlreadyExists => Some(t.op_error_same_name),
        Code::PaymentDisputed => Some(t.desk_error_disputed),
        Code::TooLarge => Some(t.desk_error_too_large),
        Code::Forbidden => Some(t.desk_error_forbidden),
        code => sentence(t, code),
    }
}

/// A problem above a page with several forms.
fn complaint(problem: &Problem, person: &Person) -> Html {
    let (t, language) = (person.t(), person.language());
    let mut lines: Vec<String> = problem.errors().iter().map(|error| in_words(language, error)).collect();
    if lines.is_empty() {
        lines.push(words(problem, person));
    }
    Html::joined([alert(Tone::Bad, t.problem_other, &lines, &[]), ways_out(problem, person)])
}

/// Where to go for who has to sign in again, or to set up a second factor.
fn ways_out(problem: &Problem, person: &Person) -> Html {
    let (t, language) = (person.t(), person.language());
    let link = match problem.code() {
        Code::StepUpNeeded => Link::new(sign_in_path(language, &page_of(&person.visitor.path)), t.sign_in),
        Code::MfaRequired => Link::new(format!("/{}/account", language.code()), t.account),
        Code::TermsNotAccepted => Link::new("/desk/shop", t.desk_shop),
        _ => return Html::default(),
    };
    alert(Tone::Info, "", &[], &[link])
}

/// A field that several forms of a page have: an id is there once on a page.
pub(crate) fn numbered(field: Field, about: impl std::fmt::Display) -> Field {
    Field { id: format!("{}-{about}", field.id), ..field }
}

/// How many there are, `99+` when not all were counted.
pub(crate) fn counted(count: Count) -> String {
    format!("{}{}", count.count, if count.at_least { "+" } else { "" })
}

/// The start of the next page of a list.
pub(crate) fn next_page(path: &str, query: &[(&str, Option<&str>)], next: Option<&str>) -> Option<String> {
    Some(listed_at(path, query, Some(next?)))
}

/// A list with what is asked of it.
pub(crate) fn listed_at(path: &str, query: &[(&str, Option<&str>)], after: Option<&str>) -> String {
    let given = query.iter().copied().chain([("after", after)]);
    given.fold(path.to_owned(), |path, (name, value)| match value {
        Some(value) => with_query(&path, name, value),
        None => path,
    })
}
