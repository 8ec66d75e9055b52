//! Forms: only our own pages may send one.

use axum::extract::{FromRequest, Request};
use domain::Code;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use api::{Problem, RawBody};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The most fields of a form.
const MOST_FIELDS: usize = 500;

/// A form that one of our pages has sent.
#[derive(Clone, Debug)]
pub struct Form(pub Fields);

/// The fields of a form as they were written.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of a form or of a query.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).take(MOST_FIELDS).map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// What a field has, without blanks around it; nothing when it is missing or blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// What a field has, as it was written: a password may not be trimmed.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All fields whose name begins so, with the rest of their names.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    pub(crate) fn push(&mut self, name: String, value: String) {
        if self.0.len() < MOST_FIELDS {
            self.0.push((name, value));
        }
    }

    /// What the form says, in one text, without these fields: two that say the same are the same.
    pub fn said(&self, without: &[&str]) -> String {
        let said = self.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        said.map(|(name, value)| format!("{name}={value}\n")).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// These fields as the JSON object that the API would get, without those that are blank.
    pub fn object(&self, names: &[&str]) -> Map<String, Value> {
        let given = names.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(self.text(name)?))));
        given.collect()
    }

    /// What these fields say, judged exactly as the API judges it.
    ///
    /// # Errors
    /// `invalid`, with a pointer for each field that is wrong.
    pub fn read<T: DeserializeOwned>(&self, names: &[&str]) -> Result<T, Problem> {
        as_api(&Value::Object(self.object(names)))
    }
}

/// A value of a form as the API reads it.
///
/// # Errors
/// `invalid`, with a pointer to what is wrong.
pub fn as_api<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    let written = serde_json::to_vec(value).map_err(Problem::internal)?;
    api::body::parse_json(&written)
}

/// Refuses a request that another site's page, or no page, has made. Browsers say so in `Sec-Fetch-Site`; those that do
/// not name the origin of whoever posts.
pub(crate) fn check_same_origin(headers: &HeaderMap, origin: &str) -> Result<(), Problem> {
    let named = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_ours = match (named(&SEC_FETCH_SITE), named(&ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        // Behind the gateway's own address the host is the one that the browser has called.
        (None, Some(sent)) => {
            sent.eq_ignore_ascii_case(origin)
                || named(&HOST).is_some_and(|host| is_loopback(host) && sent == format!("http://{host}"))
        }
        (None, None) => false,
    };
    if is_ours {
        Ok(())
    } else {
        Err(Problem::because(Code::Forbidden, "The form was not sent by a page of this shop."))
    }
}

/// A shop on the builder's own machine has several names.
fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host.rsplit_once(':').map_or(host, |(name, _)| name))
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::of(Code::UnsupportedMediaType));
        }
        let RawBody(bytes): RawBody = RawBody::from_request(request, state).await?;
        Ok(Self(Fields::parse(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)]) -> bool {
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            sent.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        check_same_origin(&sent, "https://shop.example").is_ok()
    }

    #[test]
    fn only_a_page_of_ours_sends_a_form() {
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("origin", "https://shop.example")]), "a browser without Sec-Fetch-Site");
        for foreign in [
            vec![],
            vec![("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://shop.example")],
            vec![("origin", "https://shop.example.evil.example")],
            vec![("origin", "http://evil.example"), ("host", "evil.example")],
        ] {
            assert!(!check(&foreign), "{foreign:?}");
        }
        assert!(check(&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")]));
    }

    #[test]
    fn a_blank_field_is_a_missing_one_and_a_password_keeps_its_blanks() {
        let fields = Fields::parse("name=+Aziza+&city=+++&password=+a+b+".as_bytes());
        assert_eq!((fields.text("name"), fields.text("city"), fields.text("street")), (Some("Aziza"), None, None));
        assert_eq!(fields.raw("password"), Some(" a b "));
        assert_eq!(Value::Object(fields.object(&["name", "city", "street"])), serde_json::json!({"name": "Aziza"}));
    }

    #[test]
    fn a_form_has_a_bounded_number_of_fields() {
        let many: String = (0..2_000).map(|field| format!("f{field}=1&")).collect();
        assert_eq!(Fields::parse(many.as_bytes()).0.len(), MOST_FIELDS);
    }
}
