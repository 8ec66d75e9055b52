//! The fault matrix: each use case of the marketplace, with each of its calls to AWS and the payment provider failing
//! in each way, and with clients that retry. The invariants must hold, and the result must be the one without a fault.
//!
//! Each test runs its use case once without a fault, to record the calls, and then once for each case: a fresh shop,
//! one fault. By default it runs a sample of the cases, chosen by a seed.
//!
//! | variable | value |
//! | --- | --- |
//! | `BOZOR_FAULTS` | `all`: every case; a number: so many of each test; other text: the cases whose name contains it |
//! | `BOZOR_FAULTS_SEED` | a number: the seed of another sample |

mod cases;
mod deadlines;
mod finishing;
mod scenario;
mod steps;
mod use_cases;

use self::cases::{Case, chosen};
use self::deadlines::Deadline;
use self::scenario::Scenario;
use self::use_cases::UseCase;

/// Declares a test for each use case.
macro_rules! matrix {
    ($($name:ident: $of:ident $(($deadline:ident))?),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            check_use_case(UseCase::$of $((Deadline::$deadline))?).await;
        }
    )*};
}

matrix! {
    checkout_by_card: CheckOut,
    checkout_on_delivery: CheckOutOnDelivery,
    checkout_with_nothing_to_pay: CheckOutForNothing,
    checkout_on_a_hosted_page: CheckOutOnPage,
    confirming_an_order_on_delivery: Confirm,
    expiring_an_order_that_nobody_confirms: ExpireUnconfirmed,
    retrying_a_payment: RetryPayment,
    settling_a_payment: Settle,
    settling_a_payment_on_a_hosted_page: SettlePage,
    settling_a_declined_card: SettleDeclined,
    settling_a_late_payment: SettleLate,
    settling_a_late_payment_without_stock: SettleLateWithoutStock,
    settling_a_duplicate_payment: SettleTwice,
    settling_an_amount_mismatch: SettleWrongAmount,
    settling_on_the_buyers_return: SettleOnReturn,
    reconciling_with_the_provider: Reconcile,
    reconciling_a_hosted_page_with_the_provider: ReconcilePage,
    recording_money_of_no_order: RecordUnmatched,
    matching_money_with_its_order: MatchUnmatched,
    leaving_unmatched_money_to_the_operator: OpenUnmatched,
    resolving_unmatched_money: ResolveUnmatched,
    opening_a_dispute: DisputeOpened,
    deciding_a_dispute: DisputeDecided,
    opening_a_dispute_of_goods_under_way: DisputeOpenedUnderWay,
    losing_a_dispute_of_goods_under_way: DisputeLostUnderWay,
    cancelling_as_a_guest: Cancel,
    cancelling_a_paid_order: CancelPaid,
    cancelling_as_a_buyer: CancelAsBuyer,
    accepting: Accept,
    declining: Decline,
    shipping: Ship,
    shipping_a_part: ShipPart,
    delivering: Deliver,
    giving_up_a_parcel: LoseParcel,
    taking_a_parcel_back: TakeParcelBack,
    declining_the_rest: DeclineRest,
    expiring: Expire,
    expiring_an_order_paid_without_a_webhook: ExpirePaid,
    expiring_an_order_with_a_hosted_page: ExpirePage,
    refunding: Refund,
    giving_money_back: GrantRefund,
    trying_a_refund_again: RetryRefund,
    resolving_a_refund: ResolveRefund,
    asking_for_a_return: RequestReturn,
    receiving_a_return: ReceiveReturn,
    missing_the_deadline_to_accept: Lapse(Acceptance),
    missing_the_deadline_to_ship: Lapse(Shipping),
    taking_a_parcel_for_delivered: Lapse(Transit),
    completing: Lapse(ReturnWindow),
    approving_a_return_that_nobody_answers: Lapse(ReturnAnswer),
    ending_a_return_whose_goods_do_not_come: Lapse(ReturnSending),
    refunding_what_was_given_back_in_part_elsewhere: RefundMadeElsewhere,
    checkout_whose_payment_fails_at_stripe: CheckOutBroken,
    retrying_a_payment_that_fails_at_stripe: RetryBroken,
    closing_an_attempt_after_another_has_paid: CloseUnpaid,
    settling_a_payment_that_a_bank_works_on: SettleProcessing,
    settling_a_slow_payment: SettleSlow,
    expiring_while_a_bank_decides: ExpireProcessing,
    delivering_an_event: DeliverEvent,
    setting_the_stock: SetStock,
    adjusting_the_stock: AdjustStock,
    importing: Import,
}

/// Writes to stderr past the test runner, which captures what `println!` and `eprintln!` write in a test that passes.
pub(crate) fn print_uncaptured(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{what}");
}

async fn check_use_case(of: UseCase) {
    let baseline =
        Scenario::run(of, None).await.unwrap_or_else(|violations| panic!("{of:?} without any fault: {violations:#?}"));
    let all = Case::all(of, &baseline.calls);
    let (chosen, how) = chosen(of, &all);
    print_uncaptured(&format!(
        "faults: {of:?}: {} calls, {} cases; {} run ({how})",
        baseline.calls.len(),
        all.len(),
        chosen.len()
    ));
    let mut failed = Vec::new();
    for case in chosen {
        if let Err(violations) = Scenario::run(of, Some((case, &baseline))).await {
            print_uncaptured(&format!("faults: FAILED {case}\n{violations:#?}"));
            failed.push(case.to_string());
        }
    }
    assert!(failed.is_empty(), "{} cases failed ({how}):\n{}", failed.len(), failed.join("\n"));
}
