//! The actions that a history is made of.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

/// One step of a history. Orders and webhooks are indices, taken modulo the number of those that exist.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A new guest checks out these lines: product and units.
    Order { lines: Vec<(usize, u32)>, card: bool },
    /// Something happens at the provider.
    Provider { order: usize, event: ProviderEvent },
    /// The buyer retries the payment.
    RetryPayment { order: usize },
    /// The buyer cancels the order.
    Cancel { order: usize },
    /// A vendor acts on its vendor order.
    Step { order: usize, vendor: usize, step: Step },
    /// A vendor sets the units on hand.
    SetStock { product: usize, units: i64 },
    /// A vendor adds or removes units.
    AdjustStock { product: usize, by: i64 },
    /// The provider's webhooks are held back, or released.
    Hold { hold: bool },
    /// One of the provider's webhooks is delivered, for the first time or again.
    DeliverWebhook { event: usize },
    /// The operator gives money back, in cents.
    Grant { order: usize, cents: u32 },
    /// Time passes, and housekeeping runs.
    Wait { minutes: u64 },
    /// Days pass, and housekeeping runs.
    Days { days: u32 },
}

/// What happens at the provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProviderEvent {
    Succeeds,
    SucceedsTwice,
    Fails,
    IsDisputed,
    IsWon,
    IsLost,
}

/// What a vendor does with a vendor order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Accept,
    Decline,
    /// Ships all that is left.
    Ship,
    /// Ships one unit of the first product that is left.
    ShipOne,
    Deliver,
    /// Gives up the first parcel that is on its way.
    Lose,
    /// Takes the first parcel that is on its way back into stock.
    TakeBack,
    /// The buyer wants to give one unit of the first product back that can be given back.
    Ask,
    /// Approves the first return that was asked for.
    Approve,
    /// Declines it.
    Refuse,
    /// Receives the first return that was approved, into stock.
    Receive,
}

impl ProviderEvent {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Succeeds => "succeed",
            Self::SucceedsTwice => "succeed_twice",
            Self::Fails => "fail",
            Self::IsDisputed => "dispute",
            Self::IsWon => "win_dispute",
            Self::IsLost => "lose_dispute",
        }
    }

    pub(super) const fn pays(self) -> bool {
        matches!(self, Self::Succeeds | Self::SucceedsTwice)
    }
}

/// Histories of at most this many steps. Actions that make others possible have a higher weight.
pub(super) fn history(steps: usize) -> impl Strategy<Value = Vec<Action>> {
    let order = || 0..8_usize;
    let event = prop_oneof![
        8 => Just(ProviderEvent::Succeeds),
        2 => Just(ProviderEvent::SucceedsTwice),
        4 => Just(ProviderEvent::Fails),
        3 => Just(ProviderEvent::IsDisputed),
        1 => Just(ProviderEvent::IsWon),
        1 => Just(ProviderEvent::IsLost),
    ];
    let step = prop_oneof![
        4 => Just(Step::Accept),
        1 => Just(Step::Decline),
        2 => Just(Step::Ship),
        3 => Just(Step::ShipOne),
        2 => Just(Step::Deliver),
        1 => Just(Step::Lose),
        1 => Just(Step::TakeBack),
        3 => Just(Step::Ask),
        2 => Just(Step::Approve),
        1 => Just(Step::Refuse),
        2 => Just(Step::Receive),
    ];
    let lines = prop::collection::vec((0..3_usize, 1..4_u32), 1..4);
    let action = prop_oneof![
        6 => (lines, prop::bool::weighted(0.75)).prop_map(|(lines, card)| Action::Order { lines, card }),
        5 => (order(), event).prop_map(|(order, event)| Action::Provider { order, event }),
        2 => order().prop_map(|order| Action::RetryPayment { order }),
        2 => order().prop_map(|order| Action::Cancel { order }),
        12 => (order(), 0..2_usize, step).prop_map(|(order, vendor, step)| Action::Step { order, vendor, step }),
        1 => (0..3_usize, 0..9_i64).prop_map(|(product, units)| Action::SetStock { product, units }),
        2 => (0..3_usize, -3..5_i64).prop_map(|(product, by)| Action::AdjustStock { product, by }),
        2 => any::<bool>().prop_map(|hold| Action::Hold { hold }),
        2 => (0..30_usize).prop_map(|event| Action::DeliverWebhook { event }),
        1 => (order(), 1..2_000_u32).prop_map(|(order, cents)| Action::Grant { order, cents }),
        2 => prop_oneof![Just(1_u64), Just(6), Just(16)].prop_map(|minutes| Action::Wait { minutes }),
        1 => prop_oneof![2 => Just(1_u32), 2 => Just(3), 1 => Just(8), 1 => Just(15)]
            .prop_map(|days| Action::Days { days }),
    ];
    prop::collection::vec(action, 1..=steps)
}
