use std::time::Duration;

use super::*;

fn sandbox() -> Sms {
    Sms::open(None, Clock::frozen(Timestamp::from_millis(1_800_000_000_000)), Faults::default()).unwrap()
}

fn post(sms: &Sms, path: &str, token: &str, body: &Value) -> u16 {
    let request = http::Request::post(path).header("authorization", format!("Bearer {token}")).body(()).unwrap();
    sms.call(&request.into_parts().0, &Bytes::from(body.to_string())).status().as_u16()
}

fn message(id: &str) -> Value {
    json!({"id": id, "to": "998901234561", "text": "Bozor: your code is 048151.", "from": "Bozor"})
}

#[test]
fn a_message_is_sent_once_by_its_id_which_serves_no_other() {
    let sms = sandbox();
    assert_eq!(post(&sms, "/messages", TOKEN, &message("m1")), 200);
    assert_eq!(post(&sms, "/messages", TOKEN, &message("m1")), 200);
    let mut other = message("m1");
    other["text"] = json!("something else");
    assert_eq!(post(&sms, "/messages", TOKEN, &other), 409);
    let delivered = sms.delivered(Some("+998 90 123 45 61"));
    assert_eq!(delivered.len(), 1);
    assert_eq!((delivered[0].channel, delivered[0].stored.message.code.as_deref()), ("sms", Some("048151")));
}

#[test]
fn wrong_tokens_forms_and_numbers_are_refused() {
    let sms = sandbox();
    assert_eq!(post(&sms, "/messages", "other", &message("m1")), 401);
    let with = |name: &str, value: Value| {
        let mut body = message("m1");
        body[name] = value;
        post(&sms, "/messages", TOKEN, &body)
    };
    assert_eq!(with("more", json!(1)), 400);
    assert_eq!(with("text", json!("")), 400);
    assert_eq!(with("id", json!(7)), 400);
    for number in ["+998901234561", "0901234561", "99890", "998901299999"] {
        assert_eq!(with("to", json!(number)), 422, "{number}");
    }
    assert!(sms.delivered(None).is_empty());
}

#[test]
fn an_ordered_error_and_too_many_messages_send_nothing() {
    let sms = sandbox();
    assert_eq!(post(&sms, "/errors", TOKEN, &json!({"status": 503})), 200);
    assert_eq!(post(&sms, "/messages", TOKEN, &message("m0")), 503);
    for number in 0..30 {
        assert_eq!(post(&sms, "/messages", TOKEN, &message(&format!("m{number}"))), 200);
    }
    assert_eq!(post(&sms, "/messages", TOKEN, &message("m30")), 429);
    sms.inner.clock.advance(Duration::from_secs(2));
    assert_eq!(post(&sms, "/messages", TOKEN, &message("m30")), 200);
}
