//! Cases with unknown, repeated or invalid query parameters, and with cursors of another list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;

use super::cases::{Case, Expected};
use super::parameters;
use super::row::Row;

/// Values that a parameter of this name refuses.
fn bad_values(row: &Row, name: &str) -> Vec<String> {
    let bad: &[&str] = match name {
        "stock" if row.method() == Method::GET => &["plenty", "Low", "keep", "other", "%00other"],
        "placed_from" | "placed_before" => {
            &["yesterday", "30.11.2026", "2026-13-01", "2026-11", "1795000000000", "2026-11-30T", "%FF", "%00"]
        }
        "q" => &["%00", "a%00b", "a%0Ab", "%E2%80%AE"],
        "from" | "to" => {
            &["", "yesterday", "30.11.2026", "2026-13-01", "2026-11", "1795000000000", "2026-11-30T", "%FF", "%00"]
        }
        "limit" if row.route.ends_with("/settlements") => &["0", "1001", "-1", "ten", "1.5", "65537", "%FF", "%00"],
        "limit" => &["0", "101", "-1", "ten", "1.5", "%20", "1e1", "99999999999999999999", "%FF", "%00"],
        "lang" => &["u", "russian", "uz_Cyrl", "uz--cyrl", "%FF", "%00"],
        "currency" => &["usd", "XXX", "US", "USDT", "840", "%FF", "%00", "USD%20"],
        "category" | "vendor" => &["No%20Such", "a--b", "UPPER", "%FF", "a%00b", "a%23b"],
        "min_price" | "max_price" => {
            &["-1.00", "1.505", "abc", "1e3", "99999999999999999999.00", "%FF", "92233720368547758.07"]
        }
        "sort" => &["cheapest", "Newest", "price%20", "%FF"],
        "state" => &["unheard-of", "APPROVED", "%FF", "other", "%00other"],
        "email" => &["nobody", "a@b", "%FF@x.test"],
        "phone" => &["nobody", "12345", "%2B0998901234567", "%FF"],
        "number" => &["0123456789012345678901234567890123456789"],
        "stock" => &["", "double", "Set", "other", "%00other"],
        "format" => &["", "csv", "WooCommerce", "other", "%00other"],
        "dry_run" | "publish" | "fetch_images" => &["maybe", "", "1", "TRUE"],
        "cursor" => return Vec::new(),
        unknown => panic!("say in tests/conventions/bad_input/queries.rs what {unknown} refuses"),
    };
    let mut bad: Vec<String> = bad.iter().map(|&value| value.to_owned()).collect();
    if matches!(name, "category" | "vendor" | "email" | "q" | "lang") {
        bad.push("x".repeat(3_000));
    }
    bad
}

pub(super) fn of(row: &Row) -> Vec<Case> {
    let known = parameters(row.route, "query");
    let mut cases = Vec::new();
    let mut push = |query: String, expected: Expected| {
        let short: String = query.chars().take(60).collect();
        let mut case = Case::of(row, format!("?{short}"), expected);
        case.path = format!("{}?{query}", row.bare_path());
        cases.push(case);
    };
    if known.is_empty() {
        return cases;
    }
    // The row's other parameters, so that only this one is wrong.
    let beside = |name: &str| {
        let others: Vec<&str> =
            row.query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name)).collect();
        others.iter().map(|pair| format!("{pair}&")).collect::<String>()
    };
    let invalid = |name: &str| Expected::Problem(400, "invalid", Some(name.to_owned()));
    push(format!("{}surprise=1", beside("")), invalid("surprise"));
    push(format!("{}Limit=1", beside("")), invalid("Limit"));
    for name in &known {
        for value in bad_values(row, name) {
            push(format!("{}{name}={value}", beside(name)), invalid(name));
        }
        let good = match name.as_str() {
            "limit" => "1",
            "currency" => "USD",
            "category" | "vendor" => "kitchen",
            "min_price" | "max_price" => "1.00",
            "sort" => "price",
            "state" => "submitted",
            "stock" => "keep",
            "format" => "woocommerce",
            "dry_run" | "publish" | "fetch_images" => "true",
            _ => "x",
        };
        push(format!("{}{name}={good}&{name}={good}", beside(name)), invalid(name));
    }
    if let Some((own, foreign)) = &row.cursors {
        for (cursor, expected) in bad_cursors(own, foreign) {
            push(format!("{}cursor={cursor}", beside("cursor")), expected);
        }
    }
    cases
}

/// Cursors that are malformed, of another list, or tampered with.
fn bad_cursors(own: &str, foreign: &str) -> Vec<(String, Expected)> {
    let refused = || Expected::Problem(400, "invalid_cursor", None);
    let mut bad: Vec<(String, Expected)> = ["", "abc", "%25%25%25", "AAAAAAAAAAA", "%FF", "null", "AAAAAAAAAAB7fQ"]
        .map(|text| (text.to_owned(), refused()))
        .into();
    bad.push(("A".repeat(8 * 1024 + 1), refused()));
    bad.push((foreign.to_owned(), refused()));
    bad.push((format!("{own}AA"), refused()));
    bad.push((own.chars().take(own.len() - 4).collect(), refused()));

    let bytes = URL_SAFE_NO_PAD.decode(own).expect("a cursor is base64url");
    bad.push((URL_SAFE_NO_PAD.encode([b"AAAAAAAA", &bytes[8..]].concat()), refused()));
    bad
}

/// Cursors made from a list's own, by somebody who knows the format.
pub(super) fn forged_cursors(own: &str) -> Vec<String> {
    let bytes = URL_SAFE_NO_PAD.decode(own).expect("a cursor is base64url");
    let (hash, position) = bytes.split_at(8);
    let position = str::from_utf8(position).expect("a position is text");
    assert!(!position.contains('#'), "a cursor shows a key: {position}");
    let forged = |hash: &[u8], position: &[u8]| URL_SAFE_NO_PAD.encode([hash, position].concat());
    let mut made = vec![
        forged(&[0; 8], position.as_bytes()),
        forged(&hash[..7], position.as_bytes()),
        forged(hash, &[0xff]),
        forged(hash, "x".repeat(4_096).as_bytes()),
        forged(hash, b""),
        forged(b"", b""),
    ];
    let parts: Vec<&str> = position.split('|').collect();
    for at in 0..parts.len() {
        for other in ["", "0", "-1", "9223372036854775807", "x", "x|y", "s\0", "LIST#*#*#UZS", "~"] {
            let mut parts = parts.clone();
            parts[at] = other;
            made.push(forged(hash, parts.join("|").as_bytes()));
        }
    }
    made.push(forged(hash, format!("{position}|{position}").as_bytes()));
    made.retain(|cursor| cursor != own);
    made
}
