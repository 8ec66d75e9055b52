//! The operator's settings as forms, each with its history.

use api::{Path, Problem};
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::{SettingChange, ShownSetting};
use domain::marketplace::OperatorPermission;
use domain::settings::{Area, SettingId, StoredSetting};
use domain::{Code, PageRequest};
use pages::forms::{Button, Form};
use pages::parts::{Link, actions, anchor, boxed, facts, muted, pager, plain, table};
use pages::{Html, date_time};

use crate::App;
use crate::operate_areas::{FIRST, SETTINGS, kinds};
use crate::replacing::seen;
use crate::setting_form::{at_fields, fields_of, written};
use crate::shown::{Sheet, Wrong, after, next_page};
use crate::who::Operating;

const PER_PAGE: u16 = 20;

pub(crate) async fn list_settings(
    State(app): State<App>,
    by: Operating,
    Path(area): Path<String>,
) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadSettings)?;
    let area = Area::parse(&area).ok_or_else(|| Problem::of(Code::NotFound))?;
    let t = by.person.t();
    let settings = app.operator.settings_of(area).await?;
    let mut sheet = Sheet::of_operator(&app, &by, FIRST, t.op_settings);
    sheet.tell_done();
    sheet.part(kinds(t, Some(area)));
    let columns = [t.op_setting, t.op_value, t.op_version].map(str::to_owned);
    let row = |shown: &ShownSetting| {
        let path = format!("{SETTINGS}/{}/{}", area.as_str(), shown.id.name());
        let version = if shown.is_default { t.op_default.to_owned() } else { shown.version.to_string() };
        let value = serde_json::to_string(&shown.value).unwrap_or_default();
        vec![anchor(&path, shown.id.name()), plain(&value), plain(&version)]
    };
    let rows: Vec<Vec<Html>> = settings.iter().map(row).collect();
    sheet.part(table(t.op_settings, &columns, &rows));
    Ok(sheet.reply())
}

fn named((area, id): &(String, String)) -> Result<SettingId, Problem> {
    SettingId::parse(area, id).ok_or_else(|| Problem::of(Code::NotFound))
}

pub(crate) async fn show_setting(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<(String, String)>,
) -> Result<Reply, Problem> {
    setting_page(&app, &by, named(&id)?, None).await
}

async fn setting_page(app: &App, by: &Operating, id: SettingId, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadSettings)?;
    let (t, language, now) = (by.person.t(), by.person.language(), by.person.visitor.now);
    let after = by.person.asked("after");
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let (shown, history) = tokio::join!(app.operator.setting(id), app.operator.setting_history(id, &page));
    let (shown, history) = (shown?, history?);
    let path = format!("{SETTINGS}/{}/{}", id.area().as_str(), id.name());
    let as_json = by.person.asked("as").is_some() || wrong.as_ref().is_some_and(|wrong| wrong.has_typed("value"));
    let mut sheet = Sheet::of_operator(app, by, FIRST, id.name()).mending(wrong);
    sheet.tell_done();
    sheet.part(kinds(t, Some(id.area())));
    let mut known = vec![(t.op_version.to_owned(), shown.version.to_string())];
    known.extend(shown.changed.map(|(_, at)| (t.op_changed_at.to_owned(), date_time(at, language))));
    if shown.is_default {
        known.push((t.op_value.to_owned(), t.op_default.to_owned()));
    }
    sheet.part(facts(&known));
    let form = Form::to(path.as_str())
        .hiding(KEY, new_key(now))
        .hiding("version", shown.version.to_string())
        .asking(fields_of(t, &shown.value, as_json))
        .button(Button::main(t.save).sending("do", "save"))
        .button(Button::quiet(t.op_to_default).sending("do", "default"));
    let form = sheet.form("value", form, &[]);
    let other = if as_json { (path.clone(), t.op_value) } else { (format!("{path}?as=json"), "JSON") };
    let other = actions(t.op_value, &[Link::new(other.0, other.1)]);
    sheet.part(boxed(t.op_value, [muted(t.op_setting_text), form, other]));
    history_part(&mut sheet, by, &path, (&shown, &history.items));
    let first = after.is_some().then(|| path.clone());
    sheet.part(pager(t, first, next_page(&path, &[], history.next.as_deref())));
    Ok(sheet.reply())
}

fn history_part(
    sheet: &mut Sheet<'_>,
    by: &Operating,
    path: &str,
    (shown, changes): (&ShownSetting, &[StoredSetting]),
) {
    let (t, language) = (by.person.t(), by.person.language());
    if changes.is_empty() {
        return;
    }
    let columns = [t.op_version, t.date, t.op_value, t.op_changed_by, t.desk_next_step].map(str::to_owned);
    let mut rows: Vec<Vec<Html>> = Vec::new();
    for change in changes {
        let value = change
            .value
            .as_ref()
            .map_or_else(|| t.op_default.to_owned(), |value| serde_json::to_string(value).unwrap_or_default());
        let restore = if change.version == shown.version {
            Html::default()
        } else {
            let version = change.version.to_string();
            let form = Form::to(format!("{path}/restore"))
                .hiding(KEY, new_key(by.person.visitor.now))
                .hiding("version", shown.version.to_string())
                .hiding("former", &version)
                .button(Button::quiet(t.op_restore).about(version.as_str()));
            form.shown(language, &[])
        };
        rows.push(vec![
            plain(&change.version.to_string()),
            plain(&date_time(change.at, language)),
            plain(&value),
            plain(&change.by.map(|by| by.to_string()).unwrap_or_default()),
            restore,
        ]);
    }
    sheet.part(boxed(t.history, [table(t.history, &columns, &rows)]));
}

/// Carries out a change, and shows the setting again.
async fn change(
    app: &App,
    by: &Operating,
    id: SettingId,
    (name, fields): (&str, &Fields),
    wanted: Result<SettingChange, Problem>,
) -> Result<Reply, Problem> {
    let path = format!("{SETTINGS}/{}/{}", id.area().as_str(), id.name());
    let changed = async {
        by.operator.may(OperatorPermission::EditSettings)?;
        let (user, now) = (by.operator.user, by.person.visitor.now);
        let change = (id, wanted?);
        app.operator.count_change("operator", user, now).await?;
        let route = format!("{path}/{name}");
        let request = keyed(fields, (&user.to_string(), &route), &fields.said(&[KEY]), now)?;
        let call = call::<ShownSetting>(now, Some(&request));
        let _ = app.operator.change_setting(change, user, &seen(fields), call).await?;
        Ok::<_, Problem>(())
    };
    match changed.await {
        Ok(()) => Ok(after(&path, "saved")),
        Err(problem) => {
            let known = app.operator.setting(id).await?.value;
            setting_page(app, by, id, Wrong::with(name, fields, at_fields(problem, fields, &known))?).await
        }
    }
}

pub(crate) async fn change_setting(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let id = named(&id)?;
    let wanted = match fields.text("do") {
        Some("default") => Ok(SettingChange::Default),
        _ => {
            let known = app.operator.setting(id).await?.value;
            written(&fields, &known).map(|value| SettingChange::To(Box::new(value)))
        }
    };
    change(&app, &by, id, ("value", &fields), wanted).await
}

pub(crate) async fn restore_setting(
    State(app): State<App>,
    by: Operating,
    Path(id): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    let id = named(&id)?;
    let former = fields.text("former").and_then(|typed| typed.parse().ok());
    let wanted = former.map(SettingChange::Former).ok_or_else(|| Problem::of(Code::Malformed));
    change(&app, &by, id, ("restore", &fields), wanted).await
}
