//! Cookies: those that a browser has sent, and those that it is to keep.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use api::Problem;

use crate::Site;

/// The cookies of a request, by their names without a prefix.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        // A gateway hands cookies on in one header or in several.
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a cookie of this site. Over https only one with the prefix counts, which no other host and no page
    /// over http can have set.
    pub fn named(&self, name: &str, site: &Site) -> Option<&str> {
        let name = full_name(name, site);
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that scripts and the edge read too, so it has no prefix, and nothing depends on it but
    /// what is shown.
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}

fn full_name(name: &str, site: &Site) -> String {
    if site.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
}

/// Cookies that a browser is to keep or to forget. Scripts read none of them.
#[derive(Clone, Debug, Default)]
pub struct Jar(Vec<HeaderValue>);

impl Jar {
    /// One that is kept for so long. Values are ours: ASCII without what ends a cookie.
    #[must_use]
    pub fn keep(mut self, name: &str, value: &str, kept: Duration, site: &Site) -> Self {
        let secure = if site.is_secure() { "; Secure" } else { "" };
        let name = full_name(name, site);
        let line = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", kept.as_secs());
        self.0.extend(HeaderValue::try_from(line).ok());
        self
    }

    /// One that is forgotten at once.
    #[must_use]
    pub fn forget(self, name: &str, site: &Site) -> Self {
        self.keep(name, "", Duration::ZERO, site)
    }

    /// What scripts read and write too, kept for a year: see [`Cookies::plain`].
    #[must_use]
    pub fn choose(mut self, name: &str, value: &str, site: &Site) -> Self {
        let secure = if site.is_secure() { "; Secure" } else { "" };
        let line = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
        self.0.extend(HeaderValue::try_from(line).ok());
        self
    }

    pub(crate) fn into_lines(self) -> Vec<HeaderValue> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::tests_site;

    fn sent(lines: &[&str]) -> Cookies {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        Cookies::of(&headers)
    }

    #[test]
    fn over_https_only_a_cookie_with_the_prefix_counts() {
        let (secure, plain) = (tests_site("https://shop.example"), tests_site("http://localhost:3000"));
        let cookies = sent(&["session=forged; __Host-session=ours", "cart=crt_1"]);
        assert_eq!(cookies.named("session", &secure), Some("ours"));
        assert_eq!(cookies.named("session", &plain), Some("forged"));
        assert_eq!((cookies.named("cart", &secure), cookies.named("cart", &plain)), (None, Some("crt_1")));
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let jar = Jar::default().keep("cart", "crt_1", Duration::from_secs(60), &tests_site("https://shop.example"));
        let expected = "__Host-cart=crt_1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(jar.into_lines(), [expected]);
        let jar = Jar::default().forget("cart", &tests_site("http://localhost:3000"));
        assert_eq!(jar.into_lines(), ["cart=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]);
    }
}
