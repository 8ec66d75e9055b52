//! Pages and mail as HTML, in every language of the shop: the frame and the parts of pages, what they say, and how each
//! language writes plurals, numbers, money and dates.
//!
//! It is pure, as `domain` is: it reads no clock, no environment and no request. A page passes in what it shows, and
//! the same values always give the same text, which is what makes public pages cacheable.
//!
//! [`plural`], [`number`] and [`money`] are written here instead of linked, because the tables of Unicode's CLDR would
//! cost every function that shows a page more than all its own code. The tests compare them with `icu_plurals` and
//! `icu_decimal`, which hold those tables.

mod card_row;
mod format;
pub mod forms;
mod history;
mod html;
mod language;
mod languages;
pub mod limits;
pub mod mail;
pub mod parts;
mod picture;
mod plural;
mod site;
mod style;
mod texts;
pub mod views;

pub use card_row::{Card, CardRow, grid, identity_facts, unit_words};
pub use domain::text::to_cyrillic;
pub use format::{HOME_COUNTRY, TASHKENT, date, date_time, money, number};
pub use history::event_words;
pub use html::Html;
pub use language::Language;
pub use languages::faults::{file_fault, other_row};
pub use languages::picture_faults::picture_fault;
pub use picture::{ON_CARD, ON_HOME, ON_PRODUCT, ON_TILE, Picture};
pub use plural::{Plural, plural};
pub use site::{Frame, Site, escaped, with_query};
pub use style::STYLE;
pub use texts::{Texts, category_name, count, fill, operators_text};
pub use views::problem;

/// The icon of the site.
pub const ICON: &str = include_str!("../assets/icon.svg");

/// The one script. Everything works without it.
pub const SCRIPT: &str = include_str!("../assets/app.js");

/// The worker that keeps what was seen for when there is no network.
pub const WORKER: &str = include_str!("../assets/sw.js");

/// What takes the worker away again from every browser that has it.
pub const WORKER_OFF: &str = include_str!("../assets/sw-off.js");

/// A script without the lines of its comments and without what its lines are indented by: each visitor loads it.
pub fn without_comments(script: &str) -> String {
    let is_comment = |line: &&str| line.starts_with("//") || line.starts_with("/**") || line.starts_with('*');
    let lines = script.lines().map(str::trim_start).filter(|line| !line.is_empty() && !is_comment(line));
    lines.fold(String::with_capacity(script.len()), |script, line| script + line + "\n")
}

/// Which links a browser may ask for before they are followed: those of lists and products, which are GET, public and
/// the same for everybody. What is one person's, or does something, is not among them.
pub const SPECULATION_RULES: &str = include_str!("../assets/speculation-rules.json");
