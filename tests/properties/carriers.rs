//! No kind of text is laxer than what carries it: what a type accepts goes through queues, keys, mail and the user
//! pool.

use cloud::dynamodb::{Caller, Outcome};
use cloud::sqs::MessageAttributes;
use domain::text::{KINDS, is_line_break};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::shop::Shop;

/// Kinds of several lines.
const OF_LINES: [&str; 2] = ["LongText", "Note"];
/// Kinds that keys are made of.
const OF_KEYS: [&str; 2] = ["Handle", "Email"];
/// A queue that nothing consumes.
const QUEUE: &str = "ProjectionsDeadLetters";

/// Texts of any characters and length.
fn texts() -> impl Strategy<Value = String> {
    let odd =
        vec!['\u{fffe}', '\u{ffff}', '\u{fdd0}', '\u{2028}', '\u{85}', '\u{202e}', '\u{200b}', '\u{7f}', '\r', '\t'];
    let piece = prop_oneof![any::<char>(), prop::sample::select(odd), prop::char::range('a', 'z')];
    let mixed = prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.into_iter().collect::<String>());
    let repeated = (mixed.clone(), 1_usize..300).prop_map(|(piece, times)| piece.repeat(times));
    prop_oneof![
        mixed,
        repeated,
        "[a-z0-9]{1,40}(-[a-z0-9]{1,60})?",
        "[a-z]{1,64}@[a-z]{1,63}([.][a-z]{1,63}){1,3}",
        "[+]998[ -]?[1-9][0-9][ -]?[0-9]{3}[ -]?[0-9]{4}",
        "[0-9]{3}[ -]?[0-9]{3}",
        "[a-z0-9]{5}-[a-z0-9]{5}",
    ]
}

/// This many values, always the same ones.
fn sampled<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a value").current()).collect()
}

#[tokio::test]
async fn every_text_that_is_accepted_can_be_carried() {
    let shop = Shop::open().await;
    let services = shop.cloud.services();
    let (queue, table) = (shop.queue(QUEUE), services.template.table("AccountsTable").expect("a table").name.clone());
    let mut carried = std::collections::BTreeMap::new();
    for text in sampled(&texts(), 3_000) {
        for (name, parse) in KINDS {
            let Ok(kept) = parse(&text) else { continue };
            *carried.entry(*name).or_insert(0) += 1;
            let message = json!({"text": kept}).to_string();
            let sent = services.queues.send(&queue, &message, &MessageAttributes::new());
            assert!(sent.is_ok(), "SQS refuses what {name} takes: {text:?}");
            let breaks = !OF_LINES.contains(name) && kept.contains(is_line_break);
            assert!(!breaks, "{name} is more than a line of a mail: {text:?}");
            assert!(*name != "Name" || kept.encode_utf16().count() <= 2_048, "Cognito's attribute takes no {text:?}");
            if OF_KEYS.contains(name) {
                let key = format!("LIST#{kept}#{kept}#USD");
                let put = json!({"TableName": table, "Item": {"pk": {"S": key}, "sk": {"S": format!("EMAIL#{kept}")}}});
                let answer = services.dynamodb.call(&Caller::root(), "PutItem", put.to_string().as_bytes()).await;
                let Outcome::Answer(status, body) = answer else { panic!("the table does not answer") };
                assert!(status.is_success(), "{}: {name} {text:?}", String::from_utf8_lossy(&body));
            }
        }
    }
    let unseen: Vec<_> = KINDS.iter().filter(|(name, _)| carried.get(name).is_none_or(|count| *count < 10)).collect();
    assert!(unseen.is_empty(), "no text of these was accepted: {unseen:?}");
}

#[tokio::test]
async fn what_the_user_pool_refuses_of_a_password_is_said_at_the_password() {
    let shop = Shop::open().await;
    let passwords = sampled(&"[ -~\u{e9}\u{1f511}\u{2028}\n]{1,20}", 24);
    for (number, password) in passwords.iter().enumerate() {
        let asked = json!({"email": format!("person{number}@people.test"), "password": password});
        let answer = shop.anon().post("/v1/auth/sign-up", &asked).await;
        if answer.status != 202 {
            let problem = answer.expect_problem(400, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/password", "{password:?}");
        }
    }
}
