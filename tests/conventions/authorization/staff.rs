//! More columns of the authorization table: the roles of the operator's people, and who has shown a second factor.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::caller::Caller;
use super::world::World;
use super::{calls, table, turn};
use crate::shop::{Answer, App, Client, Shop};

/// The status of each response to one of the operator's people: a line per route of theirs, a column per role. What it
/// is to an owner stands in the table above; the order of which `support` wants to give money back was not paid.
const ROLES: &str = "
                                                             support catalog finance

GET    /v1/admin/summary                                      200     200     200
GET    /v1/admin/vendors                                      200     200     200
GET    /v1/admin/vendors/{id}                                 200     200     200
GET    /v1/admin/vendors/{id}/imports                         200     200     200
POST   /v1/admin/vendors/{id}/approve                         403     200     403
POST   /v1/admin/vendors/{id}/reject                          403     200     403
POST   /v1/admin/vendors/{id}/suspend                         403     200     403
POST   /v1/admin/vendors/{id}/owner                           403     403     403
POST   /v1/admin/vendors/{id}/reinstate                       403     200     403
POST   /v1/admin/products/{id}/hide                           403     200     403
POST   /v1/admin/products/{id}/show                           403     200     403
GET    /v1/admin/terms/{text}                                 403     403     403
POST   /v1/admin/terms/{text}                                 403     403     403
GET    /v1/admin/papers/expired                               200     200     200
GET    /v1/admin/members                                      403     403     403
PATCH  /v1/admin/members/{id}                                 403     403     403
DELETE /v1/admin/members/{id}                                 403     403     403
GET    /v1/admin/members/invitations                          403     403     403
POST   /v1/admin/members/invitations                          403     403     403
DELETE /v1/admin/members/invitations                          403     403     403
GET    /v1/admin/orders                                       200     403     200
GET    /v1/admin/orders/{id}                                  200     403     200
GET    /v1/admin/vendor-orders/late                           200     403     200
POST   /v1/admin/orders/{id}/cancel                           200     403     403
POST   /v1/admin/orders/{id}/payments/{payment_id}/decide     403     403     200
POST   /v1/admin/orders/{id}/refunds                          409     403     200
POST   /v1/admin/orders/{id}/refunds/{refund_id}/retry        403     403     200
POST   /v1/admin/orders/{id}/refunds/{refund_id}/resolve      403     403     200
POST   /v1/admin/vendor-orders/{id}/returns                   200     403     403
POST   /v1/admin/vendor-orders/{id}/returns/{number}/decide   200     403     403
GET    /v1/admin/payments                                     403     403     200
GET    /v1/admin/payments/unmatched                           403     403     200
POST   /v1/admin/payments/unmatched/{id}/resolve              403     403     200
GET    /v1/admin/refunds                                      403     403     200
GET    /v1/admin/disputes                                     403     403     200
GET    /v1/admin/settlements                                  403     403     200
GET    /v1/admin/refunds/failed                               403     403     200
GET    /v1/admin/settings/{area}                              403     403     403
GET    /v1/admin/settings/{area}/{id}                         403     403     403
PUT    /v1/admin/settings/{area}/{id}                         403     403     403
DELETE /v1/admin/settings/{area}/{id}                         403     403     403
GET    /v1/admin/settings/{area}/{id}/history                 403     403     403
POST   /v1/admin/settings/{area}/{id}/restore                 403     403     403
GET    /v1/admin/suppressions                                 200     403     403
DELETE /v1/admin/suppressions                                 204     403     403
POST   /v1/admin/rebuilds                                     403     403     403
GET    /v1/admin/rebuilds/{id}                                403     403     403
GET    /v1/admin/categories                                   200     200     403
PUT    /v1/admin/categories                                   403     200     403
";

/// The cells of a route, by the headings of [`ROLES`].
fn roles() -> BTreeMap<String, Vec<(&'static str, u16)>> {
    let mut lines = ROLES.lines().skip(1).filter(|line| !line.is_empty());
    let headings: Vec<&str> = lines.next().expect("a heading").split_whitespace().collect();
    let mut rows = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let cells = words.map(|cell| cell.parse().unwrap_or_else(|_| panic!("{cell} in: {line}")));
        rows.insert(format!("{method} {path}"), headings.iter().copied().zip(cells).collect());
    }
    rows
}

/// The routes of the operator's people, with what an owner is answered.
fn routes_of_operators() -> BTreeMap<String, u16> {
    let rows = table().into_iter().filter(|(route, _)| route.contains(" /v1/admin/"));
    rows.map(|(route, cells)| (route, *cells.last().expect("the operator's cell"))).collect()
}

