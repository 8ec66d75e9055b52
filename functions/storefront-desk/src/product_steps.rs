//! What a vendor does with a product besides writing it.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form, KEY, Reply, call, keyed};
use desk::{ChangeStock, OwnProduct};
use domain::catalog::ProductState;
use domain::{Expected, ProductId, VariantId};
use serde_json::json;

use crate::App;
use crate::amounts::{amount, units};
use crate::product::{product_page, required};
use crate::products::PRODUCTS;
use crate::replacing::replace;
use crate::shown::{Wrong, after};
use crate::who::Staff;
use crate::written::with_price;

async fn set_state(
    app: &App,
    staff: &Staff,
    id: ProductId,
    fields: &Fields,
    (state, name, said): (ProductState, &str, &str),
) -> Result<Reply, Problem> {
    let set = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        app.desk.count_change("desk", staff.person.session.user, now).await?;
        let route = format!("{PRODUCTS}/{id}/{name}");
        let request = keyed(fields, (&member.key_scope(), &route), "", now)?;
        let call = call::<OwnProduct>(now, Some(&request));
        let _ = app.desk.set_product_state(member, id, state, &Expected::Any, call).await?;
        Ok::<_, Problem>(())
    };
    match set.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), said)),
        Err(problem) => product_page(app, staff, id, Wrong::with(name, fields, problem)?).await,
    }
}

pub(crate) async fn publish(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    set_state(&app, &staff, id, &fields, (ProductState::Published, "publish", "published")).await
}

pub(crate) async fn unpublish(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    set_state(&app, &staff, id, &fields, (ProductState::Draft, "unpublish", "unpublished")).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let deleted = async {
        if !fields.has("sure") {
            return Err(Problem::field("/sure", "missing", "must be ticked"));
        }
        let (member, now) = (&staff.member, staff.person.visitor.now);
        app.desk.count_change("desk", staff.person.session.user, now).await?;
        let route = format!("{PRODUCTS}/{id}/delete");
        let request = keyed(&fields, (&member.key_scope(), &route), "", now)?;
        let _ = app.desk.delete_product(member, id, &Expected::Any, call::<()>(now, Some(&request))).await?;
        Ok::<_, Problem>(())
    };
    match deleted.await {
        Ok(()) => Ok(after(PRODUCTS, "deleted")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with("delete", &fields, problem)?).await,
    }
}

pub(crate) async fn change_price(
    State(app): State<App>,
    staff: Staff,
    Path((id, variant)): Path<(ProductId, VariantId)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let name = format!("price-{variant}");
    let changed = async {
        let own = app.desk.product(&staff.member, id).await?;
        let price = amount(required(&fields, "price")?, own.currency, "/price")?;
        let former = fields.text("former").map(|typed| amount(typed, own.currency, "/former")).transpose()?;
        replace(&app, &staff, id, (&name, &fields), with_price(&own, variant, (price, former))).await
    };
    match changed.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with(name, &fields, problem)?).await,
    }
}

pub(crate) async fn change_stock(
    State(app): State<App>,
    staff: Staff,
    Path((id, variant)): Path<(ProductId, VariantId)>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let name = format!("stock-{variant}");
    let changed = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        let on_hand = units(required(&fields, "on_hand")?, "/on_hand")?;
        let asked: ChangeStock = browser::as_api(&json!({"on_hand": on_hand}))?;
        app.desk.count_change("desk", staff.person.session.user, now).await?;
        let route = format!("{PRODUCTS}/{id}/{name}");
        let request = keyed(&fields, (&member.key_scope(), &route), &fields.said(&[KEY]), now)?;
        let call = call::<OwnProduct>(now, Some(&request));
        let _ = app.desk.change_stock(member, (id, variant), &asked, call).await?;
        Ok::<_, Problem>(())
    };
    match changed.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with(name, &fields, problem)?).await,
    }
}
