//! From the right password or the right code to a browser that is signed in, and the cookies on the way.

use std::time::Duration;

use api::Problem;
use browser::{
    CART, Cookies, Fields, ITEMS, Jar, KEPT_CART, Reply, SESSION, SHOP, Site, Visitor, safe_next, sign_in_path,
};
use domain::session::{CHALLENGE_LIFETIME, SESSION_LIFETIME};
use domain::{CartId, Code, Coded, UserId};
use pages::with_query;
use shop::{ChallengeKind, SignInAnswer};

use crate::App;
use crate::checkout::CONTACT;
use crate::guest_orders::ORDERS;
use crate::showing::{path_of, saying};

/// The cookie of a sign-in that waits for one more step.
const CHALLENGE: &str = "challenge";
/// The cookie of a code that was asked for, until it is entered.
const REQUEST: &str = "request";
/// As long as the code is good.
const REQUEST_KEPT: Duration = Duration::from_secs(15 * 60);
/// The field and parameter that says where somebody goes on to.
pub(crate) const NEXT: &str = "next";

/// Where somebody goes on to: a page of ours that they came from, else their account.
pub(crate) fn next_of(visitor: &Visitor, fields: &Fields) -> String {
    let next = fields.text(NEXT).and_then(safe_next);
    next.map_or_else(|| path_of(visitor, "/account"), str::to_owned)
}

/// The path of a page that goes on to the same place.
pub(crate) fn going_on(visitor: &Visitor, path: &str, next: &str) -> String {
    let path = path_of(visitor, path);
    if next == path_of(visitor, "/account") { path } else { with_query(&path, NEXT, next) }
}

/// To a new sign-in, for what is only done shortly after one; then back to the page of it.
pub(crate) fn step_up(visitor: &Visitor, back: &str) -> Reply {
    Reply::see(saying(&sign_in_path(visitor.language, &path_of(visitor, back)), "fresh"))
}

/// A sign-in that waits for one more step, as its cookie holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Whether it waits for somebody's own password, and not for a second factor.
    pub(crate) for_password: bool,
    pub(crate) token: String,
    pub(crate) next: String,
}

impl Waiting {
    pub(crate) fn of(visitor: &Visitor, site: &Site) -> Option<Self> {
        Self::read(visitor.cookies.named(CHALLENGE, site)?)
    }

    fn read(cookie: &str) -> Option<Self> {
        let fields = Fields::parse(cookie.as_bytes());
        let next = fields.text(NEXT).and_then(safe_next)?.to_owned();
        Some(Self { for_password: fields.has("password"), token: fields.text("token")?.to_owned(), next })
    }

    /// A query, which needs nothing that ends a cookie.
    fn written(&self) -> String {
        let written = format!("token={}&{NEXT}={}", pages::escaped(&self.token), pages::escaped(&self.next));
        if self.for_password { format!("{written}&password=1") } else { written }
    }
}

/// A code that was asked for. It is kept in a cookie, so that the page on which it is entered can be reloaded, and no
/// address holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requested {
    pub(crate) token: String,
    pub(crate) contact: String,
    pub(crate) next: String,
}

impl Requested {
    /// What was asked for on this page: a code that was sent to sign in opens nothing else.
    pub(crate) fn of(cookies: &Cookies, path: &str, site: &Site) -> Option<Self> {
        Self::read(cookies.named(REQUEST, site)?, path)
    }

    fn read(cookie: &str, path: &str) -> Option<Self> {
        let fields = Fields::parse(cookie.as_bytes());
        let text = |name: &str| fields.text(name).map(str::to_owned);
        let next = fields.text(NEXT).and_then(safe_next)?.to_owned();
        let read = Self { token: text("token")?, contact: text("contact")?, next };
        (fields.text("for")? == path).then_some(read)
    }

    fn written(&self, path: &str) -> String {
        let parts = [("for", path), ("token", &self.token), ("contact", &self.contact), (NEXT, &self.next)];
        let parts = parts.map(|(name, value)| format!("{name}={}", pages::escaped(value)));
        parts.join("&")
    }

    pub(crate) fn kept(&self, path: &str, site: &Site) -> Jar {
        Jar::default().keep(REQUEST, &self.written(path), REQUEST_KEPT, site)
    }

    pub(crate) fn forgotten(site: &Site) -> Jar {
        Jar::default().forget(REQUEST, site)
    }
}

