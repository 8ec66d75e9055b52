//! Applying to sell: a shop is opened as a draft, filled in, and submitted from its own page.

use api::Problem;
use axum::extract::State;
use browser::{Form as Sent, KEY, Reply, keyed, new_key};
use desk::OpenVendor;
use domain::vendor::VendorAccount;
use domain::{Call, Outcome, VendorId};
use pages::forms::{Button, Field, Form, Group, Kind};
use pages::parts::{Link, Tone, alert, boxed, muted};
use serde_json::{Value, json};

use crate::App;
use crate::shop_file::{RENAMED, agreement_text, file_fields, said};
use crate::shown::{Sheet, Wrong};
use crate::who::{Person, choose};

const APPLY: &str = "/desk/apply";

pub(crate) async fn show_application(State(app): State<App>, person: Person) -> Result<Reply, Problem> {
    application_page(&app, &person, None).await
}

async fn application_page(app: &App, person: &Person, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let t = person.t();
    let (shops, agreement) = tokio::join!(app.vendors.shops_of(person.session.user), app.vendors.agreement());
    let (shops, agreement) = (shops?, agreement?);
    let mut sheet = Sheet::of_person(app, person, t.desk_apply).mending(wrong);
    if !shops.is_empty() {
        sheet.alert(alert(Tone::Info, "", &[t.desk_have_shop.to_owned()], &[Link::new("/desk", t.desk)]));
    }
    sheet.part(muted(t.desk_apply_text));
    let mut form = Form::to(APPLY).hiding(KEY, new_key(person.visitor.now));
    for group in file_fields((t, person.language()), &app.site.shown.currencies, None) {
        form = form.with(group);
    }
    if let Some(agreement) = &agreement {
        sheet.part(boxed(t.desk_terms, [agreement_text(agreement, person.language())]));
        let field = Field::new("terms", t.desk_accept_terms, Kind::Check);
        form = form.hiding("version", agreement.number.to_string()).with(Group::of(vec![field]));
    }
    let form = sheet.form("apply", form.button(Button::main(t.desk_open_shop)), &RENAMED);
    sheet.part(form);
    Ok(sheet.reply())
}

pub(crate) async fn open_shop(State(app): State<App>, person: Person, Sent(fields): Sent) -> Result<Reply, Problem> {
    let opened = async {
        let (user, now) = (person.session.user, person.visitor.now);
        let mut said = said(&fields, None)?;
        if let Some(version) = fields.text("version").filter(|_| fields.has("terms")) {
            said.insert("accepted_terms".to_owned(), json!(version.parse::<u32>().unwrap_or_default()));
        }
        if fields.text("name").is_none() {
            return Err(Problem::field("/name", "missing", "must be given"));
        }
        let asked: OpenVendor = browser::as_api(&Value::Object(said))?;
        app.vendors.count_change("shop", user, now).await?;
        let request = keyed(&fields, (&user.to_string(), APPLY), &fields.said(&[KEY]), now)?;
        let respond = |account: &VendorAccount| Ok(account.card.id);
        let call = Call::new(now, Some(&request), |id: &VendorId| Ok(id.to_string()), &respond);
        match app.vendors.open(asked, user, call).await? {
            Outcome::Done(id) | Outcome::Repeated(Some(id)) => Ok(id),
            Outcome::Replayed(text) => text.parse().map_err(|_| Problem::internal("an unreadable replay of a shop")),
            Outcome::Repeated(None) => Err(Problem::internal("a replay without an answer")),
        }
    };
    match opened.await {
        Ok(id) => Ok(choose(&app, id, "/desk/shop?done=opened")),
        Err(problem) => application_page(&app, &person, Wrong::with("apply", &fields, problem)?).await,
    }
}
