//! The category tree.

use api::{Cached, InLanguage, Problem, Query};
use axum::extract::State;
use domain::catalog::Category;
use domain::text::ContentLanguage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// The category tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoriesView {
    /// The root categories, each with its children.
    items: Vec<Category>,
}

/// How the categories are shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCategories {
    /// The language of the names, as a tag. One without a name in it has the name of another form of the language, else
    /// its own. Without it, all names are there.
    #[param(value_type = Option<String>, example = "uz")]
    lang: Option<ContentLanguage>,
}

/// Lists all categories as a tree.
#[utoipa::path(
    get, path = "/v1/categories", params(ListCategories), responses((status = OK, body = CategoriesView))
)]
pub async fn list_categories(
    State(app): State<App>,
    Query(asked): Query<ListCategories>,
) -> Result<InLanguage<Cached<CategoriesView>>, Problem> {
    let roots = app.window.categories().await?.roots;
    let items = match &asked.lang {
        Some(language) => roots.into_iter().map(|root| root.in_language(language)).collect(),
        None => roots,
    };
    Ok(InLanguage { language: asked.lang, reply: Cached::new(CategoriesView { items }, 60, 600) })
}
