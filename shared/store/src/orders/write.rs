//! Writes of orders: one transaction with all that belongs to the change.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::cart::Cart;
use domain::order::{Person, PlacedOrder, StockMove};
use domain::sealed::PersonKey;
use domain::settings::Limit;
use domain::{Code, Coded, FieldError, IdempotentRequest, OrderId, OutboxEvent, Outcome, Prepared, Refusal, VariantId};

use super::head::{history_item, order_item, parts_of, terms_item};
use super::unpaid::{TOO_MANY, is_unpaid};
use super::{Orders, check_understood, dispute_item, event_item, payment_item, refund_item, vendor_order_item};
use crate::error::{Cancelled, Failure};
use crate::idempotency::{KeyUse, TAKEOVER_AFTER, put_record_action, transact};
use crate::item::{Attributes, Condition, put};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Decision, Error};

/// How long placing an order is retried before its shards are read again: under contention they may be empty by then.
const CONTENTION_BUDGET: Duration = Duration::from_millis(1_500);

/// The outcome of placing an order.
#[derive(Debug)]
pub enum PlaceOutcome {
    /// The order is placed: with the versions that were written.
    Done(Box<PlacedOrder>),
    /// The idempotency key was used before, for the same request.
    KeyUsed(KeyUse),
    /// Shards had fewer units than were allocated. Other shards of the same variants may have them.
    OutOfStock(Vec<VariantId>),
    /// The cart was changed or ordered since it was read.
    CartChanged,
    /// Another order of the same buyer has written the row that opens their orders.
    KeyExists,
    /// Other transactions were at the same items for the whole retry budget.
    Contended,
}

/// An order to change: its id, or the order as it was loaded already.
#[derive(Debug)]
pub struct Start {
    id: OrderId,
    loaded: Option<Box<PlacedOrder>>,
    /// Who ordered, if that was opened when the order was loaded. It never changes, so it is not opened again.
    person: Option<Person>,
}

impl From<OrderId> for Start {
    fn from(id: OrderId) -> Self {
        Self { id, loaded: None, person: None }
    }
}

impl From<PlacedOrder> for Start {
    fn from(order: PlacedOrder) -> Self {
        Self { id: order.order.id, person: order.person.clone(), loaded: Some(Box::new(order)) }
    }
}

