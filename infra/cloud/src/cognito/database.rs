//! The user pool's storage in SQLite. Times are milliseconds since the epoch unless a field says otherwise.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite;
use crate::sqs::wire::random_bytes;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sub TEXT NOT NULL UNIQUE,
        username TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        password TEXT,
        temporary_until INTEGER,
        attributes TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        failed_at INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS memberships (
        sub TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (sub, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS codes (
        sub TEXT NOT NULL,
        purpose TEXT NOT NULL,
        code TEXT,
        expires_at INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        failing_since INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        sending_since INTEGER NOT NULL,
        PRIMARY KEY (sub, purpose)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
        origin_jti TEXT PRIMARY KEY,
        sub TEXT NOT NULL,
        client TEXT NOT NULL,
        refresh TEXT NOT NULL UNIQUE,
        auth_time INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (sub);
    CREATE TABLE IF NOT EXISTS challenges (
        session TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS custom_challenges (
        session TEXT PRIMARY KEY,
        username TEXT NOT NULL,
        client TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        private_parameters TEXT NOT NULL,
        answered TEXT NOT NULL,
        metadata TEXT
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY CHECK (id = 1), der BLOB NOT NULL);
";

const USER: &str =
    "SELECT sub, username, status, enabled, password, temporary_until, attributes, created_at, updated_at,
                           failures, failed_at, id FROM users";

/// Cognito's `UserStatus`, as far as this subset has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Unconfirmed,
    Confirmed,
    ForceChangePassword,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        }
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "UNCONFIRMED" => Ok(Self::Unconfirmed),
            "CONFIRMED" => Ok(Self::Confirmed),
            "FORCE_CHANGE_PASSWORD" => Ok(Self::ForceChangePassword),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) sub: String,
    /// In lower case: names are the same in any case.
    pub(super) username: String,
    pub(super) status: Status,
    pub(super) enabled: bool,
    /// The argon2id hash.
    pub(super) password: Option<String>,
    /// When a temporary password expires.
    pub(super) temporary_until: Option<i64>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    /// Wrong passwords since the last right one.
    pub(super) failures: u32,
    pub(super) failed_at: i64,
    /// The row's number: the position in `ListUsers`.
    pub(super) row: i64,
}

impl User {
    /// The attribute `email`, as it was written.
    pub(super) fn email(&self) -> Option<&str> {
        self.attributes.get("email").map(String::as_str)
    }
}

/// A session, begun by a sign-in. All its tokens carry its `origin_jti`.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) origin_jti: String,
    pub(super) sub: String,
    pub(super) client: String,
    /// Seconds since the epoch.
    pub(super) auth_time: i64,
    /// Milliseconds since the epoch.
    pub(super) expires_at: i64,
    pub(super) revoked: bool,
}

/// A custom challenge that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct CustomChallenge {
    /// As it was sent, in lower case: also of nobody.
    pub(super) username: String,
    pub(super) client: String,
    pub(super) expires_at: i64,
    /// What the function that made it has for the one that verifies: a JSON object.
    pub(super) private_parameters: String,
    /// The challenges before it: a JSON list.
    pub(super) answered: String,
    pub(super) metadata: Option<String>,
}

pub(super) struct Database {
    connection: Mutex<Connection>,
}

