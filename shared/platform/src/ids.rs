//! The source of ids.

use domain::{Ids, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// Makes ids from the time `now` and the system's random numbers.
///
/// Ids are keys, and a cart's id is a capability, so without random numbers no ids may be made. Their random bits are
/// then zero, and the conditional write of a second such id fails.
pub fn ids(now: Timestamp) -> Ids {
    let random = SystemRandom::new();
    Ids::new(now, move || {
        let mut bits = [0_u8; 16];
        if random.fill(&mut bits).is_err() {
            tracing::error!("the system gives no random numbers");
            bits = [0; 16];
        }
        bits
    })
}
