//! The HTTP vocabulary: problems, bodies, identity, paging, idempotency, conditional requests.
//!
//! It knows the domain and nothing of tables, providers or AWS; a function joins them. [`router`] is how each HTTP
//! function is put together.

pub mod body;
pub mod conditional;
pub mod idempotency;
pub mod idempotent;
pub mod identity;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod router;
pub mod routes;
mod strict;
pub mod token;

#[cfg(test)]
mod sample;

pub use body::{Created, Json, Path, Query, RawBody};
pub use conditional::{Cached, IfMatch, IfMatchHeader, Versioned, etag_of};
pub use idempotency::{Answer, Digested, IdempotencyKey};
pub use idempotent::{IdempotencyKeyHeader, Idempotent, NoBody, ScopedRequest, UnscopedRequest, replay_or_run};
pub use identity::{
    Bearer, Buyer, Caller, Now, Operator, OrderToken, RequestId, SourceIp, VendorHeader, VendorIdHeader,
};
pub use page::{Cursor, Limit, Page};
pub use pastey::paste;
pub use problem::Problem;
pub use router::router;
pub use routes::{Document, Routed, Routes};
