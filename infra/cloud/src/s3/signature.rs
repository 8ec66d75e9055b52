//! Signature version 4 for S3: presigned URLs are verified, and authenticated requests are signed again for the S3
//! implementation behind the endpoint (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).

use std::time::Duration;

use crate::account::REGION;
use crate::time::Timestamp;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use ring::{digest, hmac};
use s3s::S3Result;
use s3s::auth::{S3Auth, SecretKey};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::Refusal;
use crate::gateway::{decoded, hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// How far a signer's clock may be ahead of the embedded cloud's.
const SKEW: Duration = Duration::from_mins(15);
/// The longest validity of a presigned URL, in seconds: a week.
const MAX_EXPIRES_SECONDS: u64 = 604_800;

/// The same secret for every access key.
pub(super) struct OneSecret(pub(super) String);

#[async_trait::async_trait]
impl S3Auth for OneSecret {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(self.0.as_str()))
    }
}

/// A request's query parameters, decoded, in the order they were sent.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(uri: &Uri) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
        )
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.value(name).filter(|value| !value.is_empty()).ok_or(MALFORMED)
    }

    /// The canonical query string that is signed: encoded, sorted, without the signature itself.
    fn canonical(&self) -> String {
        let mut pairs: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (encoded(name, false), encoded(value, false)))
            .collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

const MALFORMED: Refusal = Refusal::invalid(
    "AuthorizationQueryParametersError",
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, \
     X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
);
const MISMATCH: Refusal = Refusal::forbidden(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
);
const NO_TOKEN: Refusal = Refusal::invalid("InvalidToken", "The provided token is malformed or otherwise invalid.");

/// The caller's access key, or none for an anonymous caller. A presigned URL's signature and times are verified; the
/// access key of a signed header is trusted without verification, as at every endpoint of the embedded cloud. Both need
/// a session token.
pub(super) fn caller(parts: &Parts, secret: &str, now: Timestamp) -> Result<Option<String>, Refusal> {
    let query = Query::of(&parts.uri);
    if query.value("X-Amz-Signature").is_some() || query.value("X-Amz-Algorithm").is_some() {
        return presigned(parts, &query, secret, now).map(Some);
    }
    let unsupported = Refusal::invalid(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
    if query.value("Signature").is_some() {
        return Err(unsupported);
    }
    let Some(authorization) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let authorization = authorization.to_str().map_err(|_| unsupported)?;
    let access_key = authorization
        .strip_prefix(ALGORITHM)
        .and_then(|rest| rest.split_once("Credential="))
        .and_then(|(_, credential)| credential.split(['/', ',']).next())
        .filter(|access_key| !access_key.is_empty())
        .ok_or(unsupported)?;
    if text(&parts.headers, "x-amz-security-token").is_empty() {
        return Err(NO_TOKEN);
    }
    Ok(Some(access_key.to_owned()))
}

fn presigned(parts: &Parts, query: &Query, secret: &str, now: Timestamp) -> Result<String, Refusal> {
    if query.required("X-Amz-Algorithm")? != ALGORITHM {
        return Err(MALFORMED);
    }
    let stamp = query.required("X-Amz-Date")?;
    let signed_at = parse_timestamp(stamp).ok_or(MALFORMED)?;
    let valid_for: u64 = query.required("X-Amz-Expires")?.parse().map_err(|_| MALFORMED)?;
    if !(1..=MAX_EXPIRES_SECONDS).contains(&valid_for) {
        return Err(MALFORMED);
    }
    let mut credential = query.required("X-Amz-Credential")?.split('/');
    let mut part = || credential.next().filter(|part| !part.is_empty()).ok_or(MALFORMED);
    let (access_key, day, region, service, end) = (part()?, part()?, part()?, part()?, part()?);
    if service != "s3" || end != "aws4_request" || stamp.get(..8) != Some(day) {
        return Err(MALFORMED);
    }

    let names: Vec<&str> = query.required("X-Amz-SignedHeaders")?.split(';').collect();
    if !names.contains(&"host") {
        return Err(MALFORMED);
    }
    // A header that is not signed must not change what the request does.
    let unsigned = |name: &&HeaderName| name.as_str().starts_with("x-amz-") && !names.contains(&name.as_str());
    if parts.headers.keys().any(|name| unsigned(&name)) {
        return Err(Refusal::forbidden(
            "AccessDenied",
            "There were headers present in the request which were not signed",
        ));
    }
    let path = encoded(&decoded(parts.uri.path()), true);
    let headers = canonical_headers(&parts.headers, &names);
    let request =
        format!("{}\n{path}\n{}\n{headers}\n{}\n{UNSIGNED}", parts.method, query.canonical(), names.join(";"));
    let expected = Signer { secret, stamp, region }.signature(&request);
    let given = query.required("X-Amz-Signature")?;
    if !constant_time_eq(expected.as_bytes(), given.as_bytes()) {
        return Err(MISMATCH);
    }
    if query.required("X-Amz-Security-Token").is_err() {
        return Err(NO_TOKEN);
    }
    if signed_at > now + SKEW {
        return Err(Refusal::forbidden("AccessDenied", "Request is not valid yet"));
    }
    if now >= signed_at + Duration::from_secs(valid_for) {
        return Err(Refusal::forbidden("AccessDenied", "Request has expired"));
    }
    Ok(access_key.to_owned())
}

/// Removes from a request what its signer added, and the prefix from its path.
pub(super) fn strip(parts: &mut Parts, prefix: &str) -> Result<(), Refusal> {
    const SIGNER_PARAMETERS: [&str; 7] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
    ];
    let query = Query::of(&parts.uri);
    let presigned = query.value("X-Amz-Signature").is_some();
    for name in [header::AUTHORIZATION.as_str(), "x-amz-security-token", "x-amz-date"] {
        parts.headers.remove(name);
    }
    let mut remaining = Vec::new();
    for (name, value) in &query.0 {
        let lower = name.to_ascii_lowercase();
        if presigned && SIGNER_PARAMETERS.contains(&lower.as_str()) {
            continue;
        }
        if presigned && lower.starts_with("x-amz-") {
            // A signer may move headers into the query; they are moved back.
            let name = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| MALFORMED)?;
            parts.headers.insert(name, HeaderValue::from_str(value).map_err(|_| MALFORMED)?);
        } else {
            remaining.push(format!("{}={}", encoded(name, false), encoded(value, false)));
        }
    }
    if presigned {
        parts.headers.insert("x-amz-content-sha256", HeaderValue::from_static(UNSIGNED));
    }
    let path = parts.uri.path().strip_prefix(prefix).filter(|path| !path.is_empty()).unwrap_or("/");
    let target = if remaining.is_empty() { path.to_owned() } else { format!("{path}?{}", remaining.join("&")) };
    let invalid = Refusal::invalid("InvalidURI", "Couldn't parse the specified URI.");
    parts.uri = target.parse().map_err(|_| invalid)?;
    Ok(())
}

