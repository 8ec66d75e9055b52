//! How each language writes numbers, amounts of money and dates.
//!
//! Everything here is for people. What machines read has forms without a language: [`Money::decimal`] and the
//! [`Display`](std::fmt::Display) of [`Timestamp`].

use std::time::Duration;

use domain::{Currency, Money, Timestamp};
use time::OffsetDateTime;

use crate::language::Language;

/// How far the clocks of Asia/Tashkent are ahead of UTC. Uzbekistan has had no daylight saving since 1992, so a
/// constant is right for all that the marketplace stores; one in another country will need a setting.
pub const TASHKENT: Duration = Duration::from_secs(5 * 3_600);

/// The country of most buyers, by its code: forms of addresses begin with it, and search engines are told what holds
/// there. As with [`TASHKENT`], a marketplace in another country will need a setting.
pub const HOME_COUNTRY: &str = "UZ";

/// Keeps an amount on one line: a price that breaks between its thousands reads as two numbers.
pub(crate) const NO_BREAK_SPACE: char = '\u{a0}';

/// A whole number with its thousands apart: `1,812,000`.
pub fn number(value: i64, language: Language) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.unsigned_abs(), language))
}

/// An amount with its currency: `$12.50`.
///
/// It has the digits of the currency, but the tiyin of the Uzbek sum are shown only where there are some: prices
/// have none, and two more zeros behind a million make it harder to read.
pub fn money(amount: Money, language: Language) -> String {
    let sign = if amount.minor() < 0 { "-" } else { "" };
    let figure = figure(amount, language);
    match mark(amount.currency(), language) {
        Mark::Before(mark) => format!("{sign}{mark}{figure}"),
        Mark::Behind(mark) => format!("{sign}{figure}{NO_BREAK_SPACE}{mark}"),
    }
}

/// The day on which something happens in Tashkent: `1 December 2026`.
pub fn date(at: Timestamp, language: Language) -> String {
    written_date(in_tashkent(at), language)
}

/// The day and the minute at which something happens in Tashkent: `1 December 2026, 09:05`.
pub fn date_time(at: Timestamp, language: Language) -> String {
    let local = in_tashkent(at);
    let between = if language == Language::Zh { " " } else { ", " };
    format!("{}{between}{:02}:{:02}", written_date(local, language), local.hour(), local.minute())
}

/// The digits of a number in groups of three.
fn grouped(value: u64, language: Language) -> String {
    let separator = match language {
        Language::Uz | Language::UzCyrl | Language::Ru => NO_BREAK_SPACE,
        Language::En | Language::Zh => ',',
    };
    let digits = value.to_string();
    let mut written = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(separator);
        }
        written.push(digit);
    }
    written
}

/// The number of an amount, without its sign and its currency.
fn figure(amount: Money, language: Language) -> String {
    let currency = amount.currency();
    let scale = 10_u64.pow(currency.exponent());
    let (whole, fraction) = (amount.minor().unsigned_abs() / scale, amount.minor().unsigned_abs() % scale);
    let whole = grouped(whole, language);
    if scale == 1 || (currency == Currency::UZS && fraction == 0) {
        return whole;
    }
    let point = match language {
        Language::Uz | Language::UzCyrl | Language::Ru => ',',
        Language::En | Language::Zh => '.',
    };
    let digits = usize::try_from(currency.exponent()).unwrap_or(0);
    format!("{whole}{point}{fraction:0digits$}")
}

