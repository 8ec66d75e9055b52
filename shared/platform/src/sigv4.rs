//! AWS Signature Version 4 for calls to DynamoDB, with the key of the day kept.
//!
//! The SDK's signer derives the signing key anew for each request: four HMACs over the secret, the date, the region and
//! the service, which change once a day. This one keeps the derived key, and hashes with ring, which TLS links anyway.
//! A test compares it with the SDK's signer byte by byte
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use http::HeaderValue;
use ring::{digest, hmac};

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";

/// The SDK's scheme `sigv4` with the signer of this module.
#[derive(Debug)]
pub(crate) struct KeptKeyScheme(Signer);

impl KeptKeyScheme {
    /// For calls to DynamoDB of this region.
    pub(crate) fn dynamodb(region: &str) -> Self {
        Self(Signer { region: region.to_owned(), service: "dynamodb", kept: Mutex::default() })
    }
}

impl AuthScheme for KeptKeyScheme {
    fn scheme_id(&self) -> AuthSchemeId {
        AuthSchemeId::new("sigv4")
    }

    fn identity_resolver(&self, resolvers: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(self.scheme_id())
    }

    fn signer(&self) -> &dyn Sign {
        &self.0
    }
}

#[derive(Debug)]
struct Signer {
    region: String,
    service: &'static str,
    kept: Mutex<Option<DayKey>>,
}

/// The signing key of one day and one pair of credentials.
#[derive(Clone, Debug)]
struct DayKey {
    /// Since the epoch.
    day: u64,
    access_key: String,
    /// `20261129`.
    date: String,
    /// `20261129/eu-central-1/dynamodb/aws4_request`.
    scope: String,
    key: hmac::Key,
}

impl DayKey {
    fn derive(credentials: &Credentials, day: u64, region: &str, service: &str) -> Result<Self, BoxError> {
        let midnight = DateTime::from_secs(i64::try_from(day.saturating_mul(SECONDS_OF_A_DAY))?);
        let mut date = midnight.fmt(Format::DateTime)?;
        date.truncate("2026-11-29".len());
        date.retain(|character| character != '-');
        let mut key = format!("AWS4{}", credentials.secret_access_key()).into_bytes();
        for part in [date.as_str(), region, service, "aws4_request"] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        Ok(Self {
            day,
            access_key: credentials.access_key_id().to_owned(),
            scope: format!("{date}/{region}/{service}/aws4_request"),
            date,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }
}

impl Signer {
    /// Signs a request with a body in memory and without a query, as all of DynamoDB's are.
    fn sign(&self, request: &mut HttpRequest, credentials: &Credentials, now: SystemTime) -> Result<(), BoxError> {
        let now = now.duration_since(UNIX_EPOCH)?.as_secs();
        let day = now / SECONDS_OF_A_DAY;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.take().filter(|kept| kept.day == day && kept.access_key == credentials.access_key_id());
        let known = match known {
            Some(known) => known,
            None => DayKey::derive(credentials, day, &self.region, self.service)?,
        };
        let known = kept.insert(known);
        let moment = moment(&known.date, now % SECONDS_OF_A_DAY);

        let (host, path) = host_and_path(request.uri())?;
        let body = request.body().bytes().ok_or("a body that is not in memory cannot be signed")?;
        let token = credentials.session_token();
        // AWS wants the host and all headers of its own signed, and recommends the type of the body.
        let headers = request.headers().iter();
        let headers = headers.filter(|(name, _)| *name == "content-type" || name.starts_with("x-amz-"));
        let mut signed: Vec<(&str, &str)> = headers.filter(|(name, _)| *name != DATE && *name != TOKEN).collect();
        signed.extend([("host", host), (DATE, &moment)]);
        signed.extend(token.map(|token| (TOKEN, token)));
        signed.sort_unstable();

        let mut canonical = String::with_capacity(512 + token.map_or(0, str::len));
        canonical.push_str(request.method());
        for part in ["\n", path, "\n\n"] {
            canonical.push_str(part);
        }
        let mut names = String::with_capacity(128);
        for (name, value) in &signed {
            for part in [name, ":", value.trim(), "\n"] {
                canonical.push_str(part);
            }
            names.push_str(if names.is_empty() { "" } else { ";" });
            names.push_str(name);
        }
        for part in ["\n", &names, "\n"] {
            canonical.push_str(part);
        }
        push_hex(digest::digest(&digest::SHA256, body).as_ref(), &mut canonical);

        let mut text = String::with_capacity(160);
        for part in ["AWS4-HMAC-SHA256\n", &moment, "\n", &known.scope, "\n"] {
            text.push_str(part);
        }
        push_hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref(), &mut text);
        let mut authorization = String::with_capacity(320);
        let parts = [known.access_key.as_str(), "/", &known.scope, ", SignedHeaders=", &names, ", Signature="];
        authorization.push_str("AWS4-HMAC-SHA256 Credential=");
        for part in parts {
            authorization.push_str(part);
        }
        push_hex(hmac::sign(&known.key, text.as_bytes()).as_ref(), &mut authorization);

        let headers = request.headers_mut();
        headers.try_insert(DATE, moment)?;
        headers.try_insert("authorization", authorization)?;
        if let Some(token) = token {
            let mut token = HeaderValue::from_str(token)?;
            token.set_sensitive(true);
            headers.try_insert(TOKEN, token)?;
        }
        Ok(())
    }
}

impl Sign for Signer {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        identity: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        components: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        let credentials = identity.data::<Credentials>().ok_or("the identity holds no AWS credentials")?;
        self.sign(request, credentials, components.time_source().unwrap_or_default().now())
    }
}

