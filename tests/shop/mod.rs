//! The vocabulary of the tests: a marketplace on an embedded cloud for each test, and clients that use it.

mod app;
mod binaries;
mod browser;
mod client;
mod document;
pub(crate) mod driving_provider;
mod dump;
mod from;
mod guest;
pub(crate) mod internet;
pub(crate) mod invariants;
mod owed;
pub(crate) mod pictures;
mod refunds;
mod requests;
mod retry;
mod returns;
pub(crate) mod sale;
mod settled;
mod stored;
mod team;
mod until;
mod vendor;

use std::time::Duration;

use cloud::sqs::{Depth, MessageAttributes};
use domain::Timestamp;
use local::seed::{OPERATOR, PASSWORD};
use local::{LocalCloud, Options};
use serde_json::{Value, json};

pub(crate) use app::App;
pub(crate) use binaries::binaries;
pub(crate) use browser::{Browser, Page};
pub(crate) use client::{Answer, Client};
pub(crate) use document::fault as fault_of;
pub(crate) use dump::Dump;
pub(crate) use guest::{Guest, address, confirmation_code};
pub(crate) use internet::TestInternet;
pub(crate) use invariants::Ledger;
pub(crate) use requests::NO_REQUEST;
pub(crate) use until::until;
pub(crate) use vendor::{Product, Vendor};

/// A marketplace on an embedded cloud of its own. Its only account is the operator's.
pub(crate) struct Shop {
    pub(crate) cloud: LocalCloud,
}

impl Shop {
    /// Opens a marketplace in memory, on a port of its own, with a clock that only the test moves.
    pub(crate) async fn open() -> Self {
        Self::with(Options::for_tests()).await
    }

    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests chooses how functions reach the services")]
    pub(crate) async fn with(mut options: Options) -> Self {
        options.sdk_over_http |= std::env::var_os("BOZOR_SDK_OVER_HTTP").is_some();
        // Nothing is asked of the real internet.
        options.fetcher.get_or_insert_with(internet::nowhere);
        Self { cloud: LocalCloud::with(options).await.expect("the cloud starts") }
    }

    /// A client that is not signed in.
    pub(crate) fn anon(&self) -> Client {
        Client::new(&self.cloud)
    }

    pub(crate) async fn operator(&self) -> Client {
        self.sign_in(OPERATOR).await
    }

    /// Signs in to an account that exists.
    pub(crate) async fn sign_in(&self, email: &str) -> Client {
        let answer = self.anon().post("/v1/auth/sign-in", &json!({"email": email, "password": PASSWORD})).await;
        let token = answer.expect(200)["access_token"].as_str().expect("a token").to_owned();
        self.anon().with_token(token)
    }

    /// Signs a vendor in again: an access token expires after fifteen minutes of the cloud's clock.
    pub(crate) async fn sign_in_again(&self, vendor: &Vendor) -> Client {
        self.sign_in(&format!("{}@people.test", vendor.handle)).await
    }

    /// Signs up, confirms with the code from the mail, and signs in.
    pub(crate) async fn buyer(&self, name: &str) -> Client {
        let email = format!("{name}@people.test");
        let asked = json!({"email": email, "password": PASSWORD, "name": name});
        self.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
        let code = self.code_for(&email).await;
        self.anon().post("/v1/auth/confirm", &json!({"email": email, "code": code})).await.expect_success();
        self.sign_in(&email).await
    }

    /// The newest code that is mailed to an address.
    pub(crate) async fn code_for(&self, email: &str) -> String {
        self.wait_until_idle().await;
        let messages = self.cloud.services().mail.messages(Some(email)).expect("mail can be read");
        messages.iter().find_map(|stored| stored.message.code.clone()).expect("a code was mailed")
    }

    /// Subjects of the mail to an address, newest first.
    pub(crate) fn mail_to(&self, email: &str) -> Vec<String> {
        let messages = self.cloud.services().mail.messages(Some(email)).expect("mail can be read");
        messages.into_iter().map(|stored| stored.message.subject).collect()
    }

    /// A vendor who was approved, delivers for 5.00 USD, sells in USD, and takes cash on delivery.
    pub(crate) async fn vendor(&self, handle: &str) -> Vendor {
        let vendor = self.applicant(handle).await;
        vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        let approve = format!("/v1/admin/vendors/{}/approve", vendor.id);
        self.operator().await.post(&approve, &json!({})).await.expect(200);
        vendor
    }

    /// A vendor with a complete application that was not submitted.
    pub(crate) async fn applicant(&self, handle: &str) -> Vendor {
        let client = self.buyer(handle).await;
        let asked =
            json!({"handle": handle, "name": handle, "currency": "USD", "email": format!("{handle}@people.test")});
        let id = client.post("/v1/vendors", &asked).await.expect(201)["id"].as_str().expect("an id").to_owned();
        let profile = json!({
            "legal_name": handle, "phone": "+998 71 200 00 00",
            "shipping_rates": [{"amount": "5.00", "currency": "USD"}],
            "cash_on_delivery": [{"amount": "1000000000000000.00", "currency": "USD"}],
            "public_identity": identity(handle),
        });
        // Only who has exactly one approved shop may leave it out.
        let client = client.with("vendor-id", &id);
        client.patch("/v1/vendors/me", &profile).await.expect(200);
        Vendor { client, id, handle: handle.to_owned() }
    }

    /// The token of the invitation that was last mailed to an address.
    pub(crate) async fn invitation_for(&self, email: &str) -> String {
        self.wait_until_idle().await;
        let messages = self.cloud.services().mail.messages(Some(email)).expect("mail can be read");
        let token = messages.iter().find_map(|stored| stored.message.text.split_once("/desk/invitations/"));
        token.expect("an invitation was mailed").1.lines().next().expect("a line").to_owned()
    }

