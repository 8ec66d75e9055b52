//! Every component of the pages in every state, at `/_local/pages?language=CODE`, to be looked at; and the pages that
//! are not put together from them, below it.

mod whole;

use axum::response::{IntoResponse, Response};
use domain::{Currency, Money};
use http::{Uri, header};
use pages::forms::{Button, Choice, Field, Form, Group, Kind};
use pages::parts::{self, Line, Link, Tone};
use pages::views::Screen;
use pages::{Card, Frame, Html, Language, Site, Texts, fill, money};

const PATH: &str = "/_local/pages";
/// A title that is longer than any place for it.
const LONG: &str =
    "Handwoven silk and cotton table runner from Margilan with pomegranates, dyed with walnut and madder";
const PICTURE: &str = "/icon.svg";

/// The page, if the path is its.
pub(crate) fn answer(uri: &Uri) -> Option<Response> {
    let name = uri.path().strip_prefix(PATH)?;
    let asked = uri.query().and_then(|query| query.strip_prefix("language="));
    let language = asked.and_then(Language::parse).unwrap_or_default();
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page(name, language)?).into_response();
    // What the policy of pages forbids is not there to be admired.
    browser::protect_page(response.headers_mut());
    Some(response)
}

/// The page of a name, or that of all components where there is none.
fn page(name: &str, language: Language) -> Option<String> {
    let site = Site {
        name: "Bozor".to_owned(),
        url: String::new(),
        phone: Some("+998 71 200 00 00".to_owned()),
        telegram: Some("bozor".to_owned()),
        main_language: Language::En,
        currencies: vec![Currency::UZS, Currency::USD],
    };
    let t = Texts::of(language);
    let frame = || Frame {
        unprefixed: true,
        cart_items: Some(3),
        signed_in: Some(false),
        ..Frame::new(&site, language, PATH, t.catalog).priced_in(Currency::UZS)
    };
    if let Some(name) = name.strip_prefix('/') {
        return whole::shown(name, frame());
    }
    if !name.is_empty() {
        return None;
    }
    let frame = frame();
    let main =
        [told(t), buttons(t, language), fields(t, language), cards(&frame), goods(t, language), lists(t, language)];
    let aside = parts::boxed(t.your_order, [parts::sum(&sums(t, language))]);
    let others = whole::NAMES.map(|name| Link::new(format!("{PATH}/{name}?language={}", language.code()), name));
    let page = Screen::new(frame, "/_local/pages", main)
        .among(others.to_vec())
        .below(vec![Link::new("/", t.home), Link::new(PATH, t.catalog).when_current(true)])
        .alerting(parts::note(Tone::Good, t.saved))
        .beside(aside)
        .shown();
    Some(page)
}

fn links(t: &'static Texts) -> Vec<Link> {
    let all = [t.account_orders, t.desk_products, t.desk_imports, t.desk_shop, t.op_settings];
    all.into_iter().map(|name| Link::new(PATH, name).when_current(name == t.desk_products)).collect()
}

fn told(t: &'static Texts) -> Html {
    let tones = [Tone::Good, Tone::Bad, Tone::Info, Tone::Wait];
    let lines = [t.problem_conflict_text.to_owned(), t.error_out_of_stock.to_owned()];
    // The bad one stands above the form below: a page has one place that has the focus.
    let alerts = [Tone::Good, Tone::Info, Tone::Wait]
        .map(|tone| parts::alert(tone, t.problem_other, &lines, &[Link::new(PATH, t.to_home)]));
    let states = [t.state_paid, t.state_cancelled, t.state_completed, t.state_awaiting_payment];
    let badges = tones.into_iter().zip(states).map(|(tone, state)| parts::badge(tone, state));
    let boxes = tones.into_iter().zip(states).map(|(tone, state)| {
        parts::stated(t.payment, (tone, state), [parts::text(t.order_thanks), parts::muted(t.guest_note)])
    });
    Html::joined(alerts.into_iter().chain(boxes).chain([parts::boxed(t.state, badges)]))
}

fn buttons(t: &'static Texts, language: Language) -> Html {
    let form = Form::to(PATH)
        .button(Button::main(t.add_to_cart))
        .button(Button::quiet(t.update))
        .button(Button::danger(t.cancel_order))
        .button(Button::link(t.forgot_password));
    parts::boxed(t.confirm, [form.shown(language, &[]), parts::call_to_action(PATH, t.go_shopping)])
}

