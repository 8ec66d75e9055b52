//! The cases: which call fails, and how.

use std::fmt;

use cloud::faults::{Call, Fault, Kind};

use super::use_cases::UseCase;

/// The default of `BOZOR_FAULTS_SEED`: without it, each run tests the same sample.
const SEED: u64 = 20_261_121;
/// The default number of cases of each test.
const SAMPLE: usize = 3;

/// One call, and the fault that it meets.
#[derive(Clone, Debug)]
pub(super) struct Case {
    of: UseCase,
    /// The call, counted from 1 among those of its route.
    nth: u32,
    pub(super) call: Call,
    /// Whether the call before it in the same route has sent a message by mail.
    after_mail: bool,
    pub(super) kind: Kind,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { service, operation, route, .. } = &self.call;
        let route = route.as_deref().unwrap_or("provider");
        write!(f, "{:?}: {route} call {}: {service} {operation}: {:?}", self.of, self.nth, self.kind)
    }
}

impl Case {
    /// Every case of these calls.
    pub(super) fn all(of: UseCase, calls: &[Call]) -> Vec<Self> {
        let mut cases = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            let earlier: Vec<&Call> = calls[..at].iter().filter(|earlier| earlier.route == call.route).collect();
            let nth = u32::try_from(earlier.len()).expect("few calls") + 1;
            let after_mail = earlier.last().is_some_and(|earlier| earlier.service == "ses");
            if is_delivery(call) && nth > 1 {
                // How many messages a delivery holds depends on the time, and so whether there is another.
                continue;
            }
            let kinds = kinds(call).into_iter();
            cases.extend(kinds.map(|kind| Self { of, nth, call: call.clone(), after_mail, kind }));
        }
        cases
    }

    /// The fault to inject.
    pub(super) fn fault(&self) -> Fault {
        match &self.call.route {
            Some(_) => Fault { route: self.call.route.clone(), ..Fault::nth("*", "*", self.nth, self.kind) },
            None => Fault::nth(&self.call.service, &self.call.operation, self.nth, self.kind),
        }
    }

    /// Whether a message may be sent twice. SES has no idempotency key: a message is sent again when the response was
    /// lost, or when the sender crashed before it recorded that it was sent.
    pub(super) fn may_repeat_mail(&self) -> bool {
        match self.kind {
            Kind::After | Kind::CrashAfter => self.call.service == "ses",
            Kind::CrashBefore => self.after_mail,
            _ => false,
        }
    }
}

/// Whether it is no call, but messages that a queue brings to a function.
fn is_delivery(call: &Call) -> bool {
    call.route.as_deref().is_some_and(|route| route.starts_with("queue "))
}

/// The faults that a call can meet.
fn kinds(call: &Call) -> Vec<Kind> {
    if is_delivery(call) {
        return vec![Kind::Duplicate, Kind::Disorder];
    }
    let mut kinds = vec![Kind::Before, Kind::After, Kind::Throttle];
    if call.operation == "Webhook" {
        // The webhook is lost on its way, or the response on the way back.
        return vec![Kind::Before, Kind::After];
    }
    kinds.extend([Kind::CrashBefore, Kind::CrashAfter]);
    let writes = ["TransactWriteItems", "TransactGetItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];
    let provider_writes = call.service == "stripe" && !call.operation.starts_with("Retrieve");
    if provider_writes || (call.service == "dynamodb" && writes.contains(&call.operation.as_str())) {
        kinds.push(Kind::Conflict);
    }
    if call.may_be_stale {
        kinds.push(Kind::Stale);
    }
    kinds
}

/// The cases to run, and how they were chosen, in words for the output.
#[expect(clippy::disallowed_methods, reason = "the environment chooses the cases")]
pub(super) fn chosen(of: UseCase, all: &[Case]) -> (Vec<&Case>, String) {
    let asked = std::env::var("BOZOR_FAULTS").unwrap_or_default();
    let sample = match asked.as_str() {
        "all" => return (all.iter().collect(), "all".to_owned()),
        "" => SAMPLE,
        other => match other.parse() {
            Ok(sample) => sample,
            Err(_) => {
                let named = all.iter().filter(|case| case.to_string().contains(other)).collect();
                return (named, format!("named {other:?}"));
            }
        },
    };
    let seed = std::env::var("BOZOR_FAULTS_SEED").map_or(SEED, |seed| seed.parse().expect("a number as the seed"));
    // Each test has a random state of its own, so that its sample does not depend on which tests run.
    let mut state = format!("{of:?}").bytes().fold(seed, |state, byte| splitmix64(state ^ u64::from(byte)));
    let mut left: Vec<&Case> = all.iter().collect();
    let mut drawn = Vec::new();
    while drawn.len() < sample && !left.is_empty() {
        state = splitmix64(state);
        let at = usize::try_from(state % left.len() as u64).expect("an index");
        drawn.push(left.remove(at));
    }
    (drawn, format!("BOZOR_FAULTS_SEED={seed}"))
}

/// A step of splitmix64: enough to draw a sample.
const fn splitmix64(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
