//! The pages that are templates of their own, with what parts alone do not show: the head of the home page and its
//! tiles, the bounds of a list, the pictures of a product and its choices, in every state.

use pages::parts::{self, Link};
use pages::views::{Home, List, Missing, Product, Shows, Tile, Variant};
use pages::{CardRow, Frame, Html, Picture, fill};

use super::{LONG, PATH, PICTURE, all_cards, price};

/// The names of the pages, as they stand behind the path.
pub(super) const NAMES: [&str; 5] = ["home", "list", "product", "sold-out", "missing"];

/// The page of a name.
pub(super) fn shown(name: &str, frame: Frame<'_>) -> Option<String> {
    Some(match name {
        "home" => home(frame),
        "list" => list(frame),
        "product" => product(frame, true),
        "sold-out" => product(frame, false),
        "missing" => missing(frame),
        _ => return None,
    })
}

fn row(f: &Frame<'_>) -> CardRow {
    CardRow { title: f.t.newest.to_owned(), cards: all_cards(f), more: PATH.to_owned() }
}

fn links() -> Vec<Link> {
    ["Bowls", LONG, "Atlas"].map(|name| Link::new(PATH, name)).to_vec()
}

fn home(f: Frame<'_>) -> String {
    let tile = |name: &str, image: Option<&str>| Tile {
        href: PATH.to_owned(),
        name: name.to_owned(),
        image: image.map(Picture::at),
    };
    let rows = vec![row(&f)];
    let categories = vec![tile("Bowls", Some(PICTURE)), tile(LONG, Some(PICTURE)), tile("Atlas", None)];
    Home { hero: Some(Picture::at(PICTURE)), categories, rows, f }.shown()
}

fn list(f: Frame<'_>) -> String {
    List {
        crumbs: links(),
        heading: LONG.to_owned(),
        intro: parts::text(f.t.hero_text),
        narrower: links(),
        action: PATH.to_owned(),
        hidden: Vec::new(),
        price_from: Some("12,5o".to_owned()),
        price_to: Some("24".to_owned()),
        price_wrong: true,
        from_label: fill(f.t.price_from, &[("currency", "UZS")]),
        to_label: fill(f.t.price_to, &[("currency", "UZS")]),
        clear: PATH.to_owned(),
        sorts: links().into_iter().zip([true, false, false]).map(|(link, is)| link.when_current(is)).collect(),
        cards: all_cards(&f),
        first_page: Some(PATH.to_owned()),
        next_page: Some(PATH.to_owned()),
        f,
    }
    .shown()
}

/// A product with a choice in each state: chosen, reduced, by measure, few left, sold out; or one that is sold out.
fn product(f: Frame<'_>, buyable: bool) -> String {
    let shows = |minor, tone: &'static str, state: &str| Shows {
        price: price(&f, minor),
        tone,
        state: state.to_owned(),
        ..Shows::default()
    };
    let reduced = Shows { was: price(&f, 240_000_000), ..shows(181_200_000, "good", f.t.in_stock) };
    let measured = Shows {
        unit: fill(f.t.per_unit, &[("unit", "0.5 m")]),
        ..shows(90_000_000, "wait", &fill(f.t.few_left, &[("n", "3")]))
    };
    let gone = shows(181_200_000, "bad", f.t.sold_out);
    let states = if buyable { vec![reduced, measured, gone.clone()] } else { vec![gone.clone()] };
    let choices = states.into_iter().enumerate().map(|(at, shows)| Variant {
        id: format!("variant{at}"),
        name: ["24 cm, blue", LONG, "30 cm"].get(at).copied().unwrap_or_default().to_owned(),
        price: buyable.then(|| shows.price.clone()),
        chosen: at == 0,
        buyable: shows.tone != "bad",
        shows,
    });
    let choices: Vec<Variant> = choices.collect();
    let picture = || Picture::of(&domain::catalog::ImageLink::of(PICTURE.to_owned()), LONG);
    let pictures = if buyable { vec![picture(); 3] } else { Vec::new() };
    let known = [(f.t.recipient, LONG), (f.t.phone, "+998 90 123-45-67")];
    Product {
        tag: None,
        crumbs: links(),
        heading: LONG.to_owned(),
        pictures,
        vendor: "Chorsu ceramics".to_owned(),
        vendor_href: PATH.to_owned(),
        shows: choices.first().map_or(gone, |first| first.shows.clone()),
        currency: "UZS",
        choose: f.t.choose_variant.to_owned(),
        choices,
        buyable,
        delivery: buyable.then(|| f.t.delivery_later.to_owned()),
        description: Html::joined([parts::text(f.t.static_delivery_text), parts::text(f.t.static_returns_text)]),
        facts: known.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        similar: all_cards(&f),
        f,
    }
    .shown()
}

fn missing(f: Frame<'_>) -> String {
    Missing { categories: links(), rows: vec![row(&f)], f }.shown()
}
