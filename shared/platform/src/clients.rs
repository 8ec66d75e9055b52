//! AWS clients, built by hand: region, credentials and endpoints are in the environment, so the SDK's chain of
//! providers, profiles and metadata services is never used.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::endpoint::OneEndpoint;
use crate::headers::LeanHeaders;
use crate::sigv4::KeptKeyScheme;
use crate::{Config, Fatal};

/// The roots that AWS endpoints chain to (<https://www.amazontrust.com/repository/>). Five instead of the system's 140:
/// parsing those costs nine million instructions.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// TLS by rustls on ring: the first use of aws-lc costs 25 ms of a full core.
pub(crate) fn tls_provider() -> Provider {
    Provider::Rustls(CryptoMode::Ring)
}

/// The timeouts and the retries of a service's calls.
struct CallPolicy {
    attempt: Option<Duration>,
    operation: Option<Duration>,
    attempts: u32,
    first_backoff: Duration,
}

const QUICK: CallPolicy = CallPolicy {
    attempt: Some(Duration::from_secs(3)),
    operation: Some(Duration::from_secs(8)),
    attempts: 3,
    first_backoff: Duration::from_millis(50),
};
const SLOWER: CallPolicy = CallPolicy {
    attempt: Some(Duration::from_secs(5)),
    operation: Some(Duration::from_secs(12)),
    attempts: 3,
    first_backoff: Duration::from_millis(100),
};
/// For whole files: only the connection and the first byte of the answer have a timeout.
const FILES: CallPolicy =
    CallPolicy { attempt: None, operation: None, attempts: 3, first_backoff: Duration::from_millis(100) };

impl CallPolicy {
    fn timeouts(&self) -> TimeoutConfig {
        // The same for all services: the SDK keeps one connection pool per pair of these two timeouts.
        let mut timeouts =
            TimeoutConfig::builder().connect_timeout(Duration::from_secs(1)).read_timeout(Duration::from_secs(10));
        timeouts.set_operation_attempt_timeout(self.attempt);
        timeouts.set_operation_timeout(self.operation);
        timeouts.build()
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(self.first_backoff)
            .with_max_backoff(Duration::from_secs(2))
    }
}

/// Each SDK crate has its own builder type with the same methods.
macro_rules! client {
    ($config:expr, $sdk:ident, $endpoint:literal, $policy:expr $(, $setting:ident($value:expr))*) => {{
        let config: &Config = $config;
        let policy: &CallPolicy = $policy;
        let mut builder = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(config.required("AWS_REGION")?.to_owned()))
            .credentials_provider(config.credentials()?)
            .identity_cache($sdk::config::IdentityCache::no_cache())
            .http_client(config.http())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .timeout_config(policy.timeouts())
            .retry_config(policy.retries())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .interceptor(LeanHeaders)
            $(.$setting($value))*;
        builder.set_endpoint_url(config.endpoint($endpoint).map(str::to_owned));
        Ok($sdk::Client::from_conf(builder.build()))
    }};
}

impl Config {
    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn dynamodb(&self) -> Result<aws_sdk_dynamodb::Client, Fatal> {
        client!(
            self,
            aws_sdk_dynamodb,
            "DYNAMODB",
            &QUICK,
            endpoint_resolver(OneEndpoint::default()),
            push_auth_scheme(KeptKeyScheme::dynamodb(self.required("AWS_REGION")?)),
            // Only the SDK's own signer can use what this measures in each answer; AWS sets the clock of Lambda.
            disable_clock_skew_correction(true)
        )
    }

    /// S3, with path-style addresses where an endpoint is given: a loopback address has no buckets as subdomains.
    ///
    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn s3(&self) -> Result<aws_sdk_s3::Client, Fatal> {
        use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
        client!(
            self,
            aws_sdk_s3,
            "S3",
            &FILES,
            force_path_style(self.endpoint("S3").is_some()),
            request_checksum_calculation(RequestChecksumCalculation::WhenRequired),
            response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        )
    }

    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn sqs(&self) -> Result<aws_sdk_sqs::Client, Fatal> {
        client!(self, aws_sdk_sqs, "SQS", &SLOWER)
    }

    /// SES, version 2.
    ///
    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn ses(&self) -> Result<aws_sdk_sesv2::Client, Fatal> {
        client!(self, aws_sdk_sesv2, "SESV2", &SLOWER)
    }

    /// Cognito user pools.
    ///
    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn cognito(&self) -> Result<aws_sdk_cognitoidentityprovider::Client, Fatal> {
        client!(self, aws_sdk_cognitoidentityprovider, "COGNITO_IDENTITY_PROVIDER", &SLOWER)
    }

    /// Secrets Manager. Most callers want [`Config::secret`].
    ///
    /// # Errors
    /// When the environment lacks the region or the credentials.
    pub fn secrets(&self) -> Result<aws_sdk_secretsmanager::Client, Fatal> {
        client!(self, aws_sdk_secretsmanager, "SECRETS_MANAGER", &SLOWER)
    }

