use std::collections::BTreeMap;

use platform::user_pool_trigger;
use serde_json::{Value, json};

use super::*;

const SUB: &str = "0198f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d";

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

async fn app() -> App {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("SIGN_IN_SECRET_ARN", "arn"),
    ];
    let variables: BTreeMap<String, String> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    App::new(&Config::from_vars(variables)).await.unwrap()
}

/// What becomes of an event's `response`; everything else of it has to come back as it was.
async fn answer(source: &str, request: Value) -> Value {
    let event = json!({
        "version": "1", "triggerSource": source, "region": "us-east-1", "userPoolId": "us-east-1_People",
        "userName": "a1", "callerContext": { "clientId": "people" }, "request": request, "response": {},
    });
    let answered = user_pool_trigger(&app().await, &event.to_string(), now(), &handle).await.unwrap();
    let mut answered: Value = serde_json::from_str(&answered).unwrap();
    let response = answered["response"].take();
    answered["response"] = json!({});
    assert_eq!(answered, event);
    response
}

#[tokio::test]
async fn a_token_gets_our_scope_in_the_place_of_the_pools_and_keeps_its_groups() {
    let groups = json!({ "groupsToOverride": ["admin"], "iamRolesToOverride": [], "preferredRole": null });
    for source in ["Authentication", "RefreshTokens", "NewPasswordChallenge"] {
        let request = json!({ "groupConfiguration": groups, "scopes": [POOL_SCOPE], "userAttributes": { "sub": SUB } });
        let expected = json!({ "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": { "scopesToAdd": ["bozor/api"], "scopesToSuppress": [POOL_SCOPE] },
            "groupOverrideDetails": groups,
        } });
        assert_eq!(answer(&format!("TokenGeneration_{source}"), request).await, expected);
    }
}

#[tokio::test]
async fn one_challenge_is_asked_for_and_three_wrong_answers_end_it() {
    let answered = |name: &str, results: &[bool]| -> Vec<Value> {
        let one = |result: &bool| json!({ "challengeName": name, "challengeResult": result, "challengeMetadata": "" });
        results.iter().map(one).collect()
    };
    let ours = |results: &[bool]| answered("CUSTOM_CHALLENGE", results);
    for (session, step) in [
        (ours(&[]), "challenge"),
        (ours(&[false]), "challenge"),
        (ours(&[false, false]), "challenge"),
        (ours(&[false, false, false]), "failure"),
        (ours(&[false, false, false, false]), "failure"),
        (ours(&[true]), "tokens"),
        (ours(&[false, false, true]), "tokens"),
        (ours(&[true, false]), "challenge"),
        // A sign-in with a password (SRP) before it, which is none of ours.
        (answered("SRP_A", &[true]), "failure"),
        (answered("PASSWORD_VERIFIER", &[true]), "failure"),
    ] {
        let request = json!({ "session": session, "userAttributes": { "sub": SUB } });
        let next = answer("DefineAuthChallenge_Authentication", request).await;
        let expected = json!({
            "challengeName": if step == "challenge" { json!("CUSTOM_CHALLENGE") } else { Value::Null },
            "issueTokens": step == "tokens",
            "failAuthentication": step == "failure",
        });
        assert_eq!(next, expected, "{session:?}");
    }
}

#[tokio::test]
async fn the_challenge_names_whose_proof_is_wanted_and_gives_nothing_away_of_nobody() {
    let shown = async |request: Value| {
        answer("CreateAuthChallenge_Authentication", request).await["publicChallengeParameters"].clone()
    };
    assert_eq!(shown(json!({ "userAttributes": { "sub": SUB } })).await, json!({ "sub": SUB }));
    assert_eq!(shown(json!({ "userAttributes": {}, "userNotFound": true })).await, json!({}));
}

#[tokio::test]
async fn an_answer_of_nobody_and_none_at_all_are_wrong_without_the_secret() {
    for request in [
        json!({ "challengeAnswer": "x", "userAttributes": {}, "userNotFound": true }),
        json!({ "challengeAnswer": "x", "userAttributes": { "sub": SUB }, "userNotFound": true }),
        json!({ "challengeAnswer": "x", "userAttributes": { "sub": "" } }),
        json!({ "userAttributes": { "sub": SUB } }),
    ] {
        let answered = answer("VerifyAuthChallengeResponse_Authentication", request).await;
        assert_eq!(answered, json!({ "answerCorrect": false }));
    }
}

#[tokio::test]
async fn an_event_that_is_not_known_is_refused() {
    let event = json!({ "triggerSource": "PreSignUp_SignUp", "request": {}, "response": {} }).to_string();
    let refused = user_pool_trigger(&app().await, &event, now(), &handle).await.unwrap_err();
    assert_eq!(refused.to_string(), "PreSignUp_SignUp is not a trigger of ours");
    assert!(user_pool_trigger(&app().await, "[]", now(), &handle).await.is_err());
}
