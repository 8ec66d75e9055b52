//! Randomness for ids.

use domain::{Ids, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// Ids of this moment with the system's random numbers.
///
/// Ids are keys and a cart's id is a capability, so a system that cannot give random numbers must not make any: it gives
/// zeros, and the first conditional write that meets another id of zeros refuses.
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
