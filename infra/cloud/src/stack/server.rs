//! The HTTP server: the API behind its gateway, the AWS endpoints under `/_aws`, and the local endpoints.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connections::{Connections, Peer, Serving};
use super::deployment::Deliver;
use super::functions::Functions;
use super::running::Cloud;
use super::services::Services;
use super::{endpoints, front, local_api};

/// Serves requests until it is told to drain, and finishes those in flight.
pub(super) fn serve(
    listener: TcpListener,
    cloud: Cloud,
    mut serving: watch::Receiver<Serving>,
) -> impl Future<Output = ()> {
    reach_the_api(&cloud.services, &cloud.functions);
    let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(cloud);
    let service = router.into_make_service_with_connect_info::<Peer>();
    let connections = Connections { listener, serving: serving.clone() };
    async move {
        let ended: io::Result<()> = axum::serve(connections, service)
            .with_graceful_shutdown(async move {
                let _ = serving.wait_for(|serving| *serving != Serving::Open).await;
            })
            .await;
        if let Err(error) = ended {
            tracing::error!(cause = %error, "the server ended");
        }
    }
}

/// Lets third parties call the API as requests from outside come.
fn reach_the_api(services: &Arc<Services>, functions: &Arc<Functions>) {
    let parts_of_the_cloud = (Arc::downgrade(services), Arc::downgrade(functions));
    let deliver: Deliver = Arc::new(move |request: http::Request<Bytes>| {
        let (services, functions) = (parts_of_the_cloud.0.upgrade(), parts_of_the_cloud.1.upgrade());
        Box::pin(async move {
            let answer = match (services, functions) {
                (Some(services), Some(functions)) => {
                    front::serve(&services, &functions, request.map(axum::body::Body::from)).await
                }
                _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            };
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            http::Response::from_parts(parts, body)
        })
    });
    for third_party in &services.third_parties {
        third_party.reach(&services.base_url, Arc::clone(&deliver));
    }
}

async fn answer(State(cloud): State<Cloud>, peer: ConnectInfo<Peer>, mut request: Request) -> Response {
    let ConnectInfo(Peer(address)) = peer;
    request.extensions_mut().insert(ConnectInfo(address));
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix(endpoints::PREFIX) {
        // Uploads by presigned URL come from the shop's pages, another origin, and are protected by their signature.
        let is_signed =
            endpoints::is_s3(rest) && request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature="));
        if !is_for_here(&request) || !(is_signed || is_from_here(&request)) {
            return StatusCode::FORBIDDEN.into_response();
        }
        return endpoints::answer(&cloud.services, request).await;
    }
    if path.starts_with("/_local/") {
        if !is_for_here(&request) || !is_from_here(&request) {
            return StatusCode::FORBIDDEN.into_response();
        }
        return match cloud.deployment.beside_the_api(request) {
            Ok(answer) => answer,
            Err(request) => local_api::answer(&cloud, request).await,
        };
    }
    let request = match cloud.deployment.beside_the_api(request) {
        Ok(answer) => return answer,
        Err(request) => request,
    };
    if path == cloud.deployment.health_path() && !cloud.services.is_ready() {
        let mut loading = (StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#).into_response();
        loading.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        loading.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return loading;
    }
    front::serve(&cloud.services, &cloud.functions, request).await
}

/// Whether the request's host is a loopback name. This prevents DNS rebinding: a foreign page could otherwise call the
/// cloud from a visitor's browser, by a domain that it resolves to 127.0.0.1.
fn is_for_here(request: &Request) -> bool {
    let host = text(request, &header::HOST);
    host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str)).is_some_and(is_loopback)
}

/// Whether the request has no `Origin`, or a loopback one: pages of other sites are refused.
fn is_from_here(request: &Request) -> bool {
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, host)| is_loopback(host));
    text(request, &header::ORIGIN).is_none_or(own)
}

fn text<'a>(request: &'a Request, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or_default())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}
