//! Where new ids come from: a time and a source of random bits, both handed in.

use crate::{CartId, Timestamp};

/// Makes ids at one moment. The random bits come from outside, so that the same input gives the same ids in tests.
pub struct Ids {
    now: Timestamp,
    random: Box<dyn FnMut() -> [u8; 16] + Send>,
}

impl Ids {
    /// Ids of this moment from this source of random bits.
    pub fn new(now: Timestamp, random: impl FnMut() -> [u8; 16] + Send + 'static) -> Self {
        Self { now, random: Box::new(random) }
    }

    /// The moment.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// A new cart id.
    pub fn cart_id(&mut self) -> CartId {
        CartId::random((self.random)())
    }

    /// Random bits for any of the ids with a time in them: `OrderId::new(ids.now(), ids.bits())`.
    pub fn bits(&mut self) -> [u8; 10] {
        let mut bits = [0; 10];
        for (bit, random) in bits.iter_mut().zip((self.random)()) {
            *bit = random;
        }
        bits
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
