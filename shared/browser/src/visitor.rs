//! Who looks at a page that is for one person.

use api::{Now, Problem, SourceIp};
use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::{IntoResponse, Response};
use domain::{Code, Timestamp, UserId};
use http::HeaderMap;
use http::request::Parts;
use pages::Language;
use shop::{BrowserSession, BrowserSessions};

use crate::site::language_of;
use crate::{Cookies, Reply, Site};

/// The cookie of a signed-in person.
pub const SESSION: &str = "session";

/// The cookie of a cart.
pub const CART: &str = "cart";
/// The cookie of how many units are in the cart, which pages that everybody gets alike show by script.
pub const ITEMS: &str = "items";
/// The cookie of the shop that somebody works for at the moment.
pub const SHOP: &str = "shop";
/// How long it is kept: as long as the cart.
pub const KEPT_CART: std::time::Duration = domain::cart::LIFETIME;

/// State that knows who is signed in.
pub trait Sessions {
    /// The site that its pages belong to.
    fn site(&self) -> &Site;
    /// The sessions of browsers.
    fn sessions(&self) -> &BrowserSessions;
}

/// Somebody who looks at a page, signed in or not.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The language of the path; where a page's path names none, what the browser prefers.
    pub language: Language,
    pub cookies: Cookies,
    pub session: Option<BrowserSession>,
    pub now: Timestamp,
    /// The network address that they come from.
    pub client: String,
    /// Path and query of the page.
    pub path: String,
}

impl Visitor {
    /// Whose pages these are, when somebody is signed in.
    pub fn user(&self) -> Option<UserId> {
        self.session.as_ref().map(|session| session.user)
    }
}

impl<S: Sessions + Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let language = language_of(parts.uri.path());
        let page = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        if language.is_none() && page.starts_with("/{lang}/") {
            return Err(Problem::of(Code::NotFound));
        }
        let Now(now) = Now::from_request_parts(parts, state).await?;
        let SourceIp(client) = SourceIp::from_request_parts(parts, state).await?;
        let cookies = Cookies::of(&parts.headers);
        let session = match cookies.named(SESSION, state.site()) {
            Some(cookie) => state.sessions().signed_in(cookie, now).await?,
            None => None,
        };
        let language =
            language.unwrap_or_else(|| preferred(&cookies, &parts.headers, state.site().shown.main_language));
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { language, cookies, session, now, client, path })
    }
}

/// The language that somebody has chosen, or else that their browser prefers, or else the main one.
pub(crate) fn preferred(cookies: &Cookies, headers: &HeaderMap, main: Language) -> Language {
    let chosen = cookies.plain(LANGUAGE).and_then(Language::parse);
    let accepted = || headers.get(http::header::ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok());
    chosen.or_else(|| accepted().and_then(Language::from_accept)).unwrap_or(main)
}

/// The cookie of a chosen language.
pub(crate) const LANGUAGE: &str = "language";

/// The main language, as the router tells it to its pages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Main(pub(crate) Language);

/// The language of whoever asks for a page whose path names none.
#[derive(Clone, Copy, Debug)]
pub struct Preferred(pub Language);

impl<S: Send + Sync> FromRequestParts<S> for Preferred {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let cookies = Cookies::of(&parts.headers);
        let main = parts.extensions.get::<Main>().copied().unwrap_or_default();
        Ok(Self(preferred(&cookies, &parts.headers, main.0)))
    }
}

/// Somebody who is signed in; everybody else is asked to sign in first, and comes back.
#[derive(Clone, Debug)]
pub struct Signed {
    pub session: BrowserSession,
    pub visitor: Visitor,
}

impl<S: Sessions + Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        match visitor.session.clone() {
            Some(session) => Ok(Self { session, visitor }),
            None => {
                let back = if parts.method.is_safe() { visitor.path.as_str() } else { parts.uri.path() };
                Err(Reply::see(sign_in_path(visitor.language, back)).into_response())
            }
        }
    }
}

/// The page on which somebody signs in and then goes on to `next`.
pub fn sign_in_path(language: Language, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/{}/sign-in?next={next}", language.code())
}

/// A path of ours to go on to; nothing where it may lead to another host. Browsers read a backslash as a slash, and
/// drop tabs and line breaks.
pub fn safe_next(next: &str) -> Option<&str> {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_ours = next.starts_with('/') && !next.starts_with("//");
    (is_plain && is_ours && next.len() <= 1_000).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_on_to_another_host() {
        for ours in ["/uz/cart", "/en/orders/ord_1?x=//evil.example", "/"] {
            assert_eq!(safe_next(ours), Some(ours));
        }
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil.example",
            "/\t/evil.example",
            "/ /evil.example",
            "javascript:alert(1)",
            "",
            "/\n/evil.example",
            "\\\\evil.example",
        ] {
            assert_eq!(safe_next(foreign), None, "{foreign:?}");
        }
    }
}
