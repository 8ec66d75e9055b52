//! Whole pages.

use askama::Template;
use domain::Code;

use crate::card_row::{Card, CardRow};
use crate::parts::{Link, Tone, actions, alert};
use crate::{Frame, Html, Language, Picture, Site, fill};

/// A category with its picture.
#[derive(Clone, Debug)]
pub struct Tile {
    pub href: String,
    pub name: String,
    pub image: Option<Picture>,
}

/// The home page.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    pub f: Frame<'a>,
    pub hero: Option<Picture>,
    pub categories: Vec<Tile>,
    pub rows: Vec<CardRow>,
}

/// What stands where nothing is any more: ways to what there is.
#[derive(Debug, Template)]
#[template(path = "missing.html")]
pub struct Missing<'a> {
    pub f: Frame<'a>,
    pub categories: Vec<Link>,
    pub rows: Vec<CardRow>,
}

/// A list of products: of a category, of a shop, or of all.
#[derive(Debug, Template)]
#[template(path = "list.html")]
pub struct List<'a> {
    pub f: Frame<'a>,
    pub crumbs: Vec<Link>,
    pub heading: String,
    /// What stands above the list.
    pub intro: Html,
    /// The categories below this one.
    pub narrower: Vec<Link>,
    /// Where the form of the prices goes, and what it sends besides.
    pub action: String,
    pub hidden: Vec<(String, String)>,
    pub price_from: Option<String>,
    pub price_to: Option<String>,
    /// Whether one of them cannot be read, and stands there as it was typed.
    pub price_wrong: bool,
    pub from_label: String,
    pub to_label: String,
    /// The same list without its bounds.
    pub clear: String,
    pub sorts: Vec<Link>,
    pub cards: Vec<Card>,
    pub first_page: Option<String>,
    pub next_page: Option<String>,
}

/// A variant that can be chosen.
#[derive(Clone, Debug)]
pub struct Variant {
    pub id: String,
    pub name: String,
    /// Its price, where variants differ in it.
    pub price: Option<String>,
    pub chosen: bool,
    pub buyable: bool,
    pub shows: Shows,
}

/// What stands beside a choice: scripts show it when another one is made.
#[derive(Clone, Debug, Default)]
pub struct Shows {
    pub price: String,
    /// The former price; blank when there is none.
    pub was: String,
    pub unit: String,
    /// The class of what stands of the stock, and that in words.
    pub tone: &'static str,
    pub state: String,
}

impl Shows {
    /// As one attribute, with bars between.
    fn joined(&self) -> String {
        [&self.price, &self.was, &self.unit, self.tone, &self.state].map(|text| text.replace('|', " ")).join("|")
    }
}

/// The page of a product.
#[derive(Debug, Template)]
#[template(path = "product.html")]
pub struct Product<'a> {
    pub f: Frame<'a>,
    pub crumbs: Vec<Link>,
    /// The tag of the language that its texts are in, when it is another one than the page's.
    pub tag: Option<String>,
    pub heading: String,
    /// The address and the words of each picture.
    pub pictures: Vec<Picture>,
    pub vendor: String,
    pub vendor_href: String,
    /// Of the choice that is made already.
    pub shows: Shows,
    pub currency: &'static str,
    pub choose: String,
    pub choices: Vec<Variant>,
    pub buyable: bool,
    pub delivery: Option<String>,
    pub description: Html,
    pub facts: Vec<(String, String)>,
    pub similar: Vec<Card>,
}

impl Product<'_> {
    /// Whether any choice has a former price.
    fn has_was(&self) -> bool {
        self.choices.iter().any(|choice| !choice.shows.was.is_empty())
    }

    /// Whether any choice has a price for a unit.
    fn has_unit(&self) -> bool {
        self.choices.iter().any(|choice| !choice.shows.unit.is_empty())
    }
}

