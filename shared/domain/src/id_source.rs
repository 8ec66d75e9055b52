//! Makes new ids from a time and a source of random bits, both passed in.

use crate::{CartId, Timestamp};

/// Makes ids at one point in time. The random bits are passed in, so that tests get the same ids from the same input.
pub struct Ids {
    now: Timestamp,
    random: Box<dyn FnMut() -> [u8; 16] + Send>,
}

impl Ids {
    /// Ids of this time; `random` is called once for each id.
    pub fn new(now: Timestamp, random: impl FnMut() -> [u8; 16] + Send + 'static) -> Self {
        Self { now, random: Box::new(random) }
    }

    pub const fn now(&self) -> Timestamp {
        self.now
    }

    pub fn cart_id(&mut self) -> CartId {
        CartId::random((self.random)())
    }

    /// Random bits for an id that contains a time: `OrderId::new(ids.now(), ids.bits())`.
    pub fn bits(&mut self) -> [u8; 10] {
        let mut bits = [0; 10];
        for (bit, random) in bits.iter_mut().zip((self.random)()) {
            *bit = random;
        }
        bits
    }

    /// Random bits for a name that tells nothing, not even a time.
    pub fn random_bits(&mut self) -> [u8; 16] {
        (self.random)()
    }

    /// A random number below `bound`; zero when the bound is zero.
    pub fn random_below(&mut self, bound: u16) -> u16 {
        let [high, low, ..] = (self.random)();
        u16::from_be_bytes([high, low]).checked_rem(bound).unwrap_or(0)
    }
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ids").field("now", &self.now).finish_non_exhaustive()
    }
}
