//! A product's texts in other languages than its own: which there are, and a page for those of each.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, new_key};
use desk::OwnProduct;
use domain::catalog::{Product, ProductOption};
use domain::code::pointer_part;
use domain::text::{ContentLanguage, Line, Name, Script, Title};
use domain::{Code, ProductId};
use pages::forms::{Button, Choice, Field, Form, Group, Kind};
use pages::parts::{Link, Tone, actions, anchor, badge, boxed, muted, paragraphs, prose, stated, table};
use pages::{Html, Language, Texts, fill};
use serde_json::{Map, Value};

use crate::App;
use crate::products::PRODUCTS;
use crate::replacing::replace;
use crate::shown::{Sheet, Wrong, after};
use crate::who::Staff;
use crate::written::{as_html, as_text, with_texts};

/// The tag of what vendors write in a language of the shop, whose pages in Chinese have simplified script.
const fn tag_of(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh-Hans",
        Language::Uz | Language::UzCyrl | Language::Ru | Language::En => language.tag(),
    }
}

fn is_of(tag: &ContentLanguage, language: Language) -> bool {
    Language::from_tag(tag.as_str()) == Some(language)
}

/// What a language is called: in itself, when the shop speaks it, else by its tag.
fn named(tag: &ContentLanguage) -> &str {
    let is_named = |language: &Language| [language.tag(), tag_of(*language)].contains(&tag.as_str());
    Language::ALL.into_iter().find(is_named).map_or(tag.as_str(), |language| language.own_name())
}

/// The language of a product's own texts. Once it is said it cannot be unsaid: a product that is written without one
/// keeps its own.
pub(crate) fn language_field(t: &'static Texts, own: Option<&ContentLanguage>) -> Field {
    let mut options: Vec<Choice> =
        Language::ALL.into_iter().map(|language| Choice::new(tag_of(language), language.own_name())).collect();
    let field = |options| Field::new("language", t.desk_language, Kind::Choice { options });
    let Some(own) = own else {
        options.insert(0, Choice::new("", t.desk_language_not_said));
        return field(options).optional();
    };
    if !options.iter().any(|option| option.value == own.as_str()) {
        options.push(Choice::new(own.as_str(), own.as_str()));
    }
    field(options).filled(own.as_str())
}

/// The languages in which a product has other texts than its own, or could have them: each of the shop in the form in
/// which something is written, and whatever else there is.
fn others(own: &OwnProduct) -> Vec<ContentLanguage> {
    let written = || own.languages().into_iter();
    let mut found: Vec<ContentLanguage> = Vec::new();
    for language in Language::ALL {
        let before = found.len();
        found.extend(written().filter(|tag| is_of(tag, language)).cloned());
        let is_own = own.product.language.as_ref().is_some_and(|own| is_of(own, language));
        if found.len() == before && !is_own {
            found.extend(ContentLanguage::parse(tag_of(language)));
        }
    }
    found.extend(written().filter(|tag| Language::from_tag(tag.as_str()).is_none()).cloned());
    found
}

/// How much is written in a language.
fn state_of(t: &'static Texts, own: &OwnProduct, tag: &ContentLanguage) -> (Tone, &'static str) {
    let said = own.product.translations.get(tag);
    if said.is_some_and(|said| said.title.is_some()) {
        (Tone::Good, t.desk_texts_written)
    } else if said.is_some() || own.descriptions.get(tag).is_some() {
        (Tone::Wait, t.desk_texts_partly)
    } else if own.product.wording(tag).script != Script::AsWritten {
        (Tone::Info, t.desk_texts_made)
    } else {
        (Tone::Info, t.desk_texts_missing)
    }
}

/// The part of a product's page that leads to its texts in other languages.
pub(crate) fn languages_part(t: &'static Texts, own: &OwnProduct, path: &str) -> Html {
    let row = |tag: &ContentLanguage| {
        let (tone, state) = state_of(t, own, tag);
        vec![anchor(&format!("{path}/texts/{tag}"), named(tag)), badge(tone, state)]
    };
    let rows: Vec<Vec<Html>> = others(own).iter().map(row).collect();
    let columns = [t.language, t.state].map(str::to_owned);
    boxed(t.desk_texts, [muted(t.desk_texts_text), table(t.desk_texts, &columns, &rows)])
}

