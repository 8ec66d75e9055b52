//! Writing orders: one transaction with all that belongs to the change.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::cart::Cart;
use domain::order::{PlacedOrder, StockMove};
use domain::payment::{Payment, ProviderName};
use domain::settings::Limit;
use domain::{Code, FieldError, OutboxEvent, Refusal, Timestamp, VariantId};

use super::idempotency::{Answer, KeyRecord, KeyUse, record_item};
use super::unpaid::{TOO_MANY, is_unpaid, seconds_until_expiry};
use super::{Entry, Orders, dispute_item, event_item, order_item, payment_item, refund_item, vendor_order_item};
use crate::Error;
use crate::error::{Failure, Reason};
use crate::item::{Condition, number, put, string, update};
use crate::retry::{transact, transact_within};

/// How long an order fights for its counters before it is looked whether they have anything left.
const CONTENTION_BUDGET: Duration = Duration::from_millis(1_500);

/// What came of placing an order.
#[derive(Debug)]
pub enum PlaceOutcome {
    /// It stands.
    Done,
    /// The key was used before: what the record says.
    KeyUsed(Box<KeyUse>),
    /// Counters had less than was to be taken from them. Other counters of the same variants may have it.
    OutOfStock(Vec<VariantId>),
    /// The cart was changed or ordered since it was read.
    CartChanged,
    /// Others were at the same counters all the time.
    Contended,
}

