//! An HTTP function in Lambda.

use axum::Router;

use crate::{Fatal, traced};

/// Serves a router behind API Gateway until the execution environment ends. The only caller of `lambda_http::run`.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve(router: Router) -> Result<(), Fatal> {
    lambda_http::run(traced(router)).await.map_err(Fatal::new)
}
