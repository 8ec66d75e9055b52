//! Writes of orders: one transaction with all that belongs to the change.

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

/// How long placing an order is retried before its shards are read again: under contention they may be empty by then.
const CONTENTION_BUDGET: Duration = Duration::from_millis(1_500);

/// The outcome of placing an order.
#[derive(Debug)]
pub enum PlaceOutcome {
    /// The order is placed.
    Done,
    /// The idempotency key was used before; holds its record.
    KeyUsed(Box<KeyUse>),
    /// Shards had fewer units than were allocated. Other shards of the same variants may have them.
    OutOfStock(Vec<VariantId>),
    /// The cart was changed or ordered since it was read.
    CartChanged,
    /// Other transactions were at the same items for the whole retry budget.
    Contended,
}

impl Orders {
    /// Places an order: the idempotency record, the order with its vendor orders and its payment, the stock, the cart
    /// and the event, in one transaction. Refused with [`Error::TooMany`] when its e-mail address has reached the limit
    /// of unpaid orders.
    pub async fn place(
        &self,
        order: &PlacedOrder,
        cart: &Cart,
        record: &KeyRecord,
        unpaid: Limit,
        now: Timestamp,
    ) -> Result<PlaceOutcome, Error> {
        let mut actions = Vec::new();
        // TTL deletes late, so an expired record counts as absent.
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
        // The last action, because cancellation reasons are identified by their index.
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

    /// [`Orders::save`] for a request with an idempotency key: its record is written in the same transaction. When the
    /// key was used before, nothing is written and its record is returned.
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

    /// Writes what changed in an order since it was read, with its stock moves and events, in one transaction. A
    /// conflict when one of the items to be written was changed in the meantime. A stock move that the shards do not
    /// allow is refused with `out_of_stock`.
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
                    // The cart became another order in the meantime: it stays closed, and the order is saved without
                    // reopening it.
                    let mut closed = changed.clone();
                    closed.reopens_cart = false;
                    return Box::pin(self.save(loaded, &closed)).await;
                }
                Err(Failure::Cancelled(reasons).into())
            }
            other => other.map_err(Error::from),
        }
    }

    /// Writes what the provider answered to a payment attempt, and the stored response that a repeat of the request
    /// gets.
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
        // A refund or dispute belongs to the provider of its own payment, which need not be the order's current one.
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
        // The order is paid, has ended, or no longer counts as unpaid for another reason. A late payment finds it out
        // of the set already.
        if loaded.is_some_and(|loaded| is_unpaid(&loaded.order)) && !is_unpaid(&changed.order) {
            actions.push(self.uncount_unpaid_action(&changed.order)?);
        }
        for event in &changed.events {
            actions.push(put(&self.table, event_item(&OutboxEvent::Order(event.clone()))?, &Condition::absent())?);
        }
        Ok(())
    }
}

/// How many units of a variant may be sold beyond its stock by this order.
fn oversell_limit(order: &PlacedOrder, variant: VariantId) -> u32 {
    let lines =
        order.vendors.iter().flat_map(|vendor_order| &vendor_order.lines).filter(|line| line.variant == variant);
    lines.filter_map(|line| line.backorder).map(|backorder| backorder.oversell_limit).max().unwrap_or(0)
}

/// Adds up the moves of each shard, because a transaction may not touch an item twice.
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
