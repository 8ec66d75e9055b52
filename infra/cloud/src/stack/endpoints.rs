//! The endpoints of the AWS services under `/_aws`, over HTTP and for functions in this process.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};

use super::deployment::Endpoints;
use super::services::Services;
use crate::faults::{Call, CallContext, ConnectionDropped, Kind, SLOW_DELAY, drop_connection};

/// The largest body of a call to an endpoint, in bytes: DynamoDB takes 16 MB.
const MAX_CALL_SIZE: usize = 20 * 1024 * 1024;

/// The path that all endpoints are below.
pub(super) const PREFIX: &str = "/_aws/";

/// The endpoints for functions in this process.
pub(super) fn in_process(services: &Arc<Services>) -> Endpoints {
    let services = Arc::clone(services);
    Endpoints::new(move |request| {
        let services = Arc::clone(&services);
        Box::pin(async move {
            let (parts, body) = answer(&services, request.map(Body::from)).await.into_parts();
            if parts.extensions.get::<ConnectionDropped>().is_some() {
                return None;
            }
            let body = body.collect().await.ok()?.to_bytes();
            Some(http::Response::from_parts(parts, body))
        })
    })
}

/// Answers a request to a path below [`PREFIX`].
pub(super) async fn answer(services: &Services, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some(rest) = path.strip_prefix(PREFIX) else { return StatusCode::NOT_FOUND.into_response() };
    // S3's signatures cover the whole path, so its prefix stays.
    if is_s3(rest) {
        let call_context = call_context(services, request.headers());
        request.extensions_mut().insert(call_context);
        return services.buckets.call(request).await;
    }
    json_service(services, rest, request).await
}

/// Whether the part of a path after [`PREFIX`] is S3's.
pub(super) fn is_s3(rest: &str) -> bool {
    rest.starts_with("s3/") || rest == "s3"
}

/// Answers an SDK's call to one of the services, with the faults that were injected for it.
async fn json_service(services: &Services, rest: &str, request: Request) -> Response {
    let (service, path) = rest.split_once('/').unwrap_or((rest, ""));
    let service = service.to_owned();
    let (parts, body) = match read(request, &format!("/{path}")).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    if service == "dynamodb" {
        return services.dynamodb.serve(parts, body).await;
    }
    let operation = operation(&parts);
    let CallContext { trace, route } = call_context(services, &parts.headers);
    match services.faults.next(&Call::of(&service, &operation).for_route(route)) {
        Some(Kind::Before) => drop_connection(),
        Some(Kind::After) => {
            call(services, &service, parts, body).await;
            drop_connection()
        }
        Some(Kind::CrashBefore) => {
            services.faults.kill(trace.as_deref()).await;
            drop_connection()
        }
        Some(Kind::CrashAfter) => {
            call(services, &service, parts, body).await;
            services.faults.kill(trace.as_deref()).await;
            drop_connection()
        }
        Some(Kind::Throttle | Kind::Conflict) => {
            let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
            (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
        }
        Some(Kind::Slow) => {
            tokio::time::sleep(SLOW_DELAY).await;
            call(services, &service, parts, body).await
        }
        Some(Kind::Stale | Kind::Torn | Kind::Duplicate | Kind::Disorder) | None => {
            call(services, &service, parts, body).await
        }
    }
}

/// The invocation that an SDK's call belongs to, by the trace header that functions pass on.
fn call_context(services: &Services, headers: &HeaderMap) -> CallContext {
    let trace = headers.get("x-amzn-trace-id").and_then(|trace| trace.to_str().ok());
    let route = trace.and_then(|trace| services.usage.route_of(trace));
    CallContext { trace: trace.map(str::to_owned), route }
}

async fn call(services: &Services, service: &str, parts: Parts, body: Bytes) -> Response {
    let answer = match service {
        "sqs" => services.queues.call(parts, body).await,
        "ses" => services.mail.call(parts, body).await,
        "cognito" => services.cognito.call(parts, body).await,
        "secrets" => services.secrets.call(parts, body).await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    answer.map(Body::from)
}

/// The operation of a call: the last part of `X-Amz-Target`. SES sends no such header, and has one operation here.
fn operation(parts: &Parts) -> String {
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit('.').next()).unwrap_or("SendEmail").to_owned()
}

/// Reads the body and replaces the path; 413 for a body above [`MAX_CALL_SIZE`].
pub(super) async fn read(request: Request, path: &str) -> Result<(Parts, Bytes), Response> {
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = format!("{path}{query}").parse::<Uri>() {
        parts.uri = uri;
    }
    match Limited::new(body, MAX_CALL_SIZE).collect().await {
        Ok(body) => Ok((parts, body.to_bytes())),
        Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
    }
}
