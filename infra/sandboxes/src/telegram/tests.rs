use std::time::Duration;

use super::*;

fn sandbox() -> Telegram {
    Telegram::open(None, Clock::frozen(cloud::time::Timestamp::from_millis(1_800_000_000_000)), Faults::default())
        .unwrap()
}

fn call(telegram: &Telegram, method: &str, token: &str, body: &Value) -> (u16, Value) {
    let request = http::Request::post(format!("/{method}"))
        .header(CONTENT_TYPE, "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap();
    let answer = telegram.call(&request.into_parts().0, &Bytes::from(body.to_string()));
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[test]
fn a_checked_request_sends_once_and_pays_no_second_fee() {
    let telegram = sandbox();
    let number = "+998901234562";
    let (_, checked) = call(&telegram, "checkSendAbility", TOKEN, &json!({ "phone_number": number }));
    let id = checked["result"]["request_id"].clone();
    let send = json!({"phone_number": number, "request_id": id, "code": "048151", "ttl": 900});
    let (_, sent) = call(&telegram, "SENDVERIFICATIONMESSAGE", TOKEN, &send);
    assert_eq!((&sent["ok"], &sent["result"]["request_cost"]), (&json!(true), &json!(0.0)));
    let (status, repeated) = call(&telegram, "sendVerificationMessage", TOKEN, &send);
    assert_eq!((status, &repeated["error"]), (400, &json!("REQUEST_ID_INVALID")));
    let delivered = telegram.delivered(Some(" 998 90 123-45-62"));
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].stored.message.code.as_deref(), Some("048151"));
    assert!(telegram.delivered(Some("+998901234560")).is_empty());
}

#[test]
fn wrong_tokens_numbers_codes_and_an_empty_balance_are_refused_in_telegrams_form() {
    let telegram = sandbox();
    let good = json!({"phone_number": "+998901234562", "code": "048151"});
    let error = |method: &str, token: &str, change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        let (_, answer) = call(&telegram, method, token, &body);
        assert_eq!(answer["ok"], false);
        answer["error"].as_str().unwrap().to_owned()
    };
    let send = "sendVerificationMessage";
    assert_eq!(error(send, "other", &|_| {}), "ACCESS_TOKEN_INVALID");
    assert_eq!(error(send, TOKEN, &|body| body["phone_number"] = json!("998901234562")), "PHONE_NUMBER_INVALID");
    assert_eq!(error(send, TOKEN, &|body| body["phone_number"] = json!("+998901234561")), "PHONE_NUMBER_NOT_FOUND");
    assert_eq!(error(send, TOKEN, &|body| body["code"] = json!("12a456")), "CODE_INVALID");
    assert_eq!(error(send, TOKEN, &|body| body["ttl"] = json!(29)), "TTL_INVALID");
    telegram.state().balance = 0;
    assert_eq!(error("checkSendAbility", TOKEN, &|_| {}), "BALANCE_NOT_ENOUGH");
}

#[test]
fn thirty_messages_a_second_are_taken() {
    let telegram = sandbox();
    let send = json!({"phone_number": "+998901234562", "code": "048151"});
    for _ in 0..30 {
        assert_eq!(call(&telegram, "sendVerificationMessage", TOKEN, &send).0, 200);
    }
    let (status, refused) = call(&telegram, "sendVerificationMessage", TOKEN, &send);
    assert_eq!((status, &refused["error"]), (429, &json!("FLOOD_WAIT_1")));
    telegram.inner.clock.advance(Duration::from_secs(2));
    assert_eq!(call(&telegram, "sendVerificationMessage", TOKEN, &send).0, 200);
}
