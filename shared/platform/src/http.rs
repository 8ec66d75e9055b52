//! Calls to third parties, above all payment providers, on the HTTP stack that the AWS clients link anyway.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use ::http::{Request, Response, Uri};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};

use crate::clients::{tls_context, tls_provider};
use crate::{Config, Fatal};

/// The greatest size of an answer's body, in bytes.
const MAX_RESPONSE_SIZE: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no answer. The difference matters when money is moved: what was not sent may be sent again, what is
/// unclear must be looked up first.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// The request certainly did not arrive.
    #[error("not sent: {0}")]
    Unsent(String),
    /// The request may have arrived and been carried out.
    #[error("no clear answer: {0}")]
    Unclear(String),
}

/// A client for third parties. Hosts are verified against the system's roots; plain HTTP is allowed to loopback only.
#[derive(Debug, Default)]
pub struct HttpClient {
    secure: OnceLock<Connector>,
    plain: OnceLock<Connector>,
}

impl Config {
    /// A client for third parties. In Lambda the system's roots are read now, during init, where the CPU runs at full
    /// speed.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn outbound(&self) -> Result<HttpClient, Fatal> {
        let client = HttpClient::default();
        if self.in_lambda() {
            let _ = client.secure.set(connector(TrustStore::default())?);
        }
        Ok(client)
    }
}

fn connector(roots: TrustStore) -> Result<Connector, Fatal> {
    Ok(Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .tls_provider(tls_provider())
        .tls_context(tls_context(roots)?)
        .build())
}

impl HttpClient {
    /// Sends a request and reads the whole answer within a timeout. An answer of more than 1 MiB is
    /// [`HttpError::Unclear`].
    ///
    /// # Errors
    /// [`HttpError::Unsent`] when no byte of the request can have arrived, else [`HttpError::Unclear`].
    pub async fn send(&self, request: Request<Bytes>, within: Duration) -> Result<Response<Bytes>, HttpError> {
        let connector = self.connector_for(request.uri())?;
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(unsent)?;
        let exchange = async {
            let answer = connector.call(request).await.map_err(|error| no_answer(&error))?;
            let answer = answer.try_into_http1x().map_err(unclear)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_RESPONSE_SIZE).collect().await;
            let body = body.map_err(|error| HttpError::Unclear(error.to_string()))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        tokio::time::timeout(within, exchange).await.unwrap_or_else(|elapsed| Err(unclear(elapsed)))
    }

    fn connector_for(&self, uri: &Uri) -> Result<&Connector, HttpError> {
        let (slot, roots) = match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => (&self.secure, TrustStore::default as fn() -> TrustStore),
            (Some("http"), Some("127.0.0.1" | "localhost" | "[::1]")) => {
                (&self.plain, TrustStore::empty as fn() -> TrustStore)
            }
            _ => return Err(HttpError::Unsent("only https leaves this machine".to_owned())),
        };
        if let Some(connector) = slot.get() {
            return Ok(connector);
        }
        let made = connector(roots()).map_err(unsent)?;
        Ok(slot.get_or_init(|| made))
    }
}

fn unsent(error: impl Error) -> HttpError {
    HttpError::Unsent(error.to_string())
}

fn unclear(error: impl Error) -> HttpError {
    HttpError::Unclear(error.to_string())
}

/// Only a failure to connect is certain to have sent nothing.
fn no_answer(error: &ConnectorError) -> HttpError {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    let mut causes = String::new();
    let mut connecting = false;
    while let Some(cause) = next {
        if !causes.is_empty() {
            causes.push_str(": ");
        }
        causes.push_str(&cause.to_string());
        connecting |= cause.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect());
        next = cause.source();
    }
    if connecting { HttpError::Unsent(causes) } else { HttpError::Unclear(causes) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// A server that reads one request, answers with these bytes and closes the connection.
    async fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            assert!(String::from_utf8_lossy(&request[..read]).starts_with("POST /v1/refunds HTTP/1.1"));
            stream.write_all(&answer).await.unwrap();
        });
        format!("http://{address}/v1/refunds")
    }

    fn post(uri: &str) -> Request<Bytes> {
        Request::post(uri).header("x-test", "1").body(Bytes::from_static(b"amount=1")).unwrap()
    }

    #[tokio::test]
    async fn an_answer_comes_back_whole() {
        let uri =
            server(b"HTTP/1.1 402 Payment Required\r\ncontent-length: 2\r\nrequest-id: r\r\n\r\nno".to_vec()).await;
        let answer = HttpClient::default().send(post(&uri), TIMEOUT).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (402, b"no".as_slice()));
        assert_eq!(answer.headers()["request-id"], "r");
    }

    #[tokio::test]
    async fn what_could_not_connect_was_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v1/refunds", listener.local_addr().unwrap());
        drop(listener);
        let error = HttpClient::default().send(post(&uri), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Unsent(_)), "{error}");
    }

    #[tokio::test]
    async fn what_was_sent_and_not_answered_is_unclear() {
        let uri = server(Vec::new()).await;
        let error = HttpClient::default().send(post(&uri), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Unclear(_)), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_unclear() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v1/refunds", listener.local_addr().unwrap());
        let error = HttpClient::default().send(post(&uri), Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, HttpError::Unclear(_)), "{error}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let mut endless = b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n".to_vec();
        endless.resize(2_000_000, b'x');
        let uri = server(endless).await;
        let error = HttpClient::default().send(post(&uri), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Unclear(_)), "{error}");
    }

    #[tokio::test]
    async fn plain_http_does_not_leave_the_machine() {
        let error = HttpClient::default().send(post("http://example.com/v1/refunds"), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Unsent(_)), "{error}");
    }
}