fn language_in(path: &str) -> Result<ContentLanguage, Problem> {
    ContentLanguage::parse(path).ok_or_else(|| Problem::of(Code::NotFound))
}

/// The product, when another language than that of its own texts is asked for.
async fn product_in(app: &App, staff: &Staff, id: ProductId, tag: &ContentLanguage) -> Result<OwnProduct, Problem> {
    let own = app.desk.product(&staff.member, id).await?;
    if own.product.language.as_ref() == Some(tag) { Err(Problem::of(Code::NotFound)) } else { Ok(own) }
}

pub(crate) async fn show_texts(
    State(app): State<App>,
    staff: Staff,
    Path((id, tag)): Path<(ProductId, String)>,
) -> Result<Reply, Problem> {
    texts_page(&app, &staff, id, &language_in(&tag)?, None).await
}

async fn texts_page(
    app: &App,
    staff: &Staff,
    id: ProductId,
    tag: &ContentLanguage,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let own = product_in(app, staff, id, tag).await?;
    let (t, product) = (staff.person.t(), &own.product);
    let path = format!("{PRODUCTS}/{id}");
    let heading = fill(t.desk_texts_in, &[("language", named(tag))]);
    let mut sheet = Sheet::of_vendor(app, staff, PRODUCTS, heading).mending(wrong);
    sheet.part(actions(t.desk_product, &[Link::new(path.as_str(), product.title.as_str())]));
    if let Some(html) = own.description_html.as_deref().filter(|html| !html.is_empty()) {
        sheet.part(boxed(t.desk_own_description, [own_description(html, product.language.as_ref())]));
    }
    let mut form = Form::to(format!("{path}/texts/{tag}"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .hiding("version", product.version.to_string());
    let html = own.descriptions.get(tag).map(String::as_str).unwrap_or_default();
    if as_text(html).is_none() {
        form = form.hiding("html", "1");
    }
    form = groups(t, &own, tag).into_iter().fold(form, Form::with).button(Button::main(t.save));
    if product.translations.get(tag).is_some() || !html.is_empty() {
        form = form.button(Button::danger(t.desk_texts_remove).sending("do", "remove"));
    }
    // Each field is named by where it stands in the texts of the language.
    let names: Vec<String> =
        form.groups.iter().flat_map(|group| &group.fields).map(|field| field.name.clone()).collect();
    let at = format!("/translations/{}", pointer_part(tag.as_str()));
    let pointers: Vec<String> = names.iter().map(|name| format!("{at}/{name}")).collect();
    let renamed: Vec<(&str, &str)> =
        pointers.iter().zip(&names).map(|(pointer, name)| (pointer.as_str(), name.as_str())).collect();
    let form = sheet.form("texts", form, &renamed);
    sheet.part(stated(product.title.as_str(), state_of(t, &own, tag), [muted(t.desk_texts_hint), form]));
    Ok(sheet.reply())
}

/// What a vendor translates from, in its own language where that is known.
fn own_description(html: &str, language: Option<&ContentLanguage>) -> Html {
    match (as_text(html), language) {
        (Some(text), Some(language)) => paragraphs(&text, language.as_str()),
        _ => prose(&Html::sanitised(html)),
    }
}

/// Where the words of an option stand in the texts of a language.
fn option_at(option: &ProductOption) -> String {
    format!("options/{}", pointer_part(option.name.as_str()))
}

fn value_at(option: &ProductOption, value: &Name) -> String {
    format!("{}/values/{}", option_at(option), pointer_part(value.as_str()))
}

fn typed<T: ToString>(text: Option<&T>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// The fields of the form. Beside each stands what the product says in its own language.
fn groups(t: &'static Texts, own: &OwnProduct, tag: &ContentLanguage) -> Vec<Group> {
    let product = &own.product;
    let said = product.translations.get(tag).cloned().unwrap_or_default();
    let field = |name: &str, label: &str, kind: Kind, own: &str| {
        let hint = if own.is_empty() { String::new() } else { fill(t.desk_texts_own, &[("text", own)]) };
        Field::new(name, label, kind).hinting(hint).optional()
    };
    let html = own.descriptions.get(tag).map(String::as_str).unwrap_or_default();
    let plain = as_text(html);
    let hint = if plain.is_some() { t.desk_description_hint } else { t.desk_description_html };
    let texts = vec![
        field("title", t.desk_title, Kind::Text, product.title.as_str())
            .filled(typed(said.title.as_ref()))
            .at_most(Title::MAX_LENGTH),
        Field::new("description_html", t.description, Kind::Area)
            .filled(plain.unwrap_or_else(|| html.to_owned()))
            .hinting(hint)
            .optional(),
    ];
    let search = vec![
        field("seo/title", t.desk_seo_title, Kind::Text, &typed(product.seo.title.as_ref()))
            .filled(typed(said.seo.title.as_ref()))
            .at_most(Line::MAX_LENGTH),
        field("seo/description", t.desk_seo_description, Kind::Area, &typed(product.seo.description.as_ref()))
            .filled(typed(said.seo.description.as_ref())),
    ];
    let mut groups = vec![Group::of(texts), Group::named(t.desk_seo, search)];
    for (index, option) in product.options.iter().enumerate() {
        let words = said.options.get(&option.name);
        let name = words.and_then(|words| words.name.as_ref());
        let mut fields = vec![
            field(&format!("{}/name", option_at(option)), t.desk_option_name, Kind::Text, option.name.as_str())
                .filled(typed(name)),
        ];
        for value in &option.values {
            let word = words.and_then(|words| words.values.get(value));
            fields.push(Field::new(value_at(option, value), value.as_str(), Kind::Text).filled(typed(word)).optional());
        }
        // Words have blanks and quotes, which an id has not.
        let numbered = fields.into_iter().enumerate().map(|(at, field)| {
            let field = field.at_most(Name::MAX_LENGTH);
            Field { id: format!("f-word-{index}-{at}"), ..field }
        });
        groups.push(Group::named(option.name.as_str(), numbered.collect()));
    }
    groups
}

/// The texts of a language as the API reads them. A blank field says nothing.
fn texts_of(product: &Product, fields: &Fields) -> Value {
    let mut texts = fields.object(&["title"]);
    if let Some(text) = fields.text("description_html") {
        let html = if fields.has("html") { text.to_owned() } else { as_html(text) };
        texts.insert("description_html".to_owned(), Value::from(html));
    }
    let mut search = Map::new();
    for part in ["title", "description"] {
        if let Some(text) = fields.text(&format!("seo/{part}")) {
            search.insert(part.to_owned(), Value::from(text.replace("\r\n", "\n")));
        }
    }
    texts.insert("seo".to_owned(), Value::Object(search));
    let words = |option: &ProductOption| {
        let word = |value: &Name| Some((value.to_string(), Value::from(fields.text(&value_at(option, value))?)));
        let values: Map<String, Value> = option.values.iter().filter_map(word).collect();
        let mut words = Map::from_iter([("values".to_owned(), Value::Object(values))]);
        if let Some(name) = fields.text(&format!("{}/name", option_at(option))) {
            words.insert("name".to_owned(), Value::from(name));
        }
        (option.name.to_string(), Value::Object(words))
    };
    let options: Map<String, Value> = product.options.iter().map(words).collect();
    texts.insert("options".to_owned(), Value::Object(options));
    Value::Object(texts)
}

pub(crate) async fn change_texts(
    State(app): State<App>,
    staff: Staff,
    Path((id, tag)): Path<(ProductId, String)>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let tag = language_in(&tag)?;
    let changed = async {
        let own = product_in(&app, &staff, id, &tag).await?;
        let is_removed = fields.text("do") == Some("remove");
        let texts = (!is_removed).then(|| texts_of(&own.product, &fields));
        let route = format!("texts/{tag}");
        replace(&app, &staff, id, (&route, &fields), with_texts(&own, &tag, texts)).await
    };
    match changed.await {
        Ok(()) => Ok(after(&format!("{PRODUCTS}/{id}"), "saved")),
        Err(problem) => texts_page(&app, &staff, id, &tag, Wrong::with("texts", &fields, problem)?).await,
    }
}
