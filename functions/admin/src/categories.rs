//! The category tree.

use api::{Answer, Idempotent, IfMatch, Json, Operator, Problem, Versioned};
use axum::extract::State;
use domain::catalog::{Category, CategoryTree};
use domain::marketplace::OperatorPermission;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The category tree, to be changed and sent back as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryTreeView {
    /// The root categories, each with its children.
    items: Vec<Category>,
}

/// The complete category tree that replaces the stored one: at most 1,000 categories on four levels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceCategories {
    /// The root categories, each with its children.
    items: Vec<Category>,
}

/// Shows the category tree with its version.
#[utoipa::path(get, path = "/v1/admin/categories", responses((status = OK, body = CategoryTreeView)))]
pub async fn show_categories_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
) -> Result<Versioned<CategoryTreeView>, Problem> {
    operator.may(OperatorPermission::ReadCategories)?;
    let tree = app.categories().await?;
    Ok(Versioned { version: tree.version, body: CategoryTreeView { items: tree.roots } })
}

/// Replaces the category tree.
///
/// Products stay in the categories that they were put into, by handle. When a category has come, gone or moved, its
/// products follow within minutes, in lists as well; those of a removed one are listed in what is left above it.
#[utoipa::path(
    put, path = "/v1/admin/categories",
    request_body = ReplaceCategories, responses((status = OK, body = CategoryTreeView))
)]
pub async fn replace_categories_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    IfMatch(expected): IfMatch,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ReplaceCategories>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::EditCategories)?;
    let call = call.scoped_to(operator.user);
    let replaced = |tree: &CategoryTree| {
        Ok(Answer::ok(&CategoryTreeView { items: tree.roots.clone() })?.with_version(tree.version))
    };
    Answer::of(app.replace_categories(asked.items, &expected, call.responding(&replaced)).await?)
}