impl Database {
    pub(super) fn open(path: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = sqlite::open(path, SCHEMA)?;
        // Files of builds whose users signed in with their address: it is their name now.
        let is_old = "SELECT 1 FROM pragma_table_info('users') WHERE name = 'email'";
        if connection.prepare(is_old)?.exists([])? {
            connection.execute_batch("ALTER TABLE users RENAME COLUMN email TO username")?;
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The signing key as PKCS #1 DER.
    pub(super) fn key(&self) -> rusqlite::Result<Option<Vec<u8>>> {
        self.connection().query_row("SELECT der FROM keys", [], |row| row.get(0)).optional()
    }

    /// Stores a signing key unless there is one, and returns the stored one.
    pub(super) fn store_key(&self, der: &[u8]) -> rusqlite::Result<Vec<u8>> {
        let connection = self.connection();
        connection.execute("INSERT OR IGNORE INTO keys (id, der) VALUES (1, ?1)", [der])?;
        connection.query_row("SELECT der FROM keys", [], |row| row.get(0))
    }

    /// A user by username, in any case, or by `sub`.
    pub(super) fn user(&self, username: &str) -> rusqlite::Result<Option<User>> {
        self.connection()
            .prepare_cached(&format!("{USER} WHERE username = ?1 OR sub = ?2"))?
            .query_row([&username.to_lowercase(), username], read_user)
            .optional()
    }

    /// Up to `limit` users whose row number is greater than `after`, in order of creation.
    pub(super) fn users_after(&self, after: i64, limit: u32) -> rusqlite::Result<Vec<User>> {
        self.connection()
            .prepare_cached(&format!("{USER} WHERE id > ?1 ORDER BY id LIMIT ?2"))?
            .query_map(params![after, limit], read_user)?
            .collect()
    }

    /// Adds a user; false when the name is taken.
    pub(super) fn insert(&self, user: &User) -> rusqlite::Result<bool> {
        let inserted = self
            .connection()
            .prepare_cached(
                "INSERT OR IGNORE INTO users
                    (sub, username, status, enabled, password, temporary_until, attributes, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                user.sub,
                user.username,
                user.status,
                user.enabled,
                user.password,
                user.temporary_until,
                written(&user.attributes),
                user.created_at,
                user.updated_at
            ])?;
        Ok(inserted == 1)
    }

    pub(super) fn set_status(&self, sub: &str, status: Status, now: i64) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached("UPDATE users SET status = ?2, updated_at = ?3 WHERE sub = ?1")?
            .execute(params![sub, status, now])?;
        Ok(())
    }

    /// Sets a user's password hash and the status that comes with it, and resets the count of wrong passwords.
    pub(super) fn set_password(
        &self,
        sub: &str,
        hash: &str,
        status: Status,
        temporary_until: Option<i64>,
        now: i64,
    ) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached(
                "UPDATE users SET password = ?2, status = ?3, temporary_until = ?4, updated_at = ?5, failures = 0
                 WHERE sub = ?1",
            )?
            .execute(params![sub, hash, status, temporary_until, now])?;
        Ok(())
    }