/// A status, and the code of its problem where the status alone does not say why somebody is refused.
type Expected = (u16, Option<&'static str>);

/// What somebody is answered whose token is of before their second factor.
const UNPROVEN: Expected = (403, Some("mfa_required"));

/// How an answer of the route differs from what is expected.
fn compared(route: &str, answer: &Answer, expected: Expected) -> Result<(), String> {
    let (status, code) = expected;
    if answer.status == status && code.is_none_or(|code| answer.json["code"] == code) {
        return Ok(());
    }
    Err(format!("{route}, expected {expected:?}: {} {}", answer.status, answer.text))
}

/// Sends the operator's request to the route as somebody else. Who is to be refused needs nothing that can be changed.
async fn asked(world: &World, route: &str, client: &Client, expected: Expected) -> Result<(), String> {
    let resources = if expected.0 < 300 { Caller::Operator } else { Caller::Other };
    compared(route, &calls::of(world, route, resources).await.send(client).await, expected)
}

/// Has whoever is signed in set up an app, and signs them in with it.
async fn proven(shop: &Shop, email: &str) -> Client {
    let app = App::set_up(shop, &shop.sign_in(email).await).await;
    // Tokens count in seconds: who signs in within that of the app has not shown it.
    shop.advance(Duration::from_secs(30)).await;
    let shown = json!({"session": shop.challenged(email).await, "code": app.code(shop)});
    let signed_in = shop.anon().post("/v1/auth/challenge", &shown).await.expect(200).clone();
    shop.anon().with_token(signed_in["access_token"].as_str().expect("a token"))
}

#[test]
fn every_route_of_the_operators_says_what_each_role_may() {
    let (said, routes) = (roles(), routes_of_operators());
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>();
    let missing = names(routes.keys().filter(|route| !said.contains_key(*route)).collect());
    let orphans = names(said.keys().filter(|route| !routes.contains_key(*route)).collect());
    assert!(missing.is_empty() && orphans.is_empty(), "missing {missing:#?}\nno routes {orphans:#?}");
    assert!(said.values().all(|cells| cells.len() == 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_of_the_operators_people_is_answered_as_the_table_says() {
    let world = World::open().await;
    let mut people = BTreeMap::new();
    for role in ["support", "catalog", "finance"] {
        people.insert(role, world.shop.operator_with(&format!("op-{role}"), role).await);
    }
    let mut wrong = Vec::new();
    for (route, cells) in roles() {
        for (role, expected) in cells {
            if let Err(text) = asked(&world, &route, &people[role], (expected, None)).await {
                wrong.push(format!("{role}: {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_has_shown_a_second_factor_may_everything_and_with_an_old_token_nothing() {
    let world = World::open().await;
    // The token is of before the app was set up.
    let unproven = world.shop.operator_with("op-owner", "owner").await;
    let proven = proven(&world.shop, "op-owner@people.test").await;
    let mut wrong = Vec::new();
    let mut routes: Vec<(String, u16)> = routes_of_operators().into_iter().collect();
    routes.sort_by_key(|(route, _)| turn(route));
    for (route, expected) in routes {
        for (client, expected) in [(&unproven, UNPROVEN), (&proven, (expected, None))] {
            wrong.extend(asked(&world, &route, client, expected).await.err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reading one's own account is all that is left; opening a vendor and leaving one are everybody's.
const NEED_NO_PROOF: [&str; 3] = ["POST /v1/vendors", "POST /v1/vendors/me/leave", "GET /v1/vendors/{handle}"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_of_a_vendor_does_nothing_for_it_without_the_second_factor_that_they_have() {
    let world = World::open().await;
    let second = world.shop.buyer("second").await;
    let owner = world.target.owner.client.clone();
    world.shop.member(&owner, "second@people.test", "owner").await;
    let proven = proven(&world.shop, "second@people.test").await;
    let routes = table().into_iter().filter(|(route, _)| {
        (route.contains(" /v1/vendor/") || route.contains(" /v1/vendors")) && !NEED_NO_PROOF.contains(&route.as_str())
    });
    let place = Caller::ALL.iter().position(|caller| *caller == Caller::Owner).expect("a column");
    let mut wrong = Vec::new();
    for (route, cells) in routes.filter(|(route, _)| route != "POST /v1/vendors/me/submit") {
        for (client, expected) in [(&second, UNPROVEN), (&proven, (cells[place], None))] {
            let resources = if expected.0 < 300 { Caller::Owner } else { Caller::Other };
            let answer = calls::of(&world, &route, resources).await.send(client).await;
            wrong.extend(compared(&route, &answer, expected).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_group_admin_opens_nothing_once_there_was_an_owner() {
    let shop = Shop::open().await;
    let late = shop.in_group("late", "admin").await;
    for route in ["summary", "vendors", "members", "orders", "settings/limits"] {
        late.get(&format!("/v1/admin/{route}")).await.expect_problem(403, "forbidden");
    }
}
