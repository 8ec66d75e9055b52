//! Triggers: what functions are asked, that their answers are obeyed, and how their failures show.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, json};

use super::secrets::hash;
use super::tokens::payload;
use super::*;
use crate::gateway::{BoxFuture, InvokeError};

const POOL: &str = "us-east-1_Bozor0000";

fn trigger(function: &str) -> Option<Trigger> {
    Some(Trigger { function: function.into(), is_permitted: true })
}

fn with_triggers(triggers: Triggers) -> UserPool {
    UserPool { triggers, ..pool() }
}

fn all_triggers() -> Triggers {
    let tokens = || trigger("Tokens");
    Triggers { pre_token: tokens(), define_challenge: tokens(), create_challenge: tokens(), verify_answer: tokens() }
}

/// A function that answers each event with what it makes its response, and remembers what it was asked.
type Asked = Arc<Mutex<Vec<Value>>>;

impl Cloud {
    fn answering(&self, answer: impl Fn(&Value) -> Result<Value, InvokeError> + Send + Sync + 'static) -> Asked {
        let asked = Asked::default();
        let remembered = Arc::clone(&asked);
        let answer = Arc::new(answer);
        self.cognito.invoke_with(Arc::new(move |function: &str, event: Bytes| {
            assert_eq!(function, "Tokens");
            let event: Value = serde_json::from_slice(&event).unwrap();
            let mut answered = event.clone();
            let response = answer(&event);
            remembered.lock().unwrap().push(event);
            let result = response.map(|response| {
                answered["response"] = response;
                Bytes::from(answered.to_string())
            });
            Box::pin(async move { result }) as BoxFuture<'static, _>
        }));
        asked
    }

    async fn challenged(&self, username: &str) -> Result<(String, BTreeMap<String, String>), (String, String)> {
        let request = self.client.admin_initiate_auth().user_pool_id(POOL).client_id("server");
        let request = request.auth_flow(AuthFlowType::CustomAuth).auth_parameters("USERNAME", username);
        let request = request.auth_parameters("SECRET_HASH", hash(username, "server", SECRET));
        let output = service_result(request.send().await)?;
        assert_eq!(output.challenge_name, Some(ChallengeNameType::CustomChallenge));
        Ok((output.session.unwrap(), output.challenge_parameters.unwrap().into_iter().collect()))
    }

    /// Tokens, or the session of the next challenge.
    async fn answer(
        &self,
        username: &str,
        session: &str,
        answer: &str,
    ) -> Result<Result<AuthenticationResultType, String>, (String, String)> {
        let request = self.client.admin_respond_to_auth_challenge().user_pool_id(POOL).client_id("server");
        let request = request.challenge_name(ChallengeNameType::CustomChallenge).session(session);
        let request = request.challenge_responses("USERNAME", username).challenge_responses("ANSWER", answer);
        let request = request.challenge_responses("SECRET_HASH", hash(username, "server", SECRET));
        let output = service_result(request.send().await)?;
        Ok(output.authentication_result.ok_or_else(|| output.session.unwrap()))
    }
}

fn details(access: &Value) -> Value {
    json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": access } })
}

#[tokio::test]
async fn a_function_changes_scopes_and_claims_of_each_token_that_is_issued() {
    let cloud = cloud_with(with_triggers(Triggers { pre_token: trigger("Tokens"), ..Triggers::default() })).await;
    let asked = cloud.answering(|_| {
        Ok(json!({ "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": { "claimsToAddOrOverride": { "shop": "mug", "sub": "x" }, "claimsToSuppress": ["name"] },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": { "tier": 3, "iss": "x", "scope": "x" },
                "claimsToSuppress": ["username", "exp", "scope"],
                "scopesToAdd": ["shop/api", "shop/api"],
                "scopesToSuppress": ["aws.cognito.signin.user.admin"],
            },
        } }))
    });
    let sub = cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let refreshed = cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap();
    for tokens in [&tokens, &refreshed] {
        let (access, id) = (payload(tokens.access_token().unwrap()), payload(tokens.id_token().unwrap()));
        assert_eq!((&access["scope"], &access["tier"]), (&json!("shop/api"), &json!(3)));
        assert_eq!((access.get("username"), access["exp"].as_i64()), (None, Some(1_795_000_900)));
        assert!(access["iss"].as_str().unwrap().ends_with(POOL));
        assert_eq!((id["shop"].as_str(), id["sub"].as_str(), id.get("name")), (Some("mug"), Some(sub.as_str()), None));
    }
    let asked = asked.lock().unwrap();
    let sources: Vec<&Value> = asked.iter().map(|event| &event["triggerSource"]).collect();
    assert_eq!(sources, ["TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"]);
    let mut event = asked[0].clone();
    event["request"]["userAttributes"]["sub"] = json!("(id)");
    insta::assert_json_snapshot!(event, @r#"
    {
      "callerContext": {
        "awsSdkVersion": "aws-sdk-unknown-unknown",
        "clientId": "shop"
      },
      "region": "us-east-1",
      "request": {
        "groupConfiguration": {
          "groupsToOverride": [],
          "iamRolesToOverride": [],
          "preferredRole": null
        },
        "scopes": [
          "aws.cognito.signin.user.admin"
        ],
        "userAttributes": {
          "cognito:user_status": "CONFIRMED",
          "email": "buyer@example.test",
          "email_verified": "true",
          "name": "Buyer",
          "sub": "(id)"
        }
      },
      "response": {
        "claimsAndScopeOverrideDetails": null
      },
      "triggerSource": "TokenGeneration_Authentication",
      "userName": "buyer@example.test",
      "userPoolId": "us-east-1_Bozor0000",
      "version": "2"
    }
    "#);
}