/// Goes on after the right password or code: signed in, or to the step that is missing.
pub(crate) async fn answered(app: &App, visitor: &Visitor, answer: SignInAnswer, next: &str) -> Result<Reply, Problem> {
    match answer {
        SignInAnswer::Tokens(tokens) => signed_in(app, visitor, &tokens.refresh_token, next).await,
        SignInAnswer::Challenge(challenge) => {
            let for_password = challenge.challenge == ChallengeKind::NewPassword;
            let waiting = Waiting { for_password, token: challenge.session, next: next.to_owned() };
            let jar = Jar::default()
                .keep(CHALLENGE, &waiting.written(), CHALLENGE_LIFETIME, &app.site)
                .forget(REQUEST, &app.site);
            Ok(Reply::see(path_of(visitor, "/challenge")).with_cookies(jar))
        }
    }
}

/// The browser keeps the new session, and the one that it had before ends: a cookie that somebody else has put there
/// or read opens nothing.
async fn signed_in(app: &App, visitor: &Visitor, token: &str, next: &str) -> Result<Reply, Problem> {
    let begun = app.sessions.signed_in(token, visitor.now).await?;
    let begun = begun.ok_or_else(|| Problem::internal("a session that has just begun is not there"))?;
    if let Some(former) = visitor.session.as_ref().filter(|former| former.id != begun.id)
        && let Err(cause) = app.people.end_my_session(former.user, former.id).await
        && cause.code() != Code::NotFound
    {
        tracing::warn!(user.id = %former.user, %cause, "the session that a browser had before is not ended");
    }
    let jar = Jar::default()
        .keep(SESSION, token, SESSION_LIFETIME, &app.site)
        .forget(CHALLENGE, &app.site)
        .forget(REQUEST, &app.site);
    let jar = with_cart(app, visitor, begun.user, jar).await;
    Ok(Reply::see(next).with_cookies(jar))
}

/// Makes the guest's cart the buyer's. The sign-in is complete by then, so what fails here is no reason to refuse it.
async fn with_cart(app: &App, visitor: &Visitor, buyer: UserId, jar: Jar) -> Jar {
    let site = &app.site;
    let Some(cookie) = visitor.cookies.named(CART, site) else { return jar };
    let Ok(id) = cookie.parse::<CartId>() else { return jar.forget(CART, site) };
    match app.carts.claim(id, buyer, browser::call(visitor.now, None)).await.map(browser::done) {
        Ok(Some(claimed)) => {
            let items = crate::cart::items_of(&claimed).to_string();
            jar.keep(CART, &claimed.cart.id.to_string(), KEPT_CART, site).choose(ITEMS, &items, site)
        }
        Ok(None) => jar,
        // It is over, was ordered, or is somebody else's.
        Err(cause) if matches!(cause.code(), Code::NotFound | Code::CartOrdered | Code::Expired) => {
            jar.forget(CART, site)
        }
        Err(cause) => {
            tracing::warn!(cart.id = %id, %cause, "the cart of a guest who has signed in is not theirs yet");
            jar
        }
    }
}

/// What a browser forgets when it is signed out.
pub(crate) fn signed_out(site: &Site) -> Jar {
    [SESSION, CART, CHALLENGE, REQUEST, ORDERS, CONTACT, SHOP]
        .into_iter()
        .fold(Jar::default(), |jar, name| jar.forget(name, site))
        .choose(ITEMS, "0", site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_reads_back_and_leads_to_no_other_host() {
        let waiting = Waiting { for_password: true, token: "ab-_1".to_owned(), next: "/en/a?b=c;d&e".to_owned() };
        let written = waiting.written();
        assert!(written.bytes().all(|byte| byte.is_ascii_graphic() && !b"\";,\\".contains(&byte)), "{written}");
        assert_eq!(Waiting::read(&written), Some(waiting.clone()));
        let evil = Waiting { next: "//evil.example".to_owned(), ..waiting };
        assert_eq!(Waiting::read(&evil.written()), None);
    }

    #[test]
    fn a_code_that_was_asked_for_on_one_page_is_not_entered_on_another() {
        let asked =
            Requested { token: "t".to_owned(), contact: "aziza+1@xn--a.uz".to_owned(), next: "/uz/account".to_owned() };
        let written = asked.written("/reset");
        assert_eq!(Requested::read(&written, "/reset"), Some(asked));
        assert_eq!(Requested::read(&written, "/confirm"), None);
    }
}