/// What stands for a currency, and where.
#[derive(Clone, Copy)]
enum Mark {
    /// Right before the number; a mark that is a word ends with a space of its own.
    Before(&'static str),
    /// Behind the number, apart from it.
    Behind(&'static str),
}

/// The mark of a currency. The dollar and the yuan have the longer mark where another dollar or the yen could be meant;
/// what readers of the language would not know by a mark has its code.
fn mark(currency: Currency, language: Language) -> Mark {
    let is_before = matches!(language, Language::En | Language::Zh);
    let mark = match (currency, language) {
        (Currency::UZS, Language::En) => return Mark::Before("UZS\u{a0}"),
        // With the modifier U+02BB, which the orthography asks for; texts are typed with its look-alike U+2018.
        (Currency::UZS, Language::Uz) => return Mark::Behind("soʻm"),
        (Currency::UZS, Language::UzCyrl) => return Mark::Behind("сўм"),
        (Currency::UZS, Language::Ru) => return Mark::Behind("сум"),
        (Currency::UZS, Language::Zh) => return Mark::Behind("苏姆"),
        (Currency::USD, Language::Zh) => "US$",
        (Currency::USD, _) => "$",
        (Currency::CNY, Language::Zh) => "¥",
        (Currency::CNY, _) => "CN¥",
        (Currency::EUR, _) => "€",
        (Currency::GBP, _) => "£",
        (Currency::RUB, _) => "₽",
        (other, _) => return Mark::Behind(other.as_str()),
    };
    if is_before { Mark::Before(mark) } else { Mark::Behind(mark) }
}

/// What calendars and clocks in Tashkent show. The offset of the result says UTC: it is never shown.
fn in_tashkent(at: Timestamp) -> OffsetDateTime {
    // A timestamp is between the years 1970 and 9999, and stays there when something is added; `time` knows all of
    // them.
    OffsetDateTime::from_unix_timestamp((at + TASHKENT).seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn written_date(local: OffsetDateTime, language: Language) -> String {
    let (day, year) = (local.day(), local.year());
    let month = month(local.month(), language);
    match language {
        Language::Uz => format!("{day}-{month}, {year}-yil"),
        Language::UzCyrl => format!("{day}-{month}, {year}-йил"),
        Language::Ru | Language::En => format!("{day} {month} {year}"),
        Language::Zh => format!("{year}年{month}月{day}日"),
    }
}

/// The name of a month as it stands in a date: Russian has it in the genitive, Chinese numbers it.
fn month(month: time::Month, language: Language) -> &'static str {
    let [uz, uz_cyrl, ru, en, zh] = match month {
        time::Month::January => ["yanvar", "январ", "января", "January", "1"],
        time::Month::February => ["fevral", "феврал", "февраля", "February", "2"],
        time::Month::March => ["mart", "март", "марта", "March", "3"],
        time::Month::April => ["aprel", "апрел", "апреля", "April", "4"],
        time::Month::May => ["may", "май", "мая", "May", "5"],
        time::Month::June => ["iyun", "июн", "июня", "June", "6"],
        time::Month::July => ["iyul", "июл", "июля", "July", "7"],
        time::Month::August => ["avgust", "август", "августа", "August", "8"],
        time::Month::September => ["sentabr", "сентябр", "сентября", "September", "9"],
        time::Month::October => ["oktabr", "октябр", "октября", "October", "10"],
        time::Month::November => ["noyabr", "ноябр", "ноября", "November", "11"],
        time::Month::December => ["dekabr", "декабр", "декабря", "December", "12"],
    };
    match language {
        Language::Uz => uz,
        Language::UzCyrl => uz_cyrl,
        Language::Ru => ru,
        Language::En => en,
        Language::Zh => zh,
    }
}

#[cfg(test)]
mod tests {
    use icu_decimal::DecimalFormatter;
    use icu_decimal::input::Decimal;
    use icu_locale_core::Locale;
    use proptest::prelude::*;

    use super::*;

    const LANGUAGES: [Language; 5] = Language::ALL;

    fn formatter(language: Language) -> DecimalFormatter {
        let locale: Locale = language.tag().parse().unwrap();
        DecimalFormatter::try_new((&locale).into(), Default::default()).unwrap()
    }

    /// What CLDR says for a number of minor units with so many digits behind the point.
    fn expected(minor: i64, digits: u32, language: Language) -> String {
        let mut decimal = Decimal::from(minor);
        decimal.multiply_pow10(-i16::try_from(digits).unwrap());
        formatter(language).format(&decimal).to_string()
    }

    /// An amount in every language, in the order of [`Language::ALL`], with ordinary spaces for readability.
    fn in_all(minor: i64, currency: Currency) -> [String; 5] {
        LANGUAGES.map(|language| {
            let written = money(Money::new(minor, currency), language);
            assert!(!written.contains(' '), "{written} may break");
            written.replace('\u{a0}', " ")
        })
    }

    #[test]
    fn dates_in_cyrillic_are_the_transliteration_of_dates() {
        for month in 1..=12 {
            let at = Timestamp::parse(&format!("2026-{month:02}-09T00:00:00Z")).unwrap();
            let [latin, cyrillic] = [Language::Uz, Language::UzCyrl].map(|language| date(at, language));
            assert_eq!(crate::to_cyrillic(&latin), cyrillic);
        }
    }

    #[test]
    fn thousands_are_apart_as_the_language_has_them() {
        assert_eq!(number(1_812_000, Language::Uz), "1\u{a0}812\u{a0}000");
        assert_eq!(number(-1_000, Language::Ru), "-1\u{a0}000");
        assert_eq!(number(999, Language::En), "999");
        assert_eq!(number(i64::MIN, Language::Zh), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn an_amount_of_sums_has_no_tiyin_unless_there_are_some() {
        let whole = ["1 812 000 soʻm", "1 812 000 сўм", "1 812 000 сум", "UZS 1,812,000", "1,812,000 苏姆"];
        assert_eq!(in_all(181_200_000, Currency::UZS), whole);
        let broken = ["1 812,05 soʻm", "1 812,05 сўм", "1 812,05 сум", "UZS 1,812.05", "1,812.05 苏姆"];
        assert_eq!(in_all(181_205, Currency::UZS), broken);
        assert_eq!(in_all(0, Currency::UZS), ["0 soʻm", "0 сўм", "0 сум", "UZS 0", "0 苏姆"]);
    }

    #[test]
    fn known_currencies_have_their_marks_and_others_their_codes() {
        assert_eq!(in_all(1_250, Currency::USD), ["12,50 $", "12,50 $", "12,50 $", "$12.50", "US$12.50"]);
        assert_eq!(in_all(1_250, Currency::EUR), ["12,50 €", "12,50 €", "12,50 €", "€12.50", "€12.50"]);
        assert_eq!(in_all(1_250, Currency::RUB), ["12,50 ₽", "12,50 ₽", "12,50 ₽", "₽12.50", "₽12.50"]);
        assert_eq!(in_all(1_250, Currency::GBP), ["12,50 £", "12,50 £", "12,50 £", "£12.50", "£12.50"]);
        assert_eq!(in_all(1_250, Currency::CNY), ["12,50 CN¥", "12,50 CN¥", "12,50 CN¥", "CN¥12.50", "¥12.50"]);
        assert_eq!(in_all(1_250, Currency::JPY), ["1 250 JPY", "1 250 JPY", "1 250 JPY", "1,250 JPY", "1,250 JPY"]);
        assert_eq!(in_all(1_250, Currency::KWD), ["1,250 KWD", "1,250 KWD", "1,250 KWD", "1.250 KWD", "1.250 KWD"]);
    }

    #[test]
    fn the_sign_of_an_amount_stands_before_everything() {
        assert_eq!(in_all(-5, Currency::USD), ["-0,05 $", "-0,05 $", "-0,05 $", "-$0.05", "-US$0.05"]);
        assert_eq!(in_all(-100, Currency::UZS), ["-1 soʻm", "-1 сўм", "-1 сум", "-UZS 1", "-1 苏姆"]);
    }

    #[test]
    fn a_day_is_written_as_people_write_it() {
        let at = Timestamp::parse("2026-12-01T04:05:59Z").unwrap();
        let dates = ["1-dekabr, 2026-yil", "1-декабр, 2026-йил", "1 декабря 2026", "1 December 2026", "2026年12月1日"];
        assert_eq!(LANGUAGES.map(|language| date(at, language)), dates);
        let times = [
            "1-dekabr, 2026-yil, 09:05",
            "1-декабр, 2026-йил, 09:05",
            "1 декабря 2026, 09:05",
            "1 December 2026, 09:05",
            "2026年12月1日 09:05",
        ];
        assert_eq!(LANGUAGES.map(|language| date_time(at, language)), times);
    }

    #[test]
    fn a_day_begins_in_tashkent_five_hours_before_utc() {
        let written = |text: &str| date_time(Timestamp::parse(text).unwrap(), Language::En);
        assert_eq!(written("2026-12-31T18:59:59.999Z"), "31 December 2026, 23:59");
        assert_eq!(written("2026-12-31T19:00:00Z"), "1 January 2027, 00:00");
        assert_eq!(written("2028-02-28T19:00:00Z"), "29 February 2028, 00:00");
        // No daylight saving: July has the offset of December.
        assert_eq!(written("2026-07-01T12:00:00Z"), "1 July 2026, 17:00");
        assert_eq!(written("9999-12-31T23:59:59Z"), "31 December 9999, 23:59");
    }

    #[test]
    fn every_month_has_another_name() {
        for language in LANGUAGES {
            let names: std::collections::BTreeSet<String> = (1..=12)
                .map(|month| date(Timestamp::parse(&format!("2026-{month:02}-15T00:00:00Z")).unwrap(), language))
                .collect();
            assert_eq!(names.len(), 12, "{language:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_written_as_cldr_has_it(value: i64, few in -20_000_i64..20_000) {
            for language in LANGUAGES {
                prop_assert_eq!(number(value, language), expected(value, 0, language));
                prop_assert_eq!(number(few, language), expected(few, 0, language));
            }
        }

        #[test]
        fn the_digits_of_every_amount_are_written_as_cldr_has_them(
            minor: i64, index in 0..Currency::EVERY.len(),
        ) {
            let amount = Money::new(minor, Currency::EVERY[index]);
            let digits = amount.currency().exponent();
            for language in LANGUAGES {
                let unsigned = expected(minor, digits, language).replace('-', "");
                let written = money(amount, language);
                let is_whole = amount.currency() == Currency::UZS && minor % 100 == 0;
                prop_assert!(is_whole || written.contains(&unsigned), "{} in {}", unsigned, written);
                prop_assert_eq!(written.starts_with('-'), minor < 0);
            }
        }
    }
}
