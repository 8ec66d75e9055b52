//! Checkout Sessions: a page of Stripe on which a buyer pays. The intent of a session is made when the buyer first
//! tries to pay, as since API version 2022-08-01.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::objects::{self, Intent, Object, Status};
use super::refusal::Refusal;
use super::rules::{check_amount, check_methods};
use super::store::{Event, Transaction};

/// How long a page is open, unless the shop expires it before.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The shortest time for which a page can be opened.
const SHORTEST: Duration = Duration::from_secs(30 * 60);
/// The most lines that a page shows.
const MAX_LINES: usize = 100;

/// <https://docs.stripe.com/api/checkout/sessions/object>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) amount_subtotal: i64,
    pub(super) amount_total: i64,
    pub(super) cancel_url: Option<String>,
    pub(super) client_reference_id: Option<String>,
    pub(super) created: i64,
    pub(super) currency: String,
    pub(super) expires_at: i64,
    pub(super) livemode: bool,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) mode: String,
    pub(super) payment_intent: Option<String>,
    pub(super) payment_method_types: Vec<String>,
    pub(super) payment_status: Paid,
    pub(super) status: State,
    pub(super) success_url: String,
    /// Nothing once it is not open.
    pub(super) url: Option<String>,
    /// The fields whose values are the same in every session here.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Open,
    Complete,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Paid {
    Paid,
    Unpaid,
}

impl Object for Session {
    const KIND: &'static str = "checkout.session";
    fn id(&self) -> &str {
        &self.id
    }
    fn parent(&self) -> &str {
        self.metadata.get("order_id").map_or("", String::as_str)
    }
}

/// `payment_intent_data`: what the intent of a session will have. The API does not show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct IntentData {
    id: String,
    session: String,
    description: Option<String>,
    metadata: BTreeMap<String, String>,
    /// What the page shows.
    names: Vec<String>,
}

impl Object for IntentData {
    const KIND: &'static str = "payment_intent_data";
    fn id(&self) -> &str {
        &self.id
    }
    fn parent(&self) -> &str {
        &self.session
    }
}

