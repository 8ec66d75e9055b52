//! Opens the SQLite databases in which the embedded services keep their acknowledged writes.

use std::path::Path;

use rusqlite::Connection;

/// With WAL and `synchronous = NORMAL` committed transactions survive a kill -9 of the process without an fsync each; a
/// power loss may lose the last ones. The log is copied back, with an fsync, after 40 MB instead of 4.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -16384;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 10000;
";

/// More than any of the services has.
const STATEMENTS: usize = 64;

/// Opens the database at `path`, or one in memory, and runs `schema`, whose statements must be repeatable
/// (`IF NOT EXISTS`).
pub fn open(path: Option<&Path>, schema: &str) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(schema)?;
    Ok(connection)
}