impl Orders {
    /// Places an order: the idempotency record, the order with its vendor orders and its payment, the stock, the cart,
    /// the event, and the row that opens its person if that is a new one, in one transaction. Refused with
    /// [`Error::TooMany`] when its e-mail address has reached the limit of unpaid orders.
    pub async fn place(
        &self,
        order: PlacedOrder,
        cart: &Cart,
        new_key: Option<&PersonKey>,
        request: &IdempotentRequest,
        unpaid: Limit,
    ) -> Result<PlaceOutcome, Error> {
        if order.terms.sealed.is_none() {
            return Err(Error::Failed("the person of an order is not sealed".to_owned()));
        }
        let mut transaction = self.begin(request, order.order.id)?;
        transaction.add(Purpose::Cart, self.carts()?.mark_ordered_action(cart, order.order.id)?);
        if is_unpaid(&order.order) {
            transaction.add(Purpose::Unpaid, self.count_unpaid_action(&order, unpaid)?);
        }
        if let Some(key) = new_key {
            transaction.add(Purpose::PersonKey, self.keys()?.put_action(order.order.key_owner(), key)?);
        }
        let (changes, placed) = self.changes(None, order)?;
        transaction.append(changes);
        match transaction.run_within(CONTENTION_BUDGET, &self.client).await {
            Ok(()) => Ok(PlaceOutcome::Done(Box::new(placed))),
            Err(Failure::Retryable(_)) => Ok(PlaceOutcome::Contended),
            Err(Failure::Cancelled(cancelled)) => {
                if let Some(known) = cancelled.existing(Purpose::Key) {
                    return Ok(PlaceOutcome::KeyUsed(KeyUse::of(known, request)?));
                }
                if cancelled.refused(Purpose::Cart) {
                    return Ok(PlaceOutcome::CartChanged);
                }
                if cancelled.refused(Purpose::PersonKey) {
                    return Ok(PlaceOutcome::KeyExists);
                }
                if cancelled.refused(Purpose::Unpaid) {
                    let retry_after = match cancelled.existing(Purpose::Unpaid) {
                        Some(found) => self.seconds_until_room(&placed, found, request.at).await?,
                        None => 1,
                    };
                    return Err(Error::TooMany { reason: TOO_MANY, retry_after });
                }
                let short = short_of(&cancelled);
                if short.is_empty() {
                    Err(Failure::Cancelled(cancelled).into())
                } else {
                    Ok(PlaceOutcome::OutOfStock(short))
                }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Changes an order: loads it, decides, and saves what has changed under the versions that were loaded; when
    /// another change comes first, begins again. `respond` makes the response from the order as it is written, with its
    /// new versions, and from what else was decided.
    ///
    /// # Errors
    /// `not_found`; what `decide` and `respond` fail with; `out_of_stock` when the shards do not allow a move of stock,
    /// however often it was decided anew; a conflict after too many attempts.
    pub async fn change<D, R, E: From<Error>, Deciding>(
        &self,
        start: impl Into<Start>,
        decide: impl Fn(PlacedOrder) -> Deciding,
        respond: impl Fn(&PlacedOrder, &D) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, E>
    where
        Deciding: Future<Output = Result<Decision<PlacedOrder, D>, E>>,
    {
        let mut start = start.into();
        let mut backoff = Backoff::default();
        loop {
            let loaded = self.started(&mut start).await?;
            if let Decision::Write(changed, more) = decide(loaded.clone()).await? {
                let reserves = changed.stock_moves.iter().any(|change| change.reserved > 0);
                match self.save(&loaded, changed, |written| respond(written, &more)).await {
                    Err(Error::Conflict) => {}
                    // Another order reserved the units after they were allocated. If none are left, the next decision
                    // finds that out.
                    Err(Error::Refused(refusal)) if reserves && refusal.code() == Code::OutOfStock => {
                        if !backoff.waits().await {
                            return Err(Error::from(refusal).into());
                        }
                        continue;
                    }
                    done => return Ok(done?),
                }
            }
            backoff.pause().await?;
        }
    }

    /// [`Self::change`] for a request that goes on after it: its idempotency record is written in the same transaction.
    /// When the key was used before, nothing is written and its use is returned, else the order as it was written.
    pub async fn begin_change<E: From<Error>, Deciding>(
        &self,
        start: impl Into<Start>,
        request: &IdempotentRequest,
        decide: impl Fn(PlacedOrder) -> Deciding,
    ) -> Result<Result<PlacedOrder, KeyUse>, E>
    where
        Deciding: Future<Output = Result<PlacedOrder, E>>,
    {
        let mut start = start.into();
        let mut backoff = Backoff::default();
        loop {
            let loaded = self.started(&mut start).await?;
            let (changes, written) = self.changes(Some(&loaded), decide(loaded.clone()).await?)?;
            let mut transaction = self.begin(request, loaded.order.id)?;
            transaction.append(changes);
            match transaction.run(&self.client).await {
                Ok(()) => return Ok(Ok(written)),
                Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Key) => {
                    let known = cancelled.existing(Purpose::Key).map(|known| KeyUse::of(known, request));
                    return Ok(Err(known.ok_or(Error::Conflict)?.map_err(Error::from)?));
                }
                Err(failure) => match Error::from(failure) {
                    Error::Conflict => backoff.pause().await?,
                    other => return Err(other.into()),
                },
            }
        }
    }

    /// The order to begin with; the next time it is loaded.
    async fn started(&self, start: &mut Start) -> Result<PlacedOrder, Error> {
        match start.loaded.take() {
            Some(loaded) => Ok(*loaded),
            None => {
                let mut loaded = self.load(start.id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
                loaded.person = loaded.person.or_else(|| start.person.clone());
                Ok(loaded)
            }
        }
        .and_then(|loaded| check_understood(&loaded).map(|()| loaded))
    }

    /// The transaction of a request that begins now and goes on after it.
    fn begin(&self, request: &IdempotentRequest, order: OrderId) -> Result<Transaction, Error> {
        let begun = KeyUse::Begun { order, running_until: request.at + TAKEOVER_AFTER };
        Ok(Transaction::of(Purpose::Key, vec![put_record_action(&self.table, request, &begun)?]))
    }

    /// Writes what changed in an order since it was loaded, with its stock moves and events, in one transaction.
    async fn save<R>(
        &self,
        loaded: &PlacedOrder,
        changed: PlacedOrder,
        respond: impl Fn(&PlacedOrder) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let (mut transaction, written) = self.changes(Some(loaded), changed.clone())?;
        if changed.reopens_cart {
            transaction.add(Purpose::Cart, self.carts()?.reopen_action(changed.order.cart, changed.order.id)?);
        }
        if let Some(cart) = &changed.closes_cart {
            transaction.add(Purpose::Cart, self.carts()?.take_out_action(cart, &changed)?);
        }
        let cancelled = match transact(&self.client, &self.table, transaction, respond(&written)?).await {
            Err(Failure::Cancelled(cancelled)) => cancelled,
            other => return Ok(other?),
        };
        if cancelled.refused(Purpose::Item) {
            return Err(Error::Conflict);
        }
        let short = short_of(&cancelled);
        let takes = |variant: &VariantId| {
            changed.stock_moves.iter().any(|one| one.variant == *variant && (one.available < 0 || one.reserved < 0))
        };
        if !short.is_empty() && !short.iter().any(takes) {
            let detail = "the variant was deleted: what came back of it cannot be put into stock again";
            return Err(Refusal::because(Code::WrongState, detail).into());
        }
        if !short.is_empty() {
            let code = Code::OutOfStock;
            let error = |variant| FieldError::new(format!("/variants/{variant}"), code.as_str(), "not enough is left");
            return Err(Refusal::fields(code, short.into_iter().map(error).collect()).into());
        }
        if cancelled.refused(Purpose::Cart) && changed.closes_cart.is_some() {
            // It was changed or ordered meanwhile: what becomes of the order is decided anew.
            return Err(Error::Conflict);
        }
        if cancelled.refused(Purpose::Cart) {
            // The cart became another order in the meantime: it stays closed, and the order is saved without reopening
            // it.
            let (transaction, written) = self.changes(Some(loaded), changed)?;
            return Ok(transact(&self.client, &self.table, transaction, respond(&written)?).await?);
        }
        Err(Failure::Cancelled(cancelled).into())
    }

    /// Writes what the provider answered to a payment attempt. That is what tells a repeat of the request that it was
    /// answered: its record stays as it is.
    pub async fn save_opened_payment(&self, loaded: &PlacedOrder, opened: PlacedOrder) -> Result<PlacedOrder, Error> {
        let (transaction, written) = self.changes(Some(loaded), opened)?;
        transaction.run(&self.client).await?;
        Ok(written)
    }

    /// The actions that write what has changed in an order, and the order as it is written: with the next version of
    /// each item that changed. A new order has all of its items written. The head is written with every change of
    /// another item, so changes of one order come one after the other.
    pub(super) fn changes(
        &self,
        loaded: Option<&PlacedOrder>,
        changed: PlacedOrder,
    ) -> Result<(Transaction, PlacedOrder), Error> {
        let mut transaction = Transaction::default();
        for change in merged(&changed.stock_moves) {
            let limit = oversell_limit(&changed, change.variant);
            transaction.add(Purpose::Stock(change.variant), self.stock.move_action(&change, limit)?);
        }
        for event in &changed.events {
            let event = event_item(&OutboxEvent::Order(event.clone()))?;
            transaction.add(Purpose::Item, put(&self.table, event, &Condition::absent())?);
        }
        // The order is paid, has ended, or no longer counts as unpaid for another reason. A late payment finds it out
        // of the set already.
        if loaded.is_some_and(|loaded| is_unpaid(&loaded.order)) && !is_unpaid(&changed.order) {
            transaction.add(Purpose::Item, self.uncount_unpaid_action(&changed)?);
        }
        let mut written = PlacedOrder {
            stock_moves: Vec::new(),
            events: Vec::new(),
            reopens_cart: false,
            closes_cart: None,
            ..changed
        };
        let before = transaction.len();
        for action in self.settlement_actions(loaded, &mut written)? {
            transaction.add(Purpose::Item, action);
        }
        let known = loaded.map(|loaded| loaded.vendors.as_slice());
        self.put_changed(
            known,
            &mut written.vendors,
            |vendor| &mut vendor.version,
            vendor_order_item,
            &mut transaction,
        )?;
        written.follow_attempts(loaded);
        // In the order in which they are read again.
        written.payments.sort_by_key(|payment| payment.id);
        let known = loaded.map(|loaded| loaded.payments.as_slice());
        self.put_changed(known, &mut written.payments, |payment| &mut payment.version, payment_item, &mut transaction)?;
        written.refunds.sort_by_key(|refund| refund.id);
        self.state_transactions(loaded, &written, &mut transaction)?;
        let known = loaded.map(|loaded| loaded.refunds.as_slice());
        self.put_changed(known, &mut written.refunds, |refund| &mut refund.version, refund_item, &mut transaction)?;
        written.disputes.sort_by_key(|dispute| dispute.id);
        let known = loaded.map(|loaded| loaded.disputes.as_slice());
        self.put_changed(known, &mut written.disputes, |dispute| &mut dispute.version, dispute_item, &mut transaction)?;
        for action in self.reference_actions(loaded, &written)? {
            transaction.add(Purpose::Reference, action);
        }
        let is_moved = written.order.parts.is_none();
        let earlier = written.order.parts.as_ref().map_or(0, |parts| parts.history);
        let known = loaded.filter(|_| !is_moved).map_or(0, |loaded| loaded.history.len());
        let entries = written.history.get(known..).unwrap_or_default();
        let is_unchanged = loaded.is_some_and(|loaded| loaded.order == written.order);
        let has_grown = loaded.is_none_or(|loaded| loaded.history.len() < written.history.len());
        if is_unchanged && transaction.len() == before && !has_grown {
            return Ok((transaction, written));
        }
        let history = earlier + u32::from(!entries.is_empty());
        if !entries.is_empty() {
            let entries = history_item(written.order.id, history, entries)?;
            transaction.add(Purpose::Item, put(&self.table, entries, &Condition::absent())?);
        }
        if is_moved {
            written.terms.version = 1;
            transaction.add(Purpose::Item, put(&self.table, terms_item(&written.terms)?, &Condition::absent())?);
        }
        let condition = Condition::at_version(written.order.version);
        written.order.version += 1;
        written.order.parts = Some(parts_of(&written, history));
        let head = order_item(&written)?;
        transaction.add(Purpose::Item, put(&self.table, head, &condition)?);
        Ok((transaction, written))
    }

    /// Adds the actions that write those of the items that differ from the known ones, each with its next version.
    fn put_changed<T: PartialEq>(
        &self,
        known: Option<&[T]>,
        items: &mut [T],
        version: impl Fn(&mut T) -> &mut u64,
        item: impl Fn(&T) -> Result<Attributes, Error>,
        transaction: &mut Transaction,
    ) -> Result<(), Error> {
        for changed in items.iter_mut().filter(|item| known.is_none_or(|known| !known.contains(item))) {
            let loaded = *version(changed);
            *version(changed) = loaded + 1;
            transaction.add(Purpose::Item, put(&self.table, item(changed)?, &Condition::at_version(loaded))?);
        }
        Ok(())
    }
}

/// The variants of which there were not enough units.
fn short_of(cancelled: &Cancelled) -> Vec<VariantId> {
    let stock = cancelled.purposes().filter_map(|purpose| match purpose {
        Purpose::Stock(variant) => Some(variant),
        _ => None,
    });
    stock.collect()
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
