//! Prices of a variant as vendors write them.

use domain::catalog::Price;
use domain::{Money, Refusal};

use super::WriteVariant;

/// `price` and `prices` together, one per currency, each with its former price.
pub(super) fn prices(written: &WriteVariant, at: impl Fn(&str) -> String) -> Result<Vec<Price>, Refusal> {
    // The list, then the single amount, each with the JSON pointer to where it was written.
    let placed = |list: &[Money], several: &str, one: Option<Money>, single: &str| {
        let listed = list.iter().enumerate().map(|(index, amount)| (at(&format!("{several}/{index}")), *amount));
        let all: Vec<(String, Money)> = listed.chain(one.map(|amount| (at(single), amount))).collect();
        match all.iter().find(|(_, amount)| !amount.is_price()) {
            Some((pointer, _)) => Err(Refusal::field(pointer, "out_of_range", "must be zero or more, within bounds")),
            None => Ok(all),
        }
    };
    let mut prices: Vec<Price> = Vec::new();
    for (pointer, price) in placed(&written.prices, "prices", written.price, "price")? {
        match prices.iter().find(|known| known.price.currency() == price.currency()) {
            // The same amount both in `prices` and in `price` is accepted.
            Some(known) if known.price == price => {}
            Some(_) => return Err(Refusal::field(pointer, "duplicate", "two prices in one currency")),
            None => prices.push(Price { price, compare_at: None }),
        }
    }
    if prices.is_empty() {
        return Err(Refusal::field(at("prices"), "missing", "must have a price"));
    }
    let compared =
        placed(&written.compare_at_prices, "compare_at_prices", written.compare_at_price, "compare_at_price")?;
    for (pointer, compared) in compared {
        if compared.is_zero() {
            return Err(Refusal::field(pointer, "out_of_range", "must be above zero, or be left out"));
        }
        let Some(known) = prices.iter_mut().find(|known| known.price.currency() == compared.currency()) else {
            let detail = format!("there is no price in {} to compare", compared.currency());
            return Err(Refusal::field(pointer, "missing", detail));
        };
        known.compare_at = Some(compared);
    }
    Ok(prices)
}
