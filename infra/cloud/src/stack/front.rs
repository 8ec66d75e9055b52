//! The way in from outside: to the gateway, or to the edge before it and its bucket.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};

use super::functions::Functions;
use super::services::Services;
use crate::account::REGION;
use crate::edge::Origin;
use crate::s3::FromEdge;

/// Answers a request from outside.
pub(super) async fn serve(services: &Arc<Services>, functions: &Arc<Functions>, request: Request) -> Response {
    let Some(edge) = &services.edge else { return functions.gateway.serve(request).await };
    let (services, functions) = (Arc::clone(services), Arc::clone(functions));
    let ask = move |origin: &Origin, request: Request| -> crate::gateway::BoxFuture<'static, Response> {
        let bucket = services.template.buckets.iter().find(|bucket| origin.domain == domain(&bucket.name));
        let bucket = bucket.map(|bucket| bucket.name.clone());
        let (services, functions) = (Arc::clone(&services), Arc::clone(&functions));
        Box::pin(async move {
            match bucket {
                Some(bucket) => picture(&services, &bucket, request).await,
                None => functions.gateway.serve(request).await,
            }
        })
    };
    edge.serve(request, &ask).await
}

fn domain(bucket: &str) -> String {
    format!("{bucket}.s3.{REGION}.amazonaws.com")
}

async fn picture(services: &Services, bucket: &str, mut request: Request) -> Response {
    let uri = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}s3/{bucket}{uri}", super::endpoints::PREFIX).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    // What the viewer sent would count as the path otherwise.
    request.extensions_mut().remove::<OriginalUri>();
    request.extensions_mut().insert(FromEdge);
    services.buckets.call(request).await
}
