//! Papers of a vendor, for the operator's check. They come with the form, as pictures do.

use api::Problem;
use axum::extract::State;
use browser::{Reply, Uploads, call, done};
use desk::{AddDocument, BegunDocument};
use domain::vendor::Document;
use pages::forms::{Button, Choice, Field, Form, Kind};
use pages::parts::{boxed, muted, plain, table};
use pages::{Html, date};
use serde_json::{Map, Value, json};

use crate::App;
use crate::shop_file::SHOP;
use crate::shown::{Sheet, Wrong, after};
use crate::states;
use crate::who::Staff;

const DOCUMENTS: &str = "/desk/shop/documents";
/// What is wrong with a file stands beside its field.
const RENAMED: [(&str, &str); 4] =
    [("/content_type", "file"), ("/size", "file"), ("/filename", "file"), ("/expires_at", "expires_at")];

pub(crate) async fn show_documents(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    documents_page(&app, &staff, None)
}

fn documents_page(app: &App, staff: &Staff, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let account = app.vendors.own_account(&staff.member)?;
    let (t, language) = (staff.person.t(), staff.person.language());
    let mut sheet = Sheet::of_vendor(app, staff, SHOP, t.desk_papers).mending(wrong);
    sheet.tell_done();
    sheet.part(muted(t.desk_papers_text));
    if !account.documents.is_empty() {
        let columns = [t.desk_kind, t.desk_file, t.date, t.desk_expires].map(str::to_owned);
        let row = |document: &Document| {
            vec![
                plain(states::document(t, document.kind)),
                plain(document.filename.as_str()),
                plain(&date(document.at, language)),
                plain(&document.expires_at.map(|at| date(at, language)).unwrap_or_default()),
            ]
        };
        let rows: Vec<Vec<Html>> = account.documents.iter().map(row).collect();
        sheet.part(table(t.desk_papers, &columns, &rows));
    }
    let kinds = vec![
        Choice::new("identity", t.desk_paper_identity),
        Choice::new("registration", t.desk_paper_registration),
        Choice::new("tax", t.desk_paper_tax),
        Choice::new("licence", t.desk_paper_licence),
    ];
    let types = "application/pdf,image/jpeg,image/png";
    let form = Form::to(DOCUMENTS)
        .sending_files()
        .asking(vec![
            Field::new("kind", t.desk_kind, Kind::Choice { options: kinds }),
            Field::new("file", t.desk_file, Kind::File { accept: types, several: false }).hinting(t.desk_paper_hint),
            Field::new("expires_at", t.desk_expires, Kind::Date).hinting(t.desk_expires_hint).optional(),
        ])
        .button(Button::main(t.desk_add_paper));
    let form = sheet.form("paper", form, &RENAMED);
    sheet.part(boxed(t.desk_add_paper, [form]));
    Ok(sheet.reply())
}

pub(crate) async fn add_document(
    State(app): State<App>,
    staff: Staff,
    sent: Result<Uploads, Problem>,
) -> Result<Reply, Problem> {
    let fields = sent.as_ref().map(|sent| sent.fields.clone()).unwrap_or_default();
    match add(&app, &staff, sent).await {
        Ok(()) => Ok(after(DOCUMENTS, "saved")),
        Err(problem) => documents_page(&app, &staff, Wrong::with("paper", &fields, problem)?),
    }
}

/// Without a key: the same paper twice is the same paper, and the last of a kind counts.
async fn add(app: &App, staff: &Staff, sent: Result<Uploads, Problem>) -> Result<(), Problem> {
    let Uploads { fields, files } = sent?;
    let file = files.into_iter().next().filter(|file| !file.bytes.is_empty());
    let file = file.ok_or_else(|| Problem::field("/file", "missing", "no file was chosen"))?;
    let now = staff.person.visitor.now;
    let mut asked: Map<String, Value> = fields.object(&["kind"]);
    asked.insert("filename".to_owned(), Value::from(file.filename));
    asked.insert("content_type".to_owned(), Value::from(file.content_type));
    asked.insert("size".to_owned(), json!(file.bytes.len()));
    if let Some(day) = fields.text("expires_at") {
        asked.insert("expires_at".to_owned(), Value::from(format!("{day}T00:00:00Z")));
    }
    let asked: AddDocument = browser::as_api(&Value::Object(asked))?;
    app.vendors.count_change("shop", staff.person.session.user, now).await?;
    let begun = done(app.vendors.add_document(&staff.member, &asked, call::<BegunDocument>(now, None)).await?);
    let begun = begun.ok_or_else(|| Problem::internal("a replay of what has no key"))?;
    Ok(app.vendors.put_document(&begun.document, &asked, file.bytes).await?)
}
