//! Cases with one thing spoiled in the body or in the path.

use reqwest::Method;
use serde_json::{Value, json};

use super::row::{Row, Who};
use super::world::World;
use super::{described, parameters};

/// The expected response.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Status and code of a problem. Its first pointer is this one, above it or below it; `None` checks no pointer.
    Problem(u16, &'static str, Option<String>),
    /// Status and message of the gateway's own response.
    Gateway(u16, &'static str),
}

/// A request with one thing wrong.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) what: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    /// Whether the row's credentials are left out.
    pub(super) anonymous: bool,
    pub(super) body: Option<Vec<u8>>,
    pub(super) content_type: String,
    pub(super) expected: Expected,
}

impl Case {
    /// The row's request, to be spoiled, and the response that is expected then.
    pub(super) fn of(row: &Row, what: impl Into<String>, expected: Expected) -> Self {
        Self {
            what: what.into(),
            method: row.method(),
            path: row.path(),
            headers: row.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            anonymous: false,
            body: row.body.as_ref().map(|body| body.to_string().into_bytes()),
            content_type: if row.body.is_some() { "application/json".to_owned() } else { String::new() },
            expected,
        }
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Another value of a header, or none.
    pub(super) fn header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.anonymous |= name == "authorization";
        self.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    /// How the response differs from the expected one.
    pub(super) async fn mismatch(&self, world: &World, who: Who) -> Option<String> {
        let client = world.client(if self.anonymous { Who::Anyone } else { who });
        let client = self.headers.iter().fold(client, |client, (name, value)| client.with(name, value));
        let answer = client.send(self.method.clone(), &self.path, self.body.clone(), &self.content_type).await;
        let code = answer.json["code"].as_str().unwrap_or_default();
        let good = match &self.expected {
            Expected::Problem(status, wanted, pointer) => {
                let named = answer.json["errors"][0]["pointer"].as_str();
                answer.status == *status
                    && code == *wanted
                    && answer.header("content-type") == "application/problem+json"
                    && answer.json["instance"].is_string()
                    && pointer.as_ref().is_none_or(|pointer| named.is_some_and(|named| is_near(named, pointer)))
            }
            Expected::Gateway(status, message) => {
                answer.status == *status && answer.json == json!({"message": message})
            }
        };
        let detail =
            if answer.json["errors"].is_array() { answer.json["errors"].to_string() } else { answer.text.clone() };
        let detail: String = detail.chars().take(200).collect();
        (!good).then(|| format!("{}: {} {code} {detail} instead of {:?}", self.what, answer.status, self.expected))
    }
}

/// Whether the named pointer is the spoiled one, or above or below it.
fn is_near(named: &str, spoiled: &str) -> bool {
    if spoiled.is_empty() || named.is_empty() {
        return named == spoiled;
    }
    named.starts_with(spoiled) || spoiled.starts_with(named)
}

fn invalid(pointer: &str) -> Expected {
    Expected::Problem(400, "invalid", Some(pointer.to_owned()))
}

fn malformed() -> Expected {
    Expected::Problem(400, "malformed", None)
}

/// The schema of the body, with its `$ref` resolved.
fn schema_of(row: &Row) -> Value {
    let document: Value = serde_json::from_str(local::contract::COMMITTED).expect("the document is JSON");
    let mut schema = described(row.route)["requestBody"]["content"]["application/json"]["schema"].clone();
    if let Some(first) = schema["oneOf"][0].as_object() {
        schema = Value::Object(first.clone());
    }
    if let Some(name) = schema["$ref"].as_str() {
        schema = document.pointer(name.trim_start_matches('#')).expect("a schema").clone();
    }
    schema
}

/// The optional texts of each route: an empty one is none, as a form sends it. `friendly_input.rs` shows what follows.
const NONE_WHEN_EMPTY: [(&str, &[&str]); 15] = [
    ("POST /v1/carts/{id}/shipping-options", &["/address/city", "/address/line2", "/address/postal_code"]),
    ("POST /v1/checkout", &["/contact/email", "/contact/phone", "/email", "/language", "/payment/return_url"]),
    ("POST /v1/orders/{id}/payments", &["/return_url"]),
    ("POST /v1/auth/sign-up", &["/language", "/name"]),
    ("POST /v1/auth/resend", &["/language"]),
    ("POST /v1/auth/code", &["/language"]),
    ("POST /v1/auth/forgot-password", &["/language"]),
    ("POST /v1/me/contact", &["/language"]),
    ("PATCH /v1/me", &["/language", "/name"]),
    ("PUT /v1/me/addresses", &["/items/0/address/city", "/items/0/address/line2", "/items/0/address/postal_code"]),
    ("POST /v1/vendors", &["/email", "/handle", "/language", "/legal_name", "/phone", "/public_identity/address"]),
    ("PATCH /v1/vendors/me", &["/language", "/legal_name", "/phone", "/public_identity/address"]),
    ("POST /v1/vendors/me/documents", &["/expires_at"]),
    ("POST /v1/vendor/orders/{id}/ship", &["/carrier", "/tracking_number"]),
    (
        "/v1/vendor/products",
        &[
            "/category",
            "/country_of_origin",
            "/handle",
            "/images/0/alt",
            "/importer",
            "/language",
            "/manufacturer",
            "/seo/title",
            "/translations/ru/options/Size/name",
            "/translations/ru/seo/title",
            "/translations/ru/title",
            "/variants/0/image",
            "/variants/0/sku",
        ],
    ),
];

fn is_none_when_empty(route: &str, pointer: &str) -> bool {
    let of_route = |known: &str| known == route || (known.starts_with('/') && route.contains(known));
    NONE_WHEN_EMPTY.iter().any(|(known, pointers)| of_route(known) && pointers.contains(&pointer))
}

/// Every value in a document with its pointer, from the outside in. The document itself is not among them.
fn pointers(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
        }
        _ => Vec::new(),
    };
    for (pointer, value) in below {
        found.push((pointer.clone(), value.clone()));
        pointers(value, &pointer, found);
    }
}

