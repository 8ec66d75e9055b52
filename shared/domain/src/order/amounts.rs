//! What the operator and each vendor settle about an order: its amounts follow from the frozen shares, from what was
//! given back of them, and from the money that is really there; each change of them leaves an entry.

use super::{PlacedOrder, VendorOrder};
use crate::dispute::DisputeState;
use crate::money::MoneyError;
use crate::payment::{Payment, PaymentState, Refund, RefundReason, RefundState};
use crate::settlement::{Amounts, SettlementEntry};
use crate::shares::{Bearer, Shares};
use crate::{Money, SettlementId, Timestamp, VendorId};

impl PlacedOrder {
    /// The entries of what has changed in the amounts of its vendor orders since they were last entered. A change is
    /// entered at the time of the history that it has written, of which `recorded` entries were there before it; one
    /// that history says nothing of waits for the next one.
    ///
    /// # Errors
    /// An amount does not fit into 64 bits.
    pub fn enter_amounts(&mut self, recorded: usize) -> Result<Vec<SettlementEntry>, MoneyError> {
        let Some(at) = self.history.get(recorded..).and_then(<[_]>::last).map(|entry| entry.at) else {
            return Ok(Vec::new());
        };
        let amounts = self.amounts()?;
        let mut entries = Vec::new();
        for (vendor_order, amounts) in self.vendors.iter_mut().zip(amounts) {
            let change = amounts.minus(&vendor_order.entered)?;
            if change.is_nothing() {
                continue;
            }
            vendor_order.entered = amounts;
            entries.push(SettlementEntry {
                id: entry_id(vendor_order, at),
                order: vendor_order.order,
                ordinal: vendor_order.ordinal,
                vendor: vendor_order.vendor.clone(),
                at,
                currency: amounts.currency(),
                amounts: change,
            });
        }
        Ok(entries)
    }

    /// The amounts of each vendor order as the order stands, in the order of the vendor orders. They are zero until it
    /// is paid; paid on delivery, until it was delivered.
    ///
    /// What was refunded by lines is taken off by their exact shares. What went back otherwise is taken off what is
    /// left of all vendor orders, in proportion and from each share alike: that is what a bank has charged back, what
    /// somebody gave back at the provider's dashboard, and what was never paid of an amount that the operator
    /// accepted.
    ///
    /// # Errors
    /// An amount does not fit into 64 bits.
    pub fn amounts(&self) -> Result<Vec<Amounts>, MoneyError> {
        let nothing = |vendor_order: &VendorOrder| Amounts::zero(vendor_order.commission.currency());
        let Some(payment) = self.payment().filter(|payment| self.pays_for_goods(payment)) else {
            return Ok(self.vendors.iter().map(nothing).collect());
        };
        let on_delivery = payment.provider.is_on_delivery();
        let is_counted =
            |vendor_order: &VendorOrder| vendor_order.visible && (!on_delivery || vendor_order.state.was_delivered());
        let mut all = Vec::with_capacity(self.vendors.len());
        for vendor_order in &self.vendors {
            all.push(if is_counted(vendor_order) {
                Part::of(vendor_order, on_delivery)?
            } else {
                Part { whole: 0, left: nothing(vendor_order), cash: 0 }
            });
        }
        let refunds: Vec<&Refund> = self.refunds.iter().filter(|refund| self.goes_back(refund, payment)).collect();
        let money = if on_delivery { self.cash_of(&refunds, &all) } else { self.money_of(payment, &refunds, &all) }?;
        all.iter()
            .zip(&self.vendors)
            .zip(money)
            .map(|((part, vendor_order), money)| part.with(vendor_order, &money))
            .collect()
    }

    /// Whether a payment pays for the vendor orders: it is there, and not refunded as a whole for another reason. One
    /// on delivery pays for each as soon as that is delivered.
    fn pays_for_goods(&self, payment: &Payment) -> bool {
        if payment.provider.is_on_delivery() {
            return true;
        }
        let is_ours = payment.captured.is_some_and(|captured| captured.currency() == self.order.currency);
        let has_paid = payment.has_paid() || payment.state == PaymentState::Refunded;
        is_ours && has_paid && !self.is_refunded_in_full(payment.id)
    }

