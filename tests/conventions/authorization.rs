//! The authorization table: every route, called by every kind of caller with a request that succeeds for one of them.

mod caller;
mod calls;
mod pages;
mod staff;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use local::contract;

use self::caller::Caller;
use self::world::World;

/// The status of each response: one line per route, one column per caller. Where a route names a resource, `token`
/// knows the cart's id or shows the order's token, and `buyer` has bought it; `owner`, `manager`, `fulfil` and
/// `finance` are members of the vendor that it belongs to; `rival` owns another vendor and tries to reach this one;
/// `suspended` owns a suspended vendor and works on that vendor's resources: its only parcel is delivered by an earlier
/// row, so what else may become of it is refused by its state.
const TABLE: &str = "
                                                             anon guest token buyer other owner manager fulfil finance rival suspended operator

GET    /v1/health                                             200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/states                                             200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/openapi.json                                       200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/products                                           200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/products/{handle}                                  200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/categories                                         200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/vendors/{handle}                                   200  200   200   200   200   200   200     200    200     200   200       200
GET    /v1/terms                                              200  200   200   200   200   200   200     200    200     200   200       200

POST   /v1/carts                                              201  201   201   201   201   201   201     201    201     201   201       201
GET    /v1/carts/{id}                                         404  404   200   200   404   404   404     404    404     404   404       404
DELETE /v1/carts/{id}                                         404  404   204   204   404   404   404     404    404     404   404       404
PUT    /v1/carts/{id}/items/{variant_id}                      404  404   200   200   404   404   404     404    404     404   404       404
DELETE /v1/carts/{id}/items/{variant_id}                      404  404   200   200   404   404   404     404    404     404   404       404
POST   /v1/carts/{id}/claim                                   401  401   401   200   404   404   404     404    404     404   404       404
POST   /v1/carts/{id}/shipping-options                        404  404   200   200   404   404   404     404    404     404   404       404
PUT    /v1/carts/{id}/shipping                                404  404   200   200   404   404   404     404    404     404   404       404
GET    /v1/carts/{id}/payment-methods                         404  404   200   200   404   404   404     404    404     404   404       404
POST   /v1/checkout                                           404  404   201   201   404   404   404     404    404     404   404       404

GET    /v1/orders/{id}                                        404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/cancel                                 404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/confirm                                404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/confirm/resend                         404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/settle                                 404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/returns                                404  404   200   404   404   404   404     404    404     404   404       404
POST   /v1/orders/{id}/payments                               404  404   201   404   404   404   404     404    404     404   404       404
POST   /v1/webhooks/{provider}                                400  400   200   400   400   400   400     400    400     400   400       400

POST   /v1/auth/sign-up                                       202  202   202   202   202   202   202     202    202     202   202       202
POST   /v1/auth/confirm                                       200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/resend                                        202  202   202   202   202   202   202     202    202     202   202       202
POST   /v1/auth/sign-in                                       200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/code                                          202  202   202   202   202   202   202     202    202     202   202       202
POST   /v1/auth/code/sign-in                                  200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/challenge                                     200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/refresh                                       200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/forgot-password                               202  202   202   202   202   202   202     202    202     202   202       202
POST   /v1/auth/reset-password                                200  200   200   200   200   200   200     200    200     200   200       200
POST   /v1/auth/sign-out                                      401  401   401   204   204   204   204     204    204     204   204       204

