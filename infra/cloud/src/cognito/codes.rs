//! Mailed codes: their purpose, their lifetime, and the limits on wrong guesses and on codes sent.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::database::{Database, later};
use crate::sqs::wire::random_bytes;

/// At most this many wrong codes, and at most [`MAX_SENT`] codes sent, per user and purpose within [`WINDOW`].
const MAX_FAILURES: i64 = 5;
const MAX_SENT: i64 = 10;
const WINDOW: Duration = Duration::from_hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    SignUp,
    Reset,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Reset => "reset",
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            Self::SignUp => Duration::from_hours(24),
            Self::Reset => Duration::from_hours(1),
        }
    }
}

/// The outcome of checking a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// The code is right, and used up by this call.
    Accepted,
    Mismatch,
    /// The code has expired or was used, or none was sent.
    Expired,
    /// [`MAX_FAILURES`] codes were wrong within [`WINDOW`]; the code was not compared.
    TooMany,
}

impl Database {
    /// Creates a code that replaces any earlier one. `None` when [`MAX_SENT`] were sent within [`WINDOW`].
    pub(super) fn new_code(&self, sub: &str, purpose: Purpose, now: i64) -> rusqlite::Result<Option<String>> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let known: Option<(i64, i64)> = transaction
            .prepare_cached("SELECT sent, sending_since FROM codes WHERE sub = ?1 AND purpose = ?2")?
            .query_row([sub, purpose.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (sent, since) = known.filter(|(_, since)| is_within(*since, now)).unwrap_or((0, now));
        if sent >= MAX_SENT {
            return Ok(None);
        }
        // The modulo bias, a million over 2^64, is less than 1 in 10^13.
        let code = format!("{:06}", u64::from_be_bytes(random_bytes()) % 1_000_000);
        transaction
            .prepare_cached(
                "INSERT INTO codes (sub, purpose, code, expires_at, failures, failing_since, sent, sending_since)
                 VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET code = ?3, expires_at = ?4, sent = ?6, sending_since = ?7",
            )?
            .execute(params![sub, purpose.as_str(), code, later(now, purpose.lifetime()), now, sent + 1, since])?;
        transaction.commit()?;
        Ok(Some(code))
    }

    /// Uses a code up if it is right. Wrong guesses are counted across codes: requesting a new one gives no new
    /// guesses.
    pub(super) fn redeem(&self, sub: &str, purpose: Purpose, code: &str, now: i64) -> rusqlite::Result<Redeemed> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let known: Option<(Option<String>, i64, i64, i64)> = transaction
            .prepare_cached(
                "SELECT code, expires_at, failures, failing_since FROM codes WHERE sub = ?1 AND purpose = ?2",
            )?
            .query_row([sub, purpose.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((stored, expires_at, failures, since)) = known else { return Ok(Redeemed::Expired) };
        let (failures, since) = if is_within(since, now) { (failures, since) } else { (0, now) };
        if failures >= MAX_FAILURES {
            return Ok(Redeemed::TooMany);
        }
        let Some(stored) = stored.filter(|_| expires_at > now) else { return Ok(Redeemed::Expired) };
        let accepted = stored == code;
        if accepted {
            transaction
                .prepare_cached("UPDATE codes SET code = NULL, failures = 0 WHERE sub = ?1 AND purpose = ?2")?
                .execute([sub, purpose.as_str()])?;
        } else {
            transaction
                .prepare_cached("UPDATE codes SET failures = ?3, failing_since = ?4 WHERE sub = ?1 AND purpose = ?2")?
                .execute(params![sub, purpose.as_str(), failures + 1, since])?;
        }
        transaction.commit()?;
        Ok(if accepted { Redeemed::Accepted } else { Redeemed::Mismatch })
    }
}

fn is_within(since: i64, now: i64) -> bool {
    later(since, WINDOW) > now
}
