//! One of the two callers of each route.

use std::sync::Mutex;

use serde_json::json;

use crate::shop::{Client, Product, Shop, Vendor};

/// One of the two callers: a vendor with a product, and a buyer. No mail is sent any more when they call, so who needs
/// some has got it before.
pub(super) struct Side {
    pub(super) vendor: Vendor,
    pub(super) bowl: Product,
    pub(super) buyer: Client,
    /// People with the tokens of their invitations, of which each call takes one.
    pub(super) invited: Mutex<Vec<(Client, String)>>,
    /// Members with their addresses, of whom each call takes one.
    pub(super) members: Mutex<Vec<(Client, String)>>,
    /// Shops that were not submitted, of which each call takes one.
    pub(super) applicants: Mutex<Vec<Vendor>>,
    /// The operator's people with their ids, of whom each call takes one.
    pub(super) operators: Mutex<Vec<(Client, String)>>,
    /// A person with the token of their invitation to the operator's people.
    pub(super) future_operators: Mutex<Vec<(Client, String)>>,
}

pub(super) async fn side(shop: &Shop, name: &str) -> Side {
    let vendor = shop.vendor(name).await;
    let vendor = Vendor { client: vendor.client.with("vendor-id", &vendor.id), ..vendor };
    let bowl = vendor.product(&format!("{name}-bowl")).stock(1_000).publish().await;
    let (mut invited, mut members) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let person = shop.buyer(&format!("{name}-invited-{number}")).await;
        let email = format!("{name}-invited-{number}@people.test");
        let invite = json!({"contact": email, "role": "manager"});
        vendor.client.post("/v1/vendors/me/invitations", &invite).await.expect(202);
        invited.push((person, shop.invitation_for(&email).await));
        let person = shop.buyer(&format!("{name}-member-{number}")).await.with("vendor-id", &vendor.id);
        let email = format!("{name}-member-{number}@people.test");
        shop.member(&vendor.client, &email, "manager").await;
        members.push((person, email));
    }
    let mut applicants = Vec::new();
    for number in 0..6 {
        applicants.push(shop.applicant(&format!("{name}-applicant-{number}")).await);
    }
    let mut operators = Vec::new();
    for number in 0..2 {
        let person = shop.operator_with(&format!("{name}-operator-{number}"), "support").await;
        operators.push((person, shop.operator_id(&format!("{name}-operator-{number}@people.test")).await));
    }
    let (future, email) = (shop.buyer(&format!("{name}-future")).await, format!("{name}-future@people.test"));
    let invite = json!({"contact": email, "role": "catalog"});
    shop.operator().await.post("/v1/admin/members/invitations", &invite).await.expect(202);
    let future_operators = vec![(future, shop.team_invitation_for(&email).await)];
    let buyer = shop.buyer(&format!("{name}-buyer")).await;
    Side {
        vendor,
        bowl,
        buyer,
        invited: Mutex::new(invited),
        members: Mutex::new(members),
        applicants: Mutex::new(applicants),
        operators: Mutex::new(operators),
        future_operators: Mutex::new(future_operators),
    }
}