impl Orders {
    /// Places an order: the key's record, the order with its parts and its payment, the stock, the cart and the event, in one
    /// transaction. Refused as [`Error::TooMany`] when as many orders of its e-mail address wait for their money as may.
    pub async fn place(
        &self,
        order: &PlacedOrder,
        cart: &Cart,
        record: &KeyRecord,
        unpaid: Limit,
        now: Timestamp,
    ) -> Result<PlaceOutcome, Error> {
        let mut actions = Vec::new();
        // An old record of a key is as good as none, even when the table still holds it.
        let fresh =
            Condition::of("attribute_not_exists(pk) OR expires_at_s <= :now").value(":now", number(now.seconds()));
        actions.push(put(&self.table, record_item(record)?, &fresh)?);
        actions.push(self.carts()?.mark_ordered_action(cart, order.order.id)?);
        let stock_moves = merged(&order.stock_moves);
        let oversell_limit = |variant| oversell_limit(order, variant);
        for change in &stock_moves {
            actions.push(self.stock.move_action(change, oversell_limit(change.variant))?);
        }
        let provider = order.order.provider;
        self.put_changed_items(None, order, provider, &mut actions)?;
        // Behind everything else: the reasons of a refusal are known by their places.
        let count_index = actions.len();
        actions.push(self.count_unpaid_action(&order.order, unpaid)?);
        match transact_within(CONTENTION_BUDGET, &self.client, actions).await {
            Ok(()) => Ok(PlaceOutcome::Done),
            Err(Failure::Retryable(_)) => Ok(PlaceOutcome::Contended),
            Err(Failure::Cancelled(reasons)) => {
                let refused = |index: usize| reasons.get(index).filter(|reason| reason.is_condition());
                if let Some(Reason { item: Some(known), .. }) = refused(0) {
                    return Ok(PlaceOutcome::KeyUsed(Box::new(KeyUse::of(known)?)));
                }
                if refused(1).is_some() {
                    return Ok(PlaceOutcome::CartChanged);
                }
                if let Some(Reason { item, .. }) = refused(count_index) {
                    let found = item.as_ref();
                    let retry_after = found.map_or(1, |found| seconds_until_expiry(found, unpaid.within, now));
                    return Err(Error::TooMany { reason: TOO_MANY, retry_after });
                }
                let short: Vec<VariantId> = stock_moves
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| refused(index + 2).is_some())
                    .map(|(_, change)| change.variant)
                    .collect();
                if short.is_empty() {
                    Err(Failure::Cancelled(reasons).into())
                } else {
                    Ok(PlaceOutcome::OutOfStock(short))
                }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// [`Orders::save`] for a call with an idempotency key: the key's record is written with the change. Answers what is known
    /// of the key when it was used before; then nothing is written.
    pub async fn save_with_key(
        &self,
        loaded: &PlacedOrder,
        changed: &PlacedOrder,
        record: &KeyRecord,
        now: Timestamp,
    ) -> Result<Option<KeyUse>, Error> {
        let fresh =
            Condition::of("attribute_not_exists(pk) OR expires_at_s <= :now").value(":now", number(now.seconds()));
        let mut actions = vec![put(&self.table, record_item(record)?, &fresh)?];
        self.put_changed_items(Some(loaded), changed, changed.order.provider, &mut actions)?;
        match transact(&self.client, actions).await {
            Ok(()) => Ok(None),
            Err(Failure::Cancelled(reasons)) => match reasons.first() {
                Some(Reason { item: Some(known), .. }) => Ok(Some(KeyUse::of(known)?)),
                _ => Err(Failure::Cancelled(reasons).into()),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// Writes what changed in an order since it was read, with its moves of stock and its events; all or nothing, and only if
    /// none of the changed parts has changed meanwhile. A move that the stock does not allow is `out_of_stock`.
    pub async fn save(&self, loaded: &PlacedOrder, changed: &PlacedOrder) -> Result<(), Error> {
        let mut actions = Vec::new();
        let stock_moves = merged(&changed.stock_moves);
        let oversell_limit = |variant| oversell_limit(changed, variant);
        for change in &stock_moves {
            actions.push(self.stock.move_action(change, oversell_limit(change.variant))?);
        }
        if changed.reopens_cart {
            actions.push(self.carts()?.reopen_action(changed.order.cart, changed.order.id)?);
        }
        let cart_action = changed.reopens_cart.then_some(stock_moves.len());
        self.put_changed_items(Some(loaded), changed, changed.order.provider, &mut actions)?;
        match self.storing.transact(&self.client, &self.table, actions).await {
            Err(Failure::Cancelled(reasons)) => {
                let refused = |index: usize| reasons.get(index).is_some_and(Reason::is_condition);
                let others = reasons.iter().enumerate().any(|(index, reason)| {
                    index >= stock_moves.len() && Some(index) != cart_action && reason.is_condition()
                });
                if others {
                    return Err(Error::Conflict);
                }
                let errors: Vec<FieldError> = stock_moves
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| refused(*index))
                    .map(|(_, change)| {
                        FieldError::new(
                            format!("/variants/{}", change.variant),
                            Code::OutOfStock.as_str(),
                            "not enough is left",
                        )
                    })
                    .collect();
                if !errors.is_empty() {
                    return Err(Refusal::fields(Code::OutOfStock, errors).into());
                }
                if cart_action.is_some_and(refused) {
                    // The cart became another order meanwhile: it stays closed, the order expires all the same.
                    let mut closed = changed.clone();
                    closed.reopens_cart = false;
                    return Box::pin(self.save(loaded, &closed)).await;
                }
                Err(Failure::Cancelled(reasons).into())
            }
            other => other.map_err(Error::from),
        }
    }

    /// Writes down what the provider said to an attempt, and the answer that a repeat of the call will get.
    pub async fn save_opened_payment(
        &self,
        loaded: &Payment,
        opened: &Payment,
        record: Option<(&str, &Answer)>,
    ) -> Result<(), Error> {
        let mut actions = Vec::new();
        if loaded != opened {
            let next = Payment { version: loaded.version + 1, ..opened.clone() };
            actions.push(put(&self.table, payment_item(&next)?, &Condition::at_version(loaded.version))?);
        }
        if let Some((hash, answer)) = record {
            let condition = Condition::present()
                .name("#version", "version")
                .value(":status", number(answer.status))
                .value(":body", string(&answer.body))
                .value(":one", number(1));
            let change = "SET answer_status = :status, answer_body = :body ADD #version :one";
            actions.push(update(&self.table, Entry::Key(hash).key(), change, &condition)?);
        }
        if actions.is_empty() { Ok(()) } else { transact(&self.client, actions).await.map_err(Error::from) }
    }

    fn put_changed_items(
        &self,
        loaded: Option<&PlacedOrder>,
        changed: &PlacedOrder,
        provider: ProviderName,
        actions: &mut Vec<TransactWriteItem>,
    ) -> Result<(), Error> {
        let at = |version: u64| Condition::at_version(if loaded.is_some() { version } else { 0 });
        let next = |version: u64| if loaded.is_some() { version + 1 } else { 1 };
        if loaded.is_none_or(|loaded| loaded.order != changed.order) {
            let mut order = changed.order.clone();
            order.version = next(changed.order.version);
            actions.push(put(&self.table, order_item(&order)?, &at(changed.order.version))?);
        }
        for vendor_order in &changed.vendors {
            if loaded.is_none_or(|loaded| !loaded.vendors.contains(vendor_order)) {
                let mut written = vendor_order.clone();
                written.version = next(vendor_order.version);
                actions.push(put(&self.table, vendor_order_item(&written)?, &at(vendor_order.version))?);
            }
        }
        for payment in &changed.payments {
            if loaded.is_none_or(|loaded| !loaded.payments.contains(payment)) {
                let mut written = payment.clone();
                written.version = next(payment.version);
                actions.push(put(&self.table, payment_item(&written)?, &at(payment.version))?);
            }
        }
        // What goes back is known to the provider of its own payment, which need not be the one that counts now.
        let provider_of = |payment| {
            changed.payments.iter().find(|known| known.id == payment).map_or(provider, |known| known.provider)
        };
        for refund in &changed.refunds {
            if loaded.is_none_or(|loaded| !loaded.refunds.contains(refund)) {
                let mut written = refund.clone();
                written.version = next(refund.version);
                actions.push(put(
                    &self.table,
                    refund_item(&written, provider_of(refund.payment))?,
                    &at(refund.version),
                )?);
            }
        }
        for dispute in &changed.disputes {
            if loaded.is_none_or(|loaded| !loaded.disputes.contains(dispute)) {
                let mut written = dispute.clone();
                written.version = next(dispute.version);
                let item = dispute_item(&written, provider_of(dispute.payment))?;
                actions.push(put(&self.table, item, &at(dispute.version))?);
            }
        }
        // Paid, over, or waiting no more for another reason. A late payment finds it gone already.
        if loaded.is_some_and(|loaded| is_unpaid(&loaded.order)) && !is_unpaid(&changed.order) {
            actions.push(self.uncount_unpaid_action(&changed.order)?);
        }
        for event in &changed.events {
            actions.push(put(&self.table, event_item(&OutboxEvent::Order(event.clone()))?, &Condition::absent())?);
        }
        Ok(())
    }
}

/// How far what can be bought of a variant may fall below zero for an order.
fn oversell_limit(order: &PlacedOrder, variant: VariantId) -> u32 {
    let lines =
        order.vendors.iter().flat_map(|vendor_order| &vendor_order.lines).filter(|line| line.variant == variant);
    lines.filter_map(|line| line.backorder).map(|backorder| backorder.oversell_limit).max().unwrap_or(0)
}

/// A transaction may not touch a counter twice: moves of one counter become one.
fn merged(stock_moves: &[StockMove]) -> Vec<StockMove> {
    let mut sums: BTreeMap<(VariantId, u16), (i64, i64)> = BTreeMap::new();
    for change in stock_moves {
        let sum = sums.entry((change.variant, change.shard)).or_default();
        *sum = (sum.0 + change.available, sum.1 + change.reserved);
    }
    sums.into_iter()
        .filter(|(_, sum)| *sum != (0, 0))
        .map(|((variant, shard), (available, reserved))| StockMove { variant, shard, available, reserved })
        .collect()
}
