//! Slices of time in which long work is done.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a slice of work; what is left after it is handed on by a new message.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    deadline: Instant,
}

impl Slice {
    pub fn new(length: Duration) -> Self {
        Self { deadline: Instant::now() + length }
    }

    pub fn is_over(self) -> bool {
        Instant::now() >= self.deadline
    }
}
