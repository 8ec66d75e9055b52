//! The vendor's own products.

use api::{Answer, Idempotent, IfMatch, Json, Limit, Member, NoBody, Page, Path, Problem, Query, Versioned};
use axum::extract::State;
use desk::{FindProducts, OwnProduct, WriteProduct};
use domain::ProductId;
use domain::catalog::{ProductState, StockLevel};
use domain::text::{Search, SearchText};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::view::{VendorProduct, answer};

const PRODUCTS: &str = "/v1/vendor/products/";

/// Which of the vendor's products are listed: those that are all of this.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// Only those in this state.
    state: Option<ProductState>,
    /// Only those of which this much is left. It follows the stock with a delay of seconds.
    stock: Option<StockLevel>,
    /// Words that all occur in the title, the handle, the tags, the SKUs or the values of the options.
    q: Option<SearchText>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Lists the vendor's products, newest first.
///
/// A page of a list with `state`, `stock` or `q` looks at up to 500 products: it may have fewer items than `limit`,
/// even none, and goes on with `next`.
#[utoipa::path(
    get, path = "/v1/vendor/products", params(ListProducts), responses((status = OK, body = Page<VendorProduct>))
)]
pub async fn list_vendor_products(
    State(app): State<App>,
    Member(member): Member,
    Query(asked): Query<ListProducts>,
) -> Result<Json<Page<VendorProduct>>, Problem> {
    let ListProducts { state, stock, q, limit, cursor } = asked;
    let find = FindProducts { state, stock, search: q.as_ref().map(Search::from) };
    let products = app.desk.products(&member, &find, &limit.page(cursor)).await?;
    Ok(Json(Page::of(products, |product| VendorProduct::of(&app.desk, &product))))
}

/// Creates a product as a draft.
#[utoipa::path(
    post, path = "/v1/vendor/products", request_body = WriteProduct, responses((status = CREATED, body = VendorProduct))
)]
pub async fn create_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Idempotent { body: Json(written), call }: Idempotent<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let created = |own: &OwnProduct| Ok(answer(&app.desk, own)?.at(format!("{PRODUCTS}{}", own.product.id)));
    let answer = Answer::of(app.desk.create_product(&member, &written, call.responding(&created)).await?)?;
    if answer.is_replayed() {
        let id = answer.created_at(PRODUCTS)?;
        app.desk.complete_initial_stock(id, answer.version(), &written).await?;
    }
    Ok(answer)
}

/// Shows a product with its stock.
#[utoipa::path(
    get, path = "/v1/vendor/products/{id}", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn show_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<ProductId>,
) -> Result<Versioned<VendorProduct>, Problem> {
    let own = app.desk.product(&member, id).await?;
    Ok(Versioned { version: own.product.version, body: VendorProduct::of(&app.desk, &own) })
}

/// Replaces a product.
///
/// Variants are matched by their ids: one without an id is new, and a stored variant that is not in the body is
/// removed.
#[utoipa::path(
    put, path = "/v1/vendor/products/{id}", params( ("id" = ProductId, Path, description = "The product.") ),
    request_body = WriteProduct, responses((status = OK, body = VendorProduct))
)]
pub async fn replace_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<ProductId>,
    IfMatch(expected): IfMatch,
    Idempotent { body: Json(written), call }: Idempotent<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let shown = |own: &OwnProduct| answer(&app.desk, own);
    let call = call.responding(&shown);
    let answer = Answer::of(app.desk.replace_product(&member, id, &written, &expected, call).await?)?;
    if answer.is_replayed() {
        app.desk.complete_initial_stock(id, answer.version(), &written).await?;
    }
    Ok(answer)
}

/// Deletes a product with its stock.
///
/// Orders keep their own copy of what they show of it. A product with units that were ordered and not yet shipped
/// cannot be deleted.
#[utoipa::path(
    delete, path = "/v1/vendor/products/{id}", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = NO_CONTENT))
)]
pub async fn delete_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), asked.call.scoped_to(member.key_scope()));
    let deleted = |(): &()| Ok(Answer::no_content());
    Answer::of(app.desk.delete_product(&member, id, &expected, call.responding(&deleted)).await?)
}

/// Publishes a product.
///
/// Publishing a published product changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/publish", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn publish_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(member.key_scope()));
    let shown = |own: &OwnProduct| answer(&app.desk, own);
    let call = call.responding(&shown);
    Answer::of(app.desk.set_product_state(&member, id, ProductState::Published, &expected, call).await?)
}

/// Unpublishes a product.
///
/// It becomes a draft again. Unpublishing a draft changes nothing, but one that the operator hides stays a draft when
/// it is shown again.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/unpublish", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn unpublish_vendor_product(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(member.key_scope()));
    let shown = |own: &OwnProduct| answer(&app.desk, own);
    let call = call.responding(&shown);
    Answer::of(app.desk.set_product_state(&member, id, ProductState::Draft, &expected, call).await?)
}
