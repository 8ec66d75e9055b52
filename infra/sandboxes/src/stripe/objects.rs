//! Stripe's objects, with the fields of its API's responses.

use std::collections::BTreeMap;

use cloud::time::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An object that the sandbox's database stores.
pub(super) trait Object: Serialize + serde::de::DeserializeOwned {
    /// Stripe's name of the kind, the value of `object`.
    const KIND: &'static str;
    fn id(&self) -> &str;
    /// The id of what it belongs to: an intent to its order, everything else to its intent.
    fn parent(&self) -> &str;
}

/// <https://docs.stripe.com/api/payment_intents/object>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) amount: i64,
    pub(super) amount_capturable: i64,
    pub(super) amount_received: i64,
    pub(super) automatic_payment_methods: Option<Value>,
    pub(super) canceled_at: Option<i64>,
    pub(super) cancellation_reason: Option<String>,
    pub(super) capture_method: String,
    pub(super) client_secret: String,
    pub(super) confirmation_method: String,
    pub(super) created: i64,
    pub(super) currency: String,
    pub(super) description: Option<String>,
    pub(super) last_payment_error: Option<Value>,
    pub(super) latest_charge: Option<String>,
    pub(super) livemode: bool,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) next_action: Option<Value>,
    pub(super) payment_method: Option<String>,
    pub(super) payment_method_types: Vec<String>,
    pub(super) status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    RequiresPaymentMethod,
    /// The buyer's bank asks the buyer to confirm the payment.
    RequiresAction,
    Processing,
    Succeeded,
    Canceled,
}

impl Object for Intent {
    const KIND: &'static str = "payment_intent";
    fn id(&self) -> &str {
        &self.id
    }
    fn parent(&self) -> &str {
        self.metadata.get("order_id").map_or("", String::as_str)
    }
}

impl Intent {
    /// One that nobody has tried to pay. Without types of payment methods the dashboard decides what it takes.
    pub(super) fn new(
        amount: i64,
        currency: String,
        types: Vec<String>,
        description: Option<String>,
        metadata: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Self {
        let id = id("pi");
        Self {
            client_secret: self::id(&format!("{id}_secret")),
            id,
            object: Self::KIND.to_owned(),
            amount,
            amount_capturable: 0,
            amount_received: 0,
            automatic_payment_methods: None,
            canceled_at: None,
            cancellation_reason: None,
            capture_method: "automatic_async".to_owned(),
            confirmation_method: "automatic".to_owned(),
            created: now.seconds(),
            currency,
            description,
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            metadata,
            next_action: None,
            payment_method: None,
            payment_method_types: if types.is_empty() { vec!["card".to_owned()] } else { types },
            status: Status::RequiresPaymentMethod,
        }
    }

    /// Succeeds with this amount received, in minor units.
    pub(super) fn pay(&mut self, received: i64) {
        self.status = Status::Succeeded;
        self.amount_received = received;
        self.last_payment_error = None;
        self.next_action = None;
        self.latest_charge = Some(id("ch"));
        self.payment_method.get_or_insert_with(|| "pm_card_visa".to_owned());
    }

    /// Records that the card was declined; the intent waits for another card.
    pub(super) fn decline(&mut self, decline_code: &str) {
        self.status = Status::RequiresPaymentMethod;
        self.payment_method = None;
        self.next_action = None;
        self.last_payment_error = Some(json!({
            "type": "card_error", "code": "card_declined", "decline_code": decline_code,
            "message": "Your card was declined.",
        }));
    }

    /// The bank asks the buyer to confirm the payment on this page of it.
    pub(super) fn challenge(&mut self, url: &str, back: &str) {
        self.status = Status::RequiresAction;
        self.payment_method = Some("pm_card_threeDSecure2Required".to_owned());
        self.next_action =
            Some(json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}}));
    }

    /// The buyer has not confirmed it to the bank.
    pub(super) fn fail_challenge(&mut self) {
        self.status = Status::RequiresPaymentMethod;
        self.payment_method = None;
        self.next_action = None;
        self.last_payment_error = Some(json!({
            "type": "invalid_request_error", "code": "payment_intent_authentication_failure",
            "message": "We are unable to authenticate your payment method. Please choose a different payment method \
                        and try again.",
        }));
    }

    pub(super) fn cancel(&mut self, reason: Option<String>, now: Timestamp) {
        self.status = Status::Canceled;
        self.canceled_at = Some(now.seconds());
        self.cancellation_reason = reason;
        self.next_action = None;
    }
}

/// <https://docs.stripe.com/api/refunds/object>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) amount: i64,
    pub(super) charge: Option<String>,
    pub(super) created: i64,
    pub(super) currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure_reason: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) payment_intent: String,
    pub(super) reason: Option<String>,
    pub(super) status: String,
}

impl Object for Refund {
    const KIND: &'static str = "refund";
    fn id(&self) -> &str {
        &self.id
    }
    fn parent(&self) -> &str {
        &self.payment_intent
    }
}

/// <https://docs.stripe.com/api/disputes/object>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) amount: i64,
    pub(super) charge: Option<String>,
    pub(super) created: i64,
    pub(super) currency: String,
    pub(super) livemode: bool,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) payment_intent: String,
    pub(super) reason: String,
    pub(super) status: String,
    /// Nothing in those that an earlier release has kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) evidence_details: Option<EvidenceDetails>,
}

/// <https://docs.stripe.com/api/disputes/object#dispute_object-evidence_details>
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct EvidenceDetails {
    pub(super) due_by: Option<i64>,
    pub(super) has_evidence: bool,
    pub(super) past_due: bool,
    pub(super) submission_count: i64,
}

impl Object for Dispute {
    const KIND: &'static str = "dispute";
    fn id(&self) -> &str {
        &self.id
    }
    fn parent(&self) -> &str {
        &self.payment_intent
    }
}

/// A new id: a prefix and 24 random characters of 5 bits each.
pub(super) fn id(prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bytes = [0_u8; 24];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::error!("the system's random source failed");
    }
    let characters =
        bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).map(|character| char::from(*character));
    format!("{prefix}_{}", characters.collect::<String>())
}
