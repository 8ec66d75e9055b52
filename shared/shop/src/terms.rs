//! What a buyer has agreed to, and whether a cart still comes to that.

use domain::pricing::{LineChangeCode, PricedCart};
use domain::{Code, FieldError, Money, Refusal};

/// Refuses lines that cannot be ordered, another currency, and a total above the one that the buyer has agreed to.
pub(crate) fn check_terms(expected: Money, priced: &PricedCart) -> Result<(), Refusal> {
    priced.check_orderable()?;
    let totals = priced.totals;
    if expected.currency() != totals.total.currency() {
        let detail = format!("the cart is in {}", totals.total.currency());
        return Err(Refusal::field("/expected_total/currency", "mismatch", detail));
    }
    // The total may be the same, but not what is bought for it.
    let changed = priced.lines().filter(|line| line.changes.iter().any(|one| one.code == LineChangeCode::UnitChanged));
    let changed: Vec<FieldError> = changed
        .map(|line| {
            let detail = "one unit is another measure than when it was put into the cart: put it again";
            FieldError::new(format!("/items/{}", line.variant), "unit_changed", detail)
        })
        .collect();
    if !changed.is_empty() {
        return Err(Refusal::fields(Code::PriceChanged, changed));
    }
    if totals.total.minor() > expected.minor() {
        let total_field =
            |name: &str, amount: Money| FieldError::new(format!("/totals/{name}"), "now", amount.decimal());
        let nothing = Money::zero(totals.total.currency());
        let fields = vec![
            total_field("total", totals.total),
            total_field("items", totals.items),
            total_field("shipping", totals.shipping.unwrap_or(nothing)),
            total_field("tax", totals.tax.unwrap_or(nothing)),
        ];
        return Err(Refusal::fields(Code::PriceChanged, fields));
    }
    Ok(())
}
