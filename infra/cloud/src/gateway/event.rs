//! Events: a request in payload format 2.0, as `lambda_http` gets it in AWS.

use std::net::IpAddr;

use crate::account::ACCOUNT;
use crate::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::authorizer::Caller;
use super::route::decoded;

/// The AWS account id of the local cloud.
const API: &str = "local";
const COMMON_LOG: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// Headers that belong to one connection and are never passed on.
const HOP_BY_HOP_HEADERS: [header::HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER];

/// A request that is to become a function's event.
pub(super) struct Incoming<'a> {
    pub(super) route_key: String,
    pub(super) path_parameters: Vec<(String, String)>,
    pub(super) caller: Option<Caller>,
    pub(super) parts: &'a Parts,
    pub(super) body: Bytes,
    pub(super) request_id: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) source: IpAddr,
    pub(super) now: Timestamp,
}

impl Incoming<'_> {
    /// The event as JSON.
    pub(super) fn into_event(self) -> Result<Bytes, serde_json::Error> {
        let headers = &self.parts.headers;
        // Without a host, `lambda_http` would read the first segment of the path as one.
        let host = Some(text(headers, &header::HOST)).filter(|host| !host.is_empty());
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let domain = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned();
        // An HTTP API passes the path on decoded, and cuts it at a question mark that was percent-encoded in it.
        let path = decoded(self.parts.uri.path());
        let path = path.split('?').next().unwrap_or_default();
        let query = self.parts.uri.query().unwrap_or_default();

        let mut context = Map::new();
        context.insert("accountId".into(), ACCOUNT.into());
        context.insert("apiId".into(), API.into());
        if let Some(Caller { claims, scopes }) = self.caller {
            context.insert("authorizer".into(), json!({"jwt": {"claims": claims, "scopes": scopes}}));
        }
        context.insert("domainName".into(), domain.as_str().into());
        context.insert("domainPrefix".into(), domain.split('.').next().unwrap_or_default().into());
        context.insert(
            "http".into(),
            json!({
                "method": self.parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", self.parts.version),
                "sourceIp": self.source.to_string(),
                "userAgent": text(headers, &header::USER_AGENT),
            }),
        );
        context.insert("requestId".into(), self.request_id.into());
        context.insert("routeKey".into(), self.route_key.as_str().into());
        context.insert("stage".into(), "$default".into());
        context.insert("time".into(), common_log(self.now).into());
        context.insert("timeEpoch".into(), self.now.millis().into());

        let mut event = Map::new();
        event.insert("version".into(), "2.0".into());
        event.insert("routeKey".into(), self.route_key.into());
        event.insert("rawPath".into(), path.into());
        event.insert("rawQueryString".into(), query.into());
        let cookies = cookies(headers);
        if !cookies.is_empty() {
            event.insert("cookies".into(), cookies.into());
        }
        event.insert("headers".into(), joined_headers(headers, &host, self.source, self.trace_id, &self.body).into());
        let query = joined_query(query);
        if !query.is_empty() {
            event.insert("queryStringParameters".into(), query.into());
        }
        if !self.path_parameters.is_empty() {
            let parameters: Map<String, Value> =
                self.path_parameters.into_iter().map(|(name, value)| (name, value.into())).collect();
            event.insert("pathParameters".into(), parameters.into());
        }
        event.insert("requestContext".into(), context.into());
        let (body, is_base64) = body_text(headers, &self.body);
        if let Some(body) = body {
            event.insert("body".into(), body.into());
        }
        event.insert("isBase64Encoded".into(), is_base64.into());
        serde_json::to_vec(&event).map(Bytes::from)
    }
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn common_log(now: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(now.seconds())
        .ok()
        .and_then(|at| at.format(COMMON_LOG).ok())
        .unwrap_or_default()
}

fn cookies(headers: &HeaderMap) -> Vec<Value> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| {
            let line = String::from_utf8_lossy(value.as_bytes()).into_owned();
            line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()
        })
        .filter(|cookie| !cookie.is_empty())
        .map(Value::String)
        .collect()
}

/// The headers by lower-case name, repeated ones joined by commas, with those that the gateway adds.
fn joined_headers(headers: &HeaderMap, host: &str, source: IpAddr, trace_id: &str, body: &Bytes) -> Map<String, Value> {
    let mut joined: Map<String, Value> = headers
        .keys()
        .filter(|name| **name != header::COOKIE && !HOP_BY_HOP_HEADERS.contains(name))
        .map(|name| {
            let values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            (name.as_str().to_owned(), Value::String(values.join(",")))
        })
        .collect();
    let source = source.to_string();
    let forwarded = match joined.get("x-forwarded-for").and_then(Value::as_str) {
        Some(earlier) => format!("{earlier}, {source}"),
        None => source,
    };
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    joined.insert("host".into(), host.into());
    joined.insert("content-length".into(), body.len().to_string().into());
    joined.insert("x-amzn-trace-id".into(), trace_id.split(';').next().unwrap_or_default().into());
    joined.insert("x-forwarded-for".into(), forwarded.into());
    joined.insert("x-forwarded-port".into(), port.into());
    joined.insert("x-forwarded-proto".into(), "http".into());
    joined
}

/// The query's parameters, decoded, repeated ones joined by commas.
fn joined_query(query: &str) -> Map<String, Value> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut joined: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        let value = match joined.get(&name).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value,
        };
        joined.insert(name, value.into());
    }
    joined
}

/// The body for the event, and whether it is in base64: text types are passed as they are, everything else encoded.
fn body_text(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let readable = is_text(headers).then(|| std::str::from_utf8(body).ok()).flatten();
    readable.map_or_else(|| (Some(STANDARD.encode(body)), true), |text| (Some(text.to_owned()), false))
}

fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let kind = text(headers, &header::CONTENT_TYPE).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // Forms are not text: an HTTP API passes `application/x-www-form-urlencoded` on in base64.
    kind.is_empty()
        || kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}
