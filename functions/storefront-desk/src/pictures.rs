//! Pictures of a product. They come with the form and are put into the bucket from here: a browser without script
//! cannot send what the API's clients send, a PUT with a length that was announced.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form, Reply, Uploads, call};
use desk::{BeginUpload, BegunUpload};
use domain::ProductId;
use serde_json::{Value, json};

use crate::App;
use crate::product::product_page;
use crate::products::PRODUCTS;
use crate::replacing::{replace, seen};
use crate::shown::{Wrong, after};
use crate::who::Staff;
use crate::written::written;

/// The field of the form.
const PICTURES: &str = "/pictures";

pub(crate) async fn add(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    sent: Result<Uploads, Problem>,
) -> Result<Reply, Problem> {
    let fields = sent.as_ref().map(|sent| sent.fields.clone()).unwrap_or_default();
    match put_all(&app, &staff, id, sent).await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with("pictures", &fields, problem)?).await,
    }
}

async fn put_all(app: &App, staff: &Staff, id: ProductId, sent: Result<Uploads, Problem>) -> Result<(), Problem> {
    let Uploads { fields, files } = sent?;
    if files.is_empty() {
        return Err(Problem::field(PICTURES, "missing", "no picture was chosen"));
    }
    let own = app.desk.product(&staff.member, id).await?;
    // A form that is sent twice finds another version and uploads nothing.
    own.product.check_seen(&seen(&fields))?;
    let (member, now) = (&staff.member, staff.person.visitor.now);
    let mut product = written(&own);
    let mut images = product.remove("images").and_then(|images| Some(images.as_array()?.clone())).unwrap_or_default();
    for file in files {
        let asked = json!({"content_type": file.content_type, "size": file.bytes.len()});
        let asked: BeginUpload = browser::as_api(&asked).map_err(|problem| at_field(&problem))?;
        let begun = app.desk.begin_upload(member, &asked, call::<BegunUpload>(now, None)).await?;
        let begun = browser::done(begun).ok_or_else(|| Problem::internal("a replay of what has no key"))?;
        app.desk.put_picture(member, begun.id, &asked, file.bytes).await?;
        images.push(json!({"src": format!("media:{}", begun.id)}));
    }
    product.insert("images".to_owned(), Value::from(images));
    replace_unkeyed(app, staff, id, &fields, product).await
}

/// What is wrong with a file stands beside the field of files.
fn at_field(problem: &Problem) -> Problem {
    let error = problem.errors().first();
    let code = if error.is_some_and(|error| error.pointer == "/content_type") { "file_type" } else { "invalid" };
    Problem::field(PICTURES, code, error.map_or(problem.code().meaning(), |error| error.detail.as_str()))
}

/// The version that was seen makes a second form harmless, in the place of a key.
async fn replace_unkeyed(
    app: &App,
    staff: &Staff,
    id: ProductId,
    fields: &Fields,
    product: serde_json::Map<String, Value>,
) -> Result<(), Problem> {
    let product = crate::written::read(product)?;
    let call = call::<desk::OwnProduct>(staff.person.visitor.now, None);
    let _ = app.desk.replace_product(&staff.member, id, &product, &seen(fields), call).await?;
    Ok(())
}

pub(crate) async fn remove(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    let removed = async {
        let own = app.desk.product(&staff.member, id).await?;
        let mut kept = own.clone();
        kept.product.images.retain(|image| Some(image.src.as_str()) != fields.text("src"));
        for variant in &mut kept.product.variants {
            if variant.image.as_ref().is_some_and(|image| Some(image.as_str()) == fields.text("src")) {
                variant.image = None;
            }
        }
        replace(&app, &staff, id, ("picture", &fields), written(&kept)).await
    };
    match removed.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with("removal", &fields, problem)?).await,
    }
}
