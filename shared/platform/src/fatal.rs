//! The error that keeps a function from starting.

use std::fmt;

/// Why a function cannot start or continue, in one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Fatal(String);

impl Fatal {
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The same line, because a `main` that returns this error prints it with `Debug`.
impl fmt::Debug for Fatal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Fatal {}
