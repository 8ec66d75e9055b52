//! Orders: seeing, cancelling and following them.

use std::sync::Arc;

use domain::marketplace::Operator;
use domain::order::{Actor, OrderState, PlacedOrder, VendorOrder};
use domain::text::{LongText, OneTimeCode};
use domain::{
    Call, Code, Currency, EventId, Identifier, Ids, Money, OrderId, Outcome, PageRequest, PaymentId, RefundId, Refusal,
    Slice, Timestamp, UnmatchedPayment, UserId,
};
use platform::{Config, Fatal};
use settlement::{Closed, Closing, Settlement};
use store::accounts::CameIn;
use store::orders::FindContact;
use store::rate_limits::Target;
use store::{Accounts, Carts, Decision, Keys, RateLimits, SettingsTable, Stock};

use crate::attempts::undecided;
use crate::changing::{Changes, Changing};
use crate::guests::Guests;
use crate::{Done, Error};

pub use store::orders::OrderSummary;

/// Placed orders.
#[derive(Clone, Debug)]
pub struct Orders {
    settlement: Settlement,
    guests: Guests,
    accounts: Accounts,
    /// Whether the deployment asks operators for a second factor.
    mfa_required: bool,
    /// What the operator's people need and may.
    staff: SettingsTable,
}

fn apply_cancellation(order: &mut PlacedOrder, by: Actor, now: Timestamp) -> Result<(), Refusal> {
    let mut ids = platform::ids(now);
    match by {
        Actor::Operator => order.cancel_unshipped(&mut ids),
        _ => order.cancel(by, &mut ids),
    }
}

