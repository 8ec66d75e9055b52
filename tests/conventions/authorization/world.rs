//! One marketplace for the whole table: three vendors, their members, buyers, guests, and resources for every route.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::CartId;
use domain::settings::Limit;
use local::Options;
use local::seed::{OPERATOR, PASSWORD};
use serde_json::{Value, json};

use super::caller::Caller;
use crate::shop::{App, Client, Guest, Product, Shop, Vendor, identity};

/// More units than all orders of the table need.
const PLENTY: i64 = 1_000_000;
/// An account to be made a member.
pub(super) const NEWCOMER: &str = "newcomer@people.test";
/// A member to be removed.
pub(super) const LEAVER: &str = "leaver@people.test";
/// An account to sign in to.
pub(super) const SIGNER: &str = "signer@people.test";

/// The state of a vendor order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Pending,
    Accepted,
    Shipped,
}

/// A vendor with a product, an import, an export and vendor orders.
pub(super) struct VendorFixture {
    pub(super) owner: Vendor,
    pub(super) bowl: Product,
    pub(super) import: String,
    pub(super) export: String,
    pub(super) picture: String,
    /// Ids of vendor orders, one of each stage.
    pub(super) pending: String,
    pub(super) accepted: String,
    pub(super) shipped: String,
}

pub(super) struct World {
    pub(super) shop: Shop,
    /// The vendor that all callers but `Suspended` try to reach.
    pub(super) target: VendorFixture,
    pub(super) suspended: VendorFixture,
    pub(super) rival: Vendor,
    /// An application that waits for the operator.
    pub(super) submitted: String,
    /// Another vendor of the same owner, not submitted.
    pub(super) draft: String,
    /// Another vendor of the same owner and members, who leave it.
    pub(super) leaving: String,
    /// An order of a guest, awaiting its payment.
    pub(super) guest_order: Value,
    /// Another guest's order.
    pub(super) strangers_order: Value,
    pub(super) refresh_token: String,
    pub(super) rebuild: String,
    buyer: Client,
    other: Client,
    manager: Client,
    fulfilment: Client,
    finance: Client,
    operator: Client,
    count: AtomicU32,
}

/// The `id` of a response or a part of it.
pub(super) fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// A vendor whose client sends `Vendor-Id`, so that its owner may own other vendors.
async fn open_shop(shop: &Shop, handle: &str) -> Vendor {
    let vendor = shop.vendor(handle).await;
    Vendor { client: vendor.client.with("vendor-id", &vendor.id), ..vendor }
}

async fn vendor_fixture(shop: &Shop, handle: &str) -> VendorFixture {
    let owner = open_shop(shop, handle).await;
    let bowl = owner.product(&format!("{handle}-bowl")).stock(PLENTY).publish().await;
    let file = json!({"filename": "goods.csv", "size": 100});
    let import = id(owner.client.post("/v1/vendor/imports", &file).await.expect(202));
    let export = id(owner.client.post("/v1/vendor/exports", &json!({})).await.expect(202));
    let picture = json!({"content_type": "image/png", "size": 100});
    let picture = id(owner.client.post("/v1/vendor/media", &picture).await.expect(201));
    let (pending, accepted, shipped) = (
        vendor_order(shop, &owner, &bowl, Stage::Pending).await,
        vendor_order(shop, &owner, &bowl, Stage::Accepted).await,
        vendor_order(shop, &owner, &bowl, Stage::Shipped).await,
    );
    VendorFixture { owner, bowl, import, export, picture, pending, accepted, shipped }
}

/// A new vendor order in this stage.
async fn vendor_order(shop: &Shop, owner: &Vendor, bowl: &Product, stage: Stage) -> String {
    let order =
        shop.guest().await.takes(&[(bowl, 1)]).await.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let vendor_order = id(&order["vendors"][0]);
    for (step, reached) in [("accept", Stage::Accepted), ("ship", Stage::Shipped)] {
        if reached <= stage {
            owner.client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await.expect(200);
        }
    }
    vendor_order
}

impl World {
    pub(super) async fn open() -> Self {
        // One buyer orders for each route, and one person is invited for each caller.
        let mut options = Options::for_tests();
        // All routes are called within a second.
        options.limits.checkout.per_target = Limit::per_minute(10_000);
        options.limits.unpaid_orders = 100;
        options.limits.invitation.per_target.most = 1_000;
        let shop = Shop::with(options).await;
        let operator = shop.operator().await;
        let (setting, allowed) = ("/v1/admin/settings/refunds/by-vendors", json!({"allowed": true}));
        operator.clone().with("if-match", "*").put(setting, &allowed).await.expect(200);
        let quota = "/v1/admin/settings/quotas/invitations";
        operator.clone().with("if-match", "*").put(quota, &json!({"most": 1_000})).await.expect(200);
        let (target, suspended) = (vendor_fixture(&shop, "ceramics").await, vendor_fixture(&shop, "silk").await);
        let rival = open_shop(&shop, "rival").await;
        let reason = json!({"reason": "Complaints."});
        operator.post(&format!("/v1/admin/vendors/{}/suspend", suspended.owner.id), &reason).await.expect(200);
        let copies = json!({"what": "availability"});
        let rebuild = id(operator.post("/v1/admin/rebuilds", &copies).await.expect(202));
        let applicant = shop.applicant("applicant").await;
        applicant.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);

