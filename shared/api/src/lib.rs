//! What all HTTP functions share: problems, bodies, identity, paging, idempotency, conditional requests, and the
//! OpenAPI document.
//!
//! It depends on the domain, not on tables or providers; a function joins them. Of AWS it knows only the request
//! context of API Gateway. Every HTTP function is built with [`router()`].

#![warn(missing_docs)]

pub mod body;
pub mod conditional;
pub mod edge;
mod examples;
pub mod idempotency;
pub mod idempotent;
pub mod identity;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod router;
pub mod routes;
pub mod signature;
mod strict;
pub mod views;

#[cfg(test)]
mod sample;

pub use body::{Json, OrDefault, Path, Query, RawBody, RawReply};
pub use conditional::{Cached, CachedBytes, IfMatch, InLanguage, Versioned, etag_of};
pub use domain::Code;
pub use edge::behind_edge;
pub use idempotency::{Answer, IdempotencyKey};
pub use idempotent::{Idempotent, Keyed, NoBody, ScopedRequest, UnscopedRequest};
pub use identity::{
    Bearer, Buyer, Caller, GuestOrder, GuestOrders, Member, Members, NamedVendor, Now, Operator, Operators, SourceIp,
};
pub use limits::{CountedFor, counting_router};
pub use page::{Limit, Page, PageQuery};
pub use pastey::paste;
pub use problem::Problem;
pub use router::{router, unrouted};
pub use routes::{Document, Refusals, Routed, Routes};
pub use signature::{Argument, Reply};
