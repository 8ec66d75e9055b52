//! The fault matrix: each thing that the shop does, with each call that it makes to the outside gone wrong in each way, and
//! with clients who ask again as real ones do. Whatever happens, the books are right in the end.
//!
//! Each test first does its thing once with nothing going wrong, to record the calls, and then once for each case: a fresh
//! shop, one fault. By default a sample of the cases runs; which ones, a seed says.
//!
//! | variable | |
//! | --- | --- |
//! | `BOZOR_FAULTS=all` | every case; a number: so many of each test; a text: the cases whose name has it |
//! | `BOZOR_FAULTS_SEED=7` | another sample |

mod cases;
mod scene;
mod uses;

use self::cases::{Case, chosen};
use self::scene::Scene;
use self::uses::Use;

/// A test for each thing that the shop does.
macro_rules! matrix {
    ($($name:ident: $of:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            holds(Use::$of).await;
        }
    )*};
}

matrix! {
    checkout_by_card: CheckOut,
    checkout_on_delivery: CheckOutOnDelivery,
    paying_again: PayAgain,
    settling_a_payment: Settle,
    settling_a_declined_card: SettleDeclined,
    settling_late_money: SettleLate,
    settling_late_money_without_stock: SettleLateWithoutStock,
    settling_money_that_came_twice: SettleTwice,
    settling_another_amount: SettleWrongAmount,
    settling_on_the_buyers_return: SettleOnReturn,
    asking_the_provider: Reconcile,
    hearing_of_a_dispute: HearOfDispute,
    hearing_of_the_banks_decision: HearOfDecision,
    cancelling_as_a_guest: Cancel,
    cancelling_a_paid_order: CancelPaid,
    cancelling_as_a_member: CancelMine,
    accepting: Accept,
    refusing: Refuse,
    shipping: Ship,
    delivering: Deliver,
    expiring: Expire,
    expiring_what_was_paid_unheard: ExpirePaid,
    refunding: Refund,
    telling_of_an_event: Tell,
    setting_the_stock: SetStock,
    adjusting_the_stock: AdjustStock,
    importing: Import,
}

/// Says something that is seen whether a test fails or not: the test runner keeps what is merely printed to itself.
pub(crate) fn say(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{what}");
}

async fn holds(of: Use) {
    let calm = Scene::run(of, None).await.unwrap_or_else(|broken| panic!("{of:?} without any fault: {broken:#?}"));
    let all = Case::all(of, &calm.calls);
    let (chosen, how) = chosen(of, &all);
    say(&format!("faults: {of:?}: {} calls, {} cases; {} run ({how})", calm.calls.len(), all.len(), chosen.len()));
    let mut failed = Vec::new();
    for case in chosen {
        if let Err(broken) = Scene::run(of, Some((case, &calm))).await {
            say(&format!("faults: FAILED {case}\n{broken:#?}"));
            failed.push(case.to_string());
        }
    }
    assert!(failed.is_empty(), "{} cases failed ({how}):\n{}", failed.len(), failed.join("\n"));
}