fn replaced(body: &Value, pointer: &str, by: Value) -> Value {
    let mut spoiled = body.clone();
    *spoiled.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer} in {body}")) = by;
    spoiled
}

/// Values of another type than this one.
fn of_other_types(value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) => vec![json!(7), json!(true), json!(["x"]), json!({"x": 1})],
        Value::Number(_) => vec![
            json!("7"),
            json!(true),
            json!([7]),
            json!({"x": 1}),
            json!(1.5),
            json!(-1),
            json!(u64::MAX),
            json!(1e300),
        ],
        Value::Array(_) => vec![json!("x"), json!(7), json!({"x": 1}), json!([[[7]]])],
        Value::Object(_) => vec![json!("x"), json!(7), json!([]), json!(["x"])],
        Value::Bool(_) => vec![json!("true"), json!(1)],
        Value::Null => Vec::new(),
    }
}

/// A text of which nothing can be seen: it is accepted where an empty one is.
const UNSEEN: &str = "\u{200b}";

/// Texts that every field with a format refuses.
fn bad_texts() -> Vec<String> {
    const HIDDEN: [&str; 4] = [UNSEEN, "red\u{202e}der", "\u{2067}der", "Bowl\u{fffe}"];
    let controls = [String::new(), "a\0b".to_owned(), "\u{1b}[31mred".to_owned(), "x".repeat(100_000)];
    controls.into_iter().chain(HIDDEN.map(str::to_owned)).collect()
}

const BAD_AMOUNTS: [&str; 11] = [
    "-1.00",
    "12.505",
    "1e3",
    "0x10",
    "NaN",
    ".50",
    "12,50",
    "+1.00",
    "\u{663}.00",
    "99999999999999999999.00",
    "92233720368547758.08",
];

