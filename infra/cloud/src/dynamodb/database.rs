//! dynoxide's actions on one SQLite connection.
//!
//! dynoxide's own `Database` hides its connection, so that what its API lacks (stream positions) would need a second
//! one: then each connection's commit throws away the other's page cache, and neither may lock the file for good.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynoxide::DynoxideError;
use dynoxide::actions::vector_lifecycle::VectorIndexLifecycle;
use dynoxide::actions::{self, delete_table, describe_table, update_table};
use dynoxide::storage::{Storage, TableMetadata};
use rusqlite::Connection;

use crate::clock::Clock;

/// What the connection is set to. In WAL mode with `synchronous = NORMAL` commits survive a kill of the process without
/// an fsync each. The directory's lock keeps other processes out, so the file stays locked between transactions. The
/// log is copied back after 40 MB instead of 4.
const SETTINGS: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -65536;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 10000;
";

/// How many prepared statements the connection keeps. dynoxide keeps two for each index and SQLite compiles a statement
/// anew that was dropped; with rusqlite's sixteen every write of an order compiled a dozen.
const STATEMENTS: usize = 256;

/// A database, in a file or in memory.
pub(super) struct Database {
    storage: Storage,
    clock: Clock,
    vector_indexes: VectorIndexLifecycle,
}

/// Each action as a method that takes its request and returns its response.
macro_rules! actions {
    ($($action:ident($request:ident) -> $response:ident;)*) => {
        impl Database {
            $(pub(super) fn $action(
                &self,
                request: actions::$action::$request,
            ) -> Result<actions::$action::$response, DynoxideError> {
                at_once(actions::$action::execute(&self.storage, request))
            })*
        }
    };
}

actions! {
    batch_get_item(BatchGetItemRequest) -> BatchGetItemResponse;
    batch_write_item(BatchWriteItemRequest) -> BatchWriteItemResponse;
    create_table(CreateTableRequest) -> CreateTableResponse;
    delete_item(DeleteItemRequest) -> DeleteItemResponse;
    describe_time_to_live(DescribeTimeToLiveRequest) -> DescribeTimeToLiveResponse;
    get_item(GetItemRequest) -> GetItemResponse;
    list_tables(ListTablesRequest) -> ListTablesResponse;
    put_item(PutItemRequest) -> PutItemResponse;
    query(QueryRequest) -> QueryResponse;
    scan(ScanRequest) -> ScanResponse;
    transact_get_items(TransactGetItemsRequest) -> TransactGetItemsResponse;
    transact_write_items(TransactWriteItemsRequest) -> TransactWriteItemsResponse;
    update_item(UpdateItemRequest) -> UpdateItemResponse;
    update_time_to_live(UpdateTimeToLiveRequest) -> UpdateTimeToLiveResponse;
}

impl Database {
    /// Opens the file `path`, or a new database in memory. Stream records get their time from `clock`.
    pub(super) fn open(path: Option<&str>, clock: Clock) -> Result<Self, DynoxideError> {
        let storage = match path {
            Some(path) => Storage::new(path)?,
            None => Storage::memory()?,
        };
        let storage = storage.with_clock(Arc::new(clock.clone()));
        storage.conn().execute_batch(SETTINGS)?;
        storage.conn().set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self { storage, clock, vector_indexes: VectorIndexLifecycle::new() })
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The only connection, for what no action does.
    pub(super) fn connection(&self) -> &Connection {
        self.storage.conn()
    }

    pub(super) fn delete_table(
        &self,
        request: delete_table::DeleteTableRequest,
    ) -> Result<delete_table::DeleteTableResponse, DynoxideError> {
        at_once(delete_table::execute(&self.storage, request, &self.vector_indexes))
    }

    pub(super) fn describe_table(
        &self,
        request: describe_table::DescribeTableRequest,
    ) -> Result<describe_table::DescribeTableResponse, DynoxideError> {
        at_once(describe_table::execute(&self.storage, request, &self.vector_indexes))
    }

    pub(super) fn update_table(
        &self,
        request: update_table::UpdateTableRequest,
    ) -> Result<update_table::UpdateTableResponse, DynoxideError> {
        at_once(update_table::execute(&self.storage, request, &self.vector_indexes))
    }

    pub(super) fn table_names(&self) -> Result<Vec<String>, DynoxideError> {
        self.storage.list_table_names()
    }

    pub(super) fn table_metadata(&self, table: &str) -> Result<Option<TableMetadata>, DynoxideError> {
        self.storage.get_table_metadata(table)
    }

    /// Writes a copy to a new file and opens it.
    pub(super) fn copy_to(&self, path: &str) -> Result<Self, DynoxideError> {
        self.storage.vacuum_into(path)?;
        Self::open(Some(path), self.clock.clone())
    }
}

/// The result of a future of dynoxide's actions, which on SQLite are ready at the first poll.
fn at_once<T>(action: impl Future<Output = Result<T, DynoxideError>>) -> Result<T, DynoxideError> {
    match pin!(action).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(internal("an action waits, which it never does on SQLite")),
    }
}

fn internal(message: &str) -> DynoxideError {
    DynoxideError::InternalServerError(message.to_owned())
}

impl dynoxide::storage_backend::Clock for Clock {
    fn now_unix_secs(&self) -> u64 {
        since_the_epoch(self).as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        since_the_epoch(self).as_secs_f64()
    }
}

fn since_the_epoch(clock: &Clock) -> Duration {
    Duration::from_millis(u64::try_from(clock.now().millis()).unwrap_or(0))
}