/// Whether each chunk of the body carries a signature.
pub(super) fn has_signed_chunks(headers: &HeaderMap) -> bool {
    text(headers, "x-amz-content-sha256").starts_with("STREAMING-AWS4-")
}

/// Signs a stripped request in a header, for the S3 implementation; its chunks are declared as unsigned.
pub(super) fn sign(parts: &mut Parts, access_key: &str, secret: &str) -> Result<(), Refusal> {
    let payload = if has_signed_chunks(&parts.headers) {
        parts.headers.entry("x-amz-trailer").or_insert(HeaderValue::from_static("x-amz-none"));
        UNSIGNED_CHUNKS.to_owned()
    } else {
        match text(&parts.headers, "x-amz-content-sha256") {
            "" => UNSIGNED.to_owned(),
            sent => sent.to_owned(),
        }
    };
    // The S3 implementation compares with the system clock, not with the embedded cloud's.
    let now = OffsetDateTime::now_utc();
    let written = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"));
    let stamp = written.map_err(|_| MALFORMED)?;
    let day = stamp.get(..8).unwrap_or_default();
    let names = ["host", "x-amz-content-sha256", "x-amz-date"];
    for (name, value) in [("x-amz-content-sha256", &payload), ("x-amz-date", &stamp)] {
        parts.headers.insert(name, HeaderValue::from_str(value).map_err(|_| MALFORMED)?);
    }
    parts.headers.entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    let path = encoded(&decoded(parts.uri.path()), true);
    let query = Query::of(&parts.uri).canonical();
    let headers = canonical_headers(&parts.headers, &names);
    let names = names.join(";");
    let request = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload}", parts.method);
    let signature = Signer { secret, stamp: &stamp, region: REGION }.signature(&request);
    let authorization = format!(
        "{ALGORITHM} Credential={access_key}/{day}/{REGION}/s3/aws4_request, SignedHeaders={names}, Signature={signature}"
    );
    parts.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&authorization).map_err(|_| MALFORMED)?);
    Ok(())
}

struct Signer<'a> {
    secret: &'a str,
    stamp: &'a str,
    region: &'a str,
}

impl Signer<'_> {
    fn signature(&self, canonical_request: &str) -> String {
        let day = self.stamp.get(..8).unwrap_or_default();
        let hash = hex(digest::digest(&digest::SHA256, canonical_request.as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{}\n{day}/{}/s3/aws4_request\n{hash}", self.stamp, self.region);
        let start = format!("AWS4{}", self.secret).into_bytes();
        let key = [day, self.region, "s3", "aws4_request"]
            .iter()
            .fold(start, |key, step| authenticated(&key, step.as_bytes()));
        hex(&authenticated(&key, to_sign.as_bytes()))
    }
}

fn authenticated(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    // Digests are compared instead of the values, so that the duration does not reveal where they differ.
    digest::digest(&digest::SHA256, left).as_ref() == digest::digest(&digest::SHA256, right).as_ref()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A line for each signed header. A missing header counts as empty, so that the signature does not match.
fn canonical_headers(headers: &HeaderMap, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| {
            let values: Vec<String> = headers
                .get_all(*name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            format!("{name}:{}\n", values.join(","))
        })
        .collect()
}

fn parse_timestamp(stamp: &str) -> Option<Timestamp> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let parsed = PrimitiveDateTime::parse(stamp, format).ok()?;
    Some(Timestamp::from_millis(parsed.assume_utc().unix_timestamp().checked_mul(1000)?))
}

/// Percent-encodes everything but unreserved characters; `keeps_slashes` also leaves the slashes of a path.
pub(super) fn encoded(text: &str, keeps_slashes: bool) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keeps_slashes && byte == b'/') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
