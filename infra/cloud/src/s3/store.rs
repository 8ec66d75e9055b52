//! Objects: what is known of each in SQLite, and its bytes in a file of their own.
//!
//! A file's name is drawn by lot and says nothing of the key. So a key may be anything that S3 takes: 1,024 bytes long,
//! `a` beside `a/b`, `..` or a slash at its end. An object is replaced in one transaction: a reader finds bytes and
//! headers that belong together, and a condition is checked against what is replaced.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::gateway::{hex, random_bytes};
use crate::sqlite;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS objects (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        blob TEXT NOT NULL,
        size INTEGER NOT NULL,
        e_tag TEXT NOT NULL,
        modified_at INTEGER NOT NULL,
        headers TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        headers TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parts (
        upload TEXT NOT NULL,
        number INTEGER NOT NULL,
        blob TEXT NOT NULL,
        size INTEGER NOT NULL,
        e_tag TEXT NOT NULL,
        modified_at INTEGER NOT NULL,
        PRIMARY KEY (upload, number)
    ) WITHOUT ROWID;
";

/// Where the bytes are.
const BLOBS: &str = ".blobs";
const INDEX: &str = ".index.sqlite";

/// The headers that are stored with an object and given back with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) website_redirect_location: Option<String>,
    /// The checksums that its sender gave, by algorithm.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) checksums: BTreeMap<String, String>,
}

/// What is stored of an object, besides its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) blob: String,
    pub(super) size: u64,
    /// Without quotes.
    pub(super) e_tag: String,
    /// In milliseconds since the epoch.
    pub(super) modified_at: i64,
    pub(super) headers: Headers,
}

/// A listed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) e_tag: String,
    pub(super) modified_at: i64,
}

/// An uploaded part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) blob: String,
    pub(super) size: u64,
    /// Without quotes.
    pub(super) e_tag: String,
    pub(super) modified_at: i64,
}

