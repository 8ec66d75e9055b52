//! A vendor with its staff.

use serde_json::json;

use super::{get_all, text};
use crate::shop::{Shop, Vendor};

/// A vendor: applied, rejected, submitted again and approved, with a document and a member.
pub(super) async fn open_vendor(shop: &Shop, handle: &str) -> Vendor {
    let operator = shop.operator().await;
    let vendor = shop.applicant(handle).await;
    let paper = json!({"kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 100});
    let noted = vendor.client.post("/v1/vendors/me/documents", &paper).await.expect(201).clone();
    shop.anon().upload(&noted["upload"], &[b'%'; 100]).await.expect(200);
    // It expires so soon that housekeeping tells of it at once.
    let soon = shop.cloud.now() + std::time::Duration::from_secs(86_400);
    let licence = json!({
        "kind": "licence", "filename": "licence.pdf", "content_type": "application/pdf", "size": 100, "expires_at": soon,
    });
    vendor.client.post("/v1/vendors/me/documents", &licence).await.expect(201);
    let decide = format!("/v1/admin/vendors/{}", vendor.id);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    operator.get("/v1/admin/vendors?state=submitted").await.expect(200);
    let account = operator.get(&decide).await.expect(200).clone();
    shop.anon().get(text(&account["documents"][0]["link"], "url")).await.expect(200);
    operator.post(&format!("{decide}/reject"), &json!({"reason": "Blurred."})).await.expect(200);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    operator.post(&format!("{decide}/approve"), &json!({})).await.expect(200);

    let worker = format!("{handle}-worker");
    shop.buyer(&worker).await;
    shop.member(&vendor.client, &format!("{worker}@people.test"), "manager").await;
    let invite = json!({"contact": "nobody@people.test", "role": "finance"});
    vendor.client.post("/v1/vendors/me/invitations", &invite).await.expect(202);
    get_all(&vendor.client, &["members", "invitations"].map(|list| format!("/v1/vendors/me/{list}"))).await;
    let back = json!({"contact": "nobody@people.test"});
    vendor.client.json(reqwest::Method::DELETE, "/v1/vendors/me/invitations", &back).await.expect(204);
    operator.post(&format!("{decide}/owner"), &back).await.expect(202);
    // Who works for several shops and names none is asked for all of them.
    let both = shop.sign_in(&format!("{worker}@people.test")).await;
    both.post("/v1/vendors", &json!({"name": worker, "currency": "USD"})).await.expect(201);
    both.get("/v1/vendors/me").await.expect(200);
    both.get("/v1/vendor/summary").await.expect(200);
    let gone = json!({"email": format!("{worker}@people.test")});
    vendor.client.json(reqwest::Method::DELETE, "/v1/vendors/me/members", &gone).await.expect(204);
    vendor
}

/// The operator's people: the first owner by the group, then invited, changed, removed, and taken back.
pub(super) async fn team(shop: &Shop) {
    let owner = shop.operator().await;
    let helper = shop.operator_with("op-helper", "support").await;
    get_all(&owner, &["members", "members/invitations"].map(|list| format!("/v1/admin/{list}"))).await;
    let path = format!("/v1/admin/members/{}", shop.operator_id("op-helper@people.test").await);
    owner.patch(&path, &json!({"role": "catalog"})).await.expect(200);
    helper.send(reqwest::Method::DELETE, &path, None, "").await.expect(204);
    let text = json!({"texts": {"en": "The agreement."}, "grace_days": 30});
    owner.post("/v1/admin/terms/agreement", &text).await.expect(200);
    get_all(&owner, &["terms/agreement", "papers/expired"].map(|list| format!("/v1/admin/{list}"))).await;
    shop.anon().get("/v1/terms").await.expect(200);
    let contact = json!({"contact": "nobody@people.test"});
    let invite = json!({"contact": "nobody@people.test", "role": "finance"});
    owner.post("/v1/admin/members/invitations", &invite).await.expect(202);
    owner.json(reqwest::Method::DELETE, "/v1/admin/members/invitations", &contact).await.expect(204);
    shop.advance(domain::notice::NOTICE_DELAY).await;
}
