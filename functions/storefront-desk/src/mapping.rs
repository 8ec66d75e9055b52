//! What the columns of a shop's files mean, for files of systems that are not recognised.

use std::collections::BTreeMap;

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::ReplaceMapping;
use domain::ImportId;
use domain::job::{ColumnMapping, FileColumn};
use pages::Html;
use pages::forms::{Button, Choice, Field, Form, Kind};
use pages::parts::{boxed, muted};
use serde_json::{Value, json};

use crate::App;
use crate::import::MISSING_COLUMN;
use crate::imports::IMPORTS;
use crate::replacing::seen;
use crate::shown::{Sheet, Wrong, after};
use crate::who::Staff;

const COLUMNS: &str = "/desk/imports/columns";
/// The beginning of the names of fields, before a column's header.
const PREFIX: &str = "column:";
/// The most columns that are shown: as many as a mapping has.
const MOST: usize = 100;

/// What a column can mean, with its name on the wire.
const MEANINGS: [(&str, FileColumn); 13] = [
    ("handle", FileColumn::Handle),
    ("sku", FileColumn::Sku),
    ("title", FileColumn::Title),
    ("description", FileColumn::Description),
    ("category", FileColumn::Category),
    ("price", FileColumn::Price),
    ("compare_at_price", FileColumn::CompareAtPrice),
    ("quantity", FileColumn::Quantity),
    ("grams", FileColumn::Grams),
    ("image", FileColumn::Image),
    ("tags", FileColumn::Tags),
    ("option1_name", FileColumn::Option1Name),
    ("option1_value", FileColumn::Option1Value),
];

pub(crate) async fn show_columns(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    let from = staff.person.asked("from").and_then(|from| from.parse().ok());
    columns_page(&app, &staff, from, None).await
}

/// The headers that an import has found and not understood.
async fn headers_of(app: &App, staff: &Staff, from: Option<ImportId>) -> Result<Vec<String>, Problem> {
    let Some(from) = from else { return Ok(Vec::new()) };
    let shown = app.desk.import(&staff.member, from, staff.person.visitor.now).await?;
    let entry = shown.faults.into_iter().find(|entry| entry.code == MISSING_COLUMN);
    let names = entry.map(|entry| entry.value).unwrap_or_default();
    Ok(desk::names_listed(&names))
}

async fn columns_page(
    app: &App,
    staff: &Staff,
    from: Option<ImportId>,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let t = staff.person.t();
    let mapping = app.desk.column_mapping(&staff.member).await?;
    let mut headers = headers_of(app, staff, from).await?;
    for known in mapping.columns.keys() {
        if !headers.iter().any(|header| header == known.as_str()) {
            headers.push(known.to_string());
        }
    }
    headers.truncate(MOST);
    let mut sheet = Sheet::of_vendor(app, staff, IMPORTS, t.desk_columns).mending(wrong);
    sheet.tell_done();
    sheet.part(muted(t.desk_columns_text));
    if headers.is_empty() {
        sheet.part(muted(t.desk_columns_none));
        return Ok(sheet.reply());
    }
    let fields = headers.iter().map(|header| column_field(staff, header, &mapping)).collect();
    let mut form = Form::to(COLUMNS)
        .hiding(KEY, new_key(staff.person.visitor.now))
        .hiding("version", mapping.version.to_string())
        .asking(fields)
        .button(Button::main(t.save));
    if let Some(from) = from {
        form = form.hiding("from", from.to_string());
    }
    let form = sheet.form("columns", form, &[]);
    sheet.part(form);
    if let Some(from) = from.filter(|_| !mapping.columns.is_empty()) {
        let again = Form::to(format!("{IMPORTS}/{from}/start"))
            .hiding(KEY, new_key(staff.person.visitor.now))
            .hiding("dry_run", "1")
            .button(Button::main(t.desk_check_again));
        let again: Html = sheet.form("again", again, &[]);
        sheet.part(boxed(t.desk_check_again, [muted(t.desk_check_again_text), again]));
    }
    Ok(sheet.reply())
}

fn column_field(staff: &Staff, header: &str, mapping: &ColumnMapping) -> Field {
    let t = staff.person.t();
    let names = [
        t.desk_column_handle,
        t.desk_column_sku,
        t.desk_title,
        t.description,
        t.desk_category,
        t.desk_price,
        t.desk_former_price,
        t.desk_on_hand,
        t.desk_column_grams,
        t.desk_column_image,
        t.desk_column_tags,
        t.desk_column_option,
        t.desk_column_option_value,
    ];
    let known = mapping.columns.iter().find(|(known, _)| known.as_str() == header).map(|(_, column)| *column);
    let mut options = vec![Choice::new("", t.desk_column_kept)];
    options.extend(MEANINGS.iter().zip(names).map(|((value, _), name)| Choice::new(*value, name)));
    // A meaning that this page has no words for stays as it is.
    let chosen = known.map(|column| {
        let named = MEANINGS.iter().find(|(_, meaning)| *meaning == column).map(|(value, _)| (*value).to_owned());
        named.unwrap_or_else(|| json!(column).as_str().unwrap_or_default().to_owned())
    });
    let chosen = chosen.unwrap_or_default();
    if !options.iter().any(|option| option.value == chosen) {
        options.push(Choice::new(chosen.clone(), chosen.clone()));
    }
    let field = Field::new(format!("{PREFIX}{header}"), header, Kind::Choice { options }).filled(chosen).optional();
    Field { id: format!("f-{}", pages::escaped(header).replace('%', "-")), ..field }
}

pub(crate) async fn keep_columns(State(app): State<App>, staff: Staff, Sent(fields): Sent) -> Result<Reply, Problem> {
    let from: Option<ImportId> = fields.text("from").and_then(|from| from.parse().ok());
    match keep(&app, &staff, &fields).await {
        Ok(()) => {
            let path = from.map_or_else(|| COLUMNS.to_owned(), |from| format!("{COLUMNS}?from={from}"));
            Ok(after(&path, "saved"))
        }
        Err(problem) => columns_page(&app, &staff, from, Wrong::with("columns", &fields, problem)?).await,
    }
}

async fn keep(app: &App, staff: &Staff, fields: &Fields) -> Result<(), Problem> {
    let (member, now) = (&staff.member, staff.person.visitor.now);
    let chosen = fields.beginning(PREFIX).filter(|(_, meaning)| !meaning.is_empty());
    let columns: BTreeMap<&str, Value> = chosen.map(|(header, meaning)| (header, Value::from(meaning))).collect();
    let asked: ReplaceMapping = browser::as_api(&json!({"columns": columns})).map_err(named_by_header)?;
    app.desk.count_change("desk", staff.person.session.user, now).await?;
    let request = keyed(fields, (&member.key_scope(), COLUMNS), &fields.said(&[KEY]), now)?;
    let call = call::<ColumnMapping>(now, Some(&request));
    let kept = app.desk.replace_column_mapping(member, &asked, &seen(fields), call).await;
    let _ = kept.map_err(|refused| named_by_header(refused.into()))?;
    Ok(())
}

/// Pointers into the mapping name the fields of its headers.
fn named_by_header(problem: Problem) -> Problem {
    let errors = problem.errors().iter().cloned().map(|mut error| {
        if let Some(header) = error.pointer.strip_prefix("/columns/") {
            error.pointer = format!("/{PREFIX}{}", header.replace("~1", "/").replace("~0", "~"));
        }
        error
    });
    let errors = errors.collect();
    problem.with_errors(errors)
}
