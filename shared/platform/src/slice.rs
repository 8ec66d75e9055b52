//! Slices of time in which long work is done.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a slice of work; what is left after it is handed on by a new message.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    began: Instant,
    deadline: Instant,
}

impl Slice {
    pub fn new(length: Duration) -> Self {
        let began = Instant::now();
        Self { began, deadline: began + length }
    }

    /// The time since it began.
    pub fn elapsed(self) -> Duration {
        self.began.elapsed()
    }

    pub fn is_over(self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Whether half of it is over.
    pub fn is_half_over(self) -> bool {
        self.elapsed() * 2 >= self.deadline.duration_since(self.began)
    }
}
