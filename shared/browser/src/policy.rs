//! The headers that keep a page to itself.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use ring::digest;

/// For a year, which browsers that come over HTTP pass over.
const HTTPS_ONLY: &str = "max-age=31536000; includeSubDomains";

/// The hash of the one sheet of style that pages hold.
fn sheet() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| STANDARD.encode(digest::digest(&digest::SHA256, pages::STYLE.as_bytes())))
}

/// The origins to which a form of a page may lead besides to ourselves. A redirect after a form counts, so the page
/// from which a payment begins names those of the providers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Leads(pub(crate) Vec<&'static str>);

/// The policy of a page: nothing but our own script, our sheet by its hash, and pictures, which vendors may have
/// elsewhere.
pub(crate) fn content_policy(leads: &Leads) -> String {
    let leads: String = leads.0.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src 'self' https:; script-src 'self'; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; form-action 'self'{leads}; base-uri 'none'; frame-ancestors 'none'",
        sheet()
    )
}

/// Adds the headers that every page carries to one that no router of pages shows.
pub fn protect_page(headers: &mut HeaderMap) {
    protect(headers, &Leads::default());
}

/// Adds the headers that every answer carries.
pub(crate) fn protect(headers: &mut HeaderMap, leads: &Leads) {
    if let Ok(policy) = HeaderValue::try_from(content_policy(leads)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    // To other sites nothing is told; without a referrer of its own origin, a form would have the origin `null`.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(permissions));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
}