    /// What is there of the cash for each vendor order, in minor units: what was not collected was never paid.
    fn cash_of(&self, refunds: &[&Refund], parts: &[Part]) -> Result<Vec<PartMoney>, MoneyError> {
        let mut paid = Vec::with_capacity(parts.len());
        for part in parts {
            paid.push(part.left.price()?.minor().min(part.cash));
        }
        let of_no_vendor = refunds.iter().filter(|refund| refund.parts.is_empty());
        let of_no_vendor = sum(of_no_vendor.map(|refund| borne_by_vendors(refund)))?;
        let of_no_vendor = spread(of_no_vendor.min(sum(paid.iter().copied())?), &paid)?;
        let mut money = Vec::with_capacity(parts.len());
        for ((part, vendor_order), (paid, more)) in
            parts.iter().zip(&self.vendors).zip(paid.into_iter().zip(of_no_vendor))
        {
            let decided = refunds.iter().map(|refund| part_of(refund, vendor_order.vendor.id));
            let refunded = sum(decided.chain([more]))?.min(part.cash);
            let kept = paid.min(part.cash - refunded);
            money.push(PartMoney { kept, paid: sum([kept, refunded])?, refunded, charged_back: 0, held: 0 });
        }
        Ok(money)
    }

    /// What is there of a payment for each vendor order, in minor units.
    fn money_of(&self, payment: &Payment, refunds: &[&Refund], parts: &[Part]) -> Result<Vec<PartMoney>, MoneyError> {
        let whole: Vec<i64> = parts.iter().map(|part| part.whole).collect();
        let taken = payment.captured.map_or(0, Money::minor);
        let refunded = sum(refunds.iter().map(|refund| borne_by_vendors(refund)))?;
        let charged_back = self.chargeback_total(payment.id, Money::zero(self.order.currency));
        let charged_back = charged_back.min(taken.saturating_sub(refunded)).max(0);
        let there = taken.saturating_sub(refunded).saturating_sub(charged_back).max(0);
        // What was refunded of a vendor order beyond its lines' shares was refunded of this one alone.
        let (mut left, mut own) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for (part, vendor_order) in parts.iter().zip(&self.vendors) {
            let price = part.left.price()?.minor();
            left.push(price);
            own.push(beyond_shares(refunds, vendor_order)?.min(price));
        }
        let rest: Vec<i64> = left.iter().zip(&own).map(|(left, own)| left - own).collect();
        let short = sum(rest.iter().copied())?.saturating_sub(there).max(0);
        let others = spread(short, &rest)?;
        let kept: Vec<i64> = rest.iter().zip(&others).map(|(rest, others)| rest - others).collect();
        let (applied, of_applied) = self.charged_back_refunds(refunds)?;
        let free = spread(charged_back.saturating_sub(of_applied).clamp(0, short), &others)?;
        let unpaid = spread(sum(whole.iter().copied())?.saturating_sub(taken).max(0), &whole)?;
        let held = self.held_total(payment, charged_back).min(sum(kept.iter().copied())?);
        let held = spread(held, &kept)?;
        let mut money = Vec::with_capacity(parts.len());
        for at in 0..parts.len() {
            let of = |all: &[i64]| all.get(at).copied().unwrap_or(0);
            let (kept, paid) = (of(&kept), of(&whole).saturating_sub(of(&unpaid)));
            let gone = paid.saturating_sub(kept);
            let charged_back = sum([of(&free), of(&applied)])?.min(gone).max(0);
            money.push(PartMoney { kept, paid, refunded: gone - charged_back, charged_back, held: of(&held) });
        }
        Ok(money)
    }

    /// What was charged back in the place of refunds, of each vendor order that these are of and together.
    fn charged_back_refunds(&self, refunds: &[&Refund]) -> Result<(Vec<i64>, i64), MoneyError> {
        let (mut applied, mut total) = (vec![0; self.vendors.len()], 0);
        for refund in refunds {
            let Some(amount) = refund.charged_back.map(Money::minor) else { continue };
            total = sum([total, amount])?;
            let weights: Vec<i64> = self.vendors.iter().map(|one| part_of(refund, one.vendor.id)).collect();
            let shares = spread(amount.min(sum(weights.iter().copied())?), &weights)?;
            for (applied, share) in applied.iter_mut().zip(shares) {
                *applied = sum([*applied, share])?;
            }
        }
        Ok((applied, total))
    }

    /// Whether a refund gives money of this payment back, or is decided to: whatever has become of the attempt to send
    /// it, the money is no longer the vendors'.
    fn goes_back(&self, refund: &Refund, payment: &Payment) -> bool {
        refund.payment == payment.id
            && refund.amount.currency() == self.order.currency
            && (!refund.was_made_elsewhere() || refund.state == RefundState::Succeeded)
    }

