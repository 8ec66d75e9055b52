//! Texts of the operator, in versions.

use std::collections::BTreeMap;

use api::{Answer, Idempotent, Json, Operator, Page, PageQuery, Path, Problem, Query};
use axum::extract::State;
use desk::PublishLegal;
use domain::legal::{LegalText, LegalVersion};
use domain::marketplace::OperatorPermission;
use domain::text::LongText;
use domain::{Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A version of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegalVersionView {
    version: u32,
    /// The text by the tag of its language.
    texts: BTreeMap<String, LongText>,
    published_at: Timestamp,
    published_by: UserId,
    /// Until when members may go on with what they have agreed to before.
    grace_until: Timestamp,
}

impl From<&LegalVersion> for LegalVersionView {
    fn from(version: &LegalVersion) -> Self {
        let LegalVersion { number, texts, published_at, by, grace_until, .. } = version;
        Self {
            version: *number,
            texts: texts.clone(),
            published_at: *published_at,
            published_by: *by,
            grace_until: *grace_until,
        }
    }
}

/// Publishes a new version of a text.
///
/// Buyers accept `offer` with each order, and everybody who works for a vendor accepts `agreement`. It is in force
/// everywhere within 30 seconds. An order names the version of the offer that its buyer has accepted. `delivery`,
/// `returns` and `privacy` are pages of the shop, which show them within minutes; nobody accepts them.
#[utoipa::path(
    post, path = "/v1/admin/terms/{text}", params(("text" = inline(LegalText), Path, description = "The text.")),
    request_body = PublishLegal, responses((status = OK, body = LegalVersionView))
)]
pub async fn publish_terms(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(text): Path<LegalText>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<PublishLegal>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::EditSettings)?;
    let call = call.scoped_to(operator.user);
    let published = |version: &LegalVersion| Answer::ok(&LegalVersionView::from(version));
    Answer::of(app.publish_legal(text, asked, operator.user, call.responding(&published)).await?)
}

/// Lists the versions of a text, newest first.
///
/// A page has at most 20.
#[utoipa::path(
    get, path = "/v1/admin/terms/{text}",
    params(("text" = inline(LegalText), Path, description = "The text."), PageQuery),
    responses((status = OK, body = Page<LegalVersionView>))
)]
pub async fn list_terms_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(text): Path<LegalText>,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<LegalVersionView>>, Problem> {
    operator.may(OperatorPermission::ReadSettings)?;
    let versions = app.legal_versions(text, &asked.page()).await?;
    Ok(Json(Page::of(versions, |version| LegalVersionView::from(&version))))
}
