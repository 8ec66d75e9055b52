//! Where a service of this cloud keeps what it has acknowledged.

use std::path::Path;

use rusqlite::Connection;

/// Opens a database, in memory without a path, and makes what its schema says and is not there yet. What was committed is there
/// after a kill -9; only the machine's own end may take the last moments.
pub(crate) fn open(path: Option<&Path>, schema: &str) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(schema)?;
    Ok(connection)
}
