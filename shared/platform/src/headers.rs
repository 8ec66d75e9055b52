//! The headers of AWS calls: the trace id, by which X-Ray and Lambda's detection of loops know the invocation
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>), and a short user agent. What the SDK
//! says about itself, its call and its attempt is left out: AWS only counts by it, and writing it costs 3 % of a warm
//! call.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::trace::{self, TRACE_HEADER};

/// What CloudTrail shows as the caller's program.
const USER_AGENT: &str = concat!("bozor/", env!("CARGO_PKG_VERSION"));

/// Adds the headers after a call is signed, so that none of them is part of the signature.
#[derive(Debug)]
pub(crate) struct LeanHeaders;

#[dyn_dispatch_hint]
impl Intercept for LeanHeaders {
    fn name(&self) -> &'static str {
        "LeanHeaders"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const CAUSE: &str = "no service of ours needs it";
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE));
        state.store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE));
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert("user-agent", USER_AGENT)?;
        if let Some(trace_id) = trace::current() {
            headers.try_insert(TRACE_HEADER, trace_id)?;
        }
        Ok(())
    }
}
