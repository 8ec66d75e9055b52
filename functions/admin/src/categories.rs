//! The category tree.

use api::{Answer, Idempotent, IfMatch, Json, Operator, Problem, Versioned, replay_or_run};
use axum::extract::State;
use domain::Code;
use domain::catalog::{Category, CategoryTree};
use serde::{Deserialize, Serialize};
use store::Error;
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
    State(app): State<App>,
    _: Operator,
) -> Result<Versioned<CategoryTreeView>, Problem> {
    let tree = app.catalog.categories().await?;
    Ok(Versioned { version: tree.version, body: CategoryTreeView { items: tree.roots } })
}

/// Replaces the category tree.
///
/// Products stay in the categories that they were put into, by handle.
#[utoipa::path(
    put, path = "/v1/admin/categories",
    request_body = ReplaceCategories, responses((status = OK, body = CategoryTreeView))
)]
pub async fn replace_categories_as_operator(
    State(app): State<App>,
    operator: Operator,
    expected: IfMatch,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ReplaceCategories>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(operator.user);
    replay_or_run(app.catalog.stored_response(call.as_idempotent()), async {
        let current = app.catalog.categories().await?;
        expected.check(current.version)?;
        let replaced = CategoryTree { roots: asked.items, version: current.version };
        replaced.check()?;
        let body = CategoryTreeView { items: replaced.roots.clone() };
        let answer = Answer::ok(&body)?.with_version(current.version + 1);
        match app.catalog.storing(call.stored(&answer)?).save_categories(&replaced).await {
            Ok(_) => Ok(answer),
            // The tree was replaced after it was read, so the version that the caller named is not the current one.
            Err(Error::Conflict) => Err(Problem::of(Code::VersionMismatch)),
            Err(other) => Err(other.into()),
        }
    })
    .await
}