/// `20261129T184900Z`.
fn moment(date: &str, second: u64) -> String {
    let mut moment = String::with_capacity(16);
    moment.push_str(date);
    moment.push('T');
    for part in [second / 3_600, second / 60 % 60, second % 60] {
        for digit in [part / 10, part % 10] {
            moment.extend(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)));
        }
    }
    moment.push('Z');
    moment
}

/// The parts of a URI that are signed: the host without the scheme's own port, and the path.
fn host_and_path(uri: &str) -> Result<(&str, &str), BoxError> {
    let (scheme, rest) = uri.split_once("://").ok_or("the endpoint has no scheme")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.contains('?') {
        return Err("a query is not signed here".into());
    }
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    Ok((host.strip_suffix(own_port).unwrap_or(host), if path.is_empty() { "/" } else { path }))
}

fn push_hex(bytes: &[u8], text: &mut String) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    const NOON: u64 = 1_795_953_600;

    fn credentials(key: &str, token: Option<&str>) -> Credentials {
        Credentials::new(key, format!("secret of {key}"), token.map(str::to_owned), None, "test")
    }

    fn request(uri: &str, body: &str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").unwrap();
        request.set_uri(uri.to_owned()).unwrap();
        for (name, value) in [
            ("x-amz-target", "DynamoDB_20120810.GetItem"),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amzn-trace-id", "Root=1-2-3"),
            ("content-length", "2"),
        ] {
            request.headers_mut().insert(name, value);
        }
        request
    }

    fn signer() -> Signer {
        Signer { region: "eu-central-1".to_owned(), service: "dynamodb", kept: Mutex::default() }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The headers that the SDK's signer gives to the same request.
    fn by_the_sdk(request: &HttpRequest, credentials: &Credentials, now: SystemTime) -> Vec<(String, String)> {
        let identity = Identity::from(credentials.clone());
        let mut settings = SigningSettings::default();
        settings.excluded_headers.as_mut().unwrap().push("content-length".into());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("dynamodb")
            .time(now)
            .settings(settings)
            .build()
            .unwrap();
        let body = SignableBody::Bytes(request.body().bytes().unwrap());
        let signable = SignableRequest::new("POST", request.uri(), request.headers().iter(), body).unwrap();
        let (instructions, _) = sign(signable, &SigningParams::V4(params)).unwrap().into_parts();
        instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn the_headers_are_those_of_the_sdk() {
        let signer = signer();
        let token = "t".repeat(1_200);
        for (uri, body) in [
            ("https://dynamodb.eu-central-1.amazonaws.com/", "{}"),
            ("https://dynamodb.eu-central-1.amazonaws.com", ""),
            ("https://dynamodb.eu-central-1.amazonaws.com:443/", r#"{"TableName":"Ўзбекистон"}"#),
            ("http://127.0.0.1:8000/_aws/dynamodb/", "{}"),
        ] {
            // Another key, the next day and the day before are each signed with a key of their own.
            for (key, token, second) in [
                ("AKIDONE", Some(token.as_str()), NOON),
                ("AKIDONE", Some("short"), NOON + 43_199),
                ("AKIDTWO", None, NOON + 43_200),
                ("AKIDTWO", None, NOON),
                ("AKIDONE", None, 5),
            ] {
                let (credentials, mut signed) = (credentials(key, token), request(uri, body));
                let expected = by_the_sdk(&signed, &credentials, at(second));
                signer.sign(&mut signed, &credentials, at(second)).unwrap();
                assert_eq!(expected.len(), 2 + usize::from(token.is_some()));
                for (name, value) in expected {
                    assert_eq!(signed.headers().get(&name), Some(value.as_str()), "{name} of {uri} at {second}");
                }
            }
        }
    }

    #[test]
    fn a_repeated_request_is_signed_as_if_it_were_the_first() {
        let (signer, credentials) = (signer(), credentials("AKIDONE", Some("token")));
        let uri = "https://dynamodb.eu-central-1.amazonaws.com/";
        let (mut repeated, mut fresh) = (request(uri, "{}"), request(uri, "{}"));
        signer.sign(&mut repeated, &credentials, at(NOON)).unwrap();
        signer.sign(&mut repeated, &credentials, at(NOON + 1)).unwrap();
        signer.sign(&mut fresh, &credentials, at(NOON + 1)).unwrap();
        assert_eq!(repeated.headers().get("authorization"), fresh.headers().get("authorization"));
        assert_eq!(repeated.headers().get_all(DATE).count(), 1);
    }

    #[test]
    fn what_is_not_signed_in_full_is_not_signed() {
        let (signer, credentials) = (signer(), credentials("AKIDONE", None));
        let mut with_query = request("https://dynamodb.eu-central-1.amazonaws.com/?a=b", "{}");
        assert!(signer.sign(&mut with_query, &credentials, at(NOON)).is_err());
        let mut streamed = request("https://dynamodb.eu-central-1.amazonaws.com/", "{}");
        *streamed.body_mut() = SdkBody::taken();
        assert!(signer.sign(&mut streamed, &credentials, at(NOON)).is_err());
        for request in [with_query, streamed] {
            assert_eq!(request.headers().get("authorization"), None);
        }
    }
}