    fn endpoint(&self, service: &str) -> Option<&str> {
        self.optional(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| self.optional("AWS_ENDPOINT_URL"))
    }

    /// The credentials of the function's role. In Lambda they are valid for the whole life of its execution
    /// environment.
    fn credentials(&self) -> Result<Credentials, Fatal> {
        let token = self.optional("AWS_SESSION_TOKEN").map(str::to_owned);
        let (key, secret) = (self.required("AWS_ACCESS_KEY_ID")?, self.required("AWS_SECRET_ACCESS_KEY")?);
        Ok(Credentials::new(key, secret, token, None, "environment"))
    }

    fn http(&self) -> SharedHttpClient {
        self.shared_http(|| {
            // Endpoints in Lambda use TLS; for plain HTTP endpoints on loopback the roots would be parsed for nothing.
            let roots = match self.endpoint("DYNAMODB") {
                Some(endpoint) if endpoint.starts_with("http://") => TrustStore::empty(),
                _ => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
            };
            let builder = Builder::new().tls_provider(tls_provider());
            match tls_context(roots) {
                Ok(context) => builder.tls_context(context).build_https(),
                Err(_) => builder.build_https(),
            }
        })
    }
}

pub(crate) fn tls_context(roots: TrustStore) -> Result<TlsContext, Fatal> {
    TlsContext::builder().with_trust_store(roots).build().map_err(Fatal::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::{Fake, environment};
    use crate::trace;

    #[test]
    fn the_pinned_roots_are_five_certificates_that_tls_accepts() {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert_eq!(text.matches("\n# SHA-256 ").count(), 5);
        // The builder panics on a certificate that it cannot parse.
        let context = tls_context(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)).unwrap();
        let _ = aws_smithy_http_client::Connector::builder().tls_provider(tls_provider()).tls_context(context).build();
    }

    #[tokio::test]
    async fn a_call_carries_the_trace_the_session_token_and_goes_to_its_endpoint() {
        let fake = Fake::answering(200, r#"{"Item":{"pk":{"S":"a"}}}"#);
        let config = environment().with_http(fake.client());
        let dynamodb = config.dynamodb().unwrap();
        let read =
            dynamodb.get_item().table_name("carts").key("pk", aws_sdk_dynamodb::types::AttributeValue::S("a".into()));
        let found = trace::scope(Some("Root=1-2-3".to_owned()), read.clone().send()).await.unwrap();
        assert!(found.item.is_some());
        read.send().await.unwrap();

        let seen = fake.seen();
        assert!(seen[0].uri.starts_with("http://127.0.0.1:9/_aws/dynamodb"), "{}", seen[0].uri);
        assert_eq!(seen[0].header("x-amzn-trace-id"), Some("Root=1-2-3"));
        assert_eq!(seen[0].header("x-amz-security-token"), Some("session"));
        assert!(seen[0].header("authorization").unwrap().contains("Credential=LOCALCatalogFunction/"));
        assert_eq!(seen[1].header("x-amzn-trace-id"), None);
    }

    #[tokio::test]
    async fn a_call_says_nothing_about_the_sdk_whichever_service_it_goes_to() {
        let fake = Fake::answering(200, "{}");
        let config = environment().with_http(fake.client());
        config.dynamodb().unwrap().list_tables().send().await.unwrap();
        config.secrets().unwrap().get_secret_value().secret_id("one").send().await.unwrap();
        for seen in fake.seen() {
            assert_eq!(seen.header("user-agent"), Some(concat!("bozor/", env!("CARGO_PKG_VERSION"))));
            for header in ["x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request"] {
                assert_eq!(seen.header(header), None, "{header}");
            }
            assert!(seen.header("authorization").unwrap().starts_with("AWS4-HMAC-SHA256 Credential="));
        }
    }

    #[tokio::test]
    async fn the_real_client_is_built_and_reports_an_endpoint_that_does_not_answer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut variables = crate::secrets::tests::variables();
        variables.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), format!("http://{address}"));
        let dynamodb = Config::from_vars(variables).dynamodb().unwrap();
        let error = dynamodb.list_tables().send().await.unwrap_err();
        assert!(matches!(error, aws_sdk_dynamodb::error::SdkError::DispatchFailure(_)), "{error:?}");
    }

    #[test]
    fn every_client_is_built_from_a_region_and_keys() {
        let mut variables = crate::secrets::tests::variables();
        variables.retain(|name, _| !name.starts_with("AWS_ENDPOINT"));
        let config = Config::from_vars(variables);
        config.dynamodb().unwrap();
        config.s3().unwrap();
        config.sqs().unwrap();
        config.ses().unwrap();
        config.cognito().unwrap();
        config.secrets().unwrap();
        let error = Config::from_vars([("AWS_REGION".to_owned(), "eu-1".to_owned())].into()).dynamodb().unwrap_err();
        assert_eq!(error.to_string(), "the environment variable AWS_ACCESS_KEY_ID is missing");
    }
}
