//! Shares: what a line, or a vendor's delivery, is made of. They are frozen when the order is placed; whatever comes
//! later takes exact parts of them.

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::money::{BasisPoints, MoneyError};
use crate::{Currency, Money};

/// Who pays for a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The vendor, whose commission is less for it.
    Vendor,
    /// The operator.
    Marketplace,
    /// Somebody that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A discount on a line or a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Discount {
    /// What it was given for.
    #[schema(examples("SPRING"))]
    pub promotion: String,
    /// Who pays for it.
    pub bearer: Bearer,
    /// How much the buyer pays less; not negative.
    pub amount: Money,
}

/// A tax on a line or a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxShare {
    /// Which tax.
    #[schema(examples("vat"))]
    pub code: String,
    /// Its rate.
    pub rate: BasisPoints,
    /// Whether the price contains it; else the buyer pays it on top.
    pub included: bool,
    pub amount: Money,
}

/// What a line, or a vendor's delivery, is made of. All amounts are in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The price of the goods, or of the delivery, without what is added or taken off below.
    pub goods: Money,
    pub discounts: Vec<Discount>,
    pub tax: Vec<TaxShare>,
    /// The operator's commission on it.
    pub commission: Money,
    /// The tax on that commission.
    pub commission_tax: Money,
}

/// [`Shares`] as they are stored, in minor units: an order has many of them, and each kilobyte of an item is paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredShares {
    goods: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<StoredDiscount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tax: Vec<StoredTax>,
    #[serde(default, skip_serializing_if = "is_zero")]
    commission: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    commission_tax: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredDiscount {
    promotion: String,
    bearer: Bearer,
    amount: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredTax {
    code: String,
    #[serde(default, skip_serializing_if = "is_no_rate")]
    rate: BasisPoints,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    included: bool,
    amount: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_no_rate(rate: &BasisPoints) -> bool {
    *rate == BasisPoints::ZERO
}

impl From<&Shares> for StoredShares {
    fn from(shares: &Shares) -> Self {
        let discount = |one: &Discount| StoredDiscount {
            promotion: one.promotion.clone(),
            bearer: one.bearer,
            amount: one.amount.minor(),
        };
        let tax = |one: &TaxShare| StoredTax {
            code: one.code.clone(),
            rate: one.rate,
            included: one.included,
            amount: one.amount.minor(),
        };
        Self {
            goods: shares.goods.minor(),
            discounts: shares.discounts.iter().map(discount).collect(),
            tax: shares.tax.iter().map(tax).collect(),
            commission: shares.commission.minor(),
            commission_tax: shares.commission_tax.minor(),
        }
    }
}

impl StoredShares {
    pub(crate) fn in_currency(self, currency: Currency) -> Shares {
        let money = |minor| Money::new(minor, currency);
        let discounts = self.discounts.into_iter().map(|one| Discount {
            promotion: one.promotion,
            bearer: one.bearer,
            amount: money(one.amount),
        });
        let tax = self.tax.into_iter().map(|one| TaxShare {
            code: one.code,
            rate: one.rate,
            included: one.included,
            amount: money(one.amount),
        });
        Shares {
            goods: money(self.goods),
            discounts: discounts.collect(),
            tax: tax.collect(),
            commission: money(self.commission),
            commission_tax: money(self.commission_tax),
        }
    }

    /// For a field of a stored type.
    pub(crate) fn serialize<S: Serializer>(shares: &Shares, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&Self::from(shares), serializer)
    }
}

impl Shares {
    /// Nothing at all.
    pub const fn zero(currency: Currency) -> Self {
        let nothing = Money::zero(currency);
        Self { goods: nothing, discounts: Vec::new(), tax: Vec::new(), commission: nothing, commission_tax: nothing }
    }

    /// A price without discount, with its tax on top and the operator's commission.
    ///
    /// # Errors
    /// An amount does not fit into 64 bits.
    pub fn of(price: Money, tax: BasisPoints, commission: BasisPoints) -> Result<Self, MoneyError> {
        let on_top = price.share(tax)?;
        let tax = (tax != BasisPoints::ZERO).then(|| TaxShare {
            code: TAX.to_owned(),
            rate: tax,
            included: false,
            amount: on_top,
        });
        Ok(Self {
            goods: price,
            discounts: Vec::new(),
            tax: tax.into_iter().collect(),
            commission: price.share(commission)?,
            commission_tax: Money::zero(price.currency()),
        })
    }

    /// What the buyer pays less.
    ///
    /// # Errors
    /// The sum does not fit into 64 bits.
    pub fn discount(&self) -> Result<Money, MoneyError> {
        Money::sum(self.goods.currency(), self.discounts.iter().map(|discount| discount.amount))
    }

    /// The tax that the buyer pays on top of the price.
    ///
    /// # Errors
    /// The sum does not fit into 64 bits.
    pub fn tax_on_top(&self) -> Result<Money, MoneyError> {
        let on_top = self.tax.iter().filter(|tax| !tax.included);
        Money::sum(self.goods.currency(), on_top.map(|tax| tax.amount))
    }

    /// What the buyer pays for it.
    ///
    /// # Errors
    /// The sum does not fit into 64 bits.
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.goods.minus(self.discount()?)?.plus(self.tax_on_top()?)
    }

    /// The part that belongs to the units from one to another, counted in the order in which they are taken: whatever
    /// steps a quantity is taken in, the parts add up to the whole, to the unit and in each component.
    ///
    /// # Errors
    /// There are not so many units.
    pub fn part(&self, units: std::ops::Range<u32>, of: u32) -> Result<Self, MoneyError> {
        if units.start > units.end || units.end > of {
            return Err(MoneyError::BadAmount);
        }
        let part = |amount: Money| amount.fraction(units.end, of)?.minus(amount.fraction(units.start, of)?);
        let discounts =
            self.discounts.iter().map(|whole| Ok(Discount { amount: part(whole.amount)?, ..whole.clone() }));
        let tax = self.tax.iter().map(|whole| Ok(TaxShare { amount: part(whole.amount)?, ..whole.clone() }));
        Ok(Self {
            goods: part(self.goods)?,
            discounts: discounts.collect::<Result<_, MoneyError>>()?,
            tax: tax.collect::<Result<_, MoneyError>>()?,
            commission: part(self.commission)?,
            commission_tax: part(self.commission_tax)?,
        })
    }

    /// Splits sums of an earlier release, which knew no shares, over prices: in proportion, to the unit.
    ///
    /// # Errors
    /// A price is negative, or an amount does not fit into 64 bits.
    pub fn derived(prices: &[Money], tax: Money, commission: Money) -> Result<Vec<Self>, MoneyError> {
        let weights: Result<Vec<u64>, _> = prices.iter().map(|price| u64::try_from(price.minor())).collect();
        let weights = weights.map_err(|_| MoneyError::BadAmount)?;
        let (taxes, commissions) = (tax.allocate(&weights)?, commission.allocate(&weights)?);
        let shares = prices.iter().zip(taxes).zip(commissions).map(|((price, tax), commission)| {
            // The rate was not kept, and is not needed: amounts are frozen.
            let tax = TaxShare { code: TAX.to_owned(), rate: BasisPoints::ZERO, included: false, amount: tax };
            Self {
                goods: *price,
                discounts: Vec::new(),
                tax: Some(tax).filter(|tax| !tax.amount.is_zero()).into_iter().collect(),
                commission,
                commission_tax: Money::zero(price.currency()),
            }
        });
        Ok(shares.collect())
    }
}

