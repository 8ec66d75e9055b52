//! The tree of categories.

use api::{Admin, Answer, IfMatch, Json, KeyHeader, Keyed, Problem, Versioned, once};
use axum::extract::State;
use domain::Code;
use domain::catalogue::{Category, CategoryTree};
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
pub async fn show_category_tree(State(app): State<App>, _: Admin) -> Result<Versioned<CategoryTreeView>, Problem> {
    let tree = app.catalog.categories().await?;
    Ok(Versioned { version: tree.version, body: CategoryTreeView { items: tree.roots } })
}

/// Replaces the tree of categories. Products stay in the categories that they were put into, by handle.
#[utoipa::path(
    put, path = "/v1/admin/categories",
    params(("If-Match" = String, Header, description = "The version that was read."), KeyHeader),
    request_body = ReplaceCategories, responses((status = OK, body = CategoryTreeView))
)]
pub async fn replace_categories(
    State(app): State<App>,
    admin: Admin,
    expected: IfMatch,
    Keyed { body: Json(asked), call }: Keyed<Json<ReplaceCategories>>,
) -> Result<Answer, Problem> {
    let call = call.of(admin.user);
    once(app.catalog.kept(call.named()), async {
        let current = app.catalog.categories().await?;
        expected.check(current.version)?;
        let replaced = CategoryTree { roots: asked.items, version: current.version };
        replaced.check()?;
        let body = CategoryTreeView { items: replaced.roots.clone() };
        let answer = Answer::ok(&body)?.with_version(current.version + 1);
        match app.catalog.keeping(call.keeps(&answer)?).save_categories(&replaced).await {
            Ok(_) => Ok(answer),
            // The tree that was read lagged behind: what the caller read has been replaced.
            Err(Error::Conflict) => Err(Problem::of(Code::VersionMismatch)),
            Err(other) => Err(other.into()),
        }
    })
    .await
}
