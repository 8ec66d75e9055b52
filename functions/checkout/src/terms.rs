//! Texts that people agree to.

use std::collections::BTreeMap;

use api::{Cached, Problem};
use axum::extract::State;
use domain::Timestamp;
use domain::legal::{LegalText, LegalVersion};
use domain::text::LongText;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The texts in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct TermsView {
    /// What buyers accept with an order; null when nothing was published.
    #[schema(required = true)]
    offer: Option<LegalTextView>,
    /// What everybody who works for a vendor accepts; null when nothing was published.
    #[schema(required = true)]
    agreement: Option<LegalTextView>,
}

/// A text in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegalTextView {
    /// What is sent as `accepted_terms`.
    version: u32,
    /// The text by the tag of its language.
    texts: BTreeMap<String, LongText>,
    published_at: Timestamp,
}

impl From<LegalVersion> for LegalTextView {
    fn from(version: LegalVersion) -> Self {
        let LegalVersion { number, texts, published_at, .. } = version;
        Self { version: number, texts, published_at }
    }
}

/// Shows the texts that people agree to.
///
/// Buyers accept the offer, and everybody who works for a vendor the agreement.
#[utoipa::path(get, path = "/v1/terms", responses((status = OK, body = TermsView)))]
pub async fn show_terms(State(app): State<App>) -> Result<Cached<TermsView>, Problem> {
    let (offer, agreement) =
        tokio::join!(app.checkout.legal(LegalText::Offer), app.checkout.legal(LegalText::Agreement));
    let view = TermsView { offer: offer?.map(LegalTextView::from), agreement: agreement?.map(LegalTextView::from) };
    Ok(Cached::new(view, 30, 60))
}
