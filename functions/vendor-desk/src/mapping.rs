//! What the columns of the vendor's product files mean.

use std::collections::BTreeMap;

use api::{Answer, Idempotent, IfMatch, Json, Member, Problem, Versioned};
use axum::extract::State;
use desk::ReplaceMapping;
use domain::job::{ColumnMapping, FileColumn};
use domain::text::Line;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What the columns of the vendor's product files mean.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportMappingView {
    /// What the columns mean, by their headers; empty when files of other systems are refused.
    columns: BTreeMap<Line, FileColumn>,
}

impl From<&ColumnMapping> for ImportMappingView {
    fn from(mapping: &ColumnMapping) -> Self {
        Self { columns: mapping.columns.clone() }
    }
}

/// Shows the mapping of the columns of product files.
#[utoipa::path(get, path = "/v1/vendor/import-mapping", responses((status = OK, body = ImportMappingView)))]
pub async fn show_vendor_import_mapping(
    State(app): State<App>,
    Member(member): Member,
) -> Result<Versioned<ImportMappingView>, Problem> {
    let mapping = app.desk.column_mapping(&member).await?;
    Ok(Versioned { version: mapping.version, body: ImportMappingView::from(&mapping) })
}

/// Replaces the mapping of the columns of product files.
///
/// It is used for files whose header is neither Shopify's nor WooCommerce's. Columns that are not mapped are kept and
/// exported again. Repeating the call changes nothing.
#[utoipa::path(
    put, path = "/v1/vendor/import-mapping", request_body = ReplaceMapping,
    responses((status = OK, body = ImportMappingView))
)]
pub async fn replace_vendor_import_mapping(
    State(app): State<App>,
    Member(member): Member,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ReplaceMapping>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(member.key_scope()));
    let saved =
        |mapping: &ColumnMapping| Ok(Answer::ok(&ImportMappingView::from(mapping))?.with_version(mapping.version));
    Answer::of(app.desk.replace_column_mapping(&member, &asked, &expected, call.responding(&saved)).await?)
}
