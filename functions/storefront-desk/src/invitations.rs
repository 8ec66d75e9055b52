//! Invitations: the page that their messages lead to, where whoever was invited joins a shop or the marketplace, or
//! declines. It names neither: who has only the address of the page learns nothing.

use api::Problem;
use axum::extract::{Path, State};
use browser::{Fields, Form as Sent, KEY, Reply, call, done, keyed, new_key};
use desk::{Accepted, AnswerInvitation, Inviter};
use domain::idempotency::IdempotentRequest;
use domain::marketplace::OperatorMembership;
use domain::{Call, Code, Outcome, VendorId};
use pages::forms::{Button, Field, Form, Group, Kind};
use pages::parts::{Tone, boxed, muted, note};
use serde_json::json;

use crate::App;
use crate::shop_file::{RENAMED, agreement_text};
use crate::shown::{Sheet, Wrong, after};
use crate::who::{Person, choose};

/// Whom an invitation is to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Shop,
    Marketplace,
}

impl To {
    const fn path(self) -> &'static str {
        match self {
            Self::Shop => "/desk/invitations",
            Self::Marketplace => "/operate/invitations",
        }
    }
}

pub(crate) async fn show_invitation(
    State(app): State<App>,
    person: Person,
    Path(token): Path<String>,
) -> Result<Reply, Problem> {
    page(&app, &person, To::Shop, &token, None).await
}

pub(crate) async fn show_team_invitation(
    State(app): State<App>,
    person: Person,
    Path(token): Path<String>,
) -> Result<Reply, Problem> {
    page(&app, &person, To::Marketplace, &token, None).await
}

async fn page(app: &App, person: &Person, to: To, token: &str, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let t = person.t();
    let mut sheet = Sheet::of_person(app, person, t.desk_invited).mending(wrong);
    if person.asked("done").is_some() {
        sheet.tell_done();
        return Ok(sheet.reply());
    }
    sheet.part(muted(t.desk_invited_text));
    let mut form = Form::to(format!("{}/{token}", to.path())).hiding(KEY, new_key(person.visitor.now));
    if to == To::Shop
        && let Some(agreement) = app.vendors.agreement().await?
    {
        sheet.part(boxed(t.desk_terms, [agreement_text(&agreement, person.language())]));
        let field = Field::new("terms", t.desk_accept_terms, Kind::Check);
        form = form.hiding("version", agreement.number.to_string()).with(Group::of(vec![field]));
    }
    let form = form
        .button(Button::main(t.desk_join).sending("do", "join"))
        .button(Button::quiet(t.desk_not_join).sending("do", "decline"));
    let form = sheet.form("answer", form, &RENAMED);
    sheet.part(form);
    Ok(sheet.reply())
}

/// The page of who may not answer an invitation, or no more.
fn over(app: &App, person: &Person, problem: &Problem) -> Reply {
    let t = person.t();
    let mut sheet = Sheet::of_person(app, person, t.desk_invited);
    sheet.alert(note(Tone::Bad, t.desk_error_invitation));
    sheet.reply().because(problem)
}

pub(crate) async fn answer_invitation(
    State(app): State<App>,
    person: Person,
    Path(token): Path<String>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    answer(&app, &person, To::Shop, &token, &fields).await
}

pub(crate) async fn answer_team_invitation(
    State(app): State<App>,
    person: Person,
    Path(token): Path<String>,
    Sent(fields): Sent,
) -> Result<Reply, Problem> {
    answer(&app, &person, To::Marketplace, &token, &fields).await
}

async fn answer(app: &App, person: &Person, to: To, token: &str, fields: &Fields) -> Result<Reply, Problem> {
    let answered = async {
        let version = fields.text("version").filter(|_| fields.has("terms"));
        let accepted: Option<u32> = version.map(|version| version.parse().unwrap_or_default());
        let said = match accepted {
            Some(version) => json!({"token": token, "accepted_terms": version}),
            None => json!({"token": token}),
        };
        let asked: AnswerInvitation = browser::as_api(&said)?;
        let by = (person.session.user.to_string(), to.path());
        let words = format!("{token} {}", fields.said(&[KEY]));
        let request = keyed(fields, (&by.0, by.1), &words, person.visitor.now)?;
        match (fields.text("do"), to) {
            (Some("join"), To::Shop) => join_shop(app, person, &asked, &request).await,
            (Some("join"), To::Marketplace) => join_marketplace(app, person, &asked, &request).await,
            (Some("decline"), _) => {
                let call = call::<()>(person.visitor.now, Some(&request));
                done(app.vendors.decline_invitation(inviter(person), &asked, call).await?);
                Ok(after(&format!("{}/{token}", to.path()), "not-joined"))
            }
            _ => Err(Problem::field("/do", "missing", "join or decline")),
        }
    };
    match answered.await {
        Ok(reply) => Ok(reply),
        Err(problem) if matches!(problem.code(), Code::NotFound | Code::Forbidden | Code::Invalid) => {
            Ok(over(app, person, &problem))
        }
        Err(problem) => page(app, person, to, token, Wrong::with("answer", fields, problem)?).await,
    }
}

fn inviter(person: &Person) -> Inviter<'_> {
    Inviter { user: person.session.user, client: &person.visitor.client }
}

async fn join_shop(
    app: &App,
    person: &Person,
    asked: &AnswerInvitation,
    request: &IdempotentRequest,
) -> Result<Reply, Problem> {
    let respond = |accepted: &Accepted| Ok(accepted.account.card.id);
    let call = Call::new(person.visitor.now, Some(request), |id: &VendorId| Ok(id.to_string()), &respond);
    let shop = match app.vendors.accept_invitation(inviter(person), asked, call).await? {
        Outcome::Done(id) | Outcome::Repeated(Some(id)) => id,
        Outcome::Replayed(text) => text.parse().map_err(|_| Problem::internal("an unreadable replay of a shop"))?,
        Outcome::Repeated(None) => return Ok(after("/desk", "joined")),
    };
    Ok(choose(app, shop, "/desk?done=joined"))
}

async fn join_marketplace(
    app: &App,
    person: &Person,
    asked: &AnswerInvitation,
    request: &IdempotentRequest,
) -> Result<Reply, Problem> {
    let joined = call::<OperatorMembership>(person.visitor.now, Some(request));
    done(app.vendors.join_marketplace(inviter(person), asked, joined).await?);
    Ok(after("/operate", "joined"))
}
