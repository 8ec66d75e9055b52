//! What people leave: telephone numbers, second factors, papers, texts that they have agreed to, and what waits for
//! them in Sessions.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::json;

use crate::resources::messages::{WITHOUT_TELEGRAM, code_for};
use crate::shop::{App, Shop, Vendor};

/// People whose mail is sent: one by a number, one with an authenticator app, a vendor with a paper that expires.
pub(super) async fn meet(shop: &Shop, vendor: &Vendor) {
    let (operator, owner) = (shop.operator().await, shop.sign_in_again(vendor).await);
    let text = json!({"texts": {"en": "The agreement."}, "grace_days": 365});
    operator.post("/v1/admin/terms/agreement", &text).await.expect(200);
    let paper = json!({
        "kind": "licence", "filename": "licence.pdf", "content_type": "application/pdf", "size": 4,
        "expires_at": shop.cloud.now() + Duration::from_secs(400 * 86_400),
    });
    owner.post("/v1/vendors/me/documents", &paper).await.expect(201);

    let careful = shop.buyer("careful").await;
    App::set_up(shop, &careful).await;
    shop.advance(Duration::from_secs(30)).await;
    shop.challenged("careful@people.test").await;

    shop.anon().post("/v1/auth/sign-up", &json!({ "contact": WITHOUT_TELEGRAM })).await.expect(202);
    let confirm = json!({"contact": WITHOUT_TELEGRAM, "code": code_for(shop, WITHOUT_TELEGRAM).await});
    shop.anon().post("/v1/auth/confirm", &confirm).await.expect(200);
}

/// What waits: codes, requests, an invitation, and the messages about them. The sources are stopped.
pub(super) async fn leave(shop: &Shop) {
    let asked = json!({"contact": "soon@people.test", "password": PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    let owner = shop.sign_in("ceramics@people.test").await;
    let invite = json!({"contact": "soon@people.test", "role": "manager"});
    owner.post("/v1/vendors/me/invitations", &invite).await.expect(202);
}
