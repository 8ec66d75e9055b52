//! The operator's texts: the offer and the agreement that people accept, and the pages on delivery, returns and
//! privacy.

use std::collections::BTreeMap;

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::PublishLegal;
use domain::legal::{LegalText, LegalVersion, MAX_TEXT_LENGTH};
use domain::marketplace::OperatorPermission;
use domain::{Code, PageRequest};
use pages::forms::{Button, Field, Form, Kind};
use pages::parts::{anchor, boxed, facts, muted, pager, plain, table};
use pages::{Html, Language, Texts, date_time};
use serde_json::{Map, Value, json};

use crate::App;
use crate::operate_areas::{FIRST, TEXTS, kinds};
use crate::shown::{Sheet, Wrong, after, next_page};
use crate::who::Operating;

const PER_PAGE: u16 = 20;
/// What the names of the fields begin with that hold a text each.
const TEXT: &str = "texts/";

const fn name_of(t: &Texts, text: LegalText) -> &'static str {
    match text {
        LegalText::Offer => t.op_text_offer,
        LegalText::Agreement => t.op_text_agreement,
        LegalText::Delivery => t.delivery_page,
        LegalText::Returns => t.returns_page,
        LegalText::Privacy => t.privacy_page,
    }
}

pub(crate) async fn list_texts(State(app): State<App>, by: Operating) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadSettings)?;
    let (t, language) = (by.person.t(), by.person.language());
    let mut sheet = Sheet::of_operator(&app, &by, FIRST, t.op_texts);
    sheet.part(kinds(t, None));
    let mut rows: Vec<Vec<Html>> = Vec::new();
    for text in LegalText::ALL {
        let last = app.operator.last_legal(text).await?;
        let (version, at) = last.map_or_else(
            || (t.op_text_nothing.to_owned(), String::new()),
            |last| (last.number.to_string(), date_time(last.published_at, language)),
        );
        rows.push(vec![anchor(&format!("{TEXTS}/{}", text.as_str()), name_of(t, text)), plain(&version), plain(&at)]);
    }
    let columns = [t.op_texts, t.op_version, t.op_changed_at].map(str::to_owned);
    sheet.part(table(t.op_texts, &columns, &rows));
    Ok(sheet.reply())
}

fn named(name: &str) -> Result<LegalText, Problem> {
    LegalText::parse(name).ok_or_else(|| Problem::of(Code::NotFound))
}

pub(crate) async fn show_text(
    State(app): State<App>,
    by: Operating,
    Path(name): Path<String>,
) -> Result<Reply, Problem> {
    text_page(&app, &by, named(&name)?, None).await
}

/// A field for each language of the shop, and for what else the last version has.
fn fields_of(t: &'static Texts, text: LegalText, last: Option<&LegalVersion>) -> Vec<Field> {
    let mut known: BTreeMap<&str, &str> = last
        .map(|last| last.texts.iter().map(|(tag, text)| (tag.as_str(), text.as_str())).collect())
        .unwrap_or_default();
    let mut field = |tag: &str, name: &str| {
        let written = known.remove(tag).unwrap_or_default();
        Field::new(format!("{TEXT}{tag}"), name, Kind::Area).filled(written).at_most(MAX_TEXT_LENGTH).optional()
    };
    let mut fields: Vec<Field> =
        Language::ALL.into_iter().map(|language| field(language.tag(), language.own_name())).collect();
    let others: Vec<Field> = known
        .into_iter()
        .map(|(tag, written)| Field::new(format!("{TEXT}{tag}"), tag, Kind::Area).filled(written).optional())
        .collect();
    fields.extend(others);
    if text == LegalText::Agreement {
        let grace = Field::new("grace_days", t.op_grace_days, Kind::Number).hinting(t.op_grace_days_hint);
        fields.push(grace.filled("14"));
    }
    fields
}

async fn text_page(app: &App, by: &Operating, text: LegalText, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadSettings)?;
    let (t, language, now) = (by.person.t(), by.person.language(), by.person.visitor.now);
    let after = by.person.asked("after");
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let (last, versions) = tokio::join!(app.operator.last_legal(text), app.operator.legal_versions(text, &page));
    let (last, versions) = (last?, versions?);
    let path = format!("{TEXTS}/{}", text.as_str());
    let mut sheet = Sheet::of_operator(app, by, FIRST, name_of(t, text)).mending(wrong);
    sheet.tell_done();
    sheet.part(kinds(t, None));
    let number = last.as_ref().map_or_else(|| t.op_text_nothing.to_owned(), |last| last.number.to_string());
    sheet.part(facts(&[(t.op_version.to_owned(), number)]));
    let form = Form::to(path.as_str())
        .hiding(KEY, new_key(now))
        .asking(fields_of(t, text, last.as_ref()))
        .button(Button::main(t.op_publish_text));
    let form = sheet.form("text", form, &[("/texts", "texts/uz")]);
    sheet.part(boxed(name_of(t, text), [muted(t.op_text_hint), form]));
    if !versions.items.is_empty() {
        let columns = [t.op_version, t.date, t.language, t.op_changed_by].map(str::to_owned);
        let row = |version: &LegalVersion| {
            let tags: Vec<&str> = version.texts.keys().map(String::as_str).collect();
            vec![
                plain(&version.number.to_string()),
                plain(&date_time(version.published_at, language)),
                plain(&tags.join(", ")),
                plain(&version.by.to_string()),
            ]
        };
        let rows: Vec<Vec<Html>> = versions.items.iter().map(row).collect();
        sheet.part(boxed(t.history, [table(t.history, &columns, &rows)]));
    }
    let first = after.is_some().then(|| path.clone());
    sheet.part(pager(t, first, next_page(&path, &[], versions.next.as_deref())));
    Ok(sheet.reply())
}

/// What is published: a language whose field is blank has no text.
fn wanted(text: LegalText, fields: &Fields) -> Result<PublishLegal, Problem> {
    let written = fields.beginning(TEXT).filter(|(_, written)| !written.trim().is_empty());
    let texts: Map<String, Value> =
        written.map(|(tag, written)| (tag.to_owned(), Value::from(written.replace("\r\n", "\n")))).collect();
    let mut asked = json!({"texts": texts});
    if let (LegalText::Agreement, Some(days), Some(asked)) = (text, fields.text("grace_days"), asked.as_object_mut()) {
        let days: u16 =
            days.parse().map_err(|_| Problem::field("/grace_days", "number", "a number of days is needed"))?;
        asked.insert("grace_days".to_owned(), Value::from(days));
    }
    browser::as_api(&asked)
}

pub(crate) async fn publish_text(
    State(app): State<App>,
    by: Operating,
    Path(name): Path<String>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let text = named(&name)?;
    let path = format!("{TEXTS}/{}", text.as_str());
    let published = async {
        by.operator.may(OperatorPermission::EditSettings)?;
        let (user, now) = (by.operator.user, by.person.visitor.now);
        let asked = wanted(text, &fields)?;
        app.operator.count_change("operator", user, now).await?;
        let request = keyed(&fields, (&user.to_string(), &path), &fields.said(&[KEY]), now)?;
        let call = call::<LegalVersion>(now, Some(&request));
        let _ = app.operator.publish_legal(text, asked, user, call).await?;
        Ok::<_, Problem>(())
    };
    match published.await {
        Ok(()) => Ok(after(&path, "published-text")),
        Err(problem) => text_page(&app, &by, text, Wrong::with("text", &fields, problem)?).await,
    }
}
