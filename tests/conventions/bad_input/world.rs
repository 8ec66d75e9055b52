//! One marketplace with a resource for every route.

use std::collections::BTreeMap;

use cloud::dynamodb::{Caller, Outcome};
use serde_json::{Value, json};

use super::row::Who;
use crate::shop::{Client, Guest, Product, Shop, Vendor};

pub(super) struct World {
    pub(super) shop: Shop,
    pub(super) owner: Vendor,
    pub(super) bowl: Product,
    /// A product that is not published.
    pub(super) draft: Product,
    pub(super) draft_etag: String,
    pub(super) categories_etag: String,
    /// A guest with a line and an address.
    pub(super) guest: Guest,
    /// The guest's earlier order, awaiting its payment, and the token that shows it.
    pub(super) order: String,
    pub(super) token: String,
    /// The payment attempt of that order.
    pub(super) payment: String,
    /// The token of another guest's order.
    pub(super) strangers_token: String,
    /// An order of the buyer.
    pub(super) buyers_order: String,
    /// A vendor order of the owner's vendor.
    pub(super) vendor_order: String,
    pub(super) import: String,
    pub(super) export: String,
    pub(super) picture: String,
    pub(super) rebuild: String,
    pub(super) refresh_token: String,
    /// An application that waits for the operator.
    pub(super) applicant: String,
    /// One of the operator's people.
    pub(super) helper: String,
    buyer: Client,
    operator: Client,
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

impl World {
    pub(super) async fn open() -> Self {
        let shop = Shop::open().await;
        let operator = shop.operator().await;
        let (setting, allowed) = ("/v1/admin/settings/refunds/by-vendors", json!({"allowed": true}));
        operator.clone().with("if-match", "*").put(setting, &allowed).await.expect(200);
        let tree = json!({"items": [{"handle": "kitchen", "name": "Kitchen", "children": []}]});
        let put = operator.clone().with("if-match", "*").put("/v1/admin/categories", &tree).await;
        put.expect(200);
        let categories_etag = put.header("etag").to_owned();

        let owner = shop.vendor("ceramics").await;
        let owner = Vendor { client: owner.client.with("vendor-id", &owner.id), ..owner };
        let bowl = owner.product("bowl").set("category", json!("kitchen")).stock(50).publish().await;
        owner.product("cup").set("category", json!("kitchen")).stock(50).publish().await;
        let draft = owner.product("draft").draft().await;
        let draft_etag = owner.client.get(&format!("/v1/vendor/products/{}", draft.id)).await.header("etag").to_owned();

        let mut vendor_orders = Vec::new();
        for _ in 0..2 {
            let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
            let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
            vendor_orders.push(id(&order["vendors"][0]));
        }
        let buyer = shop.buyer("buyer").await;
        let mut buyers_order = String::new();
        for _ in 0..2 {
            let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
            let cart = id(buyer.post(&guest.path("/claim"), &json!({})).await.expect(200));
            let claimed = Guest { cart, ..guest };
            claimed.address().await.expect(200);
            buyers_order = id(claimed.checks_out("stripe", "once").await.expect(201));
        }
        let mut orders = Vec::new();
        for _ in 0..2 {
            let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
            let order = guest.checks_out("stripe", "once").await.expect(201).clone();
            orders.push((id(&order), order["token"].as_str().expect("a token").to_owned()));
        }
        let seen = operator.get(&format!("/v1/admin/orders/{}", orders[0].0)).await.expect(200).clone();
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;

        let picture = json!({"content_type": "image/png", "size": 100});
        let picture = id(owner.client.post("/v1/vendor/media", &picture).await.expect(201));
        let file = json!({"filename": "goods.csv", "size": 100});
        let (mut import, mut export) = (String::new(), String::new());
        for _ in 0..2 {
            import = id(owner.client.post("/v1/vendor/imports", &file).await.expect(202));
            export = id(owner.client.post("/v1/vendor/exports", &json!({})).await.expect(202));
            // A shop has one export at a time.
            shop.wait_until_idle().await;
        }
        let copies = json!({"what": "availability"});
        let rebuild = id(operator.post("/v1/admin/rebuilds", &copies).await.expect(202));
        let mut applicants = Vec::new();
        for name in ["applicant", "another"] {
            let applicant = shop.applicant(name).await;
            applicant.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
            applicants.push(applicant.id);
        }
        shop.operator_with("helper", "support").await;
        let helper = shop.operator_id("helper@people.test").await;
        shop.buyer("signer").await;
        let asked = json!({"email": "signer@people.test", "password": local::seed::PASSWORD});
        let signed_in = shop.anon().post("/v1/auth/sign-in", &asked).await;
        let refresh_token = signed_in.expect(200)["refresh_token"].as_str().expect("a token").to_owned();
        shop.wait_until_idle().await;
        let [(order, token), (_, strangers_token)] = <[(String, String); 2]>::try_from(orders).expect("two orders");
        Self {
            owner,
            bowl,
            draft,
            draft_etag,
            categories_etag,
            guest,
            order,
            payment: id(&seen["payment"]),
            token,
            strangers_token,
            buyers_order,
            vendor_order: vendor_orders[0].clone(),
            import,
            export,
            picture,
            rebuild,
            refresh_token,
            applicant: applicants[0].clone(),
            helper,
            buyer,
            operator,
            shop,
        }
    }

    pub(super) fn client(&self, who: Who) -> Client {
        match who {
            Who::Anyone => self.shop.anon(),
            Who::Buyer => self.buyer.clone(),
            Who::Owner => self.owner.client.clone(),
            Who::Operator => self.operator.clone(),
        }
    }

    /// The `next` cursor of a page.
    pub(super) fn cursor_of(&self, who: Who, path: &str) -> impl Future<Output = String> + use<> {
        let (client, path) = (self.client(who), path.to_owned());
        async move {
            let page = client.get(&path).await;
            page.expect(200)["next"].as_str().unwrap_or_else(|| panic!("{path} has one page")).to_owned()
        }
    }

    /// All items of all tables, apart from rate limits.
    pub(super) async fn snapshot(&self) -> BTreeMap<String, Value> {
        let services = self.shop.cloud.services();
        let mut stored = BTreeMap::new();
        for table in &services.template.tables {
            let mut start = Value::Null;
            loop {
                let mut asked = json!({"TableName": table.name});
                if !start.is_null() {
                    asked["ExclusiveStartKey"] = start;
                }
                let answered = services.dynamodb.call(&Caller::root(), "Scan", asked.to_string().as_bytes()).await;
                let Outcome::Answer(status, body) = answered else { panic!("the table {} is gone", table.name) };
                assert!(status.is_success(), "{}", String::from_utf8_lossy(&body));
                let page: Value = serde_json::from_slice(&body).expect("an answer is JSON");
                for item in page["Items"].as_array().expect("items") {
                    // Each try is counted, and a refused sign-up leaves the name that it has reserved.
                    if item["kind"]["S"] != "attempts" && item["kind"]["S"] != "email" {
                        stored.insert(format!("{} {} {}", table.name, item["pk"], item["sk"]), item.clone());
                    }
                }
                start = page["LastEvaluatedKey"].clone();
                if start.is_null() {
                    break;
                }
            }
        }
        stored
    }
}
