//! The category tree.

use api::{Cached, Problem};
use axum::extract::State;
use domain::catalog::Category;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The category tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoriesView {
    /// The root categories, each with its children.
    items: Vec<Category>,
}

/// Lists all categories as a tree.
#[utoipa::path(get, path = "/v1/categories", responses((status = OK, body = CategoriesView)))]
pub async fn list_categories(State(app): State<App>) -> Result<Cached<CategoriesView>, Problem> {
    let tree = app.window.categories().await?;
    Ok(Cached::new(CategoriesView { items: tree.roots }, 60, 600))
}
