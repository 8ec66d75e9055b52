//! Settings: limits, deadlines, payment methods, tax, commission, returns, messages.

use api::{Answer, Idempotent, IfMatch, Json, NoBody, Operator, Page, PageQuery, Path, Problem, Query, Versioned};
use axum::extract::State;
use desk::{SettingChange, ShownSetting};
use domain::marketplace::OperatorPermission;
use domain::settings::{Area, SettingId, SettingValue, StoredSetting};
use domain::{Code, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A setting as it is in force. A change is in force everywhere within 30 seconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingView {
    /// The area: `limits`, `quotas`, `deadlines`, `payment-methods`, `tax`, `commission`, `returns`, `refunds`,
    /// `security` or `vendors`.
    #[schema(examples("limits"))]
    area: &'static str,
    /// The setting's name within its area.
    #[schema(examples("unpaid-orders"))]
    id: &'static str,
    value: SettingValue,
    /// Whether it has the value that the marketplace began with.
    is_default: bool,
    /// Send it in `If-Match` to change the setting; 0 as long as it was never changed.
    version: u64,
    /// The operator who changed it last; `null` as long as nobody did, and for a value of before 2026-11-30.
    #[schema(required = true)]
    changed_by: Option<UserId>,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Timestamp>,
}

impl From<&ShownSetting> for SettingView {
    fn from(shown: &ShownSetting) -> Self {
        Self {
            area: shown.id.area().as_str(),
            id: shown.id.name(),
            value: shown.value.clone(),
            is_default: shown.is_default,
            version: shown.version,
            changed_by: shown.changed.and_then(|(by, _)| by),
            changed_at: shown.changed.map(|(_, at)| at),
        }
    }
}

/// The settings of an area.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    items: Vec<SettingView>,
}

/// A change of a setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingChangeView {
    /// The version that it made.
    version: u64,
    /// The value since then; `null` when it was set back to its default.
    #[schema(required = true)]
    value: Option<SettingValue>,
    /// The operator who made it; `null` for a value of before 2026-11-30.
    #[schema(required = true)]
    by: Option<UserId>,
    at: Timestamp,
}

impl From<StoredSetting> for SettingChangeView {
    fn from(change: StoredSetting) -> Self {
        Self { version: change.version, value: change.value, by: change.by, at: change.at }
    }
}

/// The way back to an earlier value.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreSetting {
    /// The version whose value is in force again.
    #[schema(minimum = 1)]
    version: u64,
}

fn setting((area, id): &(String, String)) -> Result<SettingId, Problem> {
    Ok(SettingId::parse(area, id).ok_or_else(|| Refusal::of(Code::NotFound))?)
}

fn answered(shown: &ShownSetting) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&SettingView::from(shown))?.with_version(shown.version))
}

/// Lists the settings of an area.
#[utoipa::path(
    get, path = "/v1/admin/settings/{area}", params(("area" = String, Path, description = "The area.")),
    responses((status = OK, body = SettingsView))
)]
pub async fn list_settings(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(area): Path<String>,
) -> Result<Json<SettingsView>, Problem> {
    operator.may(OperatorPermission::ReadSettings)?;
    let area = Area::parse(&area).ok_or_else(|| Refusal::of(Code::NotFound))?;
    let items = app.settings_of(area).await?.iter().map(SettingView::from).collect();
    Ok(Json(SettingsView { items }))
}

/// Shows a setting with its version.
#[utoipa::path(
    get, path = "/v1/admin/settings/{area}/{id}",
    params(("area" = String, Path, description = "The area."), ("id" = String, Path, description = "The setting.")),
    responses((status = OK, body = SettingView))
)]
pub async fn show_setting(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<(String, String)>,
) -> Result<Versioned<SettingView>, Problem> {
    operator.may(OperatorPermission::ReadSettings)?;
    let shown = app.setting(setting(&id)?).await?;
    Ok(Versioned { version: shown.version, body: SettingView::from(&shown) })
}

/// Changes a setting.
///
/// It is checked by itself and together with all other settings.
#[utoipa::path(
    put, path = "/v1/admin/settings/{area}/{id}",
    params(("area" = String, Path, description = "The area."), ("id" = String, Path, description = "The setting.")),
    request_body = SettingValue, responses((status = OK, body = SettingView))
)]
pub async fn put_setting(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<(String, String)>,
    IfMatch(expected): IfMatch,
    Idempotent { body: Json(value), call }: Idempotent<Json<SettingValue>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::EditSettings)?;
    let call = call.scoped_to(operator.user);
    let change = (setting(&id)?, SettingChange::To(Box::new(value)));
    Answer::of(app.change_setting(change, operator.user, &expected, call.responding(&answered)).await?)
}

/// Sets a setting back to its default.
#[utoipa::path(
    delete, path = "/v1/admin/settings/{area}/{id}",
    params(("area" = String, Path, description = "The area."), ("id" = String, Path, description = "The setting.")),
    responses((status = OK, body = SettingView))
)]
pub async fn reset_setting(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<(String, String)>,
    IfMatch(expected): IfMatch,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::EditSettings)?;
    let call = call.scoped_to(operator.user);
    let change = (setting(&id)?, SettingChange::Default);
    Answer::of(app.change_setting(change, operator.user, &expected, call.responding(&answered)).await?)
}

/// Lists the changes of a setting, newest first.
#[utoipa::path(
    get, path = "/v1/admin/settings/{area}/{id}/history",
    params(
        ("area" = String, Path, description = "The area."), ("id" = String, Path, description = "The setting."),
        PageQuery
    ),
    responses((status = OK, body = Page<SettingChangeView>))
)]
pub async fn list_setting_changes(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<(String, String)>,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<SettingChangeView>>, Problem> {
    operator.may(OperatorPermission::ReadSettings)?;
    let changes = app.setting_history(setting(&id)?, &asked.page()).await?;
    Ok(Json(Page::of(changes, SettingChangeView::from)))
}

/// Sets a setting back to what it was at an earlier version.
///
/// It is a new change with a version of its own.
#[utoipa::path(
    post, path = "/v1/admin/settings/{area}/{id}/restore",
    params(("area" = String, Path, description = "The area."), ("id" = String, Path, description = "The setting.")),
    request_body = RestoreSetting, responses((status = OK, body = SettingView))
)]
pub async fn restore_setting(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<(String, String)>,
    IfMatch(expected): IfMatch,
    Idempotent { body: Json(asked), call }: Idempotent<Json<RestoreSetting>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::EditSettings)?;
    let call = call.scoped_to(operator.user);
    let change = (setting(&id)?, SettingChange::Former(asked.version));
    Answer::of(app.change_setting(change, operator.user, &expected, call.responding(&answered)).await?)
}
