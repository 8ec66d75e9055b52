//! What the operator and a vendor settle: the amounts of a vendor order, and the entries that add up to them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::money::MoneyError;
use crate::vendor::VendorCard;
use crate::{Currency, Money, OrderId, Period, SettlementId, Timestamp, VendorId};

/// Names each amount once: on the wire, in storage, and in files.
macro_rules! amounts {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// The amounts of a vendor order that the operator and its vendor settle, in one currency: as the order stands,
        /// or in an entry what one change has added to them.
        ///
        /// Always: `total` = `goods` + `delivery` - `vendor_discounts` - `marketplace_discounts` + `tax` = `paid` -
        /// `refunded` - `charged_back`, and `due` + `pending` + `held` = `goods` + `delivery` - `vendor_discounts` -
        /// `commission` - `commission_tax` - `cash_collected`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        pub struct Amounts {
            $($(#[doc = $doc])+ pub $name: Money,)+
        }

        impl Amounts {
            /// The name of each amount, in their order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];

            pub const fn zero(currency: Currency) -> Self {
                Self { $($name: Money::zero(currency)),+ }
            }

            /// Each amount, in the order of [`Self::NAMES`].
            pub fn each(&self) -> impl Iterator<Item = Money> {
                [$(self.$name),+].into_iter()
            }

            /// # Errors
            /// Another currency, or a sum that does not fit into 64 bits.
            pub fn plus(&self, other: &Self) -> Result<Self, MoneyError> {
                Ok(Self { $($name: self.$name.plus(other.$name)?),+ })
            }

            /// # Errors
            /// Another currency, or a difference that does not fit into 64 bits.
            pub fn minus(&self, other: &Self) -> Result<Self, MoneyError> {
                Ok(Self { $($name: self.$name.minus(other.$name)?),+ })
            }
        }

        /// [`Amounts`] as they are stored, in minor units: most of them are zero.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) struct StoredAmounts {
            $(#[serde(default, skip_serializing_if = "is_zero")] $name: i64,)+
        }

        impl From<&Amounts> for StoredAmounts {
            fn from(amounts: &Amounts) -> Self {
                Self { $($name: amounts.$name.minor()),+ }
            }
        }

        impl StoredAmounts {
            pub(crate) fn in_currency(&self, currency: Currency) -> Amounts {
                Amounts { $($name: Money::new(self.$name, currency)),+ }
            }
        }
    };
}

amounts! {
    /// The prices of its goods. What was refunded or charged back is no longer in them.
    goods;
    /// The price of its delivery.
    delivery;
    /// Discounts on both that the vendor pays for.
    vendor_discounts;
    /// Discounts on both that the operator pays for.
    marketplace_discounts;
    /// The tax that the buyer pays on top of the prices. The operator hands it on.
    tax;
    /// What the buyer pays for it in the end.
    total;
    /// The operator's commission.
    commission;
    /// The tax on that commission.
    commission_tax;
    /// What has come in for it from the buyer.
    paid;
    /// What the buyer got back of it, or is to get: whoever refunded it.
    refunded;
    /// What the buyer's bank has charged back.
    charged_back;
    /// What was collected in cash when it was delivered: the vendor has it already.
    cash_collected;
    /// Of what the vendor gets for it: what waits until a bank has decided about a dispute.
    held;
    /// Of what the vendor gets for it: what waits until it is delivered.
    pending;
    /// Of what the vendor gets for it: what is to be paid to them, or by them where it is negative.
    due;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

impl Amounts {
    pub const fn currency(&self) -> Currency {
        self.goods.currency()
    }

    pub fn is_nothing(&self) -> bool {
        self.each().all(Money::is_zero)
    }

    /// What the vendor gets for it, besides the cash that they have.
    ///
    /// # Errors
    /// A sum does not fit into 64 bits.
    pub fn for_vendor(&self) -> Result<Money, MoneyError> {
        let earned = self.goods.plus(self.delivery)?.minus(self.vendor_discounts)?;
        earned.minus(self.commission)?.minus(self.commission_tax)?.minus(self.cash_collected)
    }

    /// What the buyer pays for its goods and its delivery.
    pub(crate) fn price(&self) -> Result<Money, MoneyError> {
        let full = self.goods.plus(self.delivery)?.plus(self.tax)?;
        full.minus(self.vendor_discounts)?.minus(self.marketplace_discounts)
    }
}

impl StoredAmounts {
    /// For a field of a stored type.
    pub(crate) fn serialize<S: Serializer>(amounts: &Amounts, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&Self::from(amounts), serializer)
    }
}

/// What one change of an order has added to the amounts of one of its vendor orders. It is written with that change and
/// never changed, so what was settled for a time stays what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEntry")]
pub struct SettlementEntry {
    /// Begins with the time of the change.
    pub id: SettlementId,
    pub order: OrderId,
    /// The vendor order's position within it.
    pub ordinal: u16,
    /// The vendor, as they were named when the order was placed.
    pub vendor: VendorCard,
    /// When the order was changed.
    pub at: Timestamp,
    pub currency: Currency,
    #[serde(serialize_with = "StoredAmounts::serialize")]
    pub amounts: Amounts,
}