    pub(super) fn set_attributes(
        &self,
        sub: &str,
        attributes: &BTreeMap<String, String>,
        now: i64,
    ) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached("UPDATE users SET attributes = ?2, updated_at = ?3 WHERE sub = ?1")?
            .execute(params![sub, written(attributes), now])?;
        Ok(())
    }

    pub(super) fn set_enabled(&self, sub: &str, enabled: bool, now: i64) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached("UPDATE users SET enabled = ?2, updated_at = ?3 WHERE sub = ?1")?
            .execute(params![sub, enabled, now])?;
        Ok(())
    }

    /// Deletes a user and what belongs to them but their sessions, so that their tokens are those of a user who does
    /// not exist.
    pub(super) fn delete(&self, sub: &str) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for table in ["users", "memberships", "codes", "challenges"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE sub = ?1"), [sub])?;
        }
        transaction.commit()
    }

    /// Stores how many wrong passwords there were in a row, the last one at `now`.
    pub(super) fn set_failures(&self, sub: &str, failures: u32, now: i64) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached("UPDATE users SET failures = ?2, failed_at = ?3 WHERE sub = ?1")?
            .execute(params![sub, failures, now])?;
        Ok(())
    }

    /// The names of a user's groups, sorted.
    pub(super) fn groups(&self, sub: &str) -> rusqlite::Result<Vec<String>> {
        self.connection()
            .prepare_cached("SELECT name FROM memberships WHERE sub = ?1 ORDER BY name")?
            .query_map([sub], |row| row.get(0))?
            .collect()
    }

    pub(super) fn join(&self, sub: &str, group: &str) -> rusqlite::Result<()> {
        self.connection().execute("INSERT OR IGNORE INTO memberships (sub, name) VALUES (?1, ?2)", [sub, group])?;
        Ok(())
    }

    pub(super) fn leave(&self, sub: &str, group: &str) -> rusqlite::Result<()> {
        self.connection().execute("DELETE FROM memberships WHERE sub = ?1 AND name = ?2", [sub, group])?;
        Ok(())
    }

    /// Stores a session and returns its refresh token, of which only a digest is stored.
    pub(super) fn begin(&self, session: &Session) -> rusqlite::Result<String> {
        let token = BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<96>());
        self.connection()
            .prepare_cached(
                "INSERT INTO sessions (origin_jti, sub, client, refresh, auth_time, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                session.origin_jti,
                session.sub,
                session.client,
                digested(&token),
                session.auth_time,
                session.expires_at
            ])?;
        Ok(token)
    }

    pub(super) fn session(&self, refresh: &str) -> rusqlite::Result<Option<Session>> {
        self.connection()
            .prepare_cached(
                "SELECT origin_jti, sub, client, auth_time, expires_at, revoked FROM sessions WHERE refresh = ?1",
            )?
            .query_row([digested(refresh)], |row| {
                Ok(Session {
                    origin_jti: row.get(0)?,
                    sub: row.get(1)?,
                    client: row.get(2)?,
                    auth_time: row.get(3)?,
                    expires_at: row.get(4)?,
                    revoked: row.get(5)?,
                })
            })
            .optional()
    }

    /// Whether a session was revoked. An unknown one counts as revoked.
    pub(super) fn is_revoked(&self, origin_jti: &str) -> rusqlite::Result<bool> {
        let revoked = self
            .connection()
            .prepare_cached("SELECT revoked FROM sessions WHERE origin_jti = ?1")?
            .query_row([origin_jti], |row| row.get(0))
            .optional()?;
        Ok(revoked.unwrap_or(true))
    }

    pub(super) fn revoke(&self, origin_jti: &str) -> rusqlite::Result<()> {
        self.connection().execute("UPDATE sessions SET revoked = 1 WHERE origin_jti = ?1", [origin_jti])?;
        Ok(())
    }

    /// Revokes all sessions of a user.
    pub(super) fn revoke_all(&self, sub: &str) -> rusqlite::Result<()> {
        self.connection().execute("UPDATE sessions SET revoked = 1 WHERE sub = ?1", [sub])?;
        Ok(())
    }

    /// Stores a `NEW_PASSWORD_REQUIRED` challenge and returns its session, of which only a digest is stored.
    pub(super) fn challenge(&self, sub: &str, client: &str, expires_at: i64) -> rusqlite::Result<String> {
        let session = BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<48>());
        self.connection().execute(
            "INSERT INTO challenges (session, sub, client, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![digested(&session), sub, client, expires_at],
        )?;
        Ok(session)
    }

    /// Whether the challenge is open for this user and client and has not expired.
    pub(super) fn is_open(&self, session: &str, sub: &str, client: &str, now: i64) -> rusqlite::Result<bool> {
        self.connection()
            .prepare_cached(
                "SELECT 1 FROM challenges WHERE session = ?1 AND sub = ?2 AND client = ?3 AND expires_at > ?4",
            )?
            .exists(params![digested(session), sub, client, now])
    }

    /// Stores a custom challenge and returns its session, of which only a digest is stored.
    pub(super) fn open_custom_challenge(&self, challenge: &CustomChallenge) -> rusqlite::Result<String> {
        let session = BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<48>());
        self.connection().execute(
            "INSERT INTO custom_challenges
                (session, username, client, expires_at, private_parameters, answered, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                digested(&session),
                challenge.username,
                challenge.client,
                challenge.expires_at,
                challenge.private_parameters,
                challenge.answered,
                challenge.metadata
            ],
        )?;
        Ok(session)
    }

    /// Takes a custom challenge out: of two answers to one only the first gets it.
    pub(super) fn take_custom_challenge(&self, session: &str) -> rusqlite::Result<Option<CustomChallenge>> {
        self.connection()
            .prepare_cached(
                "DELETE FROM custom_challenges WHERE session = ?1
                 RETURNING username, client, expires_at, private_parameters, answered, metadata",
            )?
            .query_row([digested(session)], |row| {
                Ok(CustomChallenge {
                    username: row.get(0)?,
                    client: row.get(1)?,
                    expires_at: row.get(2)?,
                    private_parameters: row.get(3)?,
                    answered: row.get(4)?,
                    metadata: row.get(5)?,
                })
            })
            .optional()
    }

    /// Closes the challenge. False when another call has closed it first.
    pub(super) fn close(&self, session: &str) -> rusqlite::Result<bool> {
        Ok(self.connection().execute("DELETE FROM challenges WHERE session = ?1", [digested(session)])? == 1)
    }
}

/// `at` plus `after`, in milliseconds.
pub(super) fn later(at: i64, after: Duration) -> i64 {
    at.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX))
}

fn digested(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}

fn written(attributes: &BTreeMap<String, String>) -> String {
    serde_json::to_string(attributes).unwrap_or_else(|_| "{}".into())
}

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    let attributes: String = row.get(6)?;
    let attributes: BTreeMap<String, String> = serde_json::from_str(&attributes).unwrap_or_default();
    Ok(User {
        sub: row.get(0)?,
        username: row.get(1)?,
        status: row.get(2)?,
        enabled: row.get(3)?,
        password: row.get(4)?,
        temporary_until: row.get(5)?,
        attributes,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        failures: row.get(9)?,
        failed_at: row.get(10)?,
        row: row.get(11)?,
    })
}