GET    /v1/me                                                 401  401   401   200   200   200   200     200    200     200   200       200
PATCH  /v1/me                                                 401  401   401   200   200   200   200     200    200     200   200       200
GET    /v1/me/sessions                                        401  401   401   200   200   200   200     200    200     200   200       200
DELETE /v1/me/sessions/{id}                                   401  401   401   204   204   204   204     204    204     204   204       204
POST   /v1/me/password                                        401  401   401   200   200   200   200     200    200     200   200       200
POST   /v1/me/contact                                         401  401   401   202   202   202   202     202    202     202   202       202
POST   /v1/me/contact/confirm                                 401  401   401   200   200   200   200     200    200     200   200       200
POST   /v1/me/mfa                                             401  401   401   200   200   200   200     200    200     200   200       200
POST   /v1/me/mfa/confirm                                     401  401   401   200   200   200   200     200    200     200   200       200
POST   /v1/me/mfa/recovery-codes                              401  401   401   200   200   200   200     200    200     200   200       200
DELETE /v1/me/mfa                                             401  401   401   204   204   204   204     204    204     204   204       204
GET    /v1/me/addresses                                       401  401   401   200   200   200   200     200    200     200   200       200
PUT    /v1/me/addresses                                       401  401   401   200   200   200   200     200    200     200   200       200
GET    /v1/me/orders                                          401  401   401   200   200   200   200     200    200     200   200       200
GET    /v1/me/orders/{id}                                     401  401   401   200   404   404   404     404    404     404   404       404
POST   /v1/me/orders/{id}/cancel                              401  401   401   200   404   404   404     404    404     404   404       404
POST   /v1/me/orders/{id}/returns                             401  401   401   200   404   404   404     404    404     404   404       404
POST   /v1/me/orders/{id}/settle                              401  401   401   200   404   404   404     404    404     404   404       404

POST   /v1/vendors                                            401  401   401   201   201   201   201     201    201     201   201       201
GET    /v1/vendors/me                                         401  401   401   403   403   200   200     200    200     403   200       403
PATCH  /v1/vendors/me                                         401  401   401   403   403   200   200     403    403     403   403       403
POST   /v1/vendors/me/documents                               401  401   401   403   403   201   201     403    403     403   403       403
POST   /v1/vendors/me/submit                                  401  401   401   403   403   200   403     403    403     403   403       403
GET    /v1/vendors/me/members                                 401  401   401   403   403   200   403     403    403     403   200       403
DELETE /v1/vendors/me/members                                 401  401   401   403   403   204   403     403    403     403   403       403
POST   /v1/vendors/me/terms                                   401  401   401   403   403   200   200     200    200     403   200       403
POST   /v1/vendors/me/leave                                   401  401   401   403   403   409   204     204    204     403   409       403
GET    /v1/vendors/me/invitations                             401  401   401   403   403   200   403     403    403     403   200       403
POST   /v1/vendors/me/invitations                             401  401   401   403   403   202   403     403    403     403   403       403
DELETE /v1/vendors/me/invitations                             401  401   401   403   403   204   403     403    403     403   403       403

POST   /v1/invitations/accept                                 401  401   401   200   403   403   403     403    403     403   403       403
POST   /v1/invitations/decline                                401  401   401   204   403   403   403     403    403     403   403       403
POST   /v1/operator-invitations/accept                        401  401   401   403   403   403   403     403    403     403   403       200