/// A page that is put together from parts.
#[derive(Debug, Template)]
#[template(path = "screen.html")]
pub struct Screen<'a> {
    pub f: Frame<'a>,
    pub crumbs: Vec<Link>,
    /// The pages of a desk; empty elsewhere.
    pub nav: Vec<Link>,
    pub heading: String,
    pub alerts: Html,
    pub main: Html,
    /// What stands beside it where there is room.
    pub aside: Html,
}

/// A page to print: where a parcel goes and what is in it.
#[derive(Debug, Template)]
#[template(path = "label.html")]
pub struct Label {
    pub language: Language,
    pub back: String,
    pub back_name: &'static str,
    pub title: String,
    pub from_name: &'static str,
    pub from: Vec<String>,
    pub to_name: &'static str,
    pub to: Vec<String>,
    /// What its carrier collects.
    pub collect: Option<String>,
    pub lines: Vec<String>,
    pub hint: &'static str,
}

impl Label {
    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

impl<'a> Screen<'a> {
    /// A page with this title and these parts.
    pub fn new(f: Frame<'a>, heading: impl Into<String>, main: impl IntoIterator<Item = Html>) -> Self {
        let (crumbs, nav, alerts, aside) = (Vec::new(), Vec::new(), Html::default(), Html::default());
        Self { f, crumbs, nav, heading: heading.into(), alerts, main: Html::joined(main), aside }
    }

    #[must_use]
    pub fn alerting(self, alerts: Html) -> Self {
        Self { alerts, ..self }
    }

    #[must_use]
    pub fn beside(self, aside: Html) -> Self {
        Self { aside, ..self }
    }

    #[must_use]
    pub fn among(self, nav: Vec<Link>) -> Self {
        Self { nav, ..self }
    }

