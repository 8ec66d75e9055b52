//! The endpoint, called through the real SDK client.

mod behaviour;
mod conflicts;
mod faults;
mod storage;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::extract::{Request, State};
use http::StatusCode;

use super::{
    Attribute, Bytes, Caller, Endpoint, IndexSpec, OpenError, Options, Outcome, Permit, PermitAll, Projection, ROOT,
    Response, Start, TTL_DELAY, TableSpec, Timestamp, Value, json, keys, read, table_arn,
};
use crate::clock::Clock;
use crate::faults::{Faults, Kind};
use crate::usage::{Cost, Units, Usage};

/// An endpoint behind a server on loopback.
pub(crate) struct Cloud {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) faults: Faults,
    pub(crate) usage: Usage,
    clock: Clock,
    url: String,
}

impl Cloud {
    pub(crate) async fn open(tables: &[TableSpec]) -> Self {
        Self::with(None, Arc::new(PermitAll), Options::default(), tables).await
    }

    pub(crate) async fn with(
        path: Option<&Path>,
        permit: Arc<dyn Permit>,
        options: Options,
        tables: &[TableSpec],
    ) -> Self {
        let (faults, usage) = (Faults::default(), Usage::default());
        let clock = Clock::frozen(Timestamp::from_millis(1_800_000_000_000));
        let endpoint =
            Arc::new(Endpoint::open(path, permit, faults.clone(), usage.clone(), clock.clone(), options).unwrap());
        endpoint.create_tables(tables).unwrap();
        async fn serve(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
            let (parts, body) = request.into_parts();
            endpoint.serve(parts, axum::body::to_bytes(body, usize::MAX).await.unwrap()).await
        }
        let router = Router::new().fallback(serve).with_state(Arc::clone(&endpoint));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, faults, usage, clock, url }
    }

    /// A function's client, without retries.
    pub(crate) fn client(&self, access_key_id: &str) -> Client {
        self.client_with(access_key_id, Some("token"), RetryConfig::disabled())
    }

    pub(crate) fn client_with(&self, access_key_id: &str, token: Option<&str>, retries: RetryConfig) -> Client {
        let credentials = Credentials::new(access_key_id, "secret", token.map(str::to_owned), None, "test");
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(&self.url)
            .credentials_provider(credentials)
            .retry_config(retries.with_initial_backoff(Duration::from_millis(1)))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Client::from_conf(config)
    }
}

/// `pk`, `sk`; an index `by_state` on `state_key`, `state_sort`; a stream of new images.
pub(crate) fn orders() -> TableSpec {
    TableSpec {
        name: "Orders".to_owned(),
        hash: Attribute::text("pk"),
        range: Some(Attribute::text("sk")),
        indexes: vec![IndexSpec {
            name: "by_state".to_owned(),
            hash: Attribute::text("state_key"),
            range: Some(Attribute::text("state_sort")),
            projection: Projection::All,
        }],
        stream: Some("NEW_IMAGE".to_owned()),
        ttl_attribute: None,
    }
}

fn carts() -> TableSpec {
    TableSpec {
        name: "Carts".to_owned(),
        indexes: Vec::new(),
        stream: None,
        ttl_attribute: Some("expires_at_s".to_owned()),
        ..orders()
    }
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": "ORDER" } })
}
