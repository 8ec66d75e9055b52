//! A product of a vendor: writing a new one, and changing one.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::{OwnProduct, WriteProduct};
use domain::catalog::{Category, CategoryTree, Picture, ProductState, Variant};
use domain::text::{ContentLanguage, Handle};
use domain::{Call, Expected, Outcome, ProductId};
use pages::forms::{Button, Choice, Field, Form, Group, Kind};
use pages::parts::{Line, Link, Tone, alert, boxed, facts, lines, muted, note};
use pages::{Html, Language, Texts, category_name, fill, number};
use serde_json::{Value, json};

use crate::App;
use crate::amounts::{amount, units};
use crate::product_texts::{language_field, languages_part};
use crate::products::PRODUCTS;
use crate::replacing::replace;
use crate::shown::{Sheet, Wrong, after, numbered};
use crate::states;
use crate::who::Staff;
use crate::written::{as_html, as_text, read, written};

/// Where the API points to, and the fields of the forms.
pub(crate) const RENAMED: [(&str, &str); 5] = [
    ("/variants/0/price", "price"),
    ("/variants/0/prices", "price"),
    ("/variants/0/on_hand", "stock"),
    ("/description_html", "description"),
    ("/pictures", "pictures"),
];

/// Fields that say what a product is, in which language `own` that may be.
fn text_fields(
    (t, language): (&'static Texts, Language),
    tree: &CategoryTree,
    own: Option<&ContentLanguage>,
) -> Vec<Field> {
    let mut options = vec![Choice::new("", t.desk_no_category)];
    add_categories(&mut options, &tree.roots, "", language);
    vec![
        Field::new("title", t.desk_title, Kind::Text).hinting(t.desk_title_hint).at_most(200),
        Field::new("category", t.desk_category, Kind::Choice { options }).optional(),
        Field::new("description", t.description, Kind::Area).hinting(t.desk_description_hint).optional(),
        language_field(t, own),
    ]
}

fn add_categories(options: &mut Vec<Choice>, categories: &[Category], above: &str, language: Language) {
    for category in categories {
        let own = category_name(category, language);
        let name = if above.is_empty() { own } else { format!("{above} › {own}") };
        options.push(Choice::new(category.handle.to_string(), name.clone()));
        add_categories(options, &category.children, &name, language);
    }
}

/// What must be filled in.
pub(crate) fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Problem> {
    fields.text(name).ok_or_else(|| Problem::field(format!("/{name}"), "missing", "must be given"))
}

pub(crate) async fn show_new(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    new_page(&app, &staff, None).await
}

async fn new_page(app: &App, staff: &Staff, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let t = staff.person.t();
    let tree = app.desk.categories(&staff.member).await?;
    let currency = staff.member.account.currency;
    let numbers = vec![
        Field::new("price", fill(t.desk_price_in, &[("currency", currency.as_str())]), Kind::Decimal),
        Field::new("stock", t.desk_on_hand, Kind::Number).filled("1"),
    ];
    let when = vec![Choice::new("publish", t.desk_publish_now), Choice::new("draft", t.desk_keep_draft)];
    let chosen = if staff.member.is_approved().is_ok() { "publish" } else { "draft" };
    let form = Form::to(format!("{PRODUCTS}/new"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .asking(text_fields((t, staff.person.language()), &tree, None))
        .with(Group::of(numbers).in_a_row())
        .asking(vec![
            Field::new("handle", t.desk_handle, Kind::Text).hinting(t.desk_handle_hint).optional().at_most(60),
        ])
        .with(Group::named(
            t.desk_visibility,
            vec![Field::new("visibility", t.desk_visibility, Kind::Radio { options: when }).filled(chosen)],
        ))
        .button(Button::main(t.save));
    let mut sheet = Sheet::of_vendor(app, staff, PRODUCTS, t.desk_new_product).mending(wrong);
    sheet.part(muted(t.desk_pictures_later));
    let form = sheet.form("new", form, &RENAMED);
    sheet.part(form);
    Ok(sheet.reply())
}

/// What a form of the simple kind says: a product with one variant.
fn simple(staff: &Staff, fields: &Fields) -> Result<WriteProduct, Problem> {
    let mut said = fields.object(&["category", "handle", "language"]);
    said.insert("title".to_owned(), Value::from(required(fields, "title")?));
    if let Some(text) = fields.text("description") {
        said.insert("description_html".to_owned(), Value::from(as_html(text)));
    }
    let price = amount(required(fields, "price")?, staff.member.account.currency, "/price")?;
    let stock = fields.text("stock").map_or(Ok(0), |typed| units(typed, "/stock"))?;
    said.insert("variants".to_owned(), json!([{"price": price, "on_hand": stock}]));
    read(said)
}

/// A created product and its version, as its answer is kept for a replay.
type Created = (ProductId, u64);

fn kept(created: &Created) -> String {
    format!("{} {}", created.0, created.1)
}

fn kept_before(text: &str) -> Option<Created> {
    let (id, version) = text.split_once(' ')?;
    Some((id.parse().ok()?, version.parse().ok()?))
}

pub(crate) async fn create(State(app): State<App>, staff: Staff, Sent(fields): Sent) -> Result<Reply, Problem> {
    let created = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        let product = simple(&staff, &fields)?;
        app.desk.count_change("desk", staff.person.session.user, now).await?;
        let request = keyed(&fields, (&member.key_scope(), "/desk/products/new"), &fields.said(&[KEY]), now)?;
        let respond = |own: &OwnProduct| Ok((own.product.id, own.product.version));
        let call = Call::new(now, Some(&request), |created| Ok(kept(created)), &respond);
        match app.desk.create_product(member, &product, call).await? {
            Outcome::Done((id, _)) | Outcome::Repeated(Some((id, _))) => Ok(id),
            Outcome::Replayed(text) => {
                let (id, version) = kept_before(&text).ok_or_else(|| Problem::internal("an unreadable replay"))?;
                app.desk.complete_initial_stock(id, Some(version), &product).await?;
                Ok(id)
            }
            Outcome::Repeated(None) => Err(Problem::internal("a replay without an answer")),
        }
    };
    let id = match created.await {
        Ok(id) => id,
        Err(problem) => return new_page(&app, &staff, Wrong::with("new", &fields, problem)?).await,
    };
    let path = format!("{PRODUCTS}/{id}");
    if fields.text("visibility") != Some("publish") {
        return Ok(after(&path, "created"));
    }
    // It is saved: what stands in the way of its sale is told on its page.
    let call = call::<OwnProduct>(staff.person.visitor.now, None);
    match app.desk.set_product_state(&staff.member, id, ProductState::Published, &Expected::Any, call).await {
        Ok(_) => Ok(after(&path, "published")),
        Err(refused) => product_page(&app, &staff, id, Wrong::with("publish", &fields, refused.into())?).await,
    }
}

pub(crate) async fn show_product(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
) -> Result<Reply, Problem> {
    product_page(&app, &staff, id, None).await
}

/// The page of a product, perhaps after one of its forms was sent.
pub(crate) async fn product_page(
    app: &App,
    staff: &Staff,
    id: ProductId,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let (own, tree) = tokio::join!(app.desk.product(&staff.member, id), app.desk.categories(&staff.member));
    let (own, tree) = (own?, tree?);
    let (t, product) = (staff.person.t(), &own.product);
    let path = format!("{PRODUCTS}/{id}");
    let mut sheet = Sheet::of_vendor(app, staff, PRODUCTS, product.title.as_str()).mending(wrong);
    sheet.tell_done();
    if let Some(hidden) = &product.hidden {
        sheet.alert(alert(Tone::Bad, t.desk_product_hidden, &[hidden.reason.to_string()], &[]));
    }
    if product.images.is_empty() {
        sheet.alert(note(Tone::Info, t.desk_no_pictures));
    }
    let (tone, state) = states::of_product(t, product.state, product.hidden.is_some());
    let is_published = product.state == ProductState::Published;
    let switch = if is_published {
        let shown = Link::new(format!("/{}/p/{}", staff.person.language().code(), product.handle), t.desk_see_in_shop);
        let hide = sheet.button(format!("{path}/unpublish"), Button::quiet(t.desk_unpublish));
        Html::joined([pages::parts::actions(t.desk_see_in_shop, &[shown]), hide])
    } else {
        sheet.button(format!("{path}/publish"), Button::main(t.desk_publish_now))
    };
    sheet.part(pages::parts::stated(t.desk_visibility, (tone, state), [switch]));
    for variant in &product.variants {
        variant_part(&mut sheet, staff, &own, variant, &path);
    }
    pictures_part(&mut sheet, app, staff, &own, &path);
    text_part(&mut sheet, staff, &own, &tree, &path);
    sheet.part(languages_part(t, &own, &path));
    let sure = vec![Field::new("sure", t.desk_delete_sure, Kind::Check)];
    let delete = Form::to(format!("{path}/delete"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .asking(sure)
        .button(Button::danger(t.delete));
    let delete = sheet.form("delete", delete, &[]);
    sheet.part(boxed(t.desk_delete_product, [delete]));
    Ok(sheet.reply())
}

fn text_part(sheet: &mut Sheet<'_>, staff: &Staff, own: &OwnProduct, tree: &CategoryTree, path: &str) {
    let t = staff.person.t();
    let html = own.description_html.as_deref().unwrap_or_default();
    let plain = as_text(html);
    let category = own.product.category().map(Handle::to_string).unwrap_or_default();
    let mut form = Form::to(path)
        .hiding(KEY, new_key(staff.person.visitor.now))
        .hiding("version", own.product.version.to_string());
    let mut fields = text_fields((t, staff.person.language()), tree, own.product.language.as_ref());
    for field in &mut fields {
        field.value = match field.name.as_str() {
            "title" => own.product.title.to_string(),
            "category" => category.clone(),
            "language" => continue,
            _ => plain.clone().unwrap_or_else(|| html.to_owned()),
        };
        if field.name == "description" && plain.is_none() {
            field.hint = t.desk_description_html.to_owned();
        }
    }
    if plain.is_none() {
        form = form.hiding("html", "1");
    }
    // Own texts in a language in which there are others.
    let twice: Vec<String> = own.product.translations.languages().map(|tag| format!("/translations/{tag}")).collect();
    let mut renamed: Vec<(&str, &str)> = RENAMED.to_vec();
    renamed.extend(twice.iter().map(|pointer| (pointer.as_str(), "language")));
    let form = sheet.form("text", form.asking(fields).button(Button::main(t.save)), &renamed);
    sheet.part(boxed(t.about_product, [form]));
}

fn variant_part(sheet: &mut Sheet<'_>, staff: &Staff, own: &OwnProduct, variant: &Variant, path: &str) {
    let (t, language) = (staff.person.t(), staff.person.language());
    let units = own.units.get(&variant.id).copied().unwrap_or_default();
    let price = variant.price_in(own.currency);
    let decimal = |amount: Option<domain::Money>| amount.map(|amount| amount.decimal()).unwrap_or_default();
    let to = format!("{path}/variants/{}", variant.id);
    let now = staff.person.visitor.now;
    let known = facts(&[
        (t.desk_available.to_owned(), number(units.available, language)),
        (t.desk_reserved.to_owned(), number(units.reserved, language)),
    ]);
    let name = |field: &str| format!("{field}-{}", variant.id);
    let field = |name: &str, label: String, kind: Kind| numbered(Field::new(name, label, kind), variant.id);
    let in_currency = |text: &str| fill(text, &[("currency", own.currency.as_str())]);
    let prices = Form::to(format!("{to}/price"))
        .hiding(KEY, new_key(now))
        .hiding("version", own.product.version.to_string())
        .with(
            Group::of(vec![
                field("price", in_currency(t.desk_price_in), Kind::Decimal)
                    .filled(decimal(price.map(|price| price.price))),
                field("former", in_currency(t.desk_former_price_in), Kind::Decimal)
                    .filled(decimal(price.and_then(|price| price.compare_at)))
                    .hinting(t.desk_former_price_hint)
                    .optional(),
            ])
            .in_a_row(),
        )
        .button(Button::main(t.desk_save_price));
    let stock = Form::to(format!("{to}/stock"))
        .hiding(KEY, new_key(now))
        .asking(vec![
            field("on_hand", t.desk_on_hand.to_owned(), Kind::Number)
                .filled(units.on_hand().to_string())
                .hinting(t.desk_on_hand_hint),
        ])
        .button(Button::main(t.desk_save_stock));
    let prices = sheet.form(&name("price"), prices, &[]);
    let stock = sheet.form(&name("stock"), stock, &[]);
    let title = own.product.title_of(variant);
    let heading = if own.product.variants.len() > 1 { title } else { t.desk_price_and_stock.to_owned() };
    sheet.part(boxed(&heading, [known, prices, stock]));
}

fn pictures_part(sheet: &mut Sheet<'_>, app: &App, staff: &Staff, own: &OwnProduct, path: &str) {
    let t = staff.person.t();
    let version = own.product.version.to_string();
    let mut shown = Vec::new();
    for (index, image) in (1..).zip(&own.product.images) {
        let index: usize = index;
        let form = Form::to(format!("{path}/pictures/remove"))
            .hiding(KEY, new_key(staff.person.visitor.now))
            .hiding("version", &version)
            .hiding("src", image.src.as_str())
            .button(Button::link(t.remove).about(index.to_string()));
        let numbered = [("title", own.product.title.as_str()), ("n", &index.to_string())];
        let title = image.alt.as_ref().map_or_else(|| fill(t.picture_of, &numbered), ToString::to_string);
        let actions = sheet.form("picture", form, &[]);
        let picture = own.product.pictures.get(image.src.as_str());
        let link = own.product.shown_image(image, |path| format!("{}/{path}", app.media_base));
        let smallest = link.map(|link| link.sources.into_iter().next().map_or(link.url, |smallest| smallest.url));
        let mut line = Line { image: smallest, title, actions, ..Line::default() };
        match picture {
            Some(Picture { fault: Some(code), .. }) => {
                line.warnings.push(pages::picture_fault(staff.person.language(), code));
            }
            Some(picture) if picture.is_waiting() => line.notes.push(t.desk_picture_waiting.to_owned()),
            _ => {}
        }
        shown.push(line);
    }
    let types = "image/jpeg,image/png,image/webp";
    let form = Form::to(format!("{path}/pictures"))
        .hiding("version", &version)
        .sending_files()
        .asking(vec![
            Field::new("pictures", t.desk_choose_pictures, Kind::File { accept: types, several: true })
                .hinting(t.desk_pictures_hint),
        ])
        .button(Button::main(t.desk_add_pictures));
    let form = sheet.form("pictures", form, &RENAMED);
    let approval = if staff.member.is_approved().is_err() { muted(t.desk_pictures_after_approval) } else { form };
    sheet.part(boxed(t.pictures, [lines(&shown), approval]));
}

pub(crate) async fn change(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProductId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let changed = async {
        let own = app.desk.product(&staff.member, id).await?;
        let mut product = written(&own);
        product.insert("title".to_owned(), Value::from(required(&fields, "title")?));
        product.remove("category");
        product.extend(fields.object(&["category", "language"]));
        let text = fields.text("description").unwrap_or_default();
        let html = if fields.has("html") { text.to_owned() } else { as_html(text) };
        product.insert("description_html".to_owned(), Value::from(html));
        replace(&app, &staff, id, ("text", &fields), product).await
    };
    match changed.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => product_page(&app, &staff, id, Wrong::with("text", &fields, problem)?).await,
    }
}
