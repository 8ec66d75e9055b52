//! An import: how far it is, what was refused and why, and starting it for real after its dry run.

use api::views::ImportView;
use api::{Path, Problem};
use axum::extract::State;
use browser::{Form as Sent, KEY, Reply, keyed, new_key};
use domain::job::{ImportRowError, JobState, Severity};
use domain::{Call, ImportId};
use pages::forms::{Button, Choice, Field, Form, Kind};
use pages::parts::{Link, actions, boxed, facts, muted, plain, stated, table};
use pages::{Html, count, date_time, file_fault, fill, number};

use crate::App;
use crate::imports::{IMPORTS, begun, id_of, parameters};
use crate::shown::{Sheet, Wrong};
use crate::states;
use crate::who::Staff;

/// Seconds after which the page of an import that goes on asks for itself again.
const REFRESH_S: u32 = 5;
/// The most entries of the report that a page shows: the rest is in the file of refused rows.
const MOST_SHOWN: usize = 200;
/// The fault of a file whose columns are not known: its entry has their names.
pub(crate) const MISSING_COLUMN: &str = "missing_column";

pub(crate) async fn show_import(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    import_page(&app, &staff, id, None).await
}

async fn import_page(app: &App, staff: &Staff, id: ImportId, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let shown = app.desk.import(&staff.member, id, staff.person.visitor.now).await?;
    let view = ImportView { refused_rows: shown.refused_rows, ..ImportView::new(&shown.job, shown.faults) };
    let (t, language) = (staff.person.t(), staff.person.language());
    let heading = if view.dry_run { t.desk_dry_run } else { t.desk_real_import };
    let path = format!("{IMPORTS}/{id}");
    let goes_on = matches!(view.state, JobState::Waiting | JobState::Running);
    let is_mending = wrong.is_some();
    let mut sheet = Sheet::of_vendor(app, staff, IMPORTS, heading).mending(wrong);
    let mut pieces = vec![facts(&numbers(staff, &view))];
    if goes_on {
        pieces.push(muted(t.desk_import_goes_on));
        pieces.push(actions(t.reload, &[Link::new(path.as_str(), t.reload)]));
    }
    sheet.part(stated(&date_time(view.created_at, language), states::of_job(t, view.state), pieces));
    if view.errors.iter().any(|entry| entry.code == MISSING_COLUMN) {
        let columns = [Link::new(format!("{IMPORTS}/columns?from={id}"), t.desk_columns)];
        sheet.part(boxed(
            t.desk_columns_unknown,
            [muted(t.desk_columns_unknown_text), actions(t.desk_columns, &columns)],
        ));
    }
    if view.dry_run && view.state == JobState::Completed && view.products > 0 {
        let form = start_form(staff, &path);
        let form = sheet.form("start", form, &[]);
        sheet.part(boxed(t.desk_start_title, [muted(t.desk_start_text), form]));
    }
    if let Some(file) = &view.refused_rows {
        let links = [Link::new(file.url.as_str(), t.desk_refused_file)];
        sheet.part(boxed(t.desk_refused_rows, [muted(t.desk_refused_text), actions(t.desk_refused_file, &links)]));
    }
    report(&mut sheet, staff, &view);
    let reply = sheet.reply();
    // Nothing that somebody is about to type is taken away.
    Ok(if goes_on && !is_mending { reply.refreshing(REFRESH_S) } else { reply })
}

fn numbers(staff: &Staff, view: &ImportView) -> Vec<(String, String)> {
    let (t, language) = (staff.person.t(), staff.person.language());
    let written = |value: u64| number(i64::try_from(value).unwrap_or(i64::MAX), language);
    let done = match view.rows {
        Some(rows) => fill(t.desk_rows_of, &[("done", &written(view.rows_done)), ("all", &written(rows))]),
        None => written(view.rows_done),
    };
    let mut known = vec![(t.desk_rows.to_owned(), done)];
    known.extend(view.filename.as_ref().map(|name| (t.desk_file.to_owned(), name.to_string())));
    known.extend(view.seconds_left.map(|left| {
        let minutes = left.div_ceil(60).max(1);
        (t.desk_time_left.to_owned(), count(t.desk_minutes, minutes, language))
    }));
    for (name, value) in [
        (t.desk_count_created, view.created),
        (t.desk_count_updated, view.updated),
        (t.desk_count_unchanged, view.unchanged),
        (t.desk_count_refused, view.refused),
        (t.desk_count_stock_kept, view.stock_kept),
        (t.desk_count_pictures, view.pictures),
    ] {
        if value > 0 {
            known.push((name.to_owned(), written(value)));
        }
    }
    known
}

