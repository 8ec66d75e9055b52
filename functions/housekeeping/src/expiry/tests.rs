use domain::examples::{after, ids};
use domain::order::{OrderState, VendorOrderState};
use domain::payment::ProviderName;
use payments::{NewsKind, PaymentNews};

use super::*;
use crate::fixture::{VENDOR, order};

#[test]
fn every_attempt_that_may_still_be_paid_is_cancelled() {
    let payment = order(ProviderName::Stripe).payments[0].clone();
    let in_state = |state, reference: Option<&str>| {
        may_be_paid(&Payment { state, reference: reference.map(str::to_owned), ..payment.clone() })
    };
    for state in [PaymentState::Created, PaymentState::Pending, PaymentState::Authorized] {
        assert!(in_state(state, None) && in_state(state, Some("pi_1")), "{state:?}");
    }
    assert!(in_state(PaymentState::Failed, Some("pi_1")), "another card may still be tried");
    assert!(!in_state(PaymentState::Failed, None), "the provider never took it");
    for state in [PaymentState::Captured, PaymentState::Cancelled, PaymentState::AmountMismatch, PaymentState::Refunded]
    {
        assert!(!in_state(state, Some("pi_1")), "{state:?}");
    }
}

#[test]
fn an_order_with_a_parcel_under_way_keeps_what_it_holds() {
    let mut placed = order(ProviderName::CashOnDelivery);
    assert!(!is_under_way(&placed));
    placed.accept(VENDOR, &mut ids(after(60))).unwrap();
    assert!(!is_under_way(&placed));
    placed.ship(VENDOR, None, None, &mut ids(after(120))).unwrap();
    assert!(is_under_way(&placed));
    assert!(placed.waive_deadline(&ids(after(899))).is_err(), "the deadline has not passed");
    placed.waive_deadline(&ids(after(900))).unwrap();
    assert_eq!((placed.order.due_at, placed.order.state), (None, OrderState::Confirmed));
    assert_eq!(placed.vendors[0].state, VendorOrderState::Shipped);
}

#[test]
fn news_is_of_the_payment_that_was_asked_about() {
    let payment = order(ProviderName::Stripe).payments[0].clone();
    let news = ProviderNews {
        provider: ProviderName::Stripe,
        reference: "pi_1".into(),
        order_id: None,
        payment_id: None,
        event_id: None,
        occurred_at: None,
        kind: NewsKind::Payment(PaymentNews::Pending),
    };
    let named = with_ids_of(news, &payment);
    assert_eq!((named.order_id, named.payment_id), (Some(payment.order), Some(payment.id)));
}