#[derive(Deserialize)]
struct StoredEntry {
    id: SettlementId,
    order: OrderId,
    ordinal: u16,
    vendor: VendorCard,
    at: Timestamp,
    currency: Currency,
    amounts: StoredAmounts,
}

impl From<StoredEntry> for SettlementEntry {
    fn from(stored: StoredEntry) -> Self {
        let StoredEntry { id, order, ordinal, vendor, at, currency, amounts } = stored;
        Self { id, order, ordinal, vendor, at, currency, amounts: amounts.in_currency(currency) }
    }
}

/// How long after the end of a time entries may still come into it: a change has the time at which it began, and no
/// function runs longer.
const FINAL_AFTER: Duration = Duration::from_secs(15 * 60);

/// The sums of a vendor's entries in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementTotal {
    pub vendor: VendorCard,
    pub amounts: Amounts,
}

/// Whether no entry can come into this time any more.
pub fn is_final(period: Period, now: Timestamp) -> bool {
    period.before.is_some_and(|before| before + FINAL_AFTER <= now)
}

/// The sums of entries for each vendor and currency, by the vendors' ids.
///
/// # Errors
/// A sum does not fit into 64 bits.
pub fn totals(entries: &[SettlementEntry]) -> Result<Vec<SettlementTotal>, MoneyError> {
    let mut totals: BTreeMap<(VendorId, Currency), SettlementTotal> = BTreeMap::new();
    for entry in entries {
        // The newest entry has the name that the vendor has now, or had last.
        let total = totals.entry((entry.vendor.id, entry.currency)).or_insert_with(|| SettlementTotal {
            vendor: entry.vendor.clone(),
            amounts: Amounts::zero(entry.currency),
        });
        total.amounts = total.amounts.plus(&entry.amounts)?;
    }
    Ok(totals.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{NOW, usd, vendor_card};

    #[test]
    fn an_entry_is_read_as_it_was_written_and_has_no_zeros() {
        let amounts = Amounts { goods: usd(-1_250), refunded: usd(1_250), ..Amounts::zero(Currency::USD) };
        let entry = SettlementEntry {
            id: SettlementId::new(NOW, [7; 10]),
            order: OrderId::from_bits(1),
            ordinal: 2,
            vendor: vendor_card(VendorId::from_bits(3), "Chorsu"),
            at: NOW,
            currency: Currency::USD,
            amounts,
        };
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.contains(r#""amounts":{"goods":-1250,"refunded":1250}"#), "{text}");
        assert_eq!(serde_json::from_str::<SettlementEntry>(&text).unwrap(), entry);
    }

    #[test]
    fn amounts_add_up_and_their_names_are_in_their_order() {
        let one = Amounts { goods: usd(1), due: usd(2), ..Amounts::zero(Currency::USD) };
        let sum = one.plus(&one).unwrap();
        assert_eq!((sum.goods, sum.due, sum.tax), (usd(2), usd(4), usd(0)));
        assert!(sum.minus(&one).unwrap().minus(&one).unwrap().is_nothing());
        let named: Vec<_> = Amounts::NAMES.iter().zip(one.each()).filter(|(_, amount)| !amount.is_zero()).collect();
        assert_eq!(named, [(&"goods", usd(1)), (&"due", usd(2))]);
    }

    fn entry(number: u8, vendor: u128, name: &str, minor: Money) -> SettlementEntry {
        SettlementEntry {
            id: SettlementId::new(NOW, [number; 10]),
            order: OrderId::from_bits(1),
            ordinal: 1,
            vendor: vendor_card(VendorId::from_bits(vendor), name),
            at: NOW,
            currency: minor.currency(),
            amounts: Amounts { goods: minor, due: minor, ..Amounts::zero(minor.currency()) },
        }
    }

    #[test]
    fn sums_are_per_vendor_and_currency() {
        let entries = [
            entry(1, 1, "Chorsu", usd(1_250)),
            entry(2, 2, "Registan", usd(100)),
            entry(3, 1, "Chorsu", Money::new(7, Currency::UZS)),
            entry(4, 1, "Chorsu", usd(-250)),
        ];
        let found = totals(&entries).unwrap();
        let shown: Vec<_> = found.iter().map(|one| (one.vendor.name.as_str(), one.amounts.due.to_string())).collect();
        assert_eq!(
            shown,
            [
                ("Chorsu", "10.00 USD".to_owned()),
                ("Chorsu", "0.07 UZS".to_owned()),
                ("Registan", "1.00 USD".to_owned()),
            ]
        );
        assert_eq!(found[0].amounts.goods, usd(1_000));
    }

    #[test]
    fn a_time_is_final_a_quarter_of_an_hour_after_its_end() {
        let ended = Period { from: None, before: Some(NOW) };
        assert!(!is_final(ended, NOW) && is_final(ended, NOW + FINAL_AFTER));
        assert!(!is_final(Period::default(), NOW));
    }
}
