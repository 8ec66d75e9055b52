//! Who is at a desk: a member of the shop that was chosen, or one of the operator's people.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use browser::{Fields, Jar, Reply, SHOP, Sessions as _, Visitor, chosen_language, sign_in_path, without};
use desk::Arrival;
use domain::vendor::Member;
use domain::{Code, Coded, VendorId, marketplace};
use http::request::Parts;
use pages::{Frame, Language, Texts};
use shop::BrowserSession;

use api::Problem;

use crate::App;

/// How long the choice of a shop is kept: a year.
const KEPT: Duration = Duration::from_secs(365 * 86_400);
/// The group whose members become the first owner of the marketplace.
const FIRST_OWNERS: &str = "admin";

/// Somebody who is signed in, in the language that they have chosen.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) session: BrowserSession,
    pub(crate) visitor: Visitor,
}

impl Person {
    pub(crate) fn arrival(&self) -> Arrival {
        Arrival { user: self.session.user, at: self.session.signed_in_at, now: self.visitor.now }
    }

    pub(crate) fn language(&self) -> Language {
        self.visitor.language
    }

    pub(crate) fn t(&self) -> &'static Texts {
        Texts::of(self.visitor.language)
    }

    /// The frame of a page at this path.
    pub(crate) fn frame<'a>(&self, app: &'a App, title: &str) -> Frame<'a> {
        let path = self.visitor.path.split('?').next().unwrap_or("/desk");
        let frame = Frame::new(&app.site.shown, self.visitor.language, path, title);
        Frame { unprefixed: true, signed_in: Some(true), ..frame }
    }

    /// A parameter of the page's address.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        let (_, query) = self.visitor.path.split_once('?')?;
        Fields::parse(query.as_bytes()).text(name).map(str::to_owned)
    }

    /// The shop that they have chosen, whether or not they work for it.
    pub(crate) fn chosen_shop(&self, app: &App) -> Option<VendorId> {
        self.visitor.cookies.named(SHOP, app.site())?.parse().ok()
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let is_read = parts.method.is_safe();
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Some(session) = visitor.session.clone() else {
            // An address that only takes forms shows nothing: its page does.
            let back = if is_read { visitor.path.clone() } else { page_of(&visitor.path) };
            return Err(Reply::see(sign_in_path(visitor.language, &back)).into_response());
        };
        if is_read && let Some(elsewhere) = chosen_language(&visitor.path, app.site()) {
            return Err(elsewhere.into_response());
        }
        Ok(Self { session, visitor })
    }
}

/// A member of the shop that was chosen by link or cookie, or of the only one that they work for.
#[derive(Debug)]
pub(crate) struct Staff {
    pub(crate) member: Member,
    pub(crate) person: Person,
}

impl FromRequestParts<App> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let is_read = parts.method.is_safe();
        let person = Person::from_request_parts(parts, app).await?;
        let named = person.asked(SHOP).filter(|_| is_read);
        let by_link = named.is_some();
        let vendor = match named {
            // An id that does not parse cannot exist.
            Some(named) => named.parse().map_err(|_| Problem::of(Code::NotFound).into_response())?,
            None => match person.chosen_shop(app) {
                Some(kept) => kept,
                None => app.only_shop(&person).await.map_err(IntoResponse::into_response)?,
            },
        };
        let member = match app.desk.member(person.arrival(), Some(vendor)).await {
            Ok(member) => member,
            // Somebody else has worked on this device, or they do not work there any more: it is the only shop that
            // they have, or the desk shows which.
            Err(refused) if !by_link && is_read && refused.code() == Code::Forbidden => {
                let only = app.only_shop(&person).await.map_err(IntoResponse::into_response)?;
                if only == vendor {
                    return Err(Problem::from(refused).into_response());
                }
                return Err(choose(app, only, person.visitor.path.clone()).into_response());
            }
            Err(refused) => return Err(Problem::from(refused).into_response()),
        };
        if by_link && let Some((page, query)) = person.visitor.path.split_once('?') {
            return Err(choose(app, vendor, without(page, query, SHOP)).into_response());
        }
        Ok(Self { member, person })
    }
}

/// The page that has the form of an address.
pub(crate) fn page_of(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let kept = match segments.as_slice() {
        ["desk", "shop", "submit" | "terms"] => 2,
        ["operate", "settings", ..] => 4,
        _ => 3,
    };
    let kept: Vec<&str> = segments.into_iter().take(kept).collect();
    format!("/{}", kept.join("/"))
}

/// Keeps the choice of a shop and goes on.
pub(crate) fn choose(app: &App, vendor: VendorId, next: impl Into<String>) -> Reply {
    Reply::see(next).with_cookies(Jar::default().keep(SHOP, &vendor.to_string(), KEPT, app.site()))
}

impl App {
    /// The only shop of a person; who has several chooses one, and who has none applies.
    async fn only_shop(&self, person: &Person) -> Result<VendorId, ElseWhere> {
        let shops =
            self.vendors.shops_of(person.session.user).await.map_err(|refused| ElseWhere::Refused(refused.into()))?;
        match shops.as_slice() {
            [] => Err(ElseWhere::At("/desk/apply")),
            [(only, _)] => Ok(only.card.id),
            _ => Err(ElseWhere::At("/desk")),
        }
    }
}

/// Where somebody goes who has not chosen a shop.
enum ElseWhere {
    At(&'static str),
    Refused(Problem),
}

impl IntoResponse for ElseWhere {
    fn into_response(self) -> Response {
        match self {
            Self::At(path) => Reply::see(path).into_response(),
            Self::Refused(problem) => problem.into_response(),
        }
    }
}

/// One of the operator's people.
#[derive(Debug)]
pub(crate) struct Operating {
    pub(crate) operator: marketplace::Operator,
    pub(crate) person: Person,
}

impl FromRequestParts<App> for Operating {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let person = Person::from_request_parts(parts, app).await?;
        let may_be_first = person.session.groups.iter().any(|group| group == FIRST_OWNERS);
        let came_in = app.operator.came_in(person.arrival(), may_be_first).await;
        let operator = came_in.map_err(|refused| Problem::from(refused).into_response())?;
        Ok(Self { operator, person })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_only_takes_forms_leads_to_their_page() {
        for (path, page) in [
            ("/desk/orders/vor_1/ship", "/desk/orders/vor_1"),
            ("/desk/orders/vor_1/returns/1", "/desk/orders/vor_1"),
            ("/desk/products/prd_1/variants/var_1/stock?x=1", "/desk/products/prd_1"),
            ("/desk/shop/submit", "/desk/shop"),
            ("/desk/shop/documents", "/desk/shop/documents"),
            ("/desk/products/new", "/desk/products/new"),
            ("/operate/orders/ord_1/refunds/rfd_1/retry", "/operate/orders/ord_1"),
            ("/operate/settings/limits/import/restore", "/operate/settings/limits/import"),
        ] {
            assert_eq!(page_of(path), page);
        }
    }
}