pub(super) fn of_bodies(row: &Row) -> Vec<Case> {
    let Some(body) = &row.body else {
        assert!(schema_of(row)["properties"].is_null(), "{}: say in the row what its body is", row.route);
        return Vec::new();
    };
    let (schema, text) = (schema_of(row), body.to_string());
    let mut cases = broken(row, &text);
    let case = |what: String, expected: Expected, body: &Value| Case::of(row, what, expected).body(body.to_string());

    for other in [json!("x"), json!(7), json!(null), json!(true)] {
        cases.push(case(format!("{other} as the body"), invalid(""), &other));
    }
    let (switched, pointer) =
        if body.is_array() { (json!({"x": 1}), "") } else { (json!(["USD", "USD", "USD", "USD"]), "") };
    cases.push(case("an array for an object, or the other way".to_owned(), invalid(pointer), &switched));

    if let Some(fields) = schema["properties"].as_object() {
        for name in fields.keys().filter(|name| !row.not_given.contains(&name.as_str())) {
            assert!(!body[name].is_null(), "{}: say in the row how {name} is given", row.route);
        }
        let mut unknown = body.clone();
        unknown["surprise"] = json!(1);
        cases.push(case("an unknown field".to_owned(), invalid("/surprise"), &unknown));
        if let Some((first, value)) = body.as_object().and_then(|fields| fields.iter().next()) {
            let twice = format!("{},\"{first}\":{value}}}", text.trim_end_matches('}').to_owned() + closing(&text));
            cases.push(Case::of(row, "a field twice", invalid(&format!("/{first}"))).body(twice));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut without = body.clone();
            without.as_object_mut().expect("an object").remove(name);
            cases.push(case(format!("no {name}"), invalid(&format!("/{name}")), &without));
            cases.push(case(
                format!("null for {name}"),
                invalid(&format!("/{name}")),
                &replaced(body, &format!("/{name}"), Value::Null),
            ));
        }
    }
    let mut all = Vec::new();
    pointers(body, "", &mut all);
    for (pointer, value) in &all {
        for other in of_other_types(value) {
            cases.push(case(
                format!("{other} at {pointer}"),
                invalid(pointer),
                &replaced(body, pointer, other.clone()),
            ));
        }
        if value.is_string() {
            for text in bad_texts() {
                let short: String = text.chars().take(20).collect();
                let shown = if text == UNSEEN { "" } else { short.as_str() };
                let is_none = shown.is_empty() && is_none_when_empty(row.route, pointer);
                if is_none || row.accepts.contains(&(pointer.as_str(), shown)) {
                    continue;
                }
                cases.push(case(
                    format!("{short:?}… at {pointer}"),
                    invalid(pointer),
                    &replaced(body, pointer, json!(text)),
                ));
            }
        }
        if value["amount"].is_string() && value["currency"].is_string() {
            for amount in BAD_AMOUNTS {
                let spoiled = replaced(body, &format!("{pointer}/amount"), json!(amount));
                cases.push(case(format!("the amount {amount} at {pointer}"), invalid(pointer), &spoiled));
            }
            for currency in ["usd", "XXX", "US", "USDT", "840"] {
                let spoiled = replaced(body, &format!("{pointer}/currency"), json!(currency));
                cases.push(case(format!("the currency {currency} at {pointer}"), invalid(pointer), &spoiled));
            }
        }
        if value.is_object() {
            let mut unknown = value.clone();
            unknown["surprise"] = json!(1);
            // The names of a variant's options are data, so none of them is unknown.
            if !pointer.ends_with("/options") {
                cases.push(case(
                    format!("an unknown field in {pointer}"),
                    invalid(pointer),
                    &replaced(body, pointer, unknown),
                ));
            }
        }
    }
    for (pointer, value) in &row.refuses {
        cases.push(case(format!("{value} at {pointer}"), invalid(pointer), &replaced(body, pointer, value.clone())));
    }
    for (what, other, expected) in &row.others {
        cases.push(case((*what).to_owned(), expected.clone(), other));
    }
    cases
}

/// The braces that end a document, but for the last.
fn closing(text: &str) -> &str {
    let end = text.len() - text.trim_end_matches('}').len();
    text.get(text.len() - end..text.len() - 1).unwrap_or_default()
}

