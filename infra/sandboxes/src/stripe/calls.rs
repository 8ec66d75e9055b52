//! The calls of Stripe's API that a shop makes.

use cloud::time::Timestamp;
use serde_json::{Value, json};

use super::form::Form;
use super::objects::{self, Dispute, Intent, Object, Refund, Status};
use super::refusal::Refusal;
use super::rules::{check_amount, check_methods, check_step};
use super::session;
use super::store::Transaction;

/// A call, by its name in Stripe's specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    CreateIntent,
    ListIntents,
    RetrieveIntent(String),
    ConfirmIntent(String),
    CancelIntent(String),
    CreateRefund,
    ListRefunds,
    RetrieveRefund(String),
    CreateSession,
    ListSessions,
    RetrieveSession(String),
    ExpireSession(String),
}

impl Call {
    /// The call of a method and a path; `None` if the sandbox does not have it.
    pub(super) fn find(method: &http::Method, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        Some(match (method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => Self::CreateIntent,
            ("GET", ["v1", "payment_intents"]) => Self::ListIntents,
            ("GET", ["v1", "payment_intents", id]) => Self::RetrieveIntent((*id).to_owned()),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => Self::ConfirmIntent((*id).to_owned()),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => Self::CancelIntent((*id).to_owned()),
            ("POST", ["v1", "refunds"]) => Self::CreateRefund,
            ("GET", ["v1", "refunds"]) => Self::ListRefunds,
            ("GET", ["v1", "refunds", id]) => Self::RetrieveRefund((*id).to_owned()),
            ("POST", ["v1", "checkout", "sessions"]) => Self::CreateSession,
            ("GET", ["v1", "checkout", "sessions"]) => Self::ListSessions,
            ("GET", ["v1", "checkout", "sessions", id]) => Self::RetrieveSession((*id).to_owned()),
            ("POST", ["v1", "checkout", "sessions", id, "expire"]) => Self::ExpireSession((*id).to_owned()),
            _ => return None,
        })
    }

    /// The operation's name in Stripe's specification, by which faults are injected.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::CreateIntent => "CreatePaymentIntent",
            Self::ListIntents => "ListPaymentIntents",
            Self::RetrieveIntent(_) => "RetrievePaymentIntent",
            Self::ConfirmIntent(_) => "ConfirmPaymentIntent",
            Self::CancelIntent(_) => "CancelPaymentIntent",
            Self::CreateRefund => "CreateRefund",
            Self::ListRefunds => "ListRefunds",
            Self::RetrieveRefund(_) => "RetrieveRefund",
            Self::CreateSession => "CreateCheckoutSession",
            Self::ListSessions => "ListCheckoutSessions",
            Self::RetrieveSession(_) => "RetrieveCheckoutSession",
            Self::ExpireSession(_) => "ExpireCheckoutSession",
        }
    }

    /// Executes the call. A refusal with `is_stored` is committed like a success, with the changes made before it, such
    /// as the state of a declined intent. `pages` is the address below which its pages are.
    pub(super) fn carry_out(
        &self,
        transaction: &Transaction<'_>,
        form: Form,
        pages: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        session::expire_overdue(transaction, now)?;
        match self {
            Self::CreateIntent => create_intent(transaction, form, now).map(|intent| json!(intent)),
            Self::ListIntents => list::<Intent>(transaction, form, None),
            Self::RetrieveIntent(id) => {
                let mut form = form;
                form.take("client_secret");
                form.finish()?;
                find_intent(transaction, id, "intent").map(|intent| json!(intent))
            }
            Self::ConfirmIntent(id) => confirm(transaction, id, form, now).map(|intent| json!(intent)),
            Self::CancelIntent(id) => cancel(transaction, id, form, now).map(|intent| json!(intent)),
            Self::CreateRefund => {
                let refund = create_refund(transaction, form, now)?;
                transaction.tell("refund.created", &refund, &refund.payment_intent, now)?;
                Ok(json!(refund))
            }
            Self::ListRefunds => list::<Refund>(transaction, form, Some("payment_intent")),
            Self::RetrieveRefund(id) => {
                form.finish()?;
                let refund: Option<Refund> = transaction.find(id)?;
                refund.map(|refund| json!(refund)).ok_or_else(|| Refusal::missing("refund", "refund", id))
            }
            Self::CreateSession => session::create(transaction, form, pages, now).map(|session| json!(session)),
            Self::ListSessions => session::list(transaction, form),
            Self::RetrieveSession(id) => session::retrieve(transaction, id, form),
            Self::ExpireSession(id) => session::expire(transaction, id, form, now),
        }
    }
}

