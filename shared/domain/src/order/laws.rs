//! What holds for every order, whatever is told of it and in whichever order.

mod disputes;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::address::Country;
use crate::code::{Code, Coded, Refusal};
use crate::dispute::{DisputeEvent, DisputeState};
use crate::mint::Mint;
use crate::payment::{PaymentState, RefundEvent, RefundState};
use crate::text::{Handle, Name};
use crate::{Currency, ProductId, RefundId};

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn mint(seed: u8) -> Mint {
    let mut count = 0_u8;
    Mint::new(NOW, move || {
        count = count.wrapping_add(1);
        let mut bits = [count; 16];
        bits[0] = seed;
        bits
    })
}

fn vendor(ordinal: u16) -> VendorId {
    VendorId::from_bits(u128::from(ordinal) + 100)
}

fn variant(ordinal: u16) -> VariantId {
    VariantId::new(ProductId::from_bits(4), ordinal)
}

/// Two parts of 25 USD each and two attempts at paying them.
fn order() -> OrderFile {
    let id = OrderId::from_bits(1);
    let totals = |parts: i64| Totals::of(usd(2_000 * parts), usd(0), Some(usd(500 * parts)), Some(usd(0))).unwrap();
    let line = |text: &str| Line::parse(text).unwrap();
    let part = |ordinal: u16| VendorOrder {
        order: id,
        ordinal,
        vendor: VendorCard {
            id: vendor(ordinal),
            handle: Handle::parse("chorsu-ceramics").unwrap(),
            name: Name::parse("Chorsu Ceramics").unwrap(),
        },
        state: VendorOrderState::Pending,
        lines: vec![OrderLine {
            variant: variant(ordinal),
            title: "Blue bowl".into(),
            sku: None,
            quantity: 2,
            unit_price: usd(1_000),
            total: usd(2_000),
            draws: vec![Draw { shard: 0, units: 2 }],
            back_order: None,
        }],
        shipping: ChosenShipping { option_id: "flat".into(), price: usd(500) },
        totals: totals(1),
        commission: usd(200),
        shipment: None,
        visible: false,
        placed_at: NOW,
        version: 1,
    };
    let payment = |number: u128| Payment {
        id: PaymentId::from_bits(number),
        order: id,
        provider: ProviderName::Stripe,
        amount: usd(5_000),
        state: PaymentState::Pending,
        reference: Some(format!("pi_{number}")),
        action: None,
        captured: None,
        failure: None,
        created_at: NOW,
        version: 1,
    };
    OrderFile {
        order: Order {
            id,
            state: OrderState::AwaitingPayment,
            cart: CartId::random([1; 16]),
            buyer: None,
            email: Email::parse("buyer@bozor.test").unwrap(),
            address: Address {
                name: Name::parse("Aziza").unwrap(),
                line1: line("12 Navoi Street"),
                line2: None,
                city: line("Tashkent"),
                region: None,
                postal_code: None,
                country: Country::parse("UZ").unwrap(),
                phone: None,
            },
            currency: Currency::USD,
            totals: totals(2),
            payment: PaymentId::from_bits(2),
            provider: ProviderName::Stripe,
            history: Vec::new(),
            placed_at: NOW,
            due_at: Some(NOW),
            version: 1,
        },
        vendors: vec![part(1), part(2)],
        payments: vec![payment(1), payment(2)],
        refunds: Vec::new(),
        disputes: Vec::new(),
        moves: Vec::new(),
        events: Vec::new(),
        reopens_cart: false,
    }
}

