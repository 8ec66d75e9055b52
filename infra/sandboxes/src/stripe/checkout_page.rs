//! The HTML of the hosted page. It has no script: every button is one of a form.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::digest;

use super::objects::{Intent, Status};
use super::page::{escape, written};
use super::rules::takes_days;
use super::session::{Session, State};

/// One column that fits a phone, light and dark.
const STYLE: &str = ":root{color-scheme:light dark;--ink:#1d2733;--dim:#5b6775;--paper:#fff;--ground:#f2f4f7;\
    --line:#c3ccd6;--go:#0b6e4f;--stop:#a4262c;--note:#fff3d6;--noteink:#5c4300}\
    @media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--dim:#a3afbc;--paper:#1b232c;--ground:#10161c;\
    --line:#44505d;--go:#0b7553;--stop:#ff9a9e;--note:#3d3110;--noteink:#ffe3a3}}\
    *{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);\
    font:1.0625rem/1.5 system-ui,sans-serif}\
    .tag{margin:0;padding:.6rem 1rem;background:var(--note);color:var(--noteink);text-align:center}\
    main{max-width:28rem;margin:1.5rem auto;padding:1.5rem;background:var(--paper);border:1px solid var(--line);\
    border-radius:.9rem}\
    h1{font-size:2.1rem;line-height:1.2;margin:.2rem 0 .6rem;overflow-wrap:anywhere}p{margin:.3rem 0}\
    .dim,ul{color:var(--dim)}ul{list-style:none;margin:0 0 1.2rem;padding:0}\
    .error{margin:1rem 0;padding:.7rem .9rem;border:2px solid var(--stop);border-radius:.5rem;color:var(--stop)}\
    button,a.button{display:block;width:100%;min-height:3rem;margin:.7rem 0;padding:.7rem 1rem;font:inherit;\
    text-align:center;text-decoration:none;color:var(--ink);background:var(--paper);border:1px solid var(--line);\
    border-radius:.6rem;cursor:pointer}\
    button.first{color:#fff;background:var(--go);border-color:var(--go);font-weight:600}\
    :focus-visible{outline:3px solid #2f7de1;outline-offset:2px}\
    code{font-size:.8rem;overflow-wrap:anywhere}@media(max-width:30rem){main{margin:0;border:0;border-radius:0}}";

/// What the page of a session shows.
pub(super) struct Shown<'a> {
    pub(super) session: &'a Session,
    pub(super) intent: Option<&'a Intent>,
    pub(super) names: Vec<String>,
}

/// The source by which the policy of a page allows its style.
pub(super) fn style_hash() -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes())))
}

pub(super) fn write(shown: &Shown<'_>) -> String {
    let session = shown.session;
    let names: String = shown.names.iter().map(|name| format!("<li>{}</li>", escape(name))).collect();
    let amount = amount(session);
    let head = format!("<p class=dim>Pay {shop}</p><h1>{amount}</h1><ul>{names}</ul>", shop = escape(&shop(session)));
    match session.status {
        State::Open => {
            let reason = shown.intent.and_then(reason);
            let title = if reason.is_some() { "Not paid" } else { "Pay" };
            let alert = reason.map(|reason| format!("<p class=error role=alert>{}</p>", escape(&reason)));
            let slow = if takes_days(&session.payment_method_types) {
                button("slow", "Pay from a bank account (takes days)", false)
            } else {
                String::new()
            };
            let leave = session.cancel_url.as_ref().map(|_| button("leave", "Back to the shop without paying", false));
            let body = format!(
                "{head}{alert}<form method=post>{pay}{decline}{challenge}{slow}{leave}</form>",
                alert = alert.unwrap_or_default(),
                pay = button("pay", &format!("Pay {amount}"), true),
                decline = button("decline", "Pay with a card that is declined", false),
                challenge = button("3ds", "Pay with a card that your bank confirms (3-D Secure)", false),
                leave = leave.unwrap_or_default(),
            );
            page(&format!("{title} {amount}"), &body, &session.id)
        }
        State::Complete => closed("You are all done here", &session.after_success(), &head, &session.id),
        State::Expired => {
            let back = session.cancel_url.as_ref().unwrap_or(&session.success_url);
            closed("This page has expired, and nothing was paid on it", back, &head, &session.id)
        }
    }
}

/// The page of the buyer's bank.
pub(super) fn write_challenge(session: &Session, intent: &Intent) -> String {
    let amount = amount(session);
    let body = format!(
        "<p class=dim>Your bank asks (3-D Secure)</p><h1>Do you want to pay {amount}?</h1><ul><li>to {shop}</li></ul>\
         <form method=post>{confirm}{fail}</form>",
        shop = escape(&shop(session)),
        confirm = button("confirm", "Yes, it is me", true),
        fail = button("fail", "No, stop it", false),
    );
    page(&format!("Confirm {amount}"), &body, &intent.id)
}

/// There is nothing at this address, or not any more.
pub(super) fn write_missing(why: &str) -> String {
    let body = format!("<h1>There is no such page</h1><p>{}</p>", escape(why));
    page("There is no such page", &body, "")
}

fn closed(what: &str, back: &str, head: &str, id: &str) -> String {
    let back = format!("<p><a class=button href=\"{}\">Back to the shop</a></p>", escape(back));
    page(what, &format!("{head}<p role=status>{what}.</p>{back}"), id)
}

fn page(title: &str, body: &str, id: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width, initial-scale=1\"><meta name=robots content=noindex>\
         <title>{title} (sandbox)</title><style>{STYLE}</style></head>\
         <body><header class=tag>Sandbox of Stripe: no money moves</header><main>{body}<p class=dim><code>{id}</code></p></main>\
         </body></html>",
        title = escape(title),
        id = escape(id),
    )
}

fn button(press: &str, label: &str, is_first: bool) -> String {
    let class = if is_first { " class=first" } else { "" };
    format!("<button name=do value={press}{class}>{}</button>", escape(label))
}

fn amount(session: &Session) -> String {
    format!("{} {}", written(session.amount_total, &session.currency), escape(&session.currency.to_uppercase()))
}

/// The shop, by the host that the buyer comes back to.
fn shop(session: &Session) -> String {
    let uri = session.success_url.split('{').next().and_then(|url| url.parse::<http::Uri>().ok());
    uri.and_then(|uri| uri.authority().map(ToString::to_string)).unwrap_or_default()
}

/// Why the last try did not pay.
fn reason(intent: &Intent) -> Option<String> {
    if intent.status == Status::RequiresAction {
        return Some("Your bank has not confirmed the payment yet. You can pay in another way.".to_owned());
    }
    let error = intent.last_payment_error.as_ref()?;
    let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
    let message = text("message").unwrap_or("The payment failed.");
    Some(match text("decline_code") {
        Some("insufficient_funds") => "Your card has insufficient funds. Try a different card.".to_owned(),
        Some(code) => format!("{message} ({})", code.replace('_', " ")),
        None => message.to_owned(),
    })
}