impl Orders {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ORDERS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        let keys = Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?);
        let carts = Carts::new(dynamodb.clone(), config.required("CARTS_TABLE")?);
        let orders = store::Orders::new(dynamodb.clone(), table, stock).with_keys(keys).with_carts(carts);
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), config.required("ACCOUNTS_TABLE")?),
            mfa_required: config.required_bool("MFA_REQUIRED")?,
            staff: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            settlement: Settlement::new(config, orders)?,
            guests: Guests {
                rate_limits: RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
                settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
                // Nobody but a guest shows a token: the desk of an operator is given no secret.
                token_secret: Arc::new(config.secret_where_named("ORDER_TOKEN_SECRET_ARN")?),
                persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            },
        })
    }

    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, by: Changing<'_>, now: Timestamp) -> Result<(), Error> {
        let Guests { rate_limits, settings, persons, .. } = self.guests.clone();
        Changes { rate_limits, settings, persons }.count(list, by, now).await
    }

    /// Whether nothing is mailed to the order's address any more. When that cannot be read, nobody is told: an order is
    /// shown all the same.
    pub async fn is_suppressed(&self, order: &PlacedOrder) -> bool {
        let Some(email) = order.person.as_ref().and_then(|person| person.email.as_ref()) else { return false };
        match self.accounts.suppression(email).await {
            Ok(suppression) => suppression.is_some(),
            Err(cause) => {
                tracing::warn!(order.id = %order.order.id, %cause, "whether mail reaches an order's address is not known");
                false
            }
        }
    }

    /// One of the operator's people who changes an order, as they came in.
    ///
    /// # Errors
    /// `forbidden` for everybody else; `mfa_required`, when a second factor is needed that was not shown.
    pub async fn operator_came_in(&self, user: UserId, at: Timestamp, now: Timestamp) -> Result<Operator, Error> {
        let settings = self.staff.current().await?;
        let by = CameIn { user, at, now, mfa_required: self.mfa_required };
        Ok(self.accounts.operator_who_came_in(by, &settings.security).await?)
    }

    /// The most that one of the operator's people may give back of one order, by its currency; nothing limits some.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub async fn refund_limit(&self, by: &Operator) -> Result<impl Fn(Currency) -> Option<Money> + use<>, Error> {
        let limits = by.role.has_refund_limit().then_some(self.staff.current().await?);
        Ok(move |currency| limits.as_ref().map(|settings| settings.support_refund_limit(currency)))
    }

    /// A guest's order, if the token belongs to it.
    pub async fn guest_order(
        &self,
        id: OrderId,
        token: Option<&str>,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Error> {
        self.guests.order(self.settlement.orders(), id, token, client, now).await
    }

    /// A buyer's orders, newest first, with those that they placed as a guest with a contact that they have proven.
    pub async fn of_buyer(&self, buyer: UserId, page: &PageRequest) -> Result<Slice<OrderSummary>, Error> {
        let proven = self.accounts.proven_contacts(buyer).await?;
        let persons = self.guests.persons.value().await?;
        let found = proven.points().map(|point| FindContact { look_ups: persons.look_ups(&point).collect(), point });
        let found: Vec<FindContact> = found.collect();
        Ok(self.settlement.orders().of_person(buyer, &found, page).await?)
    }

    /// Whether a guest has placed the order with a contact that the person has proven to be theirs since.
    async fn is_of_guest(&self, order: &PlacedOrder, user: UserId) -> Result<bool, Error> {
        let Some(contact) = order.order.contact.filter(|_| order.order.buyer.is_none()) else { return Ok(false) };
        let (proven, persons) = tokio::join!(self.accounts.proven_contacts(user), self.guests.persons.value());
        let (proven, persons) = (proven?, persons?);
        Ok(proven.points().any(|point| persons.look_ups(&point).any(|known| known == contact)))
    }

    /// The order, if it is the buyer's; otherwise `not_found`, which does not reveal whether it exists.
    pub async fn buyers_order(&self, id: OrderId, buyer: UserId) -> Result<PlacedOrder, Error> {
        let order = self.guests.load(self.settlement.orders(), id, Some(buyer)).await?;
        let order = order.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let is_theirs = order.order.buyer == Some(buyer) || self.is_of_guest(&order, buyer).await?;
        if is_theirs { Ok(order) } else { Err(Refusal::of(Code::NotFound).into()) }
    }

    /// The vendor orders that should have been shipped, that of the oldest order first.
    pub async fn late_vendor_orders(&self, page: &PageRequest) -> Result<Slice<VendorOrder>, Error> {
        Ok(self.settlement.orders().late_vendor_orders(page).await?)
    }

    /// Any order, for the operator.
    pub async fn order(&self, id: OrderId) -> Result<PlacedOrder, Error> {
        let order = self.guests.load(self.settlement.orders(), id, None).await?;
        Ok(order.ok_or_else(|| Refusal::of(Code::NotFound))?)
    }

    /// Cancels an order. One that is cancelled already stays as it is, so that a repeat is harmless. The operator also
    /// cancels what is left of an order of which something was shipped.
    pub async fn cancel<R>(&self, order: PlacedOrder, by: Actor, call: Call<'_, PlacedOrder, R>) -> Done<R> {
        let (id, now) = (order.order.id, call.at());
        let orders = self.settlement.orders();
        let work = async {
            // Before the provider is called: an idempotency key of another request must not cancel a payment.
            if let Some(known) = orders.earlier(call.request()).await? {
                return Ok(known);
            }
            let decide = |order| self.decide_cancellation(order, by, now);
            orders.change(order, decide, |order, ()| call.answer_unstored(order)).await
        };
        self.answered(orders.once(call.request(), work).await?, id, call).await
    }

    /// Confirms an order that is payable on delivery with the code that was mailed. One that is confirmed already stays
    /// as it is, so that a repeat is harmless. A wrong code is counted before it is refused.
    pub async fn confirm(
        &self,
        order: PlacedOrder,
        code: &OneTimeCode,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Error> {
        let (settings, secret) = tokio::join!(self.guests.settings.current(), self.guests.token_secret.value());
        let (settings, secret) = (settings?, secret?);
        self.count_confirmation(&order, client, now).await?;
        let delivery = settings.deadlines.delivery;
        let decide = |mut order: PlacedOrder| {
            let secret = &secret;
            async move {
                if order.was_confirmed() {
                    return Ok(Decision::Write(order, true));
                }
                let number = order.code_to_confirm(now)?;
                let is_right = secret.is_confirmation_code(code, order.order.id, number);
                if is_right {
                    order.confirm(delivery, &mut platform::ids(now))?;
                } else {
                    order.refuse_code();
                }
                Ok::<_, Error>(Decision::Write(order, is_right))
            }
        };
        let respond = |order: &PlacedOrder, is_right: &bool| Ok(((order.clone(), *is_right), None));
        match self.settlement.orders().change(order, decide, respond).await? {
            Outcome::Done((order, true)) => Ok(order),
            Outcome::Done((_, false)) => Err(Refusal::of(Code::CodeMismatch).into()),
            Outcome::Replayed(_) | Outcome::Repeated(_) => Err(Refusal::of(Code::Conflict).into()),
        }
    }

    /// Has another code mailed, which alone confirms the order from then on.
    pub async fn resend_code(&self, order: PlacedOrder, client: &str, now: Timestamp) -> Result<PlacedOrder, Error> {
        self.count_confirmation(&order, client, now).await?;
        let decide = |mut order: PlacedOrder| async move {
            if order.was_confirmed() {
                return Ok(Decision::Write(order, ()));
            }
            if let Some(at) = order.resend_at().filter(|at| *at > now) {
                let retry_after = u32::try_from(at.since(now).as_secs()).unwrap_or(u32::MAX).max(1);
                let reason = "A code was sent a moment ago.";
                return Err(Error::from(store::Error::TooMany { reason, retry_after }));
            }
            order.resend_code(&mut platform::ids(now))?;
            Ok(Decision::Write(order, ()))
        };
        let respond = |order: &PlacedOrder, (): &()| Ok((order.clone(), None));
        match self.settlement.orders().change(order, decide, respond).await? {
            Outcome::Done(order) => Ok(order),
            Outcome::Replayed(_) | Outcome::Repeated(_) => Err(Refusal::of(Code::Conflict).into()),
        }
    }

    async fn count_confirmation(&self, order: &PlacedOrder, client: &str, now: Timestamp) -> Result<(), Error> {
        let (settings, persons) = tokio::join!(self.guests.settings.current(), self.guests.persons.value());
        let (limits, client) = (settings?.limits.payment, persons?.look_up(Identifier::Client(client)));
        self.guests.rate_limits.count("confirm", client, Target::Order(order.order.id), limits, now).await?;
        Ok(())
    }

    /// The outcome of a change of an order, whose replay is answered with the order as it stands.
    async fn answered<R>(&self, outcome: Outcome<R>, id: OrderId, call: Call<'_, PlacedOrder, R>) -> Done<R> {
        match outcome {
            Outcome::Repeated(None) => Ok(call.again(&self.order(id).await?)?),
            outcome => Ok(outcome),
        }
    }

    async fn decide_cancellation(
        &self,
        mut order: PlacedOrder,
        by: Actor,
        now: Timestamp,
    ) -> Result<Decision<PlacedOrder>, Error> {
        if order.order.state == OrderState::Cancelled || (by == Actor::Operator && order.is_cancelled_by_operator()) {
            return Ok(Decision::Write(order, ()));
        }
        // Refuse before the provider is called.
        apply_cancellation(&mut order.clone(), by, now)?;
        match self.settlement.close_open_attempts(&order, Closing::ToRelease, now).await? {
            Closed::All(closed) => order.close_attempts(&closed, now),
            // What is cancelled now is a paid order, whose payment is refunded.
            Closed::Paid => return Ok(Decision::LoadAgain),
            Closed::Undecided(until) => return Err(undecided(until).into()),
            Closed::Silent(failure) => return Err(settlement::Error::from(failure).into()),
        }
        apply_cancellation(&mut order, by, now)?;
        Ok(Decision::Write(order, ()))
    }

    /// Applies the operator's decision on a payment of another amount than was asked for: it is accepted as full
    /// payment or refunded. The same decision again changes nothing, so that a repeat is harmless.
    pub async fn resolve_amount_mismatch<R>(
        &self,
        id: OrderId,
        payment: PaymentId,
        accept: bool,
        call: Call<'_, PlacedOrder, R>,
    ) -> Done<R> {
        let now = call.at();
        let decide = |mut order: PlacedOrder| async move {
            if order.has_decided(payment, accept) {
                return Ok(Decision::Write(order, ()));
            }
            if !accept {
                order.reject_amount(payment, &mut platform::ids(now))?;
                return Ok(Decision::Write(order, ()));
            }
            // Refuse before any shard is read.
            order.clone().accept_amount(payment, &mut platform::ids(now))?;
            if order.demand_to_reopen().is_some() {
                // Its stock was released when the order ended: re-reserve it from any shards that have it.
                let reopening = Box::pin(self.settlement.prepare_reopening(&order)).await?;
                let reopening = reopening.ok_or_else(|| Refusal::of(Code::OutOfStock))?;
                order.reallocate(reopening.allocations)?;
                order.closes_cart = reopening.cart;
            }
            order.accept_amount(payment, &mut platform::ids(now))?;
            Ok::<_, Error>(Decision::Write(order, ()))
        };
        let orders = self.settlement.orders();
        let work = async {
            let order = self.order(id).await?;
            orders.change(order, decide, |order, ()| call.answer_unstored(order)).await
        };
        self.answered(orders.once(call.request(), work).await?, id, call).await
    }

    /// A change of an order that only its stored state decides about. One that is `done` already stays as it is, so
    /// that a repeat is harmless.
    pub async fn decide<R>(
        &self,
        id: OrderId,
        call: Call<'_, PlacedOrder, R>,
        done: impl Fn(&PlacedOrder) -> bool,
        apply: impl Fn(&mut PlacedOrder, &mut Ids) -> Result<(), Refusal>,
    ) -> Done<R> {
        let (now, orders) = (call.at(), self.settlement.orders());
        let decide = |mut order: PlacedOrder| {
            let decided = if done(&order) { Ok(()) } else { apply(&mut order, &mut platform::ids(now)) };
            std::future::ready(decided.map(|()| Decision::Write(order, ())).map_err(Error::from))
        };
        let work = async {
            let order = self.order(id).await?;
            orders.change(order, decide, |order, ()| call.answer_unstored(order)).await
        };
        self.answered(orders.once(call.request(), work).await?, id, call).await
    }

    /// Tries a refund again that did not arrive.
    ///
    /// # Errors
    /// As the change; `wrong_state` when its provider cannot make it.
    pub async fn retry_refund<R>(&self, id: OrderId, refund: RefundId, call: Call<'_, PlacedOrder, R>) -> Done<R> {
        let apply = |order: &mut PlacedOrder, ids: &mut Ids| {
            order.retry_refund(refund, ids)?;
            match order.refunds.iter().find(|known| known.id == refund && known.due_at.is_some()) {
                Some(known) => self.settlement.check_refundable(order, known),
                // It was given back meanwhile.
                None => Ok(()),
            }
        };
        self.decide(id, call, |_| false, apply).await
    }

    /// The operator resolves an unmatched payment with a note. The same note again changes nothing, so that a repeat is
    /// harmless.
    pub async fn resolve_unmatched<R>(
        &self,
        id: EventId,
        note: &LongText,
        by: UserId,
        call: Call<'_, UnmatchedPayment, R>,
    ) -> Done<R> {
        let orders = self.settlement.orders();
        let found =
            async || orders.unmatched_with_id(id).await?.ok_or_else(|| Error::from(Refusal::of(Code::NotFound)));
        let work = async {
            let resolve = |money: &mut UnmatchedPayment| {
                money.resolve(note, by, call.at())?;
                Ok::<_, Error>(None)
            };
            orders.change_unmatched(found().await?, resolve, |money| Ok(call.answer_unstored(money)?)).await
        };
        match orders.once(call.request(), work).await? {
            // A note may name a person, so no response is stored.
            Outcome::Repeated(None) => Ok(call.again(&found().await?)?),
            outcome => Ok(outcome),
        }
    }

    /// Refreshes the payment when the buyer returns from the provider: its state is looked up there instead of waiting
    /// for the webhook. A provider that does not answer changes nothing.
    pub async fn refresh_payment(
        &self,
        order: PlacedOrder,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Error> {
        if Settlement::awaited(&order).next().is_none() {
            return Ok(order);
        }
        let (settings, persons) = tokio::join!(self.guests.settings.current(), self.guests.persons.value());
        let (limits, client) = (settings?.limits.payment, persons?.look_up(Identifier::Client(client)));
        self.guests.rate_limits.count("settle", client, Target::Order(order.order.id), limits, now).await?;
        if !self.settlement.look_up(&order, now).await?.answered {
            return Ok(order);
        }
        let refreshed = self.guests.load(self.settlement.orders(), order.order.id, order.order.buyer).await?;
        Ok(refreshed.ok_or_else(|| Refusal::of(Code::NotFound))?)
    }
}