/// The fields that a session of one payment, without customer, tax, delivery and discounts, has with these values.
fn others() -> Map<String, Value> {
    let all = json!({
        "adaptive_pricing": {"enabled": false}, "after_expiration": null, "allow_promotion_codes": null,
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
        "billing_address_collection": null, "client_secret": null, "collected_information": null, "consent": null,
        "consent_collection": null, "currency_conversion": null, "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null,
        },
        "customer": null, "customer_account": null, "customer_creation": "if_required", "customer_details": null,
        "customer_email": null, "discounts": [], "invoice": null, "invoice_creation": {"enabled": false},
        "locale": null, "origin_context": null, "payment_link": null, "payment_method_collection": "if_required",
        "payment_method_configuration_details": null, "payment_method_options": {}, "permissions": null,
        "phone_number_collection": {"enabled": false}, "recovered_from": null, "saved_payment_method_options": null,
        "setup_intent": null, "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [],
        "submit_type": null, "subscription": null,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page", "wallet_options": null,
    });
    match all {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub(super) fn create(
    transaction: &Transaction<'_>,
    mut form: Form,
    pages: &str,
    now: Timestamp,
) -> Result<Session, Refusal> {
    let mode = form.require("mode")?;
    if mode != "payment" {
        let message = format!("Invalid mode: must be payment in this sandbox, and is {mode}");
        return Err(Refusal::invalid("parameter_invalid_string", "mode", message));
    }
    // The other modes are of pages inside the shop's own, which this sandbox does not have.
    if form.take("ui_mode").is_some_and(|mode| mode != "hosted_page") {
        return Err(Refusal::invalid("parameter_invalid_string", "ui_mode", "Invalid ui_mode: must be hosted_page"));
    }
    let success_url = form.require("success_url").and_then(|url| check_url(url, "success_url"))?;
    let cancel_url = form.take("cancel_url").map(|url| check_url(url, "cancel_url")).transpose()?;
    let client_reference_id = form.take("client_reference_id");
    if client_reference_id.as_ref().is_some_and(|id| id.chars().count() > 200) {
        let message = "Invalid string: must be at most 200 characters";
        return Err(Refusal::invalid("parameter_invalid_string", "client_reference_id", message));
    }
    let lines = lines(&mut form)?;
    let types: Vec<String> = form.take_group("payment_method_types").into_values().collect();
    check_methods(&types, false, &lines.currency)?;
    let expires_at = expires_at(&mut form, now)?;
    let adaptive = form.take("adaptive_pricing[enabled]");
    if adaptive.as_ref().is_some_and(|given| given != "true" && given != "false") {
        let message = "Invalid boolean: adaptive_pricing[enabled]";
        return Err(Refusal::invalid("parameter_invalid", "adaptive_pricing[enabled]", message));
    }
    let description = form.take("payment_intent_data[description]");
    let intents_metadata = form.take_metadata("payment_intent_data[metadata]")?;
    let metadata = form.take_metadata("metadata")?;
    form.finish()?;
    let id = objects::id("cs_test");
    let data = IntentData {
        id: format!("{id}:{}", IntentData::KIND),
        session: id.clone(),
        description,
        metadata: intents_metadata,
        names: lines.names,
    };
    let session = Session {
        url: Some(format!("{pages}/c/pay/{id}")),
        id,
        object: Session::KIND.to_owned(),
        amount_subtotal: lines.amount,
        amount_total: lines.amount,
        cancel_url,
        client_reference_id,
        created: now.seconds(),
        currency: lines.currency,
        expires_at,
        livemode: false,
        metadata,
        mode,
        payment_intent: None,
        payment_method_types: if types.is_empty() { vec!["card".to_owned()] } else { types },
        payment_status: Paid::Unpaid,
        status: State::Open,
        success_url,
        others: others(),
    };
    transaction.put(&session)?;
    transaction.put(&data)?;
    transaction.set_deadline(&session.id, session.expires_at)?;
    Ok(session)
}

struct Lines {
    amount: i64,
    currency: String,
    names: Vec<String>,
}

fn lines(form: &mut Form) -> Result<Lines, Refusal> {
    let mut read = Lines { amount: 0, currency: String::new(), names: Vec::new() };
    let mut place = 0;
    while place == 0 || form.has_group(&format!("line_items[{place}]")) {
        let name = |rest: &str| format!("line_items[{place}]{rest}");
        let (amount, quantity) = (name("[price_data][unit_amount]"), name("[quantity]"));
        let missing =
            |param: &str| Refusal::invalid("parameter_missing", param, format!("Missing required param: {param}."));
        let unit = form.take_positive(&amount)?.ok_or_else(|| missing(&amount))?;
        let units = form.take_positive(&quantity)?.ok_or_else(|| missing(&quantity))?;
        let currency = form.require(&name("[price_data][currency]"))?;
        read.names.push(form.require(&name("[price_data][product_data][name]"))?);
        if place > 0 && currency != read.currency {
            let message = "All line items must have the same currency.";
            return Err(Refusal::invalid("parameter_invalid", "line_items", message));
        }
        read.currency = currency;
        let sum = unit.checked_mul(units).and_then(|line| read.amount.checked_add(line));
        read.amount =
            sum.ok_or_else(|| Refusal::invalid("amount_too_large", "line_items", "The total is too large."))?;
        place += 1;
        if place > MAX_LINES {
            return Err(Refusal::invalid("parameter_invalid", "line_items", "There are more than 100 line items."));
        }
    }
    check_amount(read.amount, &read.currency)?;
    Ok(read)
}

fn check_url(url: String, param: &str) -> Result<String, Refusal> {
    let parsed: Option<http::Uri> = url.replace(SESSION_ID, "").parse().ok();
    let is_web =
        parsed.as_ref().and_then(http::Uri::scheme_str).is_some_and(|scheme| ["http", "https"].contains(&scheme));
    if is_web && url.len() <= 5_000 { Ok(url) } else { Err(Refusal::invalid("url_invalid", param, "Not a valid URL")) }
}

fn expires_at(form: &mut Form, now: Timestamp) -> Result<i64, Refusal> {
    let latest = (now + LIFETIME).seconds();
    let Some(asked) = form.take_positive("expires_at")? else { return Ok(latest) };
    let refused = |message: &str| Err(Refusal::invalid("parameter_invalid_integer", "expires_at", message));
    if asked < (now + SHORTEST).seconds() {
        return refused("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.");
    }
    if asked > latest {
        return refused("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.");
    }
    Ok(asked)
}

/// What an address may have in the place of the session's id.
const SESSION_ID: &str = "{CHECKOUT_SESSION_ID}";

impl Session {
    /// Where the buyer goes when there is nothing left to do for them.
    pub(super) fn after_success(&self) -> String {
        self.success_url.replace(SESSION_ID, &self.id)
    }

    /// What is paid for, as the page shows it.
    pub(super) fn names(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
        Ok(self.data(transaction)?.map(|data| data.names).unwrap_or_default())
    }

    fn data(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<IntentData>> {
        Ok(transaction.list(Some(&self.id), None, 1)?.into_iter().next())
    }

    /// The intent, which is made now if the buyer had not tried to pay yet.
    pub(super) fn intent(&mut self, transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Intent> {
        if let Some(id) = &self.payment_intent
            && let Some(intent) = transaction.find(id)?
        {
            return Ok(intent);
        }
        let (description, metadata) =
            self.data(transaction)?.map(|data| (data.description, data.metadata)).unwrap_or_default();
        let types = self.payment_method_types.clone();
        let intent = Intent::new(self.amount_total, self.currency.clone(), types, description, metadata, now);
        transaction.put(&intent)?;
        self.payment_intent = Some(intent.id.clone());
        transaction.put(self)?;
        Ok(intent)
    }

    /// Nobody can pay on the page any more. The events that tell it are sent by the schedule.
    fn expire(&mut self, transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
        self.close(transaction, State::Expired)?;
        let intent: Option<Intent> = self.payment_intent.as_ref().map(|id| transaction.find(id)).transpose()?.flatten();
        let about = self.payment_intent.as_ref().unwrap_or(&self.id);
        if let Some(mut intent) = intent
            && matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresAction)
        {
            intent.cancel(Some("automatic".to_owned()), now);
            transaction.put(&intent)?;
            transaction.tell("payment_intent.canceled", &intent, &intent.id, now)?;
        }
        transaction.tell("checkout.session.expired", self, about, now)
    }

    fn close(&mut self, transaction: &Transaction<'_>, state: State) -> rusqlite::Result<()> {
        self.status = state;
        self.url = None;
        transaction.put(self)?;
        transaction.clear_deadline(&self.id)
    }
}

/// The session of an intent; nothing for one that the shop has made itself.
pub(super) fn of_intent(transaction: &Transaction<'_>, intent: &Intent) -> rusqlite::Result<Option<Session>> {
    let sessions: Vec<Session> = transaction.list(Some(intent.parent()), None, -1)?;
    Ok(sessions.into_iter().find(|session| session.payment_intent.as_ref() == Some(&intent.id)))
}

/// What the state of an intent means for its session, with the event that tells it.
pub(super) fn follow(
    transaction: &Transaction<'_>,
    intent: &Intent,
    now: Timestamp,
) -> rusqlite::Result<Option<Event>> {
    let Some(mut session) = of_intent(transaction, intent)? else { return Ok(None) };
    let event = match (session.status, session.payment_status, intent.status) {
        (State::Open, Paid::Unpaid, Status::Succeeded) => {
            session.payment_status = Paid::Paid;
            session.close(transaction, State::Complete)?;
            "checkout.session.completed"
        }
        // The buyer has done all that they can.
        (State::Open, Paid::Unpaid, Status::Processing) => {
            session.close(transaction, State::Complete)?;
            "checkout.session.completed"
        }
        (State::Complete, Paid::Unpaid, Status::Succeeded) => {
            session.payment_status = Paid::Paid;
            transaction.put(&session)?;
            "checkout.session.async_payment_succeeded"
        }
        (State::Complete, Paid::Unpaid, Status::RequiresPaymentMethod) => "checkout.session.async_payment_failed",
        _ => return Ok(None),
    };
    transaction.record(event, &session, &intent.id, now).map(Some)
}

/// Expires the sessions whose time is up.
pub(super) fn expire_overdue(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    for id in transaction.overdue(now.seconds())? {
        if let Some(mut session) = transaction.find::<Session>(&id)? {
            session.expire(transaction, now)?;
        }
        transaction.clear_deadline(&id)?;
    }
    Ok(())
}

pub(super) fn retrieve(transaction: &Transaction<'_>, id: &str, mut form: Form) -> Result<Value, Refusal> {
    let expands = expands(&mut form)?;
    form.finish()?;
    shown(transaction, &find(transaction, id)?, expands)
}

pub(super) fn expire(
    transaction: &Transaction<'_>,
    id: &str,
    mut form: Form,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let expands = expands(&mut form)?;
    form.finish()?;
    let mut session = find(transaction, id)?;
    if session.status != State::Open {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{}`.",
            json!(session.status).as_str().unwrap_or_default()
        );
        return Err(Refusal::state(None, message));
    }
    session.expire(transaction, now)?;
    shown(transaction, &session, expands)
}

/// Only the sessions of one intent, of which there is one at most.
pub(super) fn list(transaction: &Transaction<'_>, mut form: Form) -> Result<Value, Refusal> {
    let intent = form.require("payment_intent")?;
    form.take_positive("limit")?;
    form.finish()?;
    let intent: Option<Intent> = transaction.find(&intent)?;
    let found = intent.map(|intent| of_intent(transaction, &intent)).transpose()?.flatten();
    let data: Vec<Session> = found.into_iter().collect();
    Ok(json!({"object": "list", "url": "/v1/checkout/sessions", "has_more": false, "data": data}))
}

fn find(transaction: &Transaction<'_>, id: &str) -> Result<Session, Refusal> {
    transaction.find(id)?.ok_or_else(|| Refusal::missing("checkout.session", "session", id))
}

/// Whether the intent is asked for in the place of its id (<https://docs.stripe.com/expand>).
fn expands(form: &mut Form) -> Result<bool, Refusal> {
    let mut expands = false;
    for property in form.take_group("expand").into_values() {
        if property != "payment_intent" {
            let message = format!("This property cannot be expanded ({property}).");
            return Err(Refusal::invalid("parameter_invalid", "expand", message));
        }
        expands = true;
    }
    Ok(expands)
}

fn shown(transaction: &Transaction<'_>, session: &Session, expands: bool) -> Result<Value, Refusal> {
    let mut shown = json!(session);
    if expands
        && let Some(id) = &session.payment_intent
        && let Some(fields) = shown.as_object_mut()
    {
        fields.insert("payment_intent".to_owned(), json!(transaction.find::<Intent>(id)?));
    }
    Ok(shown)
}
