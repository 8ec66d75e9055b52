//! Passwords, sessions and second factors.

use local::seed::PASSWORD;
use serde_json::json;

use super::super::caller::Caller;
use super::super::world::World;
use super::{Call, unknown};
use crate::shop::{App, NO_REQUEST};

/// Everybody for themselves: whoever is signed in is somebody new, since all sessions end with it.
pub(super) async fn of_second_factors(
    world: &World,
    route: &str,
    caller: Caller,
    call: &impl Fn(&str) -> Call,
) -> Call {
    let call = call(route.split_once(' ').expect("method and path").1);
    if matches!(caller, Caller::Anonymous | Caller::Guest | Caller::Token) {
        let body = json!({"contact": "moved@people.test", "code": "000000", "request": NO_REQUEST});
        return call.at("{id}", "ses_00000000000000000000000001").body(body);
    }
    if ["POST /v1/me/mfa/recovery-codes", "DELETE /v1/me/mfa"].contains(&route) {
        let (email, app) = world.new_app().await;
        let session = json!({"session": world.shop.challenged(&email).await, "code": app.next_code(&world.shop)});
        world.shop.advance(std::time::Duration::from_secs(30)).await;
        let signed_in = world.shop.anon().post("/v1/auth/challenge", &session).await.expect(200).clone();
        let token = signed_in["access_token"].as_str().expect("a token");
        return call.with("authorization", format!("Bearer {token}")).body(json!({"code": app.next_code(&world.shop)}));
    }
    let email = world.new_account().await;
    let asked = json!({"email": email, "password": PASSWORD});
    let signed_in = world.shop.anon().post("/v1/auth/sign-in", &asked).await.expect(200).clone();
    let token = signed_in["access_token"].as_str().expect("a token").to_owned();
    let code = match route {
        "POST /v1/me/mfa" | "GET /v1/me/sessions" => return call.with("authorization", format!("Bearer {token}")),
        "DELETE /v1/me/sessions/{id}" => {
            let known = world.shop.anon().with_token(&token).get("/v1/me/sessions").await.expect(200).clone();
            let session = known["items"][0]["id"].as_str().expect("an id");
            return call.at("{id}", session).with("authorization", format!("Bearer {token}"));
        }
        "POST /v1/me/password" => {
            let asked = json!({"current_password": PASSWORD, "password": "Another horse 2"});
            return call.with("authorization", format!("Bearer {token}")).body(asked);
        }
        "POST /v1/me/contact" => {
            let asked = json!({"contact": format!("moved-{email}")});
            return call.with("authorization", format!("Bearer {token}")).body(asked);
        }
        "POST /v1/me/contact/confirm" => {
            let contact = format!("moved-{email}");
            let asked =
                world.shop.anon().with_token(&token).post("/v1/me/contact", &json!({ "contact": contact })).await;
            let request = asked.expect(202)["request"].clone();
            let code = world.shop.code_for(&contact).await;
            let entered = json!({"contact": contact, "code": code, "request": request});
            return call.with("authorization", format!("Bearer {token}")).body(entered);
        }
        "POST /v1/me/mfa/confirm" => App::begun(&world.shop, &world.shop.anon().with_token(&token)).await.1,
        _ => unknown(route),
    };
    call.with("authorization", format!("Bearer {token}")).body(json!({"code": code}))
}
