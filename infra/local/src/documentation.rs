//! The API's documentation under `/docs`.

use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use utoipa_swagger_ui::Config;

/// The documentation at this path, if the path is not the API's.
pub(crate) fn answer(path: &str) -> Option<Response> {
    match path {
        "/docs" => Some(Redirect::permanent("/docs/").into_response()),
        _ => path.strip_prefix("/docs/").map(swagger_ui),
    }
}

/// A file of Swagger UI, whose files are compiled in so that it works offline.
fn swagger_ui(file: &str) -> Response {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| Arc::new(Config::new(["/v1/openapi.json"]).validator_url("none")));
    let file = if file.is_empty() { "index.html" } else { file };
    match utoipa_swagger_ui::serve(file, Arc::clone(config)) {
        Ok(Some(file)) => ([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