    #[must_use]
    pub fn below(self, crumbs: Vec<Link>) -> Self {
        Self { crumbs, ..self }
    }

    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

impl Home<'_> {
    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

impl Missing<'_> {
    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

impl List<'_> {
    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

impl Product<'_> {
    /// The whole page.
    pub fn shown(&self) -> String {
        Html::of(self).into_string()
    }
}

/// The page of a problem: what has happened, and where to go on.
pub fn problem(site: &Site, language: Language, code: Code, detail: Option<&str>, id: Option<&str>) -> String {
    let f = Frame::new(site, language, "/", String::new());
    let t = f.t;
    let (heading, line) = problem_words(t, code, id.unwrap_or_default());
    let f = Frame { title: heading.to_owned(), ..f };
    let mut lines = vec![line];
    // The words of the API are English; in other languages the code's own sentence has to do.
    lines.extend(detail.filter(|_| language == Language::En).map(str::to_owned));
    lines.retain(|line| !line.is_empty());
    let links = [Link::new(f.to("/"), t.to_home), Link::new(f.to("/products"), t.all_products)];
    let said = if lines.is_empty() { Html::default() } else { alert(Tone::Info, "", &lines, &[]) };
    let ways = actions(t.path, &links);
    Screen::new(f, heading, [said, ways]).shown()
}

/// What has happened, and what to do about it.
fn problem_words(t: &'static crate::Texts, code: Code, id: &str) -> (&'static str, String) {
    let heading = match code {
        Code::NotFound => t.problem_not_found,
        Code::Expired | Code::CodeExpired | Code::TokenExpired => t.problem_gone,
        Code::Unauthorized
        | Code::Forbidden
        | Code::VendorSuspended
        | Code::RefundLimit
        | Code::MfaRequired
        | Code::StepUpNeeded => t.problem_forbidden,
        Code::TooManyRequests => t.problem_too_many,
        Code::Unavailable | Code::NewerData => t.problem_unavailable,
        Code::Internal => t.problem_internal,
        Code::MethodNotAllowed => t.problem_wrong_method,
        _ => t.problem_other,
    };
    (heading, fill(what_to_do(t, code), &[("id", id)]))
}

/// What to do about a problem where nothing but its page is shown.
fn what_to_do(t: &'static crate::Texts, code: Code) -> &'static str {
    match code {
        Code::NotFound => t.problem_not_found_text,
        Code::Expired => t.problem_gone_text,
        Code::TokenExpired => t.link_old,
        Code::Unauthorized | Code::Forbidden => t.problem_forbidden_text,
        Code::VendorSuspended => t.desk_error_suspended,
        Code::RefundLimit => t.op_error_refund_limit,
        Code::NewerData => t.problem_unavailable_text,
        Code::Internal => t.problem_internal_text,
        Code::MethodNotAllowed => t.problem_wrong_method_text,
        Code::PaymentDisputed => t.desk_error_disputed,
        Code::HandleTaken => t.desk_error_handle,
        Code::AlreadyExists => t.error_already_there,
        Code::CartFull => t.cart_full,
        Code::ImportRunning => t.desk_error_import_running,
        Code::ChecklistIncomplete => t.desk_error_checklist,
        Code::LimitReached => t.desk_error_limit,
        Code::TooLarge => t.desk_error_too_large,
        other => sentence(t, other).unwrap_or(t.problem_other_text),
    }
}

/// What a code means to a buyer, where pages have words for it.
pub fn sentence(t: &'static crate::Texts, code: Code) -> Option<&'static str> {
    Some(match code {
        Code::InvalidCredentials => t.error_credentials,
        Code::CodeMismatch | Code::CodeExpired => t.error_code,
        Code::OutOfStock => t.error_out_of_stock,
        Code::PriceChanged => t.error_price_changed,
        Code::CartOrdered => t.error_cart_ordered,
        Code::NotDeliverable => t.error_not_deliverable,
        Code::PaymentMethodUnavailable => t.error_payment_method,
        Code::WrongState => t.error_wrong_state,
        Code::StepUpNeeded => t.error_step_up,
        Code::MfaRequired => t.error_mfa,
        Code::TermsNotAccepted => t.terms_missing,
        Code::TooManyRequests => t.problem_too_many_text,
        Code::Unavailable => t.problem_unavailable_text,
        Code::Conflict | Code::VersionMismatch => t.problem_conflict_text,
        Code::CartEmpty => t.cart_empty,
        Code::NotAvailable => t.line_unavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Texts;

    #[test]
    fn each_problem_says_what_to_do_in_each_language() {
        for language in Language::ALL {
            let t = Texts::of(language);
            for code in Code::ALL {
                let (heading, line) = problem_words(t, *code, "a-request");
                assert!(!heading.is_empty() && !line.trim().is_empty(), "{code:?} in {language:?}");
                assert!(line != heading && !line.contains('{'), "{code:?} in {language:?}: {line}");
            }
            assert!(problem_words(t, Code::Internal, "a-request").1.contains("a-request"));
        }
    }

    #[test]
    fn a_page_says_how_its_people_are_reached_and_nothing_of_help_where_nobody_is() {
        let shown = |phone: Option<&str>, telegram: Option<&str>| {
            let site = Site {
                name: "Bozor".to_owned(),
                url: "https://shop.example".to_owned(),
                phone: phone.map(str::to_owned),
                telegram: telegram.map(str::to_owned),
                main_language: Language::En,
                currencies: Vec::new(),
            };
            problem(&site, Language::En, Code::NotFound, None, None)
        };
        let heading = format!("<h2>{}</h2>", Texts::of(Language::En).help_title);
        let by_phone = shown(Some("+998 71 200 00 00"), None);
        assert!(by_phone.contains(&heading) && by_phone.contains("tel:+998712000000") && !by_phone.contains("//t.me/"));
        let by_telegram = shown(None, Some("bozor"));
        assert!(by_telegram.contains(&heading) && by_telegram.contains("https://t.me/bozor"));
        assert!(!shown(None, None).contains(&heading));
    }
}
