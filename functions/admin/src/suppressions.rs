//! Addresses that nothing is mailed to.

use api::{Answer, Idempotent, Json, Limit, Now, Operator, Page, Problem, Query};
use axum::extract::State;
use domain::Timestamp;
use domain::marketplace::OperatorPermission;
use domain::suppression::{Suppression, SuppressionReason};
use domain::text::Email;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Filter of the list of suppressed addresses.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSuppressions {
    /// Only this address.
    #[serde(default, deserialize_with = "domain::text::kept_optional_email")]
    email: Option<Email>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// A suppressed address.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionView {
    /// The address.
    email: Email,
    /// Why nothing is mailed to it.
    reason: SuppressionReason,
    /// What the server of the address said; absent if it said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("smtp; 550 5.1.1 user unknown"))]
    diagnosis: Option<String>,
    /// When the mail bounced or was reported as spam.
    since: Timestamp,
}

impl From<Suppression> for SuppressionView {
    fn from(suppression: Suppression) -> Self {
        let Suppression { email, reason, diagnosis, since, .. } = suppression;
        Self { email, reason, diagnosis, since }
    }
}

/// The address to lift.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftSuppression {
    /// The suppressed address.
    #[serde(deserialize_with = "domain::text::kept_email")]
    email: Email,
}

/// Lists the addresses that nothing is mailed to.
///
/// The newest come first. An address is suppressed when a mail to it bounces for good, or its reader reports one as
/// spam.
#[utoipa::path(
    get, path = "/v1/admin/suppressions", params(ListSuppressions),
    responses((status = OK, body = Page<SuppressionView>))
)]
pub async fn list_suppressions(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListSuppressions>,
) -> Result<Json<Page<SuppressionView>>, Problem> {
    operator.may(OperatorPermission::Suppressions)?;
    let found = app.suppressions(asked.email.as_ref(), &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(found, SuppressionView::from)))
}

/// Lets mail go to an address again.
///
/// Mail that was not sent meanwhile is not sent later. The next one that comes back suppresses the address again.
#[utoipa::path(
    delete, path = "/v1/admin/suppressions", request_body = LiftSuppression, responses((status = NO_CONTENT))
)]
pub async fn lift_suppression(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Now(now): Now,
    Idempotent { body: Json(asked), call }: Idempotent<Json<LiftSuppression>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::Suppressions)?;
    let call = call.scoped_to(operator.user);
    let lifted = |(): &()| Ok(Answer::no_content());
    Answer::of(app.lift_suppression(&asked.email, (operator.user, now), call.responding(&lifted)).await?)
}
