//! Payment sandboxes: each speaks a provider's own protocol, so that provider code runs here unchanged.

pub mod stripe;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

/// Carries a provider's webhook to the shop and brings back the answer. Somebody who cannot reach the shop answers with a
/// 5xx of their own.
pub type Deliver = Arc<dyn Fn(Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>> + Send + Sync>;