/// Bodies that are malformed, of another content type, or too large.
fn broken(row: &Row, text: &str) -> Vec<Case> {
    let spoiled = |what: &str, body: Vec<u8>, expected: Expected| Case::of(row, what, expected).body(body);
    let in_row = |object: &str| {
        if row.body.as_ref().is_some_and(Value::is_array) { format!("[{object}]") } else { object.to_owned() }
    };
    let bytes_in_name = |bytes: &[u8]| {
        let shape = in_row("{\"?\":1}");
        let (before, after) = shape.split_once('?').expect("a placeholder");
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let mut cases = vec![
        spoiled("cut off", text.as_bytes()[..text.len() - 1].to_vec(), malformed()),
        spoiled("something behind it", format!("{text} x").into_bytes(), malformed()),
        spoiled("two documents", format!("{text}{text}").into_bytes(), malformed()),
        spoiled("no JSON at all", b"nonsense".to_vec(), malformed()),
        spoiled("single quotes", in_row("{'a': 1}").into_bytes(), malformed()),
        spoiled("bytes that are no UTF-8", bytes_in_name(b"\xff\xfe"), malformed()),
        spoiled("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect(), malformed()),
        spoiled("a raw NUL", bytes_in_name(b"\0"), malformed()),
        spoiled("a raw line feed in a text", bytes_in_name(b"\n"), malformed()),
        spoiled("half a surrogate pair", bytes_in_name(b"\\ud800"), malformed()),
        spoiled("an escape that is none", bytes_in_name(b"\\x"), malformed()),
        spoiled("only blanks", b" \n\t ".to_vec(), malformed()),
        spoiled("arrays without end", vec![b'['; 100_000], Expected::Problem(400, "invalid", None)),
        spoiled("objects without end", "{\"x\":".repeat(20_000).into_bytes(), Expected::Problem(400, "invalid", None)),
        spoiled(
            "one byte too many",
            {
                let mut long = text.as_bytes().to_vec();
                long.resize(row.limit + 1, b' ');
                long
            },
            Expected::Problem(413, "too_large", None),
        ),
    ];
    if !row.optional_body {
        let mut absent = Case::of(row, "no body", malformed());
        absent.body = None;
        cases.push(absent);
    }
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/json",
    ] {
        let expected = Expected::Problem(415, "unsupported_media_type", None);
        let mut other = Case::of(row, format!("sent as {kind:?}"), expected);
        other.content_type = kind.to_owned();
        cases.push(other);
    }
    cases
}

/// Ids and handles that name nothing.
pub(super) fn of_paths(row: &Row) -> Vec<Case> {
    let named = parameters(row.route, "path");
    for name in &named {
        assert!(row.path.iter().any(|(known, _)| known == name), "{}: say in the row what {name} is", row.route);
    }
    let mut cases = Vec::new();
    for name in named {
        let (_, good) = row.path.iter().find(|(known, _)| *known == name).expect("checked above");
        let mut bad: Vec<String> =
            ["nonsense-nobody-has", "a%20b", "%00", "%FF", "%C3%28", "..%2Fme", "%7B%7D", "-", "null", "0"]
                .map(str::to_owned)
                .into();
        bad.push("x".repeat(5_000));
        bad.push(good.to_uppercase());
        if let Some((kind, rest)) = good.split_once('_') {
            let zeros: String =
                rest.chars().map(|character| if character == '_' { '_' } else { '0' }).collect::<String>();
            // The ids of variants and vendor orders end in an ordinal, which stays.
            let tail = rest.rsplit_once('_').map_or("", |(_, tail)| tail);
            let unknown = format!("{kind}_{}{tail}", &zeros[..zeros.len() - tail.len()]);
            bad.extend([unknown, format!("{good}0"), format!("x{good}"), rest.to_owned(), format!("zzz_{rest}")]);
        }
        for value in bad {
            if row.idempotent_delete && name == "variant_id" && value.starts_with("var_") {
                // A variant that is not in the cart: deleting its line succeeds.
                continue;
            }
            let short: String = value.chars().take(40).collect();
            let mut case = Case::of(row, format!("{name} = {short}"), Expected::Problem(404, "not_found", None));
            case.path = row.path_with(&name, &value);
            cases.push(case);
        }
    }
    cases
}