    /// What open disputes are about, at most what is left of the payment.
    fn held_total(&self, payment: &Payment, charged_back: i64) -> i64 {
        let open = self.disputes.iter().filter(|one| one.payment == payment.id && one.state == DisputeState::Opened);
        let total = open.fold(0, |sum: i64, dispute| match dispute.amount {
            Some(amount) if amount.currency() == self.order.currency => sum.saturating_add(amount.minor()),
            _ => i64::MAX,
        });
        total.min(payment.captured.map_or(0, Money::minor).saturating_sub(charged_back)).max(0)
    }
}

/// A vendor order's part of an order.
struct Part {
    /// What it cost when it was ordered, in minor units.
    whole: i64,
    /// Its shares without what was given back: only those amounts are set that are shares.
    left: Amounts,
    /// What was collected for it in cash, in minor units.
    cash: i64,
}

/// What is there of the money for a vendor order, in minor units.
struct PartMoney {
    kept: i64,
    paid: i64,
    refunded: i64,
    charged_back: i64,
    /// Of what was kept: what disputes are about.
    held: i64,
}

impl Part {
    fn of(vendor_order: &VendorOrder, on_delivery: bool) -> Result<Self, MoneyError> {
        let currency = vendor_order.commission.currency();
        let (mut whole, mut left) = (Amounts::zero(currency), Amounts::zero(currency));
        // What was not delivered was never paid.
        let gone = if on_delivery { vendor_order.gone() } else { Vec::new() };
        for (at, line) in vendor_order.lines.iter().enumerate() {
            let gone = gone.get(at).copied().unwrap_or(0).max(line.refunded).min(line.quantity);
            whole = with_shares(&whole, &line.shares, false)?;
            left = with_shares(&left, &line.shares.part(gone..line.quantity, line.quantity)?, false)?;
        }
        whole = with_shares(&whole, &vendor_order.delivery, true)?;
        if !vendor_order.delivery_refunded {
            left = with_shares(&left, &vendor_order.delivery, true)?;
        }
        let cash = if on_delivery { vendor_order.cash_collected()?.minor() } else { 0 };
        Ok(Self { whole: whole.price()?.minor(), left, cash })
    }

    /// The amounts of the vendor order once so much of its price is kept.
    fn with(&self, vendor_order: &VendorOrder, money: &PartMoney) -> Result<Amounts, MoneyError> {
        let currency = self.left.currency();
        let in_minor = |minor: i64| Money::new(minor, currency);
        let price = self.left.price()?.minor();
        let mut amounts = self.left;
        if money.kept != price {
            let scaled = |amount: Money| Ok::<_, MoneyError>(in_minor(part(amount.minor(), money.kept, price)?));
            amounts.delivery = scaled(self.left.delivery)?;
            amounts.vendor_discounts = scaled(self.left.vendor_discounts)?;
            amounts.marketplace_discounts = scaled(self.left.marketplace_discounts)?;
            amounts.tax = scaled(self.left.tax)?;
            amounts.commission = scaled(self.left.commission)?;
            amounts.commission_tax = scaled(self.left.commission_tax)?;
            // What rounding leaves stays with the larger of the two prices.
            let missing = in_minor(money.kept).minus(Amounts { goods: in_minor(0), ..amounts }.price()?)?;
            if self.left.goods.is_zero() {
                amounts.delivery = amounts.delivery.plus(missing)?;
            } else {
                amounts.goods = missing;
            }
        }
        amounts.total = in_minor(money.kept);
        amounts.paid = in_minor(money.paid);
        amounts.refunded = in_minor(money.refunded);
        amounts.charged_back = in_minor(money.charged_back);
        amounts.cash_collected = in_minor(self.cash);
        let for_vendor = amounts.for_vendor()?;
        amounts.held = in_minor(part(for_vendor.minor().max(0), money.held, money.kept)?);
        let rest = for_vendor.minus(amounts.held)?;
        if vendor_order.is_earned() {
            amounts.due = rest
        } else {
            amounts.pending = rest
        }
        Ok(amounts)
    }
}

impl VendorOrder {
    /// Whether what its vendor gets for it is to be paid to them: nothing of it can be given back any more. One that
    /// an earlier release has led to its state has no deadline for that.
    const fn is_earned(&self) -> bool {
        self.state.has_ended() || (self.state.was_delivered() && self.since.is_none())
    }
}