/// Something that a provider may tell.
#[derive(Clone, Debug)]
enum Told {
    Money(u128, MoneyNews),
    Refund(u128, &'static str, i64, RefundEvent),
    Dispute(&'static str, Option<DisputeEvent>),
}

fn tell(file: &mut OrderFile, told: &Told, late: Late, mint: &mut Mint) -> Settled {
    match told {
        Told::Money(payment, news) => file.settle(PaymentId::from_bits(*payment), news, late, mint).unwrap(),
        Told::Refund(payment, reference, amount, event) => {
            let news = RefundNews { reference: (*reference).into(), amount: Some(usd(*amount)), event: *event };
            file.refunded_by_provider(PaymentId::from_bits(*payment), news, mint).unwrap()
        }
        Told::Dispute(reference, decision) => {
            let news = DisputeNews {
                reference: (*reference).into(),
                amount: Some(usd(5_000)),
                reason: "fraudulent".into(),
                decision: *decision,
                at: NOW,
            };
            file.dispute_changed(PaymentId::from_bits(1), news, mint)
        }
    }
}

/// What must not depend on the order in which things are told. Which of two payments paid and which goes back may, and so
/// may the word for an attempt that brought nothing.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    state: OrderState,
    /// Whether each attempt is conflicted, and what it brought.
    payments: Vec<(bool, Option<i64>)>,
    refunded: i64,
    queued: i64,
    disputes: Vec<(String, DisputeState)>,
}

fn outcome(file: &OrderFile) -> Outcome {
    let money = |payment: &Payment| (payment.state == PaymentState::Conflicted, payment.captured.map(Money::minor));
    let sum = |concerned: &dyn Fn(&Refund) -> bool| {
        file.refunds.iter().filter(|refund| concerned(refund)).map(|refund| refund.amount.minor()).sum::<i64>()
    };
    let mut disputes: Vec<_> = file.disputes.iter().map(|dispute| (dispute.reference.clone(), dispute.state)).collect();
    disputes.sort();
    Outcome {
        state: file.order.state,
        payments: file.payments.iter().map(money).collect(),
        refunded: sum(&|refund| refund.has_arrived()),
        queued: sum(&|refund| refund.state == RefundState::Queued),
        disputes,
    }
}

fn told() -> impl Strategy<Value = Told> {
    let payment = 1..=2_u128;
    prop_oneof![
        payment.clone().prop_map(|id| Told::Money(id, MoneyNews::Pending)),
        payment.clone().prop_map(|id| Told::Money(id, MoneyNews::Authorized)),
        payment.clone().prop_map(|id| Told::Money(id, MoneyNews::Failed { reason: "declined".into() })),
        payment.clone().prop_map(|id| Told::Money(id, MoneyNews::Cancelled)),
        // A provider that took one amount does not tell of another: the first attempt brings what was asked for, and the
        // second another amount.
        Just(Told::Money(1, MoneyNews::Captured { amount: usd(5_000) })),
        Just(Told::Money(2, MoneyNews::Captured { amount: usd(4_999) })),
        Just(Told::Refund(1, "re_1", 700, RefundEvent::Asked)),
        Just(Told::Refund(1, "re_1", 700, RefundEvent::Succeeded)),
        Just(Told::Refund(1, "re_2", 300, RefundEvent::Succeeded)),
        Just(Told::Dispute("du_1", None)),
        Just(Told::Dispute("du_1", Some(DisputeEvent::Won))),
        Just(Told::Dispute("du_2", Some(DisputeEvent::Lost))),
    ]
}

proptest! {
    /// The same news in any order, some of it repeated, comes to the same.
    #[test]
    fn settlement_does_not_depend_on_the_order_of_the_news(
        (news, shuffled) in prop::collection::vec(told(), 1..10)
            .prop_flat_map(|news| (Just(news.clone()), Just(news).prop_shuffle())),
        is_over in any::<bool>(), late in prop_oneof![Just(Late::TakeStock), Just(Late::Refund)],
    ) {
        let mut start = order();
        if is_over {
            start.expire(&mut mint(0)).unwrap();
        }
        let run = |news: &[Told], seed: u8| {
            let (mut file, mut mint) = (start.clone(), mint(seed));
            for one in news {
                tell(&mut file, one, late, &mut mint);
            }
            file
        };
        let (mut once, mut other) = (outcome(&run(&news, 1)), outcome(&run(&shuffled, 2)));
        if is_over && late == Late::Refund {
            // All of it goes back, but for what was given back by hand before: that depends on which was known first.
            (once.queued, other.queued) = (0, 0);
        }
        prop_assert_eq!(once, other);
    }

    /// What was told once changes nothing when it is told again.
    #[test]
    fn settlement_is_idempotent(news in prop::collection::vec(told(), 1..10), is_over in any::<bool>()) {
        let (mut file, mut mint) = (order(), mint(1));
        if is_over {
            file.expire(&mut mint).unwrap();
        }
        for one in &news {
            tell(&mut file, one, Late::TakeStock, &mut mint);
            let before = file.clone();
            prop_assert_eq!(tell(&mut file, one, Late::TakeStock, &mut mint), Settled::Unchanged);
            prop_assert_eq!(&file, &before);
        }
        let before = file.clone();
        for one in news.iter().filter(|one| matches!(one, Told::Money(_, MoneyNews::Captured { .. }) | Told::Refund(..))) {
            tell(&mut file, one, Late::TakeStock, &mut mint);
        }
        prop_assert_eq!(file, before);
    }

    /// Two payments of one order: one pays, the other goes back, whichever comes first.
    #[test]
    fn of_two_payments_one_goes_back(second_first in any::<bool>(), is_over in any::<bool>()) {
        let (mut file, mut mint) = (order(), mint(1));
        if is_over {
            file.expire(&mut mint).unwrap();
        }
        let order = if second_first { [2, 1] } else { [1, 2] };
        for payment in order {
            tell(&mut file, &Told::Money(payment, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
        }
        prop_assert_eq!(file.order.state, OrderState::Paid);
        prop_assert_eq!(file.refunds.len(), 1);
        prop_assert_eq!((file.refunds[0].payment, file.refunds[0].amount), (PaymentId::from_bits(order[1]), usd(5_000)));
    }

    /// What is drawn anew covers each line exactly, whichever counters it comes from.
    #[test]
    fn stock_is_drawn_anew_exactly(first in 0_u32..=2, second in 0_u32..=2) {
        let mut file = order();
        file.vendors[0].lines[0].back_order = Some(BackOrder { units: 1, available_from: None, beyond: 5 });
        file.expire(&mut mint(1)).unwrap();
        let split = |units: u32| {
            let draws = [Draw { shard: 1, units }, Draw { shard: 2, units: 2 - units }];
            draws.into_iter().filter(|draw| draw.units > 0).collect::<Vec<_>>()
        };
        file.draw_anew(BTreeMap::from([(variant(1), split(first)), (variant(2), split(second))])).unwrap();
        for part in &file.vendors {
            prop_assert_eq!(part.lines[0].draws.iter().map(|draw| draw.units).sum::<u32>(), 2);
            // What is there now has not to come in first.
            prop_assert_eq!(part.lines[0].back_order, None);
        }
        let short = BTreeMap::from([(variant(1), split(first))]);
        prop_assert_eq!(file.draw_anew(short).unwrap_err().code(), Code::OutOfStock);
    }
}

#[test]
fn a_step_that_is_not_listed_is_refused_and_changes_nothing() {
    type Act = fn(&mut OrderFile, &mut Mint) -> Result<(), Refusal>;
    let acts: [(&str, Act); 8] = [
        ("accept", |file, mint| file.accept(vendor(1), mint)),
        ("refuse", |file, mint| file.refuse(vendor(1), mint)),
        ("ship", |file, mint| file.ship(vendor(1), None, None, mint)),
        ("deliver", |file, mint| file.deliver(vendor(1), mint)),
        ("cancel", |file, mint| file.cancel(Actor::Buyer, mint)),
        ("call off", |file, mint| file.call_off(mint)),
        ("expire", |file, mint| file.expire(mint)),
        ("accept amount", |file, mint| file.accept_amount(PaymentId::from_bits(1), mint)),
    ];
    let mut taken = String::new();
    for (name, act) in acts {
        for state in OrderState::ALL {
            let mut parts = Vec::new();
            for part in VendorOrderState::ALL {
                let mut file = order();
                file.order.state = state;
                file.vendors[0].state = part;
                let before = file.clone();
                match act(&mut file, &mut mint(1)) {
                    Ok(()) => parts.push(part.as_str()),
                    Err(refusal) => {
                        assert_eq!(refusal.code(), Code::WrongState, "{name} {state:?} {part:?}");
                        // The caller writes nothing of a file whose change was refused; its states are as they were.
                        let states = |file: &OrderFile| {
                            (file.order.state, file.vendors.iter().map(|part| part.state).collect::<Vec<_>>())
                        };
                        assert_eq!((states(&file), &file.payments), (states(&before), &before.payments));
                        assert_eq!((&file.moves, &file.refunds), (&before.moves, &before.refunds));
                    }
                }
            }
            if !parts.is_empty() {
                taken.push_str(&format!("{name}, {}: {}\n", state.as_str(), parts.join(" ")));
            }
        }
    }
    insta::assert_snapshot!(taken, @"
    accept, confirmed: pending
    accept, paid: pending
    refuse, confirmed: pending accepted
    refuse, paid: pending accepted
    ship, confirmed: accepted
    ship, paid: accepted
    deliver, confirmed: shipped
    deliver, paid: shipped
    cancel, awaiting_payment: pending accepted refused cancelled
    cancel, confirmed: pending accepted refused cancelled
    cancel, paid: pending accepted refused cancelled
    call off, awaiting_payment: pending accepted refused cancelled
    call off, confirmed: pending accepted refused cancelled shipped delivered returned completed
    call off, paid: pending accepted refused cancelled shipped delivered returned completed
    expire, awaiting_payment: pending accepted refused cancelled
    expire, confirmed: pending accepted refused cancelled
    ");
}

#[test]
fn a_refund_that_comes_back_leaves_its_state_and_is_said() {
    let (mut file, mut mint) = (order(), mint(1));
    tell(&mut file, &Told::Money(1, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
    file.refuse(vendor(1), &mut mint).unwrap();
    let refund: RefundId = file.refunds[0].id;
    assert_eq!(file.left_of(PaymentId::from_bits(1)), Some(usd(2_500)));
    file.refund_changed(refund, RefundEvent::Succeeded, Some("re_1".into()), &mint).unwrap();
    assert_eq!(file.payments[0].state, PaymentState::PartiallyRefunded);
    assert_eq!(file.refund_changed(refund, RefundEvent::Failed, None, &mint), Ok(Settled::Changed));
    assert_eq!(file.refund_changed(refund, RefundEvent::Failed, None, &mint), Ok(Settled::Unchanged));
    assert!(file.refunds[0].needs_a_hand() && !file.refunds[0].holds_money());
    assert_eq!(file.left_of(PaymentId::from_bits(1)), Some(usd(5_000)));
    let events: Vec<_> = file.events.iter().filter(|event| event.kind == EventKind::RefundFailed).collect();
    assert_eq!(events.len(), 1);
}

#[test]
fn what_failed_and_is_given_back_by_hand_does_not_go_back_by_itself_when_the_order_ends() {
    let (mut file, mut mint) = (order(), mint(1));
    tell(&mut file, &Told::Money(1, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
    file.refuse(vendor(1), &mut mint).unwrap();
    let refund = file.refunds[0].id;
    file.refund_changed(refund, RefundEvent::Failed, None, &mint).unwrap();
    file.refuse(vendor(2), &mut mint).unwrap();
    assert_eq!(file.order.state, OrderState::Cancelled);
    let amounts: Vec<_> = file.refunds.iter().map(|refund| (refund.state, refund.amount)).collect();
    assert_eq!(amounts, [(RefundState::Failed, usd(2_500)), (RefundState::Queued, usd(2_500))]);
}

#[test]
fn a_part_that_is_called_off_is_paid_back_out_of_the_money_that_paid_for_it() {
    let (mut file, mut mint) = (order(), mint(1));
    // Another amount came first and was given back at the provider; the second attempt paid.
    tell(&mut file, &Told::Money(1, MoneyNews::Captured { amount: usd(4_000) }), Late::TakeStock, &mut mint);
    tell(&mut file, &Told::Refund(1, "re_1", 4_000, RefundEvent::Succeeded), Late::TakeStock, &mut mint);
    assert_eq!(file.payments[0].state, PaymentState::Refunded);
    tell(&mut file, &Told::Money(2, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
    file.refuse(vendor(1), &mut mint).unwrap();
    let refund = file.refunds.last().unwrap();
    assert_eq!((refund.payment, refund.amount), (PaymentId::from_bits(2), usd(2_500)));
}
