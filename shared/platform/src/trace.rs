//! The invocation's trace id, which every call that it makes carries: for X-Ray in the cloud, and for the local cloud's
//! counts of calls per route.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

/// The header that carries the trace id, in requests to the function and in its calls.
pub const TRACE_HEADER: &str = "x-amzn-trace-id";

tokio::task_local! {
    static CURRENT: Option<String>;
}

/// Runs a future as part of a trace. A task that it spawns is not part of the trace.
pub async fn scope<F: Future>(trace_id: Option<String>, future: F) -> F::Output {
    CURRENT.scope(trace_id, future).await
}

/// The trace id of the running future.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// The router, with each request running in the trace that its header names. `lambda_http` sets that header from the
/// invocation; the local cloud sets it itself.
pub fn traced(router: Router) -> Router {
    router.layer(from_fn(in_trace))
}

async fn in_trace(request: Request, next: Next) -> Response {
    let trace_id = request.headers().get(TRACE_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    scope(trace_id, next.run(request)).await
}

#[cfg(test)]
mod tests {
    use ::http::Request as Incoming;
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn seen_by_the_handler(request: Incoming<Body>) -> String {
        let handler = async || current().unwrap_or_else(|| "none".to_owned());
        let router = traced(Router::new().route("/", axum::routing::get(handler)));
        let body = router.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_request_runs_in_the_trace_that_it_names() {
        let named = Incoming::get("/").header(TRACE_HEADER, "Root=1-2-3").body(Body::empty()).unwrap();
        assert_eq!(seen_by_the_handler(named).await, "Root=1-2-3");
        assert_eq!(seen_by_the_handler(Incoming::get("/").body(Body::empty()).unwrap()).await, "none");
        assert_eq!(current(), None);
    }
}