/// Adds the shares of goods, or of a delivery, to amounts.
fn with_shares(amounts: &Amounts, shares: &Shares, is_delivery: bool) -> Result<Amounts, MoneyError> {
    let mut sum = *amounts;
    if is_delivery {
        sum.delivery = sum.delivery.plus(shares.goods)?;
    } else {
        sum.goods = sum.goods.plus(shares.goods)?;
    }
    for discount in &shares.discounts {
        match discount.bearer {
            Bearer::Marketplace => sum.marketplace_discounts = sum.marketplace_discounts.plus(discount.amount)?,
            // Who else may pay for one is known to a newer release: its next entry pays the vendor what is missing.
            Bearer::Vendor | Bearer::Other => sum.vendor_discounts = sum.vendor_discounts.plus(discount.amount)?,
        }
    }
    sum.tax = sum.tax.plus(shares.tax_on_top()?)?;
    sum.commission = sum.commission.plus(shares.commission)?;
    sum.commission_tax = sum.commission_tax.plus(shares.commission_tax)?;
    Ok(sum)
}

/// What refunds give back of a vendor order beyond the shares of their units and of the delivery, in minor units.
fn beyond_shares(refunds: &[&Refund], vendor_order: &VendorOrder) -> Result<i64, MoneyError> {
    let mut beyond: i64 = 0;
    let parts = refunds.iter().flat_map(|refund| &refund.parts).filter(|part| part.vendor == vendor_order.vendor.id);
    for part in parts {
        let mut shares: i64 = 0;
        for units in &part.lines {
            let Some(line) = vendor_order.lines.iter().find(|line| line.variant == units.variant) else { continue };
            let until = units.from.saturating_add(units.units).min(line.quantity);
            let taken = line.shares.part(units.from.min(until)..until, line.quantity)?;
            shares = sum([shares, taken.total()?.minor()])?;
        }
        if part.delivery {
            shares = sum([shares, vendor_order.delivery.total()?.minor()])?;
        }
        // Less than the shares where less was left of the payment.
        beyond = sum([beyond, part.amount.minor().saturating_sub(shares).max(0)])?;
    }
    Ok(beyond)
}

/// What vendors bear of a refund, in minor units: not what the operator gives of their own, nor what is rounded
/// because a provider pays in steps.
fn borne_by_vendors(refund: &Refund) -> i64 {
    let rounding = refund.rounding.map_or(0, Money::minor);
    let is_operators = refund.reason == RefundReason::Goodwill && refund.parts.is_empty();
    if is_operators { 0 } else { refund.to_send().minor().saturating_sub(rounding).max(0) }
}

/// What a refund gives back of a vendor's part, in minor units.
fn part_of(refund: &Refund, vendor: VendorId) -> i64 {
    let own = refund.parts.iter().filter(|part| part.vendor == vendor);
    own.fold(0, |sum: i64, part| sum.saturating_add(part.amount.minor()))
}

fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, MoneyError> {
    amounts.into_iter().try_fold(0_i64, i64::checked_add).ok_or(MoneyError::Overflow)
}

/// The part of an amount that belongs to `of` of `whole`, rounded down; nothing of nothing.
fn part(amount: i64, of: i64, whole: i64) -> Result<i64, MoneyError> {
    if whole == 0 {
        return Ok(0);
    }
    let part = (i128::from(amount) * i128::from(of)).div_euclid(i128::from(whole));
    i64::try_from(part).map_err(|_| MoneyError::Overflow)
}

/// Splits an amount by weights: none gets more than its weight, as long as the amount is at most the sum of all.
fn spread(amount: i64, weights: &[i64]) -> Result<Vec<i64>, MoneyError> {
    let total = sum(weights.iter().copied())?;
    let (mut passed, mut given) = (0, 0);
    let mut parts = Vec::with_capacity(weights.len());
    for weight in weights {
        passed = sum([passed, *weight])?;
        let until = part(amount, passed, total)?;
        parts.push(until - given);
        given = until;
    }
    Ok(parts)
}

/// The id of an entry: its time, then what no other entry of that time has. The writes of a vendor order have numbers.
fn entry_id(vendor_order: &VendorOrder, at: Timestamp) -> SettlementId {
    let mut bits = [0; 10];
    let [.., a, b, c, d, e, f] = vendor_order.order.bits().to_be_bytes();
    let [.., version_high, version_low] = vendor_order.version.to_be_bytes();
    let [ordinal_high, ordinal_low] = vendor_order.ordinal.to_be_bytes();
    bits.copy_from_slice(&[a, b, c, d, e, f, ordinal_high, ordinal_low, version_high, version_low]);
    SettlementId::new(at, bits)
}
