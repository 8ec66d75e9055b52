//! What a vendor order counts of its lines, and what it costs: units and money by steps, refunds and parcels.

use super::parcels::{Parcel, ParcelState};
use super::{OrderLine, StockMove, VendorOrder, VendorOrderStep};
use crate::Money;
use crate::money::MoneyError;
use crate::payment::{RefundPart, RefundedUnits};
use crate::pricing::Totals;
use crate::shares::Shares;

impl VendorOrder {
    /// The sums of the shares of some lines and a delivery.
    ///
    /// # Errors
    /// A sum does not fit into 64 bits.
    pub fn sums(lines: &[OrderLine], delivery: &Shares) -> Result<(Totals, Money), MoneyError> {
        let currency = delivery.goods.currency();
        let of_lines = || lines.iter().map(|line| &line.shares);
        let all = || of_lines().chain(std::iter::once(delivery));
        let goods = Money::sum(currency, of_lines().map(|shares| shares.goods))?;
        let discount = Money::sum(currency, all().map(Shares::discount).collect::<Result<Vec<_>, _>>()?)?;
        let tax = Money::sum(currency, all().map(Shares::tax_on_top).collect::<Result<Vec<_>, _>>()?)?;
        let commission = Money::sum(currency, all().map(|shares| shares.commission))?;
        Ok((Totals::of(goods, discount, Some(delivery.goods), Some(tax))?, commission))
    }

    /// Counts the units of a step, and says what it moves in the stock: what is cancelled was reserved, and what is
    /// reopened is reserved again.
    pub(super) fn count(&mut self, step: VendorOrderStep) -> Vec<StockMove> {
        use VendorOrderStep as E;
        let mut moves = Vec::new();
        for line in &mut self.lines {
            match step {
                E::Declined | E::Cancelled => {
                    let left = line.left_to_ship();
                    moves.extend(line.moves(left, |units| (units, -units)));
                    line.cancelled = line.cancelled.saturating_add(left);
                }
                E::Reopened => {
                    // Another payment pays for all of it.
                    (line.cancelled, line.refunded, line.granted) = (0, 0, 0);
                    moves.extend(line.moves(line.quantity, |units| (-units, units)));
                }
                // Parcels and returns count what they hold.
                E::PartiallyShipped
                | E::Shipped
                | E::Accepted
                | E::Delivered
                | E::Lost
                | E::ReturnedToSender
                | E::Returned
                | E::Completed => {}
            }
        }
        if step == E::Reopened {
            self.delivery_refunded = false;
        }
        moves
    }

    /// How many units of each line the buyer does not get, or has given back: they are cancelled, returned, or were in
    /// a parcel that was lost or came back.
    pub(super) fn gone(&self) -> Vec<u32> {
        let mut gone: Vec<u32> = self.lines.iter().map(|line| line.cancelled.saturating_add(line.returned)).collect();
        for parcel in self.parcels.iter().filter(|parcel| parcel.state.has_failed()) {
            for (gone, units) in gone.iter_mut().zip(&parcel.units) {
                *gone = gone.saturating_add(*units);
            }
        }
        gone
    }

    /// Counts what is gone and not refunded yet as refunded, and says what it comes to: by its shares, at most what is
    /// `left` of the payment. The delivery goes back with the last unit.
    pub(super) fn refund_gone(&mut self, left: Money) -> Result<RefundPart, MoneyError> {
        let gone = self.gone();
        let due = |(line, gone): (&OrderLine, &u32)| gone.saturating_sub(line.refunded.saturating_sub(line.granted));
        let units: Vec<u32> = self.lines.iter().zip(&gone).map(due).collect();
        let delivery =
            !self.delivery_refunded && self.lines.iter().zip(&gone).all(|(line, gone)| *gone == line.quantity);
        self.refund_units(&units, delivery, left)
    }