fn find_intent(transaction: &Transaction<'_>, id: &str, param: &str) -> Result<Intent, Refusal> {
    transaction.find(id)?.ok_or_else(|| Refusal::missing("payment_intent", param, id))
}

fn create_intent(transaction: &Transaction<'_>, mut form: Form, now: Timestamp) -> Result<Intent, Refusal> {
    let amount = form
        .take_positive("amount")?
        .ok_or_else(|| Refusal::invalid("parameter_missing", "amount", "Missing required param: amount."))?;
    let currency = form.require("currency")?;
    check_amount(amount, &currency)?;
    let automatic = form.take_group("automatic_payment_methods");
    let automatic = automatic.get("enabled").map(String::as_str) == Some("true");
    let types: Vec<String> = form.take_group("payment_method_types").into_values().collect();
    check_methods(&types, automatic, &currency)?;
    let description = form.take("description");
    let metadata = form.take_metadata("metadata")?;
    form.finish()?;
    let mut intent = Intent::new(amount, currency, types, description, metadata, now);
    intent.automatic_payment_methods = automatic.then(|| json!({"allow_redirects": "always", "enabled": true}));
    transaction.put(&intent)?;
    Ok(intent)
}

/// Pays with one of Stripe's test cards.
fn confirm(transaction: &Transaction<'_>, id: &str, mut form: Form, now: Timestamp) -> Result<Intent, Refusal> {
    let mut intent = find_intent(transaction, id, "intent")?;
    let card = form.take("payment_method");
    form.take("return_url");
    form.finish()?;
    not_of_session(transaction, &intent, "confirm")?;
    if intent.status != Status::RequiresPaymentMethod {
        return Err(unexpected_state(&intent, "confirm"));
    }
    match card.as_deref() {
        Some("pm_card_visa" | "pm_card_mastercard") => {
            intent.payment_method = card;
            intent.pay(intent.amount);
            transaction.put(&intent)?;
            transaction.tell("payment_intent.succeeded", &intent, id, now)?;
            Ok(intent)
        }
        Some("pm_card_visa_chargeDeclined") => {
            intent.decline("generic_decline");
            transaction.put(&intent)?;
            transaction.tell("payment_intent.payment_failed", &intent, id, now)?;
            Err(Refusal::declined("generic_decline").with("payment_intent", json!(intent)))
        }
        Some(other) => Err(Refusal::missing("PaymentMethod", "payment_method", other)),
        None => {
            let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
            Err(Refusal::state(Some("payment_intent_unexpected_state"), message).with("payment_intent", json!(intent)))
        }
    }
}

fn cancel(transaction: &Transaction<'_>, id: &str, mut form: Form, now: Timestamp) -> Result<Intent, Refusal> {
    let mut intent = find_intent(transaction, id, "intent")?;
    let reason = form.take("cancellation_reason");
    form.finish()?;
    not_of_session(transaction, &intent, "cancel")?;
    match intent.status {
        Status::RequiresPaymentMethod | Status::RequiresAction => {}
        Status::Processing | Status::Succeeded | Status::Canceled => return Err(unexpected_state(&intent, "cancel")),
    }
    intent.cancel(reason, now);
    transaction.put(&intent)?;
    transaction.tell("payment_intent.canceled", &intent, id, now)?;
    Ok(intent)
}

/// "You can't confirm or cancel the PaymentIntent for a Checkout Session"
/// (<https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-payment_intent>).
fn not_of_session(transaction: &Transaction<'_>, intent: &Intent, verb: &str) -> Result<(), Refusal> {
    if session::of_intent(transaction, intent)?.is_none() {
        return Ok(());
    }
    let message = format!(
        "You cannot {verb} this PaymentIntent because it was created by Checkout. Expire the Checkout Session instead."
    );
    Err(Refusal::state(Some("payment_intent_unexpected_state"), message).with("payment_intent", json!(intent)))
}

