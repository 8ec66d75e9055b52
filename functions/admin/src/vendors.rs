//! Deciding on vendors.

use api::{
    Admin, Answer, Call, Cursor, IfMatch, IfMatchHeader, Json, KeyHeader, Keyed, Limit, NoBody, Now, Page, Path,
    Problem, Query, Versioned, once,
};
use axum::extract::State;
use domain::text::LongText;
use domain::upload::FileLink;
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

/// Shows a vendor's file. Each document says where the operator can fetch it within ten minutes.
#[utoipa::path(
    get, path = "/v1/admin/vendors/{id}", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn show_vendor(
    State(app): State<App>,
    Now(now): Now,
    _: Admin,
    Path(id): Path<VendorId>,
) -> Result<Versioned<VendorView>, Problem> {
    let file = app.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
    let mut view = VendorView::from(&file);
    for (document, shown) in file.documents.iter().zip(&mut view.documents) {
        if let Some(key) = &document.key {
            let (url, expires_at) = app.documents.link(key, now).await?;
            shown.link = Some(FileLink { url, expires_at });
        }
    }
    Ok(Versioned { version: file.version, body: view })
}

/// Approves an application: the shop may sell.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/approve",
    params(("id" = VendorId, Path, description = "The vendor."), IfMatchHeader, KeyHeader),
    responses((status = OK, body = VendorView))
)]
pub async fn approve_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, event: VendorEvent::Approved, reason: None, expected };
    app.decide(wanted, admin, asked.call.of(admin.user), now).await
}

/// Turns an application down. It may be improved and submitted again.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reject",
    params(("id" = VendorId, Path, description = "The vendor."), IfMatchHeader, KeyHeader),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn reject_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Keyed { body: Json(asked), call }: Keyed<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, event: VendorEvent::Rejected, reason: Some(asked.checked()?), expected };
    app.decide(wanted, admin, call.of(admin.user), now).await
}

/// Stops a shop: it may only read, ship and deliver, and its products are hidden.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/suspend",
    params(("id" = VendorId, Path, description = "The vendor."), IfMatchHeader, KeyHeader),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn suspend_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Keyed { body: Json(asked), call }: Keyed<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, event: VendorEvent::Suspended, reason: Some(asked.checked()?), expected };
    app.decide(wanted, admin, call.of(admin.user), now).await
}

/// Lets a suspended shop go on.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reinstate",
    params(("id" = VendorId, Path, description = "The vendor."), IfMatchHeader, KeyHeader),
    responses((status = OK, body = VendorView))
)]
pub async fn reinstate_vendor(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Decision { id, event: VendorEvent::Reinstated, reason: None, expected };
    app.decide(wanted, admin, asked.call.of(admin.user), now).await
}

/// What is decided on a vendor.
struct Decision {
    id: VendorId,
    event: VendorEvent,
    reason: Option<LongText>,
    expected: Option<IfMatch>,
}

impl App {
    /// Takes a decision, and lets the shop's products follow it.
    async fn decide(&self, wanted: Decision, admin: Admin, call: Call, now: Timestamp) -> Result<Answer, Problem> {
        let Decision { id, event, reason, expected } = wanted;
        once(self.accounts.kept(call.named()), async {
            let file = self.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
            IfMatch::check_if_given(expected.as_ref(), file.version)?;
            let decided = VendorFile { reason, ..file.after(event, admin.user, now)? };
            let answer = Answer::ok(&VendorView::from(&decided))?.with_version(decided.version + 1);
            // A shop that is turned down had nothing on sale before.
            let follows = event != VendorEvent::Rejected;
            if follows {
                self.jobs.promise_to_follow(id).await?;
            }
            self.accounts.keeping(call.keeps(&answer)?).save_vendor(&decided, &self.catalog).await?;
            if follows {
                self.jobs.follow_now(id).await;
            }
            Ok(answer)
        })
        .await
    }
}
