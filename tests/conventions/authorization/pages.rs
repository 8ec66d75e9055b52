//! Who may open each page and send its form: a page without a row here fails.

use std::collections::BTreeSet;

use local::functions::FUNCTIONS;
use local::seed::OPERATOR;
use reqwest::Method;

use crate::conventions::pages::filled;
use crate::shop::{Browser, Page, Shop};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Everybody, signed in or not.
    Everybody,
    /// Who has ordered, or has the link of the order; everybody else signs in first.
    Holder,
    /// Who is signed in.
    Person,
    /// Who works for a shop; others are led to where one is opened.
    Staff,
    /// The operator's people.
    Operator,
}

/// The path of each page, by who it is for.
const PAGES: [(Who, &[&str]); 5] = [
    (
        Who::Everybody,
        &[
            "/",
            "/{lang}",
            "/{lang}/",
            "/{lang}/products",
            "/{lang}/c/{*category}",
            "/{lang}/search",
            "/{lang}/p/{handle}",
            "/{lang}/v/{handle}",
            "/{lang}/delivery",
            "/{lang}/returns",
            "/{lang}/privacy",
            "/{lang}/terms",
            "/{lang}/offline",
            "/{lang}/manifest.webmanifest",
            "/robots.txt",
            "/sitemap.xml",
            "/icon.svg",
            "/{lang}/feed.xml",
            "/sw.js",
            "/speculation-rules.json",
            "/app.js",
            "/{lang}/cart",
            "/{lang}/checkout",
            "/{lang}/checkout/delivery",
            "/{lang}/checkout/payment",
            "/r/{token}",
            "/{lang}/sign-in",
            "/{lang}/sign-in/code",
            "/{lang}/sign-in/code/enter",
            "/{lang}/challenge",
            "/{lang}/sign-out",
            "/{lang}/sign-up",
            "/{lang}/confirm",
            "/{lang}/confirm/resend",
            "/{lang}/reset",
            "/{lang}/reset/enter",
        ],
    ),
    (
        Who::Holder,
        &[
            "/{lang}/paid",
            "/{lang}/orders/{id}",
            "/{lang}/orders/{id}/pay",
            "/{lang}/orders/{id}/refresh",
            "/{lang}/orders/{id}/confirm",
            "/{lang}/orders/{id}/cancel",
            "/{lang}/orders/{id}/return",
        ],
    ),
    (
        Who::Person,
        &[
            "/{lang}/account",
            "/{lang}/account/orders",
            "/{lang}/account/addresses",
            "/{lang}/account/addresses/delete",
            "/{lang}/account/profile",
            "/{lang}/account/contact",
            "/{lang}/account/contact/enter",
            "/{lang}/account/privacy",
            "/{lang}/account/sessions",
            "/{lang}/account/security",
            "/{lang}/account/security/password",
            "/{lang}/account/security/app",
            "/{lang}/account/security/app/confirm",
            "/{lang}/account/security/app/remove",
            "/{lang}/account/security/codes",
            "/desk/invitations/{token}",
            "/desk/apply",
            "/operate/invitations/{token}",
        ],
    ),
    (
        Who::Staff,
        &[
            "/desk",
            "/desk/shop",
            "/desk/shop/submit",
            "/desk/shop/terms",
            "/desk/shop/documents",
            "/desk/orders",
            "/desk/orders/{id}",
            "/desk/orders/{id}/label",
            "/desk/orders/{id}/accept",
            "/desk/orders/{id}/decline",
            "/desk/orders/{id}/ship",
            "/desk/orders/{id}/deliver",
            "/desk/orders/{id}/refund",
            "/desk/orders/{id}/parcels/{number}",
            "/desk/orders/{id}/returns/{number}",
            "/desk/products",
            "/desk/products/new",
            "/desk/products/{id}",
            "/desk/products/{id}/texts/{tag}",
            "/desk/products/{id}/publish",
            "/desk/products/{id}/unpublish",
            "/desk/products/{id}/delete",
            "/desk/products/{id}/pictures",
            "/desk/products/{id}/pictures/remove",
            "/desk/products/{id}/variants/{variant}/price",
            "/desk/products/{id}/variants/{variant}/stock",
            "/desk/imports",
            "/desk/imports/columns",
            "/desk/imports/{id}",
            "/desk/imports/{id}/start",
        ],
    ),
    (
        Who::Operator,
        &[
            "/operate",
            "/operate/waiting/{list}",
            "/operate/vendors",
            "/operate/vendors/{id}",
            "/operate/vendors/{id}/approve",
            "/operate/vendors/{id}/reject",
            "/operate/vendors/{id}/suspend",
            "/operate/vendors/{id}/reinstate",
            "/operate/orders",
            "/operate/orders/{id}",
            "/operate/orders/{id}/cancel",
            "/operate/orders/{id}/refund",
            "/operate/orders/{id}/payments/{payment}",
            "/operate/orders/{id}/refunds/{refund}/retry",
            "/operate/orders/{id}/refunds/{refund}/resolve",
            "/operate/settings/{area}",
            "/operate/settings/{area}/{id}",
            "/operate/settings/{area}/{id}/restore",
            "/operate/texts",
            "/operate/texts/{text}",
        ],
    ),
];

