//! Payment sandboxes: each implements a provider's protocol, so that the code of `payments` runs against it unchanged.

pub mod stripe;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

/// Delivers a provider's webhook to the shop and returns the response. An implementation that cannot reach the shop
/// returns a 5xx itself.
pub type Deliver = Arc<dyn Fn(Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>> + Send + Sync>;
