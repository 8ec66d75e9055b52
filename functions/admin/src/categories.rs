//! The tree of categories.

use api::{Answer, IdempotencyKeyHeader, Idempotent, IfMatch, Json, Operator, Problem, Versioned, replay_or_run};
use axum::extract::State;
use domain::Code;
use domain::catalog::{Category, CategoryTree};
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;

use crate::App;

/// The tree, from its roots, to be changed and put back.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryTreeView {
    /// The roots.
    items: Vec<Category>,
}

/// The whole tree as it is to be: at most 1,000 categories on four levels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceCategories {
    /// The roots.
    items: Vec<Category>,
}

/// Shows the tree of categories with its version.
#[utoipa::path(get, path = "/v1/admin/categories", responses((status = OK, body = CategoryTreeView)))]
pub async fn show_categories_as_operator(
    State(app): State<App>,
    _: Operator,
) -> Result<Versioned<CategoryTreeView>, Problem> {
    let tree = app.catalog.categories().await?;
    Ok(Versioned { version: tree.version, body: CategoryTreeView { items: tree.roots } })
}

/// Replaces the tree of categories. Products stay in the categories that they were put into, by handle.
#[utoipa::path(
    put, path = "/v1/admin/categories",
    params(("If-Match" = String, Header, description = "The version that was read."), IdempotencyKeyHeader),
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
            // The tree that was read lagged behind: what the caller read has been replaced.
            Err(Error::Conflict) => Err(Problem::of(Code::VersionMismatch)),
            Err(other) => Err(other.into()),
        }
    })
    .await
}