    /// Counts units of each line as refunded, as many as are not refunded yet, and the delivery, and says what they
    /// come to: by their shares, at most what is `left` of the payment.
    pub(super) fn refund_units(
        &mut self,
        units: &[u32],
        delivery: bool,
        left: Money,
    ) -> Result<RefundPart, MoneyError> {
        let mut amount = Money::zero(left.currency());
        let mut lines = Vec::new();
        for (line, units) in self.lines.iter_mut().zip(units) {
            let units = (*units).min(line.quantity.saturating_sub(line.refunded));
            if units == 0 {
                continue;
            }
            let shares = line.shares.part(line.refunded..line.refunded.saturating_add(units), line.quantity)?;
            amount = amount.plus(shares.total()?)?;
            lines.push(RefundedUnits { variant: line.variant, from: line.refunded, units });
            line.refunded = line.refunded.saturating_add(units);
        }
        if delivery {
            amount = amount.plus(self.delivery.total()?)?;
            self.delivery_refunded = true;
        }
        if left.minor() < amount.minor() {
            amount = left;
        }
        Ok(RefundPart { vendor: self.vendor.id, amount, lines, delivery })
    }

    /// What the carrier has collected for it in cash: for its delivered parcels. The rest is counted as never paid.
    pub(super) fn collect(&mut self) -> Result<Money, MoneyError> {
        let collected = self.cash_collected()?;
        // What is returned was paid, and is given back.
        let never_paid = |(line, gone): (&OrderLine, u32)| gone.saturating_sub(line.returned);
        let units: Vec<u32> = self.lines.iter().zip(self.gone()).map(never_paid).collect();
        // The parcel that had the price of the delivery may not have arrived.
        let delivered = |(_, parcel): &(usize, &Parcel)| parcel.state == ParcelState::Delivered;
        let parcels = self.parcels.iter().enumerate().filter(delivered);
        let goods =
            parcels.map(|(at, parcel)| self.goods_in_parcel(at, &parcel.units)).collect::<Result<Vec<_>, _>>()?;
        let goods = Money::sum(self.commission.currency(), goods)?;
        let delivery = !self.delivery_refunded && collected.minor() <= goods.minor();
        self.refund_units(&units, delivery, self.totals.total)?;
        Ok(collected)
    }

    /// What the carrier has collected for its delivered parcels.
    pub(super) fn cash_collected(&self) -> Result<Money, MoneyError> {
        let delivered = |(_, parcel): &(usize, &Parcel)| parcel.state == ParcelState::Delivered;
        let due = self.parcels.iter().enumerate().filter(delivered).map(|(at, parcel)| match parcel.due {
            Some(due) => Ok(due),
            None => self.price_of_parcel(at, &parcel.units),
        });
        Money::sum(self.commission.currency(), due.collect::<Result<Vec<_>, _>>()?)
    }

    /// What units cost that are the parcel at a position: their shares, counted in the order of shipping, and the
    /// delivery unless an earlier parcel, which has not failed, has it. If none fails, all parcels together cost the
    /// total.
    pub(super) fn price_of_parcel(&self, at: usize, units: &[u32]) -> Result<Money, MoneyError> {
        let price = self.goods_in_parcel(at, units)?;
        let before = self.parcels.get(..at).unwrap_or(&self.parcels);
        let is_first = before.iter().all(|parcel| parcel.state.has_failed());
        if is_first { price.plus(self.delivery.total()?) } else { Ok(price) }
    }

    /// The same without the delivery.
    fn goods_in_parcel(&self, at: usize, units: &[u32]) -> Result<Money, MoneyError> {
        let before = self.parcels.get(..at).unwrap_or(&self.parcels);
        let mut price = Money::zero(self.commission.currency());
        for (index, (line, units)) in self.lines.iter().zip(units).enumerate() {
            let earlier = before.iter().filter_map(|parcel| parcel.units.get(index));
            let from = earlier.fold(0_u32, |sum, units| sum.saturating_add(*units));
            price = price.plus(line.shares.part(from..from.saturating_add(*units), line.quantity)?.total()?)?;
        }
        Ok(price)
    }
}