/// Each kind of field: blank, filled in, left out, and wrong.
fn fields(t: &'static Texts, language: Language) -> Html {
    let options = || vec![Choice::new("a", t.pay_card).hinting(t.pay_card_hint), Choice::new("b", t.pay_cash)];
    let kinds: [(&str, Kind, &str); 12] = [
        (t.your_name, Kind::Text, LONG),
        (t.email, Kind::Email, "aziza@bozor.test"),
        (t.phone, Kind::Phone, "+998 90 123-45-67"),
        (t.password, Kind::Password, ""),
        (t.code, Kind::Digits, "048151"),
        (t.quantity, Kind::Number, "12"),
        (t.desk_price, Kind::Decimal, "12000"),
        (t.desk_expires, Kind::Date, "2027-01-31"),
        (t.courier_note, Kind::Area, LONG),
        (t.accept_terms, Kind::Check, "1"),
        (t.desk_choose_pictures, Kind::File { accept: "image/*", several: true }, ""),
        (t.country, Kind::Choice { options: options() }, "b"),
    ];
    let radio = Field::new("radio", t.pay_by, Kind::Radio { options: options() }).filled("a");
    let each = kinds.into_iter().enumerate().flat_map(|(at, (label, kind, value))| {
        let field = |state: &str| Field::new(format!("{state}{at}"), label, kind.clone());
        let wrong = Field { error: Some(t.error_missing.to_owned()), ..field("wrong") };
        [field("blank").hinting(t.contact_hint), field("filled").filled(value), field("optional").optional(), wrong]
    });
    let wrong_radio =
        Field { error: Some(t.error_missing.to_owned()), ..Field::new("wrongradio", t.pay_by, radio.kind.clone()) };
    let form = Form::to(PATH)
        .sending_files()
        .with(Group::named(t.contact, each.collect()))
        .with(Group::named(t.payment_title, vec![radio, wrong_radio]))
        .with(Group::of(vec![short("apartment", t.apartment), short("floor", t.floor)]).in_a_row())
        .button(Button::main(t.save));
    parts::boxed(t.account_profile, [form.shown(language, &[t.error_cart_lines.to_owned()])])
}

fn short(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Text)
}

fn price(f: &Frame<'_>, minor: i64) -> String {
    money(Money::new(minor, Currency::UZS), f.language)
}

/// A card in each state.
fn all_cards(f: &Frame<'_>) -> Vec<Card> {
    let price = |minor| price(f, minor);
    let card = |title: &str| Card {
        href: PATH.to_owned(),
        title: title.to_owned(),
        vendor: "Chorsu ceramics".to_owned(),
        price: price(181_200_000),
        was: None,
        unit: None,
        tag: None,
        image: Some(pages::Picture::at(PICTURE)),
        available: true,
        first: false,
    };
    vec![
        card("Bowl"),
        Card { was: Some(price(240_000_000)), tag: Some(fill(f.t.discount, &[("n", "24")])), ..card(LONG) },
        Card { unit: Some(fill(f.t.per_unit, &[("unit", "0.5 m")])), ..card("Atlas") },
        Card { available: false, tag: Some(f.t.sold_out.to_owned()), ..card("Plate") },
        Card { image: None, price: fill(f.t.from_price, &[("price", &price(900_000))]), ..card("Cup") },
    ]
}

fn cards(f: &Frame<'_>) -> Html {
    let all = all_cards(f);
    parts::boxed(f.t.newest, [parts::tabs(f.t.sort_label, &links(f.t)), pages::grid(f, &all), pager(f.t)])
}

fn pager(t: &'static Texts) -> Html {
    parts::pager(t, Some(PATH.to_owned()), Some(PATH.to_owned()))
}

fn sums(t: &'static Texts, language: Language) -> Vec<(String, String)> {
    let rows =
        [(t.goods, 181_200_000), (t.discount_total, -10_000_000), (t.delivery, 2_500_000), (t.to_pay, 173_700_000)];
    rows.map(|(name, minor)| (name.to_owned(), money(Money::new(minor, Currency::UZS), language))).to_vec()
}

fn goods(t: &'static Texts, language: Language) -> Html {
    let price = money(Money::new(181_200_000, Currency::UZS), language);
    let line = |title: &str| Line {
        image: Some(PICTURE.to_owned()),
        href: Some(PATH.to_owned()),
        title: title.to_owned(),
        notes: vec![t.vendor_label.to_owned(), "1.5 m × 3".to_owned()],
        price: price.clone(),
        warnings: Vec::new(),
        actions: parts::quantity(t, PATH, (&format!("v{}", title.len()), title), 3),
    };
    let all = [
        line("Bowl"),
        Line { warnings: vec![t.line_unavailable.to_owned(), t.error_quantity.to_owned()], ..line(LONG) },
        Line { image: None, href: None, actions: Html::default(), ..line("Cup") },
    ];
    let done = |name: &str| Link::new(PATH, name);
    let steps = [done(t.step_address), done(t.step_delivery).when_current(true), Link::new("", t.step_payment)];
    parts::boxed(t.cart_title, [parts::steps(&steps), parts::lines(&all), parts::sum(&sums(t, language))])
}

fn lists(t: &'static Texts, language: Language) -> Html {
    let columns = [t.order_number, t.date, t.amount, t.state].map(str::to_owned);
    let row = |tone, state| {
        let price = money(Money::new(181_200_000, Currency::UZS), language);
        vec![
            parts::anchor(PATH, "7KQ2P-41XZA"),
            parts::plain(&pages::date(domain::Timestamp::from_millis(1_796_000_000_000), language)),
            parts::plain(&price),
            parts::badge(tone, state),
        ]
    };
    let rows = [row(Tone::Good, t.state_paid), row(Tone::Bad, t.state_cancelled)];
    let known = [(t.recipient.to_owned(), LONG.to_owned()), (t.phone.to_owned(), "+998 90 123-45-67".to_owned())];
    let written = parts::paragraphs(&format!("{}\n{}", t.static_delivery_text, t.static_returns_text), language.tag());
    let pieces = [
        parts::table(t.account_orders, &columns, &rows),
        parts::facts(&known),
        parts::actions(t.account_orders, &links(t)),
        parts::title(t.delivery_page),
        written,
    ];
    parts::boxed(t.account_title, pieces)
}
