//! Deciding on vendors.

use api::{Admin, Cursor, IfMatch, Json, Limit, Now, Page, Path, Problem, Query, Versioned};
use axum::extract::State;
use domain::text::LongText;
use domain::vendor::{VendorEvent, VendorFile, VendorState, VendorView};
use domain::{Code, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::Accounts;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// The most characters of a reason.
const LONGEST_REASON: usize = 2_000;

/// Which vendors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVendors {
    /// In which state; those that wait for a decision when nothing is said.
    state: Option<VendorState>,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Why a decision goes against a vendor. The vendor reads it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionReason {
    /// 1 to 2,000 characters.
    reason: LongText,
}

impl DecisionReason {
    fn checked(self) -> Result<LongText, Refusal> {
        match self.reason.as_str().chars().count() {
            1..=LONGEST_REASON => Ok(self.reason),
            _ => Err(Refusal::field("/reason", "wrong_length", format!("1 to {LONGEST_REASON} characters"))),
        }
    }
}

/// Lists vendors in a state, newest first.
#[utoipa::path(
    get, path = "/v1/admin/vendors", params(ListVendors), responses((status = OK, body = Page<VendorView>))
)]
pub async fn list_vendors(
    State(app): State<App>,
    _: Admin,
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

/// Approves an application: the shop may sell.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/approve", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn approve_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
) -> Result<Versioned<VendorView>, Problem> {
    app.decide(id, VendorEvent::Approved, None, admin, expected, now).await
}

/// Turns an application down. It may be improved and submitted again.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reject", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn reject_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Json(asked): Json<DecisionReason>,
) -> Result<Versioned<VendorView>, Problem> {
    app.decide(id, VendorEvent::Rejected, Some(asked.checked()?), admin, expected, now).await
}

/// Stops a shop: it may only read, ship and deliver, and its products are hidden.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/suspend", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn suspend_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Json(asked): Json<DecisionReason>,
) -> Result<Versioned<VendorView>, Problem> {
    app.decide(id, VendorEvent::Suspended, Some(asked.checked()?), admin, expected, now).await
}

/// Lets a suspended shop go on.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reinstate", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn reinstate_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
) -> Result<Versioned<VendorView>, Problem> {
    app.decide(id, VendorEvent::Reinstated, None, admin, expected, now).await
}

impl App {
    /// Takes a decision, and lets the shop's products follow it.
    async fn decide(
        &self,
        id: VendorId,
        event: VendorEvent,
        reason: Option<LongText>,
        admin: Admin,
        expected: Option<IfMatch>,
        now: Timestamp,
    ) -> Result<Versioned<VendorView>, Problem> {
        let file = self.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        IfMatch::check_if_given(expected.as_ref(), file.version)?;
        let decided = VendorFile { reason, ..file.after(event, admin.user, now)? };
        // A shop that is turned down had nothing on sale before.
        let follows = event != VendorEvent::Rejected;
        if follows {
            self.jobs.promise_to_follow(id).await?;
        }
        let saved = self.accounts.save_vendor(&decided, &self.catalog).await?;
        if follows {
            self.jobs.follow_now(id).await;
        }
        Ok(Versioned { version: saved.version, body: VendorView::from(&saved) })
    }
}
