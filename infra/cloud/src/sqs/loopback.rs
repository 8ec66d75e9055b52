//! A loopback server for one service, so that tests call it with the real SDK clients.

use std::future::Future;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use bytes::Bytes;
use http::Response;
use http::request::Parts;

/// Serves `call` on a free port and returns the base URL. The server ends with the test's runtime.
pub(crate) async fn serve<C, F>(call: C) -> String
where
    C: Fn(Parts, Bytes) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(move |request: Request| {
        let call = call.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 16 * 1024 * 1024).await.unwrap();
            call(parts, body).await.map(Body::from)
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// An SDK client for a test: with this endpoint and access key, without retries.
macro_rules! sdk_client {
    ($sdk:ident, $url:expr, $key:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                .region($sdk::config::Region::new("us-east-1"))
                .endpoint_url($url)
                .credentials_provider(aws_credential_types::Credentials::new(
                    $key,
                    "secret",
                    Some("session".into()),
                    None,
                    "test",
                ))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}
pub(crate) use sdk_client;
