//! A person with a telephone number alone.

use serde_json::json;

use super::get_all;
use crate::resources::messages::{WITHOUT_TELEGRAM, auth, code_for, ordered_by};
use crate::shop::Shop;

/// Orders as a guest, makes an account, and finds the order.
pub(super) async fn orders_and_signs_in(shop: &Shop) {
    ordered_by(shop, "telephones", &json!({"phone": WITHOUT_TELEGRAM})).await.expect(201);
    shop.wait_until_idle().await;
    auth(shop, "sign-up", json!({"contact": WITHOUT_TELEGRAM})).await.expect(202);
    let code = code_for(shop, WITHOUT_TELEGRAM).await;
    auth(shop, "confirm", json!({"contact": WITHOUT_TELEGRAM, "code": code})).await.expect(200);
    auth(shop, "code", json!({"contact": WITHOUT_TELEGRAM})).await.expect(202);
    let code = code_for(shop, WITHOUT_TELEGRAM).await;
    let tokens = auth(shop, "code/sign-in", json!({"contact": WITHOUT_TELEGRAM, "code": code})).await;
    let token = tokens.expect(200)["access_token"].as_str().expect("a token").to_owned();
    get_all(&shop.anon().with_token(token), &["/v1/me/orders".to_owned()]).await;
}