GET    /v1/vendor/products                                    401  401   401   403   403   200   200     200    403     403   200       403
POST   /v1/vendor/products                                    401  401   401   403   403   201   201     403    403     403   403       403
GET    /v1/vendor/products/{id}                               401  401   401   403   403   200   200     200    403     404   200       403
PUT    /v1/vendor/products/{id}                               401  401   401   403   403   200   200     403    403     404   403       403
DELETE /v1/vendor/products/{id}                               401  401   401   403   403   204   204     403    403     404   403       403
POST   /v1/vendor/products/{id}/publish                       401  401   401   403   403   200   200     403    403     404   403       403
POST   /v1/vendor/products/{id}/unpublish                     401  401   401   403   403   200   200     403    403     404   403       403
PUT    /v1/vendor/products/{id}/variants/{variant_id}/stock   401  401   401   403   403   200   200     200    403     404   403       403
POST   /v1/vendor/media                                       401  401   401   403   403   201   201     403    403     403   403       403
GET    /v1/vendor/media/{id}                                  401  401   401   403   403   200   200     200    403     404   200       403
GET    /v1/vendor/imports                                     401  401   401   403   403   200   200     200    403     403   200       403
POST   /v1/vendor/imports                                     401  401   401   403   403   202   202     403    403     403   403       403
GET    /v1/vendor/imports/{id}                                401  401   401   403   403   200   200     200    403     404   200       403
GET    /v1/vendor/import-mapping                              401  401   401   403   403   200   200     200    403     403   200       403
PUT    /v1/vendor/import-mapping                              401  401   401   403   403   200   200     403    403     403   403       403
GET    /v1/vendor/exports                                     401  401   401   403   403   200   200     200    403     403   200       403
POST   /v1/vendor/exports                                     401  401   401   403   403   202   202     202    403     403   202       403
GET    /v1/vendor/exports/{id}                                401  401   401   403   403   200   200     200    403     404   200       403
GET    /v1/vendor/summary                                     401  401   401   403   403   200   200     200    200     403   200       403
GET    /v1/vendor/settlements                                 401  401   401   403   403   200   403     403    200     403   200       403
GET    /v1/vendor/orders                                      401  401   401   403   403   200   200     200    200     403   200       403
GET    /v1/vendor/orders/{id}                                 401  401   401   403   403   200   200     200    200     404   200       403
POST   /v1/vendor/orders/{id}/accept                          401  401   401   403   403   200   200     200    403     404   403       403
POST   /v1/vendor/orders/{id}/decline                          401  401   401   403   403   200   200     200    403     404   403       403
POST   /v1/vendor/orders/{id}/refuse                           401  401   401   403   403   200   200     200    403     404   403       403
POST   /v1/vendor/orders/{id}/ship                            401  401   401   403   403   200   200     200    403     404   200       403
POST   /v1/vendor/orders/{id}/deliver                         401  401   401   403   403   200   200     200    403     404   200       403
POST   /v1/vendor/orders/{id}/parcels/{number}/deliver        401  401   401   403   403   200   200     200    403     404   200       403
POST   /v1/vendor/orders/{id}/parcels/{number}/lost           401  401   401   403   403   200   200     200    403     404   409       403
POST   /v1/vendor/orders/{id}/parcels/{number}/returned-to-sender 401  401   401   403   403   200   200     200    403     404   409       403
POST   /v1/vendor/orders/{id}/refunds                         401  401   401   403   403   200   200     200    403     404   403       403
POST   /v1/vendor/orders/{id}/returns/{number}/approve        401  401   401   403   403   200   200     200    403     404   404       403
POST   /v1/vendor/orders/{id}/returns/{number}/decline        401  401   401   403   403   200   200     200    403     404   404       403
POST   /v1/vendor/orders/{id}/returns/{number}/receive        401  401   401   403   403   200   200     200    403     404   404       403

GET    /v1/admin/summary                                      401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/vendors                                      401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/vendors/{id}                                 401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/vendors/{id}/imports                         401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendors/{id}/approve                         401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendors/{id}/reject                          401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendors/{id}/suspend                         401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendors/{id}/owner                           401  401   401   403   403   403   403     403    403     403   403       202
POST   /v1/admin/vendors/{id}/reinstate                       401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/products/{id}/hide                           401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/products/{id}/show                           401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/terms/{text}                                 401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/terms/{text}                                 401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/papers/expired                               401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/members                                      401  401   401   403   403   403   403     403    403     403   403       200
PATCH  /v1/admin/members/{id}                                 401  401   401   403   403   403   403     403    403     403   403       200
DELETE /v1/admin/members/{id}                                 401  401   401   403   403   403   403     403    403     403   403       204
GET    /v1/admin/members/invitations                          401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/members/invitations                          401  401   401   403   403   403   403     403    403     403   403       202
DELETE /v1/admin/members/invitations                          401  401   401   403   403   403   403     403    403     403   403       204
GET    /v1/admin/orders                                       401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/orders/{id}                                  401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/vendor-orders/late                           401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/orders/{id}/cancel                           401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/orders/{id}/payments/{payment_id}/decide     401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/orders/{id}/refunds                          401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/orders/{id}/refunds/{refund_id}/retry        401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/orders/{id}/refunds/{refund_id}/resolve      401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendor-orders/{id}/returns                   401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/vendor-orders/{id}/returns/{number}/decide   401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/payments                                     401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/payments/unmatched                           401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/payments/unmatched/{id}/resolve              401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/refunds                                      401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/disputes                                     401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/settlements                                  401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/refunds/failed                               401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/settings/{area}                              401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/settings/{area}/{id}                         401  401   401   403   403   403   403     403    403     403   403       200
PUT    /v1/admin/settings/{area}/{id}                         401  401   401   403   403   403   403     403    403     403   403       200
DELETE /v1/admin/settings/{area}/{id}                         401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/settings/{area}/{id}/history                 401  401   401   403   403   403   403     403    403     403   403       200
POST   /v1/admin/settings/{area}/{id}/restore                 401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/suppressions                                 401  401   401   403   403   403   403     403    403     403   403       200
DELETE /v1/admin/suppressions                                 401  401   401   403   403   403   403     403    403     403   403       204
POST   /v1/admin/rebuilds                                     401  401   401   403   403   403   403     403    403     403   403       202
GET    /v1/admin/rebuilds/{id}                                401  401   401   403   403   403   403     403    403     403   403       200
GET    /v1/admin/categories                                   401  401   401   403   403   403   403     403    403     403   403       200
PUT    /v1/admin/categories                                   401  401   401   403   403   403   403     403    403     403   403       200
";

