//! The endpoint, called through the real SDK client.

mod behaviour;
mod conflicts;
mod faults;
mod limits;
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
    Attribute, Bytes, Caller, Consumer, Endpoint, Index, Key, OpenError, Options, Outcome, Permit, PermitAll,
    Projection, ROOT, Response, Start, StreamView, TTL_DELAY, Table, Timestamp, Value, json, keys, read, table_arn,
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
    pub(crate) async fn open(tables: &[Table]) -> Self {
        Self::with(None, Arc::new(PermitAll), Options::default(), tables).await
    }

    pub(crate) async fn with(path: Option<&Path>, permit: Arc<dyn Permit>, options: Options, tables: &[Table]) -> Self {
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
pub(crate) fn orders() -> Table {
    let key = |hash: &str, range: &str| Key { hash: Attribute::text(hash), range: Some(Attribute::text(range)) };
    Table {
        key: key("pk", "sk"),
        indexes: vec![Index {
            name: "by_state".to_owned(),
            key: key("state_key", "state_sort"),
            projection: Projection::All,
        }],
        stream: Some(StreamView::NewImage),
        ..Table::new("Orders", Attribute::text("pk"))
    }
}

fn carts() -> Table {
    Table { key: orders().key, ttl: Some("expires_at_s".to_owned()), ..Table::new("Carts", Attribute::text("pk")) }
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
