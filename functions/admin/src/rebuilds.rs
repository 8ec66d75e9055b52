//! Rebuilds: of derived copies, and of what former releases stored.

use api::{Answer, Idempotent, Json, Now, Operator, Path, Problem};
use axum::extract::State;
use domain::job::{Derived, JobState, Rebuild};
use domain::marketplace::OperatorPermission;
use domain::{RebuildId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

const REBUILDS: &str = "/v1/admin/rebuilds/";

/// A request for a rebuild.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRebuild {
    /// What is written anew: `availability`, `listings` (after a change of `MediaUrl`, too), `categories` (which starts
    /// by itself when the tree changes), `settings` (the one item of releases before 2026-11-30 is split),
    /// `order_lists` (vendor orders, refunds and disputes of releases before 2026-12-01 get into their lists by state)
    /// or `pictures` (those that releases before 2026-12-06 published as they were uploaded are looked at).
    what: Derived,
}

/// A rebuild.
#[derive(Debug, Serialize, ToSchema)]
pub struct RebuildView {
    /// Id of the rebuild.
    id: RebuildId,
    /// What is written anew.
    what: Derived,
    /// State of the rebuild.
    state: JobState,
    /// Products, rows of lists that no product has, settings and orders that were looked at.
    examined: u64,
    /// Those of them that differed and were rewritten or deleted.
    rewritten: u64,
    /// Those that could not be read or changed, and were left as they are. The log has their ids.
    unreadable: u64,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finished_at: Option<Timestamp>,
}

impl From<&Rebuild> for RebuildView {
    fn from(job: &Rebuild) -> Self {
        Self {
            id: job.id,
            what: job.what,
            state: job.state,
            examined: job.counts.examined,
            rewritten: job.counts.rewritten,
            unreadable: job.counts.unreadable,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}

/// Starts a rebuild.
///
/// Copies are derived again from what they are copies of, and those that differ are rewritten. There is one rebuild of
/// a kind at a time: while it runs, a further request answers with it, and it begins anew once it is through.
#[utoipa::path(
    post, path = "/v1/admin/rebuilds", request_body = StartRebuild,
    responses((status = ACCEPTED, body = RebuildView))
)]
pub async fn start_rebuild(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Idempotent { body: Json(asked), call }: Idempotent<Json<StartRebuild>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::Rebuild)?;
    let call = call.scoped_to(operator.user);
    let begun = |job: &Rebuild| Answer::accepted(format!("{REBUILDS}{}", job.id), &RebuildView::from(job));
    let answer = Answer::of(app.begin_rebuild(asked.what, call.responding(&begun)).await?)?;
    // Enqueued for a replay too: the first call may have stopped between storing the job and sending its message.
    app.enqueue_rebuild(asked.what).await?;
    Ok(answer)
}

/// Shows a rebuild with its progress.
///
/// It is kept until a later one of the same kind takes its place.
#[utoipa::path(
    get, path = "/v1/admin/rebuilds/{id}", params(("id" = RebuildId, Path, description = "The rebuild.")),
    responses((status = OK, body = RebuildView))
)]
pub async fn show_rebuild(
    State(App { desk: app }): State<App>,
    Now(now): Now,
    Operator(operator): Operator,
    Path(id): Path<RebuildId>,
) -> Result<Json<RebuildView>, Problem> {
    operator.may(OperatorPermission::Rebuild)?;
    Ok(Json(RebuildView::from(&app.rebuild(id, now).await?)))
}