/// What spoils other rows is called last: with an offer in force every checkout has to accept it, and signing out ends
/// the sessions that every row uses.
const LAST: [&str; 2] = ["POST /v1/admin/terms/{text}", "POST /v1/auth/sign-out"];

/// Where a route has its turn.
fn turn(route: &str) -> usize {
    LAST.iter().position(|last| *last == route).map_or(0, |place| place + 1)
}

/// The rows by route: what each caller is answered, in the order of [`Caller::ALL`].
fn table() -> BTreeMap<String, Vec<u16>> {
    let mut rows = BTreeMap::new();
    for line in TABLE.lines().skip(2).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let cells: Vec<u16> = words.map(|cell| cell.parse().unwrap_or_else(|_| panic!("{cell} in: {line}"))).collect();
        assert_eq!(cells.len(), Caller::ALL.len(), "a cell for each caller: {line}");
        assert!(rows.insert(format!("{method} {path}"), cells).is_none(), "twice: {line}");
    }
    rows
}

/// A row in the format of the table.
fn row(route: &str, cells: &[u16]) -> String {
    let (method, path) = route.split_once(' ').expect("method and path");
    let mut line = format!("{method:<6} {path:<54}");
    for (caller, cell) in Caller::ALL.iter().zip(cells) {
        line.push_str(&format!(" {cell:<width$}", width = caller.heading().len().max(4)));
    }
    line.trim_end().to_owned()
}

#[test]
fn every_route_has_a_row_and_a_caller_who_succeeds() {
    let rows = table();
    let routes: BTreeSet<String> =
        contract::operations().into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let missing: Vec<String> = routes
        .iter()
        .filter(|route| !rows.contains_key(*route))
        .map(|route| row(route, &[0; Caller::ALL.len()]))
        .collect();
    assert!(missing.is_empty(), "add to the table, with what each caller is to be answered:\n{}", missing.join("\n"));
    let orphans: Vec<&String> = rows.keys().filter(|route| !routes.contains(*route)).collect();
    assert!(orphans.is_empty(), "in the table, but no routes: {orphans:#?}");
    let closed: Vec<&String> = rows
        .iter()
        .filter(|(_, cells)| !cells.iter().any(|cell| (200..300).contains(cell)))
        .map(|(route, _)| route)
        .collect();
    assert!(closed.is_empty(), "nobody may call: {closed:#?}");
}

#[test]
fn the_headings_are_the_callers() {
    let headings: Vec<&str> = TABLE.lines().nth(1).expect("a heading").split_whitespace().collect();
    assert_eq!(headings, Caller::ALL.map(Caller::heading));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_caller_is_answered_as_the_table_says() {
    let rows = table();
    let world = World::open().await;
    let mut wrong = Vec::new();
    let mut ordered: Vec<(&String, &Vec<u16>)> = rows.iter().collect();
    ordered.sort_by_key(|(route, _)| turn(route));
    for (route, cells) in ordered {
        let mut answered = Vec::new();
        let mut words = Vec::new();
        for (caller, expected) in Caller::ALL.into_iter().zip(cells) {
            let call = calls::of(&world, route, caller).await;
            let answer = call.send(&world.client(caller)).await;
            if answer.status != *expected {
                words.push(format!("    {}: {}", caller.heading(), answer.text));
            }
            answered.push(answer.status);
        }
        if answered != *cells {
            wrong.push(format!(
                "expected {}\nanswered {}\n{}",
                row(route, cells),
                row(route, &answered),
                words.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