#[tokio::test]
async fn a_token_without_the_scope_of_the_pool_opens_nothing_there() {
    let cloud = cloud_with(with_triggers(Triggers { pre_token: trigger("Tokens"), ..Triggers::default() })).await;
    cloud.answering(|_| Ok(details(&json!({ "scopesToSuppress": ["aws.cognito.signin.user.admin"] }))));
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let token = tokens.access_token().unwrap();
    assert_eq!(payload(token).get("scope"), None);
    let client = &cloud.client;
    let name = attribute("nickname", "x");
    let answers = [
        cloud.user(token).await.map(drop),
        service_result(client.delete_user().access_token(token).send().await).map(drop),
        service_result(client.update_user_attributes().access_token(token).user_attributes(name).send().await)
            .map(drop),
        service_result(
            client.delete_user_attributes().access_token(token).user_attribute_names("nickname").send().await,
        )
        .map(drop),
        service_result(client.set_user_mfa_preference().access_token(token).send().await).map(drop),
        service_result(
            client
                .change_password()
                .access_token(token)
                .previous_password(PASSWORD)
                .proposed_password("Another-horse-2")
                .send()
                .await,
        )
        .map(drop),
        service_result(client.global_sign_out().access_token(token).send().await).map(drop),
    ];
    let refused = refusal("NotAuthorizedException", "Access Token does not have required scopes");
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap_err(), refused, "{index}");
    }
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn without_a_permission_without_an_answer_or_with_a_bad_one_nobody_gets_tokens() {
    let unexpected = |why: &str| {
        refusal("UnexpectedLambdaException", &format!("PreTokenGeneration invocation failed due to error {why}."))
    };
    let invalid = |message: &str| refusal("InvalidLambdaResponseException", message);
    let unrecognizable = invalid("Unrecognizable lambda output");
    let asked = async |is_permitted: bool, answer: Result<&'static str, InvokeError>| {
        let pre_token = Some(Trigger { function: "Tokens".into(), is_permitted });
        let cloud = cloud_with(with_triggers(Triggers { pre_token, ..Triggers::default() })).await;
        let answer = Mutex::new(Some(answer));
        cloud.cognito.invoke_with(Arc::new(move |_: &str, _: Bytes| {
            let answer = answer.lock().unwrap().take().unwrap();
            Box::pin(async move { answer.map(|answer| Bytes::from_static(answer.as_bytes())) })
        }));
        cloud.member().await;
        let refused = cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err();
        let sessions = "SELECT count(*) FROM sessions";
        let begun: i64 = cloud.cognito.inner.database.connection().query_row(sessions, [], |row| row.get(0)).unwrap();
        assert_eq!(begun, 0, "{refused:?}");
        refused
    };
    let good = r#"{"response":{}}"#;
    assert_eq!(asked(false, Ok(good)).await, unexpected("AccessDeniedException"));
    let failed = InvokeError::Failed("the secret cannot be read".into());
    let words = "PreTokenGeneration failed with error the secret cannot be read.";
    assert_eq!(asked(true, Err(failed)).await, refusal("UserLambdaValidationException", words));
    assert_eq!(asked(true, Ok("nonsense")).await, invalid("Invalid lambda function output : Invalid JSON"));
    assert_eq!(asked(true, Ok("null")).await, unrecognizable);
    assert_eq!(asked(true, Ok(r#"{"version":"2"}"#)).await, unrecognizable);
    let blank =
        r#"{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":["shop api"]}}}}"#;
    assert_eq!(asked(true, Ok(blank)).await, unrecognizable);
    let number = r#"{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":7}}}}"#;
    assert_eq!(asked(true, Ok(number)).await, unrecognizable);
}

#[tokio::test(start_paused = true)]
async fn a_function_has_five_seconds() {
    let cognito = cloud_with(pool()).await.cognito;
    let asked = async |takes: Duration| {
        let pool = with_triggers(Triggers { pre_token: trigger("Tokens"), ..Triggers::default() });
        let cognito = open_pool(None, &clock(), &cognito.inner.mail, pool);
        cognito.invoke_with(Arc::new(move |_: &str, _: Bytes| {
            Box::pin(async move {
                tokio::time::sleep(takes).await;
                Ok(Bytes::from_static(br#"{"response":{}}"#))
            })
        }));
        let account = Account {
            username: EMAIL.into(),
            email: EMAIL.into(),
            password: PASSWORD.into(),
            name: None,
            groups: Vec::new(),
        };
        cognito.register(&account).await.unwrap();
        let user = cognito.inner.database.user(EMAIL).unwrap().unwrap();
        let (mut access, mut id) = (Map::new(), Map::new());
        let client = cognito.client("shop").unwrap();
        let source = pre_token::TokenSource::Authentication;
        cognito.customize(source, &user, client, &mut access, &mut id).await
    };
    assert!(asked(Duration::from_millis(4_900)).await.is_ok());
    let refused = asked(Duration::from_millis(5_100)).await.unwrap_err();
    assert_eq!(refused.code, "UnexpectedLambdaException");
    let words = "PreTokenGeneration invocation failed due to error Socket timeout while invoking Lambda function.";
    assert_eq!(refused.message, words);
}

/// A function whose challenge is answered with `7`, and which lets somebody try three times.
fn challenges(event: &Value) -> Result<Value, InvokeError> {
    let session = event["request"]["session"].as_array();
    Ok(match event["triggerSource"].as_str().unwrap() {
        "DefineAuthChallenge_Authentication" => {
            let session = session.unwrap();
            let is_right = session.last().is_some_and(|last| last["challengeResult"] == true);
            let is_over = !is_right && session.len() == 3;
            let next = if is_right || is_over { Value::Null } else { json!("CUSTOM_CHALLENGE") };
            json!({ "challengeName": next, "issueTokens": is_right, "failAuthentication": is_over })
        }
        "CreateAuthChallenge_Authentication" => json!({
            "publicChallengeParameters": { "ask": "3+4" },
            "privateChallengeParameters": { "answer": "7" },
            "challengeMetadata": "SUM",
        }),
        "VerifyAuthChallengeResponse_Authentication" => {
            let request = &event["request"];
            let is_right = request["challengeAnswer"] == request["privateChallengeParameters"]["answer"];
            json!({ "answerCorrect": is_right })
        }
        _ => json!({ "claimsAndScopeOverrideDetails": null }),
    })
}

#[tokio::test]
async fn a_challenge_is_defined_made_and_verified_by_functions() {
    let cloud = cloud_with(with_triggers(all_triggers())).await;
    let asked = cloud.answering(challenges);
    cloud.member().await;
    let (session, shown) = cloud.challenged(EMAIL).await.unwrap();
    let expected = [("USERNAME", EMAIL), ("ask", "3+4")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(shown, BTreeMap::from(expected));
    let session = cloud.answer(EMAIL, &session, "8").await.unwrap().unwrap_err();
    let tokens = cloud.answer(EMAIL, &session, "7").await.unwrap().unwrap();
    assert!(tokens.refresh_token().is_some() && tokens.access_token().is_some());
    let asked = asked.lock().unwrap();
    let sources: Vec<&str> = asked.iter().map(|event| event["triggerSource"].as_str().unwrap()).collect();
    let [define, create, verify] = ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"]
        .map(|one| format!("{one}_Authentication"));
    let token = "TokenGeneration_Authentication";
    let expected: [&str; 8] = [&define, &create, &verify, &define, &create, &verify, &define, token];
    assert_eq!(sources, expected);
    let answered = json!([
        { "challengeName": "CUSTOM_CHALLENGE", "challengeResult": false, "challengeMetadata": "SUM" },
        { "challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": "SUM" },
    ]);
    assert_eq!(asked[6]["request"]["session"], answered);
    assert_eq!(asked[1]["request"]["challengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(asked[0]["request"]["session"], json!([]));
    assert_eq!(asked[0]["request"].get("userNotFound"), None);
    assert_eq!(asked[2]["version"], "1");
}

#[tokio::test]
async fn after_three_wrong_answers_and_with_a_used_late_or_strange_session_nobody_is_signed_in() {
    let cloud = cloud_with(with_triggers(all_triggers())).await;
    cloud.answering(challenges);
    cloud.member().await;
    let (first, _) = cloud.challenged(EMAIL).await.unwrap();
    let second = cloud.answer(EMAIL, &first, "1").await.unwrap().unwrap_err();
    let invalid = refusal("NotAuthorizedException", "Invalid session for the user.");
    assert_eq!(cloud.answer(EMAIL, &first, "7").await.unwrap_err(), invalid);
    let third = cloud.answer(EMAIL, &second, "2").await.unwrap().unwrap_err();
    assert_eq!(cloud.answer(EMAIL, &third, "3").await.unwrap_err(), wrong());
    assert_eq!(cloud.answer(EMAIL, &third, "7").await.unwrap_err(), invalid);

    let (strange, _) = cloud.challenged(EMAIL).await.unwrap();
    assert_eq!(cloud.answer("another@example.test", &strange, "7").await.unwrap_err(), invalid);
    let (late, _) = cloud.challenged(EMAIL).await.unwrap();
    cloud.clock.advance(Duration::from_mins(3));
    assert_eq!(cloud.answer(EMAIL, &late, "7").await.unwrap_err(), invalid);
}

#[tokio::test]
async fn somebody_unknown_gets_a_challenge_that_no_answer_opens() {
    let cloud = cloud_with(with_triggers(all_triggers())).await;
    let asked = cloud.answering(challenges);
    let (session, shown) = cloud.challenged("stranger").await.unwrap();
    assert_eq!(shown["ask"], "3+4");
    assert_eq!(cloud.answer("stranger", &session, "7").await.unwrap_err(), wrong());
    assert_eq!(asked.lock().unwrap()[0]["request"]["userNotFound"], true);
}

#[tokio::test]
async fn the_lock_of_the_password_does_not_hold_up_a_challenge() {
    let cloud = cloud_with(with_triggers(all_triggers())).await;
    cloud.answering(challenges);
    cloud.member().await;
    for _ in 0..5 {
        assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    }
    let locked = refusal("NotAuthorizedException", "Password attempts exceeded");
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
    let (session, _) = cloud.challenged(EMAIL).await.unwrap();
    cloud.answer(EMAIL, &session, "7").await.unwrap().unwrap();
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
}

#[tokio::test]
async fn a_pool_without_triggers_and_a_client_without_the_flow_begin_no_challenge() {
    let cloud = cloud().await;
    cloud.member().await;
    let refused = cloud.challenged(EMAIL).await.unwrap_err();
    let words = "Custom auth lambda trigger is not configured for the user pool.";
    assert_eq!(refused, refusal("InvalidParameterException", words));
    let request = cloud.client.initiate_auth().client_id("shop").auth_flow(AuthFlowType::CustomAuth);
    let refused = service_result(request.auth_parameters("USERNAME", EMAIL).send().await).unwrap_err();
    assert_eq!(refused, refusal("InvalidParameterException", "Custom auth flow not enabled for this client"));
}

#[tokio::test]
async fn a_disabled_person_and_one_with_a_temporary_password_are_not_signed_in_by_a_challenge() {
    let cloud = cloud_with(with_triggers(all_triggers())).await;
    cloud.answering(challenges);
    cloud.member().await;
    let (session, _) = cloud.challenged(EMAIL).await.unwrap();
    cloud.client.admin_disable_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
    let disabled = refusal("NotAuthorizedException", "User is disabled.");
    assert_eq!(cloud.answer(EMAIL, &session, "7").await.unwrap_err(), disabled);
    assert_eq!(cloud.challenged(EMAIL).await.unwrap_err(), disabled);

    let other = "other@example.test";
    let request = cloud.client.admin_create_user().user_pool_id(POOL).username(other);
    let request = request.user_attributes(attribute("email", other)).temporary_password("Temporary-horse-1");
    request.message_action(MessageActionType::Suppress).send().await.unwrap();
    let (session, _) = cloud.challenged(other).await.unwrap();
    assert_eq!(cloud.answer(other, &session, "7").await.unwrap_err(), wrong());
}
