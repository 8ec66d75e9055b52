//! The HTTP contract as the code has it: one OpenAPI document out of all functions.

use api::Document;
use api::openapi::{Part, document, operations_of, pretty};
use utoipa::openapi::OpenApi;

use crate::template::Template;

/// The committed document.
pub const COMMITTED: &str = include_str!("../../openapi.json");

/// What each HTTP function contributes, by the binary that the template names.
fn parts() -> Vec<(&'static str, &'static str, OpenApi)> {
    vec![
        ("catalog", "catalog", catalog::routes::<Document>().into_openapi()),
        ("cart", "carts", cart::routes::<Document>().into_openapi()),
        ("checkout", "checkout", checkout::routes::<Document>().into_openapi()),
        ("orders", "orders", orders::routes::<Document>().into_openapi()),
        ("account", "account", account::routes::<Document>().into_openapi()),
        ("vendor-onboarding", "vendors", vendor_onboarding::routes::<Document>().into_openapi()),
        ("vendor-desk", "vendor desk", vendor_desk::routes::<Document>().into_openapi()),
        ("admin", "operator", admin::routes::<Document>().into_openapi()),
        ("payment-webhook", "webhooks", payment_webhook::routes::<Document>().into_openapi()),
    ]
}

/// The document as the code makes it now.
///
/// # Errors
/// When something in it cannot be written as JSON.
pub fn openapi(template: &Template) -> Result<String, serde_json::Error> {
    let signed_in = |method: &str, path: &str| {
        template.api.routes.iter().any(|route| route.authorizer && route.method == method && route.path == path)
    };
    let parts = parts().into_iter().map(|(_, tag, document)| Part { tag, document }).collect();
    pretty(&document(parts, env!("CARGO_PKG_VERSION"), signed_in))
}

/// Every route that the code answers: method, path and the function's binary.
pub fn routes() -> Vec<(String, String, &'static str)> {
    let mut routes = Vec::new();
    for (binary, _, document) in parts() {
        for (method, path) in operations_of(&document) {
            routes.push((method.to_owned(), path, binary));
        }
    }
    routes.sort();
    routes
}