/// A multipart upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) headers: Headers,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the index of the buckets cannot be used: {0}")]
    Index(#[from] rusqlite::Error),
    #[error("the files of the buckets cannot be used: {0}")]
    Files(#[from] io::Error),
}

pub(super) struct Store {
    connection: Mutex<Connection>,
    root: PathBuf,
}

impl Store {
    /// Opens the store in a directory. With `keep`, its index is a file in it; otherwise the directory is temporary.
    pub(super) fn open(root: &Path, keep: bool) -> Result<Self, StoreError> {
        fs::create_dir_all(root.join(BLOBS))?;
        let index = root.join(INDEX);
        let connection = sqlite::open(keep.then_some(index.as_path()), SCHEMA)?;
        let store = Self { connection: Mutex::new(connection), root: root.to_path_buf() };
        store.delete_unknown_blobs()?;
        Ok(store)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes files whose write, or whose deletion, a kill interrupted.
    fn delete_unknown_blobs(&self) -> Result<(), StoreError> {
        let connection = self.connection();
        let mut known = connection.prepare("SELECT blob FROM objects UNION SELECT blob FROM parts")?;
        let known: HashSet<String> = known.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for entry in fs::read_dir(self.root.join(BLOBS))? {
            let entry = entry?;
            if entry.file_name().to_str().is_none_or(|name| !known.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The name of a file that does not exist yet.
    pub(super) fn new_blob() -> String {
        hex(&random_bytes::<16>())
    }

    pub(super) fn path(&self, blob: &str) -> PathBuf {
        self.root.join(BLOBS).join(blob)
    }

    /// Deletes files that nothing refers to any more. One that stays is deleted at the next start.
    pub(super) fn discard(&self, blobs: impl IntoIterator<Item = String>) {
        for blob in blobs {
            if let Err(cause) = fs::remove_file(self.path(&blob)) {
                tracing::warn!(error = %cause, blob, "a file of a bucket could not be deleted");
            }
        }
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Option<Object>, StoreError> {
        Ok(object(&self.connection(), bucket, key)?)
    }

    /// Stores an object whose bytes are written, if `check` accepts the one that it replaces, whose bytes are deleted.
    /// When `check` refuses, the new bytes are deleted. `upload` is the multipart upload that the object ends.
    pub(super) fn put<E: From<StoreError>>(
        &self,
        (bucket, key): (&str, &str),
        new: &Object,
        upload: Option<&str>,
        check: impl FnOnce(Option<&Object>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.replace((bucket, key), new, upload, check) {
            Ok(blobs) => {
                self.discard(blobs);
                Ok(())
            }
            Err(refused) => {
                self.discard([new.blob.clone()]);
                Err(refused)
            }
        }
    }

    /// Returns the files that are not needed any more.
    fn replace<E: From<StoreError>>(
        &self,
        (bucket, key): (&str, &str),
        new: &Object,
        upload: Option<&str>,
        check: impl FnOnce(Option<&Object>) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let failed = |error: rusqlite::Error| E::from(StoreError::from(error));
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let old = object(&transaction, bucket, key).map_err(failed)?;
        check(old.as_ref())?;
        insert(&transaction, bucket, key, new).map_err(failed)?;
        let mut unused: Vec<String> = old.into_iter().map(|old| old.blob).collect();
        if let Some(upload) = upload {
            unused.extend(delete_upload(&transaction, upload).map_err(failed)?);
        }
        transaction.commit().map_err(failed)?;
        Ok(unused)
    }

    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let blob: Option<String> = self
            .connection()
            .prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2 RETURNING blob")?
            .query_row([bucket, key], |row| row.get(0))
            .optional()?;
        self.discard(blob);
        Ok(())
    }

    /// Up to `limit` objects whose keys are at least `from`, in the order of their keys' bytes, which is S3's.
    pub(super) fn list(&self, bucket: &str, from: &str, limit: usize) -> Result<Vec<Listed>, StoreError> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT key, size, e_tag, modified_at FROM objects WHERE bucket = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
            )?
            .query_map(params![bucket, from, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(Listed { key: row.get(0)?, size: row.get(1)?, e_tag: row.get(2)?, modified_at: row.get(3)? })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn begin(&self, id: &str, upload: &Upload) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("INSERT INTO uploads (id, bucket, key, headers) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, upload.bucket, upload.key, written(&upload.headers)])?;
        Ok(())
    }

    pub(super) fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError> {
        Ok(self
            .connection()
            .prepare_cached("SELECT bucket, key, headers FROM uploads WHERE id = ?1")?
            .query_row([id], |row| Ok(Upload { bucket: row.get(0)?, key: row.get(1)?, headers: headers(row, 2)? }))
            .optional()?)
    }

    /// Stores a part whose bytes are written. Returns false, and deletes the bytes, when there is no such upload any
    /// more.
    pub(super) fn put_part(&self, upload: &str, part: &Part) -> Result<bool, StoreError> {
        let unused = {
            let mut connection = self.connection();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_there: bool = transaction
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ?1)")?
                .query_row([upload], |row| row.get(0))?;
            if is_there {
                let old: Option<String> = transaction
                    .prepare_cached("SELECT blob FROM parts WHERE upload = ?1 AND number = ?2")?
                    .query_row(params![upload, part.number], |row| row.get(0))
                    .optional()?;
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO parts (upload, number, blob, size, e_tag, modified_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![upload, part.number, part.blob, part.size, part.e_tag, part.modified_at])?;
                transaction.commit()?;
                Ok(old)
            } else {
                Err(part.blob.clone())
            }
        };
        let known = unused.is_ok();
        self.discard(unused.unwrap_or_else(Some));
        Ok(known)
    }

    /// The parts of an upload, by number.
    pub(super) fn parts(&self, upload: &str) -> Result<Vec<Part>, StoreError> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT number, blob, size, e_tag, modified_at FROM parts WHERE upload = ?1 ORDER BY number",
            )?
            .query_map([upload], |row| {
                Ok(Part {
                    number: row.get(0)?,
                    blob: row.get(1)?,
                    size: row.get(2)?,
                    e_tag: row.get(3)?,
                    modified_at: row.get(4)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn abort(&self, upload: &str) -> Result<(), StoreError> {
        let unused = {
            let mut connection = self.connection();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let unused = delete_upload(&transaction, upload)?;
            transaction.commit()?;
            unused
        };
        self.discard(unused);
        Ok(())
    }
}

fn object(connection: &Connection, bucket: &str, key: &str) -> rusqlite::Result<Option<Object>> {
    connection
        .prepare_cached("SELECT blob, size, e_tag, modified_at, headers FROM objects WHERE bucket = ?1 AND key = ?2")?
        .query_row([bucket, key], |row| {
            Ok(Object {
                blob: row.get(0)?,
                size: row.get(1)?,
                e_tag: row.get(2)?,
                modified_at: row.get(3)?,
                headers: headers(row, 4)?,
            })
        })
        .optional()
}

fn insert(transaction: &Transaction<'_>, bucket: &str, key: &str, new: &Object) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO objects (bucket, key, blob, size, e_tag, modified_at, headers)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![bucket, key, new.blob, new.size, new.e_tag, new.modified_at, written(&new.headers)])?;
    Ok(())
}

/// Returns the files of its parts.
fn delete_upload(transaction: &Transaction<'_>, upload: &str) -> rusqlite::Result<Vec<String>> {
    transaction.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([upload])?;
    transaction
        .prepare_cached("DELETE FROM parts WHERE upload = ?1 RETURNING blob")?
        .query_map([upload], |row| row.get(0))?
        .collect()
}

fn headers(row: &Row<'_>, column: usize) -> rusqlite::Result<Headers> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

fn written(headers: &Headers) -> String {
    serde_json::to_string(headers).unwrap_or_else(|_| "{}".to_owned())
}
