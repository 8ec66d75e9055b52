//! Imports of product files: those that were, and beginning one.

use api::Problem;
use axum::extract::State;
use browser::{Fields, KEY, Reply, Uploads, keyed, new_key};
use desk::{AskedFile, BegunImport, ImportParameters};
use domain::job::ImportJob;
use domain::text::Line;
use domain::{Call, ImportId, Outcome, PageRequest};
use pages::forms::{Button, Field, Form, Kind};
use pages::parts::{Link, actions, anchor, badge, boxed, muted, pager, plain, table};
use pages::{Html, date_time, number};
use serde_json::json;

use crate::App;
use crate::shown::{Sheet, Wrong, next_page};
use crate::states;
use crate::who::Staff;

pub(crate) const IMPORTS: &str = "/desk/imports";
const PER_PAGE: u16 = 20;

pub(crate) async fn list_imports(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    imports_page(&app, &staff, None).await
}

async fn imports_page(app: &App, staff: &Staff, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let t = staff.person.t();
    let after = staff.person.asked("after");
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let found = app.desk.imports(&staff.member, &page).await?;
    let mut sheet = Sheet::of_vendor(app, staff, IMPORTS, t.desk_imports).mending(wrong);
    sheet.tell_done();
    if staff.member.is_approved().is_err() {
        sheet.part(muted(t.desk_imports_after_approval));
        return Ok(sheet.reply());
    }
    let form = Form::to(IMPORTS)
        .hiding(KEY, new_key(staff.person.visitor.now))
        .sending_files()
        .asking(vec![
            Field::new("file", t.desk_choose_file, Kind::File { accept: ".csv,text/csv", several: false })
                .hinting(t.desk_file_hint),
        ])
        .button(Button::main(t.desk_check_file));
    let form = sheet.form("file", form, &[]);
    let columns = [Link::new(format!("{IMPORTS}/columns"), t.desk_columns)];
    sheet.part(boxed(t.desk_new_import, [muted(t.desk_new_import_text), form, actions(t.desk_columns, &columns)]));
    if !found.items.is_empty() {
        let columns = [t.date, t.desk_file, t.desk_kind, t.desk_rows, t.state].map(str::to_owned);
        let rows: Vec<Vec<Html>> = found.items.iter().map(|job| row(staff, job)).collect();
        sheet.part(table(t.desk_imports, &columns, &rows));
    }
    let first = after.is_some().then(|| IMPORTS.to_owned());
    sheet.part(pager(t, first, next_page(IMPORTS, &[], found.next.as_deref())));
    Ok(sheet.reply())
}

fn row(staff: &Staff, job: &ImportJob) -> Vec<Html> {
    let (t, language) = (staff.person.t(), staff.person.language());
    let (tone, state) = states::of_job(t, job.state);
    let rows = i64::try_from(job.position.rows).unwrap_or(i64::MAX);
    vec![
        anchor(&format!("{IMPORTS}/{}", job.id), &date_time(job.created_at, language)),
        plain(job.filename.as_ref().map(Line::as_str).unwrap_or_default()),
        plain(if job.dry_run { t.desk_dry_run } else { t.desk_real_import }),
        plain(&number(rows, language)),
        badge(tone, state),
    ]
}

/// The parameters of an import: a dry run, or for real.
pub(crate) fn parameters(dry_run: bool, fields: &Fields) -> Result<ImportParameters, Problem> {
    let stock = fields.text("stock").unwrap_or("keep");
    let (publish, fetch_images) = (fields.has("publish"), fields.has("fetch_images"));
    browser::as_api(&json!({"dry_run": dry_run, "publish": publish, "fetch_images": fetch_images, "stock": stock}))
}

/// Which import a call has begun, or the call before it with the same key.
pub(crate) fn begun(outcome: Outcome<ImportId>) -> Result<(ImportId, bool), Problem> {
    match outcome {
        Outcome::Done(id) => Ok((id, true)),
        Outcome::Repeated(Some(id)) => Ok((id, false)),
        Outcome::Replayed(text) => {
            Ok((text.parse().map_err(|_| Problem::internal("an unreadable replay of an import"))?, false))
        }
        Outcome::Repeated(None) => Err(Problem::internal("a replay without an answer")),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a call asks for")]
pub(crate) fn id_of(begun: &BegunImport) -> Result<ImportId, domain::Refusal> {
    Ok(begun.job.id)
}

pub(crate) async fn begin(
    State(app): State<App>,
    staff: Staff,
    sent: Result<Uploads, Problem>,
) -> Result<Reply, Problem> {
    let fields = sent.as_ref().map(|sent| sent.fields.clone()).unwrap_or_default();
    match begin_dry_run(&app, &staff, sent).await {
        Ok(id) => Ok(Reply::see(format!("{IMPORTS}/{id}"))),
        Err(problem) => imports_page(&app, &staff, Wrong::with("file", &fields, problem)?).await,
    }
}

/// The name of a file as it is shown with its import, cut to its length; the form was read without the folders. A name
/// that cannot be shown is left out: no file is refused for its name.
fn shown_name(filename: &str) -> Option<Line> {
    Line::parse(&filename.chars().take(Line::MAX_LENGTH).collect::<String>()).ok()
}

/// Every file is looked through first: what it would change is shown before it changes anything.
async fn begin_dry_run(app: &App, staff: &Staff, sent: Result<Uploads, Problem>) -> Result<ImportId, Problem> {
    let Uploads { fields, files } = sent?;
    let file = files.into_iter().next().filter(|file| !file.bytes.is_empty());
    let file = file.ok_or_else(|| Problem::field("/file", "missing", "no file was chosen"))?;
    let (member, now) = (&staff.member, staff.person.visitor.now);
    app.desk.count_change("desk", staff.person.session.user, now).await?;
    let asked = parameters(true, &fields)?;
    let said = format!("{} {}", file.filename, api::idempotency::fingerprint(&file.bytes));
    let request = keyed(&fields, (&member.key_scope(), IMPORTS), &said, now)?;
    let call = Call::new(now, Some(&request), |id: &ImportId| Ok(id.to_string()), &id_of);
    let filename = shown_name(&file.filename);
    let asked_file = AskedFile::Inline { bytes: file.bytes.len(), filename: filename.as_ref() };
    let (outcome, job) = app.desk.begin_import(member, &asked, asked_file, call).await?;
    let (id, is_new) = begun(outcome)?;
    // A repeat names the import of the first form, which may have stopped before its file was there.
    let waiting = if is_new { Some(job) } else { app.desk.waiting_import(member, id).await? };
    if let Some(job) = waiting {
        app.desk.put_file(&job, file.bytes).await?;
    }
    Ok(id)
}
