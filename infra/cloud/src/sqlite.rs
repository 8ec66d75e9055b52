//! Opens the SQLite databases in which the embedded services keep their acknowledged writes.

use std::path::Path;

use rusqlite::Connection;

/// Opens the database at `path`, or one in memory, and runs `schema`, whose statements must be repeatable
/// (`IF NOT EXISTS`). With WAL and `synchronous = NORMAL` committed transactions survive a kill -9 of the process; a
/// power loss may lose the last ones.
pub fn open(path: Option<&Path>, schema: &str) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(schema)?;
    Ok(connection)
}