        let (buyer, other) = (shop.buyer("buyer").await, shop.buyer("other").await);
        let manager = shop.buyer("manager").await;
        let (fulfilment, finance) = (shop.buyer("fulfilment").await, shop.buyer("finance").await);
        for name in ["newcomer", "leaver"] {
            shop.buyer(name).await;
        }
        shop.buyer("signer").await;
        let signed_in = shop.anon().post("/v1/auth/sign-in", &json!({"email": SIGNER, "password": PASSWORD})).await;
        let refresh_token = signed_in.expect(200)["refresh_token"].as_str().expect("a refresh token").to_owned();

        let mut world = Self {
            guest_order: Value::Null,
            strangers_order: Value::Null,
            submitted: applicant.id,
            draft: String::new(),
            leaving: String::new(),
            count: AtomicU32::new(0),
            refresh_token,
            rebuild,
            shop,
            target,
            suspended,
            rival,
            buyer,
            other,
            manager,
            fulfilment,
            finance,
            operator,
        };
        world.staff(&world.target.owner.id.clone()).await;
        world.draft = world.new_draft().await;
        world.leaving = world.new_draft().await;
        let leaving = world.target.owner.client.clone().with("vendor-id", &world.leaving);
        leaving.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        let approve = format!("/v1/admin/vendors/{}/approve", world.leaving);
        world.operator.post(&approve, &json!({})).await.expect(200);
        world.staff(&world.leaving.clone()).await;
        world.guest_order = world.new_guest_order().await;
        world.strangers_order = world.new_guest_order().await;
        world
    }

    /// Makes manager, fulfilment and finance members of a vendor of the owner.
    async fn staff(&self, vendor: &str) {
        for (name, role) in [("manager", "manager"), ("fulfilment", "fulfilment"), ("finance", "finance")] {
            let owner = self.target.owner.client.clone().with("vendor-id", vendor);
            self.shop.member(&owner, &format!("{name}@people.test"), role).await;
        }
    }

    /// The client of a caller. The members' clients send no `Vendor-Id` yet.
    pub(super) fn client(&self, caller: Caller) -> Client {
        match caller {
            Caller::Anonymous | Caller::Guest | Caller::Token => self.shop.anon(),
            Caller::Buyer => self.buyer.clone(),
            Caller::Other => self.other.clone(),
            Caller::Owner => self.target.owner.client.clone(),
            Caller::Manager => self.manager.clone(),
            Caller::Fulfilment => self.fulfilment.clone(),
            Caller::Finance => self.finance.clone(),
            Caller::Rival => self.rival.client.clone(),
            Caller::Suspended => self.suspended.owner.client.clone(),
            Caller::Operator => self.operator.clone(),
        }
    }

    /// The vendor that a caller tries to reach.
    pub(super) fn vendor_fixture(&self, caller: Caller) -> &VendorFixture {
        if caller == Caller::Suspended { &self.suspended } else { &self.target }
    }

    /// A name that was not used before.
    pub(super) fn fresh(&self, name: &str) -> String {
        format!("{name}-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// The address of a new account whose code was mailed.
    pub(super) async fn new_sign_up(&self) -> String {
        let email = format!("{}@people.test", self.fresh("new"));
        let asked = json!({"email": email, "password": PASSWORD, "name": "New"});
        self.shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
        email
    }

    /// The address of a new account that was confirmed.
    pub(super) async fn new_account(&self) -> String {
        let email = self.new_sign_up().await;
        let code = json!({"email": email, "code": self.shop.code_for(&email).await});
        self.shop.anon().post("/v1/auth/confirm", &code).await.expect(200);
        email
    }

    /// The address of a new account with an authenticator app.
    pub(super) async fn new_app(&self) -> (String, App) {
        let email = self.new_account().await;
        let client = self.shop.signed_in(&email).await;
        let app = App::set_up(&self.shop, &client).await;
        (email, app)
    }

    /// The token of a new invitation of the rival's to the buyer.
    pub(super) async fn new_invitation(&self) -> String {
        let (buyer, rival) = ("buyer@people.test", &self.rival.client);
        let invite = json!({"contact": buyer, "role": "fulfilment"});
        rival.post("/v1/vendors/me/invitations", &invite).await.expect(202);
        self.shop.invitation_for(buyer).await
    }

    /// The token of a new invitation of the operator's to the operator, who is an owner already and stays one.
    pub(super) async fn new_team_invitation(&self) -> String {
        let invite = json!({"contact": OPERATOR, "role": "owner"});
        self.operator.post("/v1/admin/members/invitations", &invite).await.expect(202);
        self.shop.team_invitation_for(OPERATOR).await
    }

    /// Id of a new one of the operator's people.
    pub(super) async fn new_operator(&self) -> String {
        let name = self.fresh("helper");
        self.shop.operator_with(&name, "support").await;
        self.shop.operator_id(&format!("{name}@people.test")).await
    }

    /// Id of a vendor of the owner that can be submitted.
    pub(super) async fn new_draft(&self) -> String {
        let asked = json!({
            "handle": self.fresh("draft"), "name": "Draft", "currency": "USD", "legal_name": "Draft",
            "phone": "+998 71 200 00 00", "shipping_rates": [{"amount": "5.00", "currency": "USD"}],
            "public_identity": identity("Draft"),
        });
        id(self.target.owner.client.post("/v1/vendors", &asked).await.expect(201))
    }

    /// Id of a vendor that waits for approval.
    pub(super) async fn new_submitted(&self) -> String {
        let applicant = self.shop.applicant(&self.fresh("applicant")).await;
        applicant.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        applicant.id
    }

    /// Id of a vendor that was approved.
    pub(super) async fn new_approved(&self) -> String {
        self.shop.vendor(&self.fresh("vendor")).await.id
    }

    /// Id of a vendor that was suspended.
    pub(super) async fn new_suspended(&self) -> String {
        let vendor = self.new_approved().await;
        let reason = json!({"reason": "Complaints."});
        self.operator.post(&format!("/v1/admin/vendors/{vendor}/suspend"), &reason).await.expect(200);
        vendor
    }

    /// A guest whose cart can be ordered.
    pub(super) async fn new_guest(&self) -> Guest {
        self.shop.guest().await.takes(&[(&self.target.bowl, 1)]).await
    }

    /// The buyer's cart, ready to be ordered.
    pub(super) async fn new_buyers_cart(&self) -> Guest {
        let guest = self.new_guest().await;
        let claimed = self.buyer.post(&guest.path("/claim"), &json!({})).await;
        Guest { cart: id(claimed.expect(200)), ..guest }
    }

    /// The cart whose id a caller sends: for callers without the capability, one that does not exist.
    pub(super) async fn cart_known_to(&self, caller: Caller) -> Guest {
        match caller {
            Caller::Token => self.new_guest().await,
            Caller::Buyer => self.new_buyers_cart().await,
            _ => Guest {
                client: self.shop.anon(),
                cart: CartId::from_bits(7).to_string(),
                email: "nobody@guests.test".to_owned(),
            },
        }
    }

    /// A guest's order that awaits its payment.
    pub(super) async fn new_guest_order(&self) -> Value {
        self.new_guest().await.checks_out("stripe", "once").await.expect(201).clone()
    }

    /// A guest's order with an amount mismatch.
    pub(super) async fn new_mismatched_order(&self) -> Value {
        let order = self.new_guest_order().await;
        self.shop.stripe(&id(&order), "wrong_amount").await;
        order
    }

    /// Id of an order of the buyer.
    pub(super) async fn new_buyers_order(&self) -> String {
        id(self.new_buyers_cart().await.checks_out("stripe", "once").await.expect(201))
    }

    /// Id of a vendor order in this stage, of the vendor that the caller tries to reach. The suspended vendor gets no
    /// new ones: it has one of each stage from before.
    pub(super) async fn vendor_order(&self, caller: Caller, stage: Stage) -> String {
        let vendor_fixture = self.vendor_fixture(caller);
        match (caller, stage) {
            (Caller::Suspended, Stage::Pending) => vendor_fixture.pending.clone(),
            (Caller::Suspended, Stage::Accepted) => vendor_fixture.accepted.clone(),
            (Caller::Suspended, Stage::Shipped) => vendor_fixture.shipped.clone(),
            _ => vendor_order(&self.shop, &vendor_fixture.owner, &vendor_fixture.bowl, stage).await,
        }
    }

    /// Id of a vendor order whose buyer gives something back: to be answered, or with the goods to be received.
    pub(super) async fn returning(&self, caller: Caller, approved: bool) -> String {
        let vendor_fixture = self.vendor_fixture(caller);
        if caller == Caller::Suspended {
            return vendor_fixture.shipped.clone();
        }
        let vendor_order = self.shop.return_of(&vendor_fixture.owner.client, &vendor_fixture.bowl).await;
        if approved {
            let path = format!("/v1/vendor/orders/{vendor_order}/returns/1/approve");
            vendor_fixture.owner.client.post(&path, &json!({})).await.expect(200);
        }
        vendor_order
    }

    /// A product of the vendor that the caller tries to reach, to be changed or deleted.
    pub(super) async fn product(&self, caller: Caller) -> Product {
        if caller == Caller::Suspended {
            return self.suspended.bowl.clone();
        }
        self.target.owner.product(&self.fresh("cup")).draft().await
    }

    /// The `ETag` that a path is served with.
    pub(super) async fn etag(&self, reader: &Client, path: &str) -> String {
        let read = reader.get(path).await;
        read.expect(200);
        read.header("etag").to_owned()
    }
}