fn unexpected_state(intent: &Intent, verb: &str) -> Refusal {
    let status = json!(intent.status);
    let message = format!(
        "You cannot {verb} this PaymentIntent because it has a status of {}.",
        status.as_str().unwrap_or_default()
    );
    Refusal::state(Some("payment_intent_unexpected_state"), message).with("payment_intent", json!(intent))
}

/// Creates a refund from the parameters of a request.
fn create_refund(transaction: &Transaction<'_>, mut form: Form, now: Timestamp) -> Result<Refund, Refusal> {
    let intent = form.require("payment_intent")?;
    let amount = form.take_positive("amount")?;
    let reason = form.take("reason");
    let metadata = form.take_metadata("metadata")?;
    form.finish()?;
    if let Some(reason) = &reason
        && !["duplicate", "fraudulent", "requested_by_customer"].contains(&reason.as_str())
    {
        return Err(Refusal::invalid("parameter_invalid_string", "reason", format!("Invalid reason: {reason}")));
    }
    let intent = find_intent(transaction, &intent, "payment_intent")?;
    make_refund(transaction, &intent, amount, reason, metadata, now)
}

/// Refunds a part of an intent's received amount, or all that is left of it without `amount`.
pub(super) fn make_refund(
    transaction: &Transaction<'_>,
    intent: &Intent,
    amount: Option<i64>,
    reason: Option<String>,
    metadata: std::collections::BTreeMap<String, String>,
    now: Timestamp,
) -> Result<Refund, Refusal> {
    if intent.status != Status::Succeeded {
        let message = format!("This PaymentIntent ({}) does not have a successful charge to refund.", intent.id);
        return Err(Refusal::state(None, message));
    }
    let disputes: Vec<Dispute> = transaction.list(Some(&intent.id), None, -1)?;
    if disputes.iter().any(|dispute| dispute.status != "won") {
        return Err(Refusal::state(
            Some("charge_disputed"),
            "This charge has been charged back; cannot issue a refund.",
        ));
    }
    let before: Vec<Refund> = transaction.list(Some(&intent.id), None, -1)?;
    let refunded: i64 = before.iter().filter(|refund| refund.status != "failed").map(|refund| refund.amount).sum();
    let left = intent.amount_received - refunded;
    if left <= 0 {
        return Err(Refusal::state(Some("charge_already_refunded"), "The charge has already been refunded."));
    }
    let amount = amount.unwrap_or(left);
    check_step(amount, &intent.currency)?;
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(Refusal::state(None, message).with("param", "amount".into()));
    }
    let refund = Refund {
        id: objects::id("re"),
        object: Refund::KIND.to_owned(),
        amount,
        charge: intent.latest_charge.clone(),
        created: now.seconds(),
        currency: intent.currency.clone(),
        failure_reason: None,
        metadata,
        payment_intent: intent.id.clone(),
        reason,
        status: "succeeded".to_owned(),
    };
    transaction.put(&refund)?;
    Ok(refund)
}

/// A page of a list, newest first; `parent` is the parameter with the id of what the objects belong to.
fn list<T: Object>(transaction: &Transaction<'_>, mut form: Form, parent: Option<&str>) -> Result<Value, Refusal> {
    let belongs_to = parent.and_then(|parent| form.take(parent));
    let limit = form.take_positive("limit")?.unwrap_or(10);
    if limit > 100 {
        return Err(Refusal::invalid(
            "parameter_invalid_integer",
            "limit",
            "This value must be less than or equal to 100.",
        ));
    }
    let after = form.take("starting_after");
    form.finish()?;
    if let Some(intent) = &belongs_to {
        find_intent(transaction, intent, "payment_intent")?;
    }
    if let Some(after) = &after
        && transaction.find::<T>(after)?.is_none()
    {
        return Err(Refusal::missing(T::KIND, "starting_after", after));
    }
    let mut objects: Vec<T> = transaction.list(belongs_to.as_deref(), after.as_deref(), limit + 1)?;
    let page_size = usize::try_from(limit).unwrap_or(100);
    let has_more = objects.len() > page_size;
    objects.truncate(page_size);
    Ok(json!({"object": "list", "url": format!("/v1/{}s", T::KIND), "has_more": has_more, "data": objects}))
}