fn start_form(staff: &Staff, path: &str) -> Form {
    let t = staff.person.t();
    let stock = vec![
        Choice::new("keep", t.desk_stock_keep).hinting(t.desk_stock_keep_hint),
        Choice::new("set", t.desk_stock_set),
        Choice::new("add", t.desk_stock_add),
    ];
    Form::to(format!("{path}/start"))
        .hiding(KEY, new_key(staff.person.visitor.now))
        .asking(vec![
            Field::new("publish", t.desk_import_publish, Kind::Check),
            Field::new("fetch_images", t.desk_fetch_images, Kind::Check).hinting(t.desk_fetch_images_hint).filled("1"),
            Field::new("stock", t.desk_stock_of_file, Kind::Choice { options: stock }).filled("keep"),
        ])
        .button(Button::main(t.desk_start))
}

/// What was found in the file, the worst first.
fn report(sheet: &mut Sheet<'_>, staff: &Staff, view: &ImportView) {
    let (t, language) = (staff.person.t(), staff.person.language());
    if view.errors.is_empty() {
        return;
    }
    let columns = [t.desk_line, t.desk_product, t.desk_column, t.desk_value, t.desk_why].map(str::to_owned);
    let row = |entry: &ImportRowError| {
        let line =
            if entry.line == 0 { String::new() } else { number(i64::try_from(entry.line).unwrap_or(0), language) };
        let times = if entry.times > 1 { format!(" × {}", entry.times) } else { String::new() };
        let kind = match entry.severity {
            Severity::Error | Severity::Other => t.desk_refused,
            Severity::Warning => t.desk_warning,
            Severity::Info => t.desk_hint,
        };
        let detail = file_fault(language, entry).unwrap_or_else(|| entry.detail.clone());
        let why = format!("{kind}: {detail}{times}");
        vec![plain(&line), plain(&entry.product), plain(&entry.column), plain(&entry.value), plain(&why)]
    };
    let rows: Vec<Vec<Html>> = view.errors.iter().take(MOST_SHOWN).map(row).collect();
    let mut pieces = vec![table(t.desk_report, &columns, &rows)];
    let cut = u64::try_from(view.errors.len().saturating_sub(MOST_SHOWN)).unwrap_or(0);
    let more = [view.more_errors, view.more_warnings, view.more_infos].into_iter().fold(cut, u64::saturating_add);
    if more > 0 {
        pieces.push(muted(&count(t.desk_more_entries, more, language)));
    }
    sheet.part(boxed(t.desk_report, pieces));
}

pub(crate) async fn start_again(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ImportId>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let started = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        app.desk.count_change("desk", staff.person.session.user, now).await?;
        let asked = parameters(fields.has("dry_run"), &fields)?;
        let route = format!("{IMPORTS}/{id}/start");
        let request = keyed(&fields, (&member.key_scope(), &route), &fields.said(&[KEY]), now)?;
        let call = Call::new(now, Some(&request), |id: &ImportId| Ok(id.to_string()), &id_of);
        let (outcome, job) = app.desk.import_again(member, id, &asked, call).await?;
        let (started, is_new) = begun(outcome)?;
        let waiting = if is_new { Some(job) } else { app.desk.waiting_import(member, started).await? };
        if let Some(job) = waiting {
            app.desk.copy_file(id, &job).await?;
        }
        Ok::<_, Problem>(started)
    };
    match started.await {
        Ok(started) => Ok(Reply::see(format!("{IMPORTS}/{started}"))),
        Err(problem) => import_page(&app, &staff, id, Wrong::with("start", &fields, problem)?).await,
    }
}
