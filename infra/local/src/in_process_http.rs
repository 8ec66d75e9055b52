//! The AWS SDK's calls without a socket, for functions in the process of the embedded cloud.
//!
//! A call over loopback costs more CPU time than most of the services' work. What the SDK does stays the same: it
//! signs, serialises, retries and times out; only the connection is replaced by a call.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use cloud::stack::Endpoints;
use http_body_util::BodyExt;

/// An HTTP client whose only server is this cloud.
#[derive(Clone, Debug)]
pub(crate) struct InProcessHttp {
    endpoints: Endpoints,
    read_timeout: Option<Duration>,
}

impl InProcessHttp {
    pub(crate) fn to(endpoints: Endpoints) -> Self {
        Self { endpoints, read_timeout: None }
    }
}

impl HttpClient for InProcessHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { endpoints: self.endpoints.clone(), read_timeout: settings.read_timeout() })
    }
}

impl HttpConnector for InProcessHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { endpoints, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let (parts, body) = request.try_into_http1x().map_err(|error| user_error(error.into()))?.into_parts();
            let body = match body.bytes() {
                Some(bytes) => Bytes::copy_from_slice(bytes),
                None => body.collect().await.map_err(user_error)?.to_bytes(),
            };
            let call = endpoints.call(http::Request::from_parts(parts, body));
            let answered = match read_timeout {
                Some(limit) => tokio::time::timeout(limit, call)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
                None => call.await,
            };
            let answer = answered.ok_or_else(|| ConnectorError::io("the connection broke".into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| user_error(error.into()))
        })
    }
}

fn user_error(cause: Box<dyn std::error::Error + Send + Sync>) -> ConnectorError {
    ConnectorError::user(cause)
}