const ORDER: &str = "ord_00000000000000000000000001";

/// The callers that differ for pages.
struct Callers {
    nobody: Browser,
    buyer: Browser,
    staff: Browser,
    operator: Browser,
}

impl Callers {
    async fn of(shop: &Shop) -> Self {
        shop.vendor("ceramics").await;
        shop.buyer("aziza").await;
        Self {
            nobody: shop.browser(),
            buyer: shop.browser_of("aziza@people.test").await,
            staff: shop.browser_of("ceramics@people.test").await,
            operator: shop.browser_of(OPERATOR).await,
        }
    }
}

/// What somebody meets who may not: to sign in, to open a shop of their own, or a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    SignIn,
    OpenShop,
    Refusal,
    /// The page itself, or what it says of what is not there.
    Page,
}

fn met(page: &Page) -> Met {
    match page.status {
        303 if page.location().contains("/sign-in?next=") => Met::SignIn,
        303 if page.location() == "/desk/apply" => Met::OpenShop,
        403 => Met::Refusal,
        _ => Met::Page,
    }
}

/// What somebody meets at an address, also where it leads to the page of its form.
async fn meets(browser: &Browser, method: Method, path: &str) -> Met {
    let page = browser.sends(method.clone(), path).await;
    if method == Method::GET && page.status == 303 && met(&page) == Met::Page {
        return met(&browser.visit(&page.location()).await);
    }
    met(&page)
}

/// What each caller meets at a page: nobody, a buyer, a shop's staff, one of the operator's people.
const fn expected(who: Who) -> [Met; 4] {
    match who {
        Who::Everybody => [Met::Page, Met::Page, Met::Page, Met::Page],
        Who::Holder | Who::Person => [Met::SignIn, Met::Page, Met::Page, Met::Page],
        Who::Staff => [Met::SignIn, Met::OpenShop, Met::Page, Met::OpenShop],
        Who::Operator => [Met::SignIn, Met::Refusal, Met::Refusal, Met::Page],
    }
}

#[tokio::test]
async fn every_page_and_form_has_a_row_and_meets_each_caller_as_it_says() {
    let shop = Shop::open().await;
    let listed = FUNCTIONS.iter().flat_map(|function| (function.pages)()).collect::<Vec<_>>();
    let paths: BTreeSet<&str> = listed.iter().map(|(path, _)| *path).collect();
    let rows: BTreeSet<&str> = PAGES.iter().flat_map(|(_, paths)| paths.iter().copied()).collect();
    assert_eq!(rows, paths, "each page has one row");
    let Callers { nobody, buyer, staff, operator } = Callers::of(&shop).await;
    for (who, paths) in PAGES {
        for path in paths {
            let methods = listed.iter().find(|(known, _)| known == path).map(|(_, methods)| methods.clone());
            for method in methods.expect("a page") {
                // Who has signed out meets the next page as nobody.
                if method == Method::POST && *path == "/{lang}/sign-out" {
                    continue;
                }
                // An order that nobody has: of a path that names none, there is nothing to sign in for.
                let named = if who == Who::Holder { path.replace("{id}", ORDER) } else { (*path).to_owned() };
                let mut all = Vec::new();
                for browser in [&nobody, &buyer, &staff, &operator] {
                    all.push(meets(browser, method.clone(), &filled(&named)).await);
                }
                assert_eq!(all, expected(who), "{method} {path}");
            }
        }
    }
}
