//! Enumeration: whoever calls a route of accounts until it refuses them learns nothing of whose contact they name. The
//! answers, the number of calls and the time to wait are the same for a contact with an account and for one without.

use std::iter::repeat_n;
use std::time::Duration;

use domain::settings::{Limit, Limits};
use local::Options;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, Client, Shop};

const KNOWN: &str = "aziza@people.test";
const UNKNOWN: &str = "nobody@people.test";
const DAY: Duration = Duration::from_secs(86_400);

/// What one client is answered at each route: how many calls with which status, and the `Retry-After` of the next one.
const OF_ONE_CLIENT: [(&str, usize, u16, &str); 8] = [
    ("sign-up", 6, 202, "3600"),
    ("resend", 6, 202, "3600"),
    ("forgot-password", 6, 202, "3600"),
    ("code", 6, 202, "3600"),
    ("confirm", 20, 400, "60"),
    ("reset-password", 20, 400, "60"),
    ("code/sign-in", 20, 400, "60"),
    ("sign-in", 4, 401, "900"),
];

/// The routes that count for the contact too, whoever calls: what is answered before they refuse.
const OF_MANY_CLIENTS: [(&str, u16); 5] =
    [("sign-up", 202), ("resend", 202), ("forgot-password", 202), ("code", 202), ("sign-in", 401)];

/// What tells one answer from another: the status, the body without what is random in each, and when to try again.
type Seen = (u16, Value, String);

fn seen(answer: &Answer) -> Seen {
    let mut body = answer.json.clone();
    if body["instance"].is_string() {
        body["instance"] = Value::Null;
    }
    if let Some(token) = body["request"].as_str() {
        body["request"] = json!(token.len());
    }
    (answer.status, body, answer.header("retry-after").to_owned())
}

/// A shop with a person, and with the limits of a deployment but for these.
async fn shop_with(change: impl FnOnce(&mut Limits)) -> Shop {
    let mut options = Options::for_tests();
    options.limits = Limits::default();
    change(&mut options.limits);
    let shop = Shop::with(options).await;
    shop.buyer("aziza").await;
    shop
}

/// Ends every window: what was counted so far, at the sign-up of the person or at another route, counts no more.
async fn next_day(shop: &Shop) {
    shop.wait_until_idle().await;
    shop.cloud.clock().advance(DAY);
}

/// A request about a contact; `request` is the token of the code that is entered.
fn request_body(step: &str, contact: &str, request: &Value) -> Value {
    match step {
        "sign-up" => json!({"contact": contact, "password": PASSWORD, "name": "Aziza"}),
        "sign-in" => json!({"contact": contact, "password": "Wrong horse 1"}),
        "confirm" | "code/sign-in" => json!({"contact": contact, "code": "000000", "request": request}),
        "reset-password" => json!({"contact": contact, "code": "000000", "request": request, "password": PASSWORD}),
        _ => json!({ "contact": contact }),
    }
}

/// Where the code is asked for that is entered at this route.
fn asked_at(step: &str) -> Option<&'static str> {
    match step {
        "confirm" => Some("sign-up"),
        "reset-password" => Some("forgot-password"),
        "code/sign-in" => Some("code"),
        _ => None,
    }
}

async fn post(client: &Client, step: &str, body: &Value) -> Answer {
    client.post(&format!("/v1/auth/{step}"), body).await
}

/// Calls a route about a contact until it answers 429, each time from the next of the clients.
async fn until_refused(step: &str, contact: &str, clients: impl Iterator<Item = Client>) -> Vec<Seen> {
    let mut clients = clients.peekable();
    let request = match (asked_at(step), clients.peek()) {
        (Some(asks), Some(client)) => {
            let asked = post(client, asks, &request_body(asks, contact, &Value::Null)).await;
            asked.expect(202)["request"].clone()
        }
        _ => Value::Null,
    };
    let body = request_body(step, contact, &request);
    let mut answers = Vec::new();
    for client in clients {
        let answer = post(&client, step, &body).await;
        answers.push(seen(&answer));
        if answer.status == 429 {
            return answers;
        }
    }
    panic!("{step} refuses nobody who names {contact}: {answers:?}");
}

/// Fails unless the last answer is a 429, and so many others before it are all the same, with this status.
#[track_caller]
fn assert_refused_after<'a>(step: &str, answers: &'a [Seen], calls: usize, status: u16) -> &'a str {
    let (last, before) = answers.split_last().expect("an answer");
    assert_eq!((last.0, &last.1["code"]), (429, &json!("too_many_requests")), "{step}");
    assert_eq!(before.len(), calls, "{step}: {answers:?}");
    assert!(before.iter().all(|answer| *answer == before[0]), "{step}: {answers:?}");
    assert_eq!((before[0].0, before[0].2.as_str()), (status, ""), "{step}");
    &last.2
}

/// A code can be tried five times with its request, and which of the tries were compared does not show.
#[tokio::test]
async fn one_client_is_refused_at_the_same_call_for_the_same_time_whomever_it_names() {
    let shop = shop_with(|limits| limits.sign_in.per_client = Limit::per_minute(20)).await;
    for (step, calls, status, retry_after) in OF_ONE_CLIENT {
        next_day(&shop).await;
        // From an address each: what a client does about one of them uses up nothing of what it has for the other.
        let known = until_refused(step, KNOWN, repeat_n(shop.anon().from([127, 0, 0, 11]), 100)).await;
        let unknown = until_refused(step, UNKNOWN, repeat_n(shop.anon().from([127, 0, 0, 12]), 100)).await;
        assert_eq!(known, unknown, "{step}");
        assert_eq!(assert_refused_after(step, &known, calls, status), retry_after, "{step}");
    }
}

/// Twenty clients with an address each, from this one on.
fn clients(shop: &Shop, first: u8) -> impl Iterator<Item = Client> {
    (first..first + 20).map(move |host| shop.anon().from([127, 0, 0, host]))
}

/// Wrong passwords of many clients lock the account at Cognito before the limit is reached, which does not show either.
#[tokio::test]
async fn many_clients_together_are_refused_at_the_same_call_for_the_same_time_whomever_they_name() {
    let shop = shop_with(|limits| {
        limits.code_request.per_target = Limit { most: 8, within: DAY };
        limits.sign_in.per_target = Limit::per_minute(8);
    })
    .await;
    for (step, status) in OF_MANY_CLIENTS {
        next_day(&shop).await;
        let known = until_refused(step, KNOWN, clients(&shop, 20)).await;
        let unknown = until_refused(step, UNKNOWN, clients(&shop, 40)).await;
        assert_eq!(known, unknown, "{step}");
        let seconds: u64 = assert_refused_after(step, &known, 8, status).parse().expect("whole seconds");
        assert!(seconds > 0, "{step}");
    }
}