/// The one tax that the settings know so far.
const TAX: &str = "tax";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pricing::MAX_TOTAL;

    fn rate(basis_points: u32) -> BasisPoints {
        BasisPoints::try_from(basis_points).unwrap()
    }

    /// Shares in a currency of each exponent, with discounts and taxes of both kinds.
    fn any_shares() -> impl Strategy<Value = Shares> {
        let currency = prop_oneof![Just(Currency::JPY), Just(Currency::UZS), Just(Currency::KWD)];
        let amounts = prop::collection::vec(0..=MAX_TOTAL / 4, 6);
        (currency, amounts, any::<bool>()).prop_map(|(currency, amounts, included)| {
            let money = |at: usize| Money::new(amounts[at], currency);
            let discount =
                |promotion: &str, bearer, amount| Discount { promotion: promotion.to_owned(), bearer, amount };
            let tax =
                |code: &str, included, amount| TaxShare { code: code.to_owned(), rate: rate(1_200), included, amount };
            Shares {
                goods: money(0),
                discounts: vec![discount("A", Bearer::Vendor, money(1)), discount("B", Bearer::Marketplace, money(2))],
                tax: vec![tax("vat", included, money(3)), tax("city", false, money(4))],
                commission: money(5),
                commission_tax: money(1),
            }
        })
    }

    /// Every amount of it, in one order.
    fn amounts(shares: &Shares) -> Vec<i64> {
        let discounts = shares.discounts.iter().map(|discount| discount.amount);
        let taxes = shares.tax.iter().map(|tax| tax.amount);
        let all = [shares.goods, shares.commission, shares.commission_tax].into_iter().chain(discounts).chain(taxes);
        all.chain(shares.total().ok()).map(Money::minor).collect()
    }

    proptest! {
        #[test]
        fn any_series_of_parts_adds_up_to_the_whole_in_each_component(
            shares in any_shares(), of in 1..=10_000_u32, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<u32> = cuts.iter().map(|cut| u32::try_from(cut.index(of as usize + 1)).unwrap()).collect();
            cuts.push(of);
            cuts.sort_unstable();
            let mut sums = vec![0; amounts(&shares).len()];
            let mut from = 0;
            for to in cuts {
                let part = shares.part(from..to, of).unwrap();
                for (sum, amount) in sums.iter_mut().zip(amounts(&part)) {
                    *sum += amount;
                }
                from = to;
            }
            prop_assert_eq!(sums, amounts(&shares));
            prop_assert!(shares.part(0..of + 1, of).is_err());
        }

        #[test]
        fn what_is_stored_is_what_is_read(shares in any_shares()) {
            let text = serde_json::to_string(&StoredShares::from(&shares)).unwrap();
            let read: StoredShares = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.in_currency(shares.goods.currency()), shares);
        }

        #[test]
        fn derived_shares_add_up_to_the_sums_that_they_come_from(
            prices in prop::collection::vec(0..=1_000_000_000_i64, 1..12), tax in 0..=1_000_000_000_i64,
            commission in 0..=1_000_000_000_i64,
        ) {
            let money = |minor| Money::new(minor, Currency::UZS);
            let prices: Vec<Money> = prices.into_iter().map(money).collect();
            let shares = Shares::derived(&prices, money(tax), money(commission)).unwrap();
            let sum = |of: &dyn Fn(&Shares) -> Money| Money::sum(Currency::UZS, shares.iter().map(of)).unwrap();
            prop_assert_eq!(sum(&|shares| shares.tax_on_top().unwrap()), money(tax));
            prop_assert_eq!(sum(&|shares| shares.commission), money(commission));
            prop_assert_eq!(shares.iter().map(|shares| shares.goods).collect::<Vec<_>>(), prices);
        }
    }

    #[test]
    fn a_price_has_its_tax_on_top_and_its_commission() {
        let shares = Shares::of(Money::new(999, Currency::USD), rate(1_200), rate(1_000)).unwrap();
        // 119.88 and 99.9 cents, rounded once.
        assert_eq!((shares.tax_on_top().unwrap().minor(), shares.commission.minor()), (120, 100));
        assert_eq!(shares.total().unwrap().minor(), 1_119);
        let thirds: Vec<i64> =
            (0..3).map(|unit| shares.part(unit..unit + 1, 3).unwrap().total().unwrap().minor()).collect();
        assert_eq!(thirds, [373, 373, 373]);
        let free = Shares::of(Money::new(999, Currency::USD), BasisPoints::ZERO, BasisPoints::ZERO).unwrap();
        assert!(free.tax.is_empty() && free.total().unwrap().minor() == 999);
    }
}
