//! The operator's decisions on vendors.

use api::views::VendorView;
use api::{
    Answer, Cursor, Idempotent, IfMatch, Json, Limit, NoBody, Now, Operator, Page, Path, Problem, Query, ScopedRequest,
    Versioned, replay_or_run,
};
use axum::extract::State;
use domain::text::LongText;
use domain::upload::FileLink;
use domain::vendor::{VendorAccount, VendorState, VendorStep};
use domain::{Code, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::Accounts;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Longest reason in characters.
const MAX_REASON_LENGTH: usize = 2_000;

/// Filter of the operator's list of vendors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVendors {
    /// The state of the vendors; by default `submitted`, those that wait for a decision.
    state: Option<VendorState>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// The reason of a decision against a vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionReason {
    /// The reason, 1 to 2,000 characters. The vendor can read it.
    reason: LongText,
}

impl DecisionReason {
    fn checked(self) -> Result<LongText, Refusal> {
        match self.reason.as_str().chars().count() {
            1..=MAX_REASON_LENGTH => Ok(self.reason),
            _ => Err(Refusal::field("/reason", "wrong_length", format!("1 to {MAX_REASON_LENGTH} characters"))),
        }
    }
}

/// Lists vendors in a state, newest first.
#[utoipa::path(
    get, path = "/v1/admin/vendors", params(ListVendors), responses((status = OK, body = Page<VendorView>))
)]
pub async fn list_vendors_as_operator(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<ListVendors>,
) -> Result<Json<Page<VendorView>>, Problem> {
    let state = asked.state.unwrap_or(VendorState::Submitted);
    let partition = Accounts::state_partition(state);
    let start = match &asked.cursor {
        Some(cursor) => Some(Cursor::decode(cursor, partition, ("state_key", &format!("s{partition}")))?),
        None => None,
    };
    let limit = u16::try_from(asked.limit.get()).unwrap_or(20);
    let page = app.accounts.vendors_in(state, limit, start).await?;
    let next = page.next.map(|key| Cursor::encode(partition, &key));
    Ok(Json(Page { items: page.items.iter().map(VendorView::from).collect(), next }))
}

/// Shows a vendor's account.
///
/// Each document has a download link that expires after ten minutes.
#[utoipa::path(
    get, path = "/v1/admin/vendors/{id}", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn show_vendor_as_operator(
    State(app): State<App>,
    Now(now): Now,
    _: Operator,
    Path(id): Path<VendorId>,
) -> Result<Versioned<VendorView>, Problem> {
    let account = app.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
    let mut view = VendorView::from(&account);
    for (document, shown) in account.documents.iter().zip(&mut view.documents) {
        if let Some(key) = &document.key {
            let (url, expires_at) = app.documents.link(key, now).await?;
            shown.link = Some(FileLink { url, expires_at });
        }
    }
    Ok(Versioned { version: account.version, body: view })
}

/// Approves a vendor's application, so that it may sell.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/approve",
    params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn approve_vendor(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, step: VendorStep::Approved, reason: None, expected };
    app.decide(wanted, operator, asked.call.scoped_to(operator.user), now).await
}

/// Rejects a vendor's application.
///
/// The vendor may improve it and submit it again.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reject",
    params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn reject_vendor(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, step: VendorStep::Rejected, reason: Some(asked.checked()?), expected };
    app.decide(wanted, operator, call.scoped_to(operator.user), now).await
}

/// Suspends a vendor.
///
/// Its products are hidden, and its members may only read, ship and deliver.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/suspend",
    params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn suspend_vendor(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, step: VendorStep::Suspended, reason: Some(asked.checked()?), expected };
    app.decide(wanted, operator, call.scoped_to(operator.user), now).await
}

/// Reinstates a suspended vendor.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reinstate",
    params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn reinstate_vendor(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, step: VendorStep::Reinstated, reason: None, expected };
    app.decide(wanted, operator, asked.call.scoped_to(operator.user), now).await
}

struct Decision {
    id: VendorId,
    step: VendorStep,
    reason: Option<LongText>,
    expected: Option<IfMatch>,
}

impl App {
    /// Saves a decision on a vendor, and sends the job that shows or hides its products.
    async fn decide(
        &self,
        wanted: Decision,
        operator: Operator,
        call: ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let Decision { id, step, reason, expected } = wanted;
        replay_or_run(self.accounts.stored_response(call.as_idempotent()), async {
            let account = self.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
            IfMatch::check_if_given(expected.as_ref(), account.version)?;
            let decided = VendorAccount { reason, ..account.after(step, operator.user, now)? };
            let answer = Answer::ok(&VendorView::from(&decided))?.with_version(decided.version + 1);
            // A rejected vendor had nothing on sale before.
            let needs_follow_up = step != VendorStep::Rejected;
            if needs_follow_up {
                self.jobs.schedule_follow_up(id).await?;
            }
            self.accounts.storing(call.stored(&answer)?).save_vendor(&decided, &self.catalog).await?;
            if needs_follow_up {
                self.jobs.send_follow_up(id).await;
            }
            Ok(answer)
        })
        .await
    }
}
