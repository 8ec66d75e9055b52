//! Replacing a product by what a form of the desk says of it.

use api::Problem;
use browser::{Fields, KEY, call, keyed};
use desk::OwnProduct;
use domain::{Expected, ProductId};
use serde_json::{Map, Value};

use crate::App;
use crate::products::PRODUCTS;
use crate::who::Staff;
use crate::written::read;

/// The version that a form was made of.
pub(crate) fn seen(fields: &Fields) -> Expected {
    fields
        .text("version")
        .and_then(|typed| typed.parse().ok())
        .map_or(Expected::Any, |one| Expected::Versions(vec![one]))
}

/// Replaces a product by what is written.
pub(crate) async fn replace(
    app: &App,
    staff: &Staff,
    id: ProductId,
    (route, fields): (&str, &Fields),
    product: Map<String, Value>,
) -> Result<(), Problem> {
    let (member, now) = (&staff.member, staff.person.visitor.now);
    let product = read(product)?;
    app.desk.count_change("desk", staff.person.session.user, now).await?;
    let route = format!("{PRODUCTS}/{id}/{route}");
    let request = keyed(fields, (&member.key_scope(), &route), &fields.said(&[KEY]), now)?;
    let call = call::<OwnProduct>(now, Some(&request));
    let _ = app.desk.replace_product(member, id, &product, &seen(fields), call).await?;
    Ok(())
}
