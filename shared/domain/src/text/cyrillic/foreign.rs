//! Words that the rules of transliteration would misspell: names that stay Latin, and loanwords whose Cyrillic spelling
//! the Latin one does not tell.

use super::apostrophe::is_apostrophe;

/// Brands, formats and codes, which are written in Latin script in Cyrillic text too.
const LATIN: &[&str] = &[
    "API",
    "Android",
    "Apple",
    "Bozor",
    "CNY",
    "CSV",
    "Click",
    "EUR",
    "Excel",
    "GBP",
    "Google",
    "HTML",
    "Humo",
    "ID",
    "IP",
    "Instagram",
    "JPEG",
    "Mastercard",
    "PDF",
    "PNG",
    "Payme",
    "QR",
    "RUB",
    "SMS",
    "Stripe",
    "Telegram",
    "URL",
    "USD",
    "UZS",
    "Uzcard",
    "Uzum",
    "Visa",
    "WeChat",
    "WhatsApp",
    "XLSX",
    "YouTube",
    "iPhone",
];

/// Endings that Uzbek adds to a name without an apostrophe: `Telegramda`.
const ENDINGS: &[&str] = &["da", "dan", "dagi", "ga", "ni", "ning", "lar", "siz"];

/// Loanwords by how they begin. Their Latin spelling has lost a `ц`, `ь`, `ъ` or `я`, or writes `йо` as `ё` is written.
/// Only beginnings that no native word has belong here: `sirk` would misspell `sirka`, which is vinegar. The first that
/// fits is taken, so that a longer beginning stands before a shorter one.
const LOANWORDS: &[(&str, &str)] = &[
    ("aksiya", "акция"),
    ("albom", "альбом"),
    ("asfalt", "асфальт"),
    ("auksion", "аукцион"),
    ("avtomobil", "автомобиль"),
    ("budjet", "бюджет"),
    ("detal", "деталь"),
    ("dizel", "дизель"),
    ("film", "фильм"),
    ("filtr", "фильтр"),
    ("funksiya", "функция"),
    ("funksional", "функционал"),
    ("gantel", "гантель"),
    ("intervyu", "интервью"),
    ("kabel", "кабель"),
    ("kafel", "кафель"),
    ("kalkulyator", "калькулятор"),
    ("kanselyariya", "канцелярия"),
    ("kolleksiya", "коллекция"),
    ("kompyuter", "компьютер"),
    ("konsert", "концерт"),
    ("mebel", "мебель"),
    ("medal", "медаль"),
    ("model", "модель"),
    ("multfilm", "мультфильм"),
    ("mult", "мульт"),
    ("obyekt", "объект"),
    ("ofitsant", "официант"),
    ("oktabr", "октябр"),
    ("palto", "пальто"),
    ("panel", "панель"),
    ("parol", "пароль"),
    ("pitsa", "пицца"),
    ("portfel", "портфель"),
    ("profil", "профиль"),
    ("rayon", "район"),
    ("sement", "цемент"),
    ("sentabr", "сентябр"),
    ("shampun", "шампунь"),
    ("stansiya", "станция"),
    ("subyekt", "субъект"),
    ("ultra", "ультра"),
    ("vaksina", "вакцина"),
    ("vermishel", "вермишель"),
];

/// The part of a word that stays Latin: a name of the list, without an ending. The case must be the name's, because
/// `click` in lower case may be another word.
pub(super) fn latin_part(word: &str) -> Option<&str> {
    let ends = |rest: &str| rest.is_empty() || ENDINGS.contains(&rest.trim_start_matches(is_apostrophe));
    let name = LATIN.iter().find(|name| word.strip_prefix(**name).is_some_and(ends))?;
    word.get(..name.len())
}

/// The loanword that a word begins with: its Latin length, which is in bytes of ASCII, and its Cyrillic spelling. A `ь`
/// at the end is lost before an ending: `пароль`, `паролингиз`.
pub(super) fn loanword(word: &str) -> Option<(usize, &'static str)> {
    let begins = |latin: &str| word.get(..latin.len()).is_some_and(|start| start.eq_ignore_ascii_case(latin));
    let (latin, cyrillic) = LOANWORDS.iter().find(|(latin, _)| begins(latin))?;
    let is_whole = word.len() == latin.len();
    Some((latin.len(), if is_whole { cyrillic } else { cyrillic.trim_end_matches('ь') }))
}
