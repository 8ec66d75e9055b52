//! What Stripe takes: amounts by currency, and types of payment methods.

use super::objects::Intent;
use super::refusal::Refusal;

/// Stripe's rules on amounts: <https://docs.stripe.com/currencies>.
pub(super) fn check_amount(amount: i64, currency: &str) -> Result<(), Refusal> {
    if currency.len() != 3 || !currency.bytes().all(|character| character.is_ascii_lowercase()) {
        let message = format!("Invalid currency: {currency}.");
        return Err(Refusal::invalid("parameter_invalid_string", "currency", message));
    }
    check_step(amount, currency)?;
    let (least, greatest) = bounds(currency);
    if amount < least {
        let message = format!("Amount must be at least {least} {currency}.");
        return Err(Refusal::invalid("amount_too_small", "amount", message));
    }
    if amount > greatest {
        let message = format!("Amount must be no more than {greatest} {currency}.");
        return Err(Refusal::invalid("amount_too_large", "amount", message));
    }
    Ok(())
}

/// Of three decimals the last is zero, and some currencies without decimals are sent as hundredths: charges and refunds
/// alike (<https://docs.stripe.com/currencies#three-decimal>, `#special-cases`).
pub(super) fn check_step(amount: i64, currency: &str) -> Result<(), Refusal> {
    let step = match currency {
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        "isk" | "ugx" => 100,
        _ => 1,
    };
    if amount % step == 0 {
        return Ok(());
    }
    let message = format!("Amounts in {currency} must be divisible by {step}.");
    Err(Refusal::invalid("parameter_invalid_integer", "amount", message))
}

/// Types of payment methods, with the currency that each takes; debits are decided after days
/// (<https://docs.stripe.com/payments/payment-methods/payment-method-support>).
const METHODS: [(&str, Option<&str>, bool); 4] = [
    ("card", None, false),
    ("sepa_debit", Some("eur"), true),
    ("us_bank_account", Some("usd"), true),
    ("bacs_debit", Some("gbp"), true),
];

/// Either the dashboard's choice or a list, of types that exist and take the currency
/// (<https://docs.stripe.com/api/payment_intents/create>).
pub(super) fn check_methods(types: &[String], automatic: bool, currency: &str) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::invalid("parameter_invalid", "payment_method_types", message));
    if automatic && !types.is_empty() {
        return refused("You may only specify one of: automatic_payment_methods, payment_method_types.".to_owned());
    }
    for given in types {
        let Some((_, takes, _)) = METHODS.iter().find(|(name, ..)| name == given) else {
            return refused(format!("The payment method type \"{given}\" is invalid."));
        };
        if takes.is_some_and(|takes| takes != currency) {
            return refused(format!("The payment method type \"{given}\" does not take the currency {currency}."));
        }
    }
    Ok(())
}

/// Whether an intent can be paid by a method that takes days.
pub(super) fn may_take_days(intent: &Intent) -> bool {
    intent.automatic_payment_methods.is_some() || takes_days(&intent.payment_method_types)
}

/// Whether one of these types of payment methods is decided after days.
pub(super) fn takes_days(types: &[String]) -> bool {
    let is_slow = |given: &String| METHODS.iter().any(|(name, _, slow)| name == given && *slow);
    types.iter().any(is_slow)
}

/// The least and the greatest charge, from the page's section "Minimum and maximum charge amounts", the greatest as for
/// ways of paying that are no cards. Not the shop's own table, so that a mistake there is not made twice. The least
/// ones of other currencies depend on the account.
fn bounds(currency: &str) -> (i64, i64) {
    let least = match currency {
        "gbp" => 30,
        "usd" | "ars" | "aud" | "brl" | "cad" | "chf" | "cop" | "eur" | "idr" | "ils" | "inr" | "jpy" | "krw"
        | "nzd" | "php" | "rub" | "sgd" | "zar" => 50,
        "bgn" => 100,
        "aed" | "myr" | "pln" | "ron" => 200,
        "dkk" => 250,
        "nok" | "sek" => 300,
        "hkd" => 400,
        "mxn" | "thb" => 1_000,
        "czk" => 1_500,
        "huf" => 17_500,
        _ => 1,
    };
    let greatest = match currency {
        "idr" => 999_999_999_999,
        "cop" => 9_999_999_999,
        "inr" => 999_999_999,
        _ => 99_999_999,
    };
    (least, greatest)
}
