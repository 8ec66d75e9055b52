//! Payment attempts that are in the way of another one: given up before anybody could pay them, or not decided.

use domain::opening::Opening;
use domain::order::PlacedOrder;
use domain::{Code, PaymentId, Refusal, Timestamp};

/// Another attempt in the place of one whose provider answers a failure to every repeat: another key succeeds at once
/// where this one would fail for a day.
pub(crate) fn replaced(
    order: &mut PlacedOrder,
    attempt: PaymentId,
    opening: Option<&Opening>,
    now: Timestamp,
) -> Option<PaymentId> {
    match opening {
        Some(Opening::GivenUp { .. }) => order.replace_given_up(attempt, &mut platform::ids(now)),
        _ => None,
    }
}

/// The refusal of what would need a payment to stop that a bank decides about.
pub(crate) fn undecided(until: Option<Timestamp>) -> Refusal {
    let detail = match until {
        Some(until) => {
            format!(
                "the buyer's bank is still deciding on the payment, until {until} at the latest; nobody can stop it"
            )
        }
        None => "the provider is still working on the payment, and cannot stop it; try again in a moment".to_owned(),
    };
    Refusal::because(Code::WrongState, detail)
}
