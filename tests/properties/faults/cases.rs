//! The cases: which call goes wrong, and how.

use std::fmt;

use local::faults::{Call, Fault, Kind};

use super::use_cases::UseCase;

/// The sample is always the same unless another is asked for.
const SEED: u64 = 20_261_121;
/// How many cases of each test a sample has.
const SAMPLE: usize = 3;

/// One call and what happens to it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    of: UseCase,
    /// The call, counted from 1 among those of its route.
    nth: u32,
    pub(super) call: Call,
    /// Whether the call before it in the same route has sent a letter.
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
            let kinds = kinds(call).into_iter();
            cases.extend(kinds.map(|kind| Self { of, nth, call: call.clone(), after_mail, kind }));
        }
        cases
    }

    /// The fault as it is ordered.
    pub(super) fn fault(&self) -> Fault {
        match &self.call.route {
            Some(_) => Fault { route: self.call.route.clone(), ..Fault::nth("*", "*", self.nth, self.kind) },
            None => Fault::nth(&self.call.service, &self.call.operation, self.nth, self.kind),
        }
    }

    /// Whether somebody may be written to twice. Mail has no key that makes a repeat harmless: it is sent again when nobody
    /// knows whether it was sent, or when whoever sent it could not write that down.
    pub(super) fn may_repeat_mail(&self) -> bool {
        match self.kind {
            Kind::After | Kind::CrashAfter => self.call.service == "ses",
            Kind::CrashBefore => self.after_mail,
            _ => false,
        }
    }
}

/// What can happen to a call.
fn kinds(call: &Call) -> Vec<Kind> {
    let mut kinds = vec![Kind::Before, Kind::After, Kind::Throttle];
    if call.operation == "Webhook" {
        // The provider loses it on the way there, or the answer on the way back.
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

/// The cases that are to be run, and in words how they were chosen.
#[expect(clippy::disallowed_methods, reason = "which cases are run is asked for by the environment")]
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
    // Each test draws for itself, so that the sample does not depend on which tests run.
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