    /// Makes a person who has an account a member of a vendor: an owner invites them, and they accept.
    pub(crate) async fn member(&self, owner: &Client, email: &str, role: &str) {
        let invite = json!({"contact": email, "role": role});
        owner.post("/v1/vendors/me/invitations", &invite).await.expect(202);
        let token = json!({"token": self.invitation_for(email).await});
        self.sign_in(email).await.post("/v1/invitations/accept", &token).await.expect(200);
    }

    /// A guest with an empty cart in USD.
    pub(crate) async fn guest(&self) -> Guest {
        Guest::new(self.anon(), "USD").await
    }

    /// Acts on an order's payment in the sandbox, as its buyer or the provider would.
    pub(crate) async fn stripe(&self, order: &str, action: &str) -> Value {
        let path = format!("/_local/pay/stripe/orders/{order}");
        let answer = self.anon().post(&path, &json!({"do": action})).await;
        answer.expect_success().clone()
    }

    /// Holds the sandbox's webhooks back, or releases them.
    pub(crate) async fn hold_webhooks(&self, hold: bool) {
        self.anon().post("/_local/pay/stripe/webhooks", &json!({"hold": hold})).await.expect(200);
    }

    /// The sandbox's webhooks, oldest first.
    pub(crate) async fn webhooks(&self) -> Vec<Value> {
        self.anon().get("/_local/pay/stripe/webhooks").await.expect(200)["items"].as_array().expect("events").clone()
    }

    /// Has the sandbox send a webhook now. Returns the status of the response, if there was one.
    pub(crate) async fn send_webhook(&self, event: &str) -> Option<u64> {
        let path = format!("/_local/pay/stripe/webhooks/{event}");
        self.anon().post(&path, &json!({})).await.expect(200)["status"].as_u64()
    }

    /// Posts a webhook of this type, signed as Stripe does.
    pub(crate) async fn post_webhook(&self, name: &str, object: &Value) -> Answer {
        let now = self.cloud.now();
        let event = json!({
            "id": format!("evt_{name}"), "object": "event", "created": now.seconds(), "livemode": false, "type": name,
            "data": {"object": object},
        });
        let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
        self.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await
    }

    /// Reports a payment of 17.50 USD that no order knows, and returns the id of its record.
    pub(crate) async fn unmatched_payment(&self, reference: &str) -> String {
        let intent = json!({
            "id": reference, "object": "payment_intent", "amount": 1750, "amount_received": 1750, "currency": "usd",
            "status": "succeeded", "metadata": {},
        });
        self.post_webhook("payment_intent.succeeded", &intent).await.expect(200);
        for state in ["retrying", "resolved"] {
            let path = format!("/v1/admin/payments/unmatched?limit=100&state={state}");
            let listed = self.operator().await.get(&path).await.expect(200)["items"].clone();
            let mut listed = listed.as_array().expect("a list").iter();
            if let Some(record) = listed.find(|record| record["reference"] == reference) {
                return record["id"].as_str().expect("an id").to_owned();
            }
        }
        panic!("{reference} is not recorded");
    }

    /// Lets a mail to the address bounce for good, in the words of the recorded event.
    pub(crate) async fn mail_bounced(&self, email: &str) {
        let answer = self.cloud.invoke("MailFeedbackFunction", bounce_of(email)).await.expect("the function answers");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// Puts the event that a mail to the address bounced for good into its queue.
    pub(crate) fn queue_bounce(&self, email: &str) {
        let event = bounce_of(email);
        let body = event["Records"][0]["body"].as_str().expect("a body");
        let sent = self.cloud.services().queues.send(&self.queue("MailFeedbackQueue"), body, &MessageAttributes::new());
        sent.expect("the queue takes it");
    }

    /// The function gets the event that a mail to the address, sent at this time, bounced for good a minute later.
    pub(crate) async fn mail_bounced_of(&self, email: &str, sent: Timestamp) {
        let mut event = bounce_of(email);
        let body = event["Records"][0]["body"].as_str().expect("a body");
        let mut record: Value = serde_json::from_str(body).expect("JSON");
        record["mail"]["timestamp"] = json!(sent);
        record["bounce"]["timestamp"] = json!(sent + Duration::from_secs(60));
        event["Records"][0]["body"] = json!(record.to_string());
        let answer = self.cloud.invoke("MailFeedbackFunction", event).await.expect("the function answers");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// The number of messages in a queue of the template.
    pub(crate) fn depth(&self, id: &str) -> Depth {
        self.cloud.services().queues.depth(&self.queue(id)).expect("a depth")
    }

    /// The local name of a queue of the template.
    pub(crate) fn queue(&self, id: &str) -> String {
        self.cloud.services().template.queue(id).expect("a queue").name.clone()
    }

    /// Waits until streams, queues and webhooks are worked off.
    pub(crate) async fn wait_until_idle(&self) {
        self.cloud.wait_until_idle().await.expect("events are delivered");
    }

    /// Moves the clock forward and waits until the cloud is idle.
    pub(crate) async fn advance(&self, by: Duration) {
        self.cloud.advance(by).await.expect("the clock moves");
    }
}

/// Who sells, with what every country asks for.
pub(crate) fn identity(name: &str) -> Value {
    json!({"legal_name": name, "kind": "company", "country": "UZ", "address": "12 Navoi Street, Tashkent"})
}

/// The recorded event of a hard bounce, of a mail to this address.
fn bounce_of(email: &str) -> Value {
    let recorded = include_str!("../../events/mail-feedback/hard-bounce.json").replace("recipient@example.com", email);
    serde_json::from_str(&recorded).expect("JSON")
}
