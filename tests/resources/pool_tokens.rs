//! Tokens: what they open with us, and that they open nothing at Cognito itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloud::cognito::Account;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop};

const EMAIL: &str = "aziza@people.test";
const POOL_SCOPE: &str = "aws.cognito.signin.user.admin";

/// A call to Cognito, as somebody makes it who needs no keys of an account, or as the cloud's root.
pub(crate) async fn cognito(shop: &Shop, key: Option<&str>, operation: &str, input: &Value) -> Answer {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let mut client = shop.anon().with("x-amz-target", target);
    if let Some(key) = key {
        let credential = format!("{key}/20270115/us-east-1/cognito-idp/aws4_request");
        client = client.with("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}"));
    }
    let body = Some(input.to_string().into_bytes());
    client.send(reqwest::Method::POST, "/_aws/cognito/", body, "application/x-amz-json-1.1").await
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
}

async fn tokens(shop: &Shop) -> Value {
    let asked = json!({"email": EMAIL, "password": PASSWORD});
    shop.anon().post("/v1/auth/sign-in", &asked).await.expect(200).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn a_token_of_ours_opens_nothing_at_cognito() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let signed_in = tokens(&shop).await;
    let refreshed = shop.anon().post("/v1/auth/refresh", &json!({"refresh_token": signed_in["refresh_token"]})).await;
    for tokens in [&signed_in, refreshed.expect(200)] {
        let token = text(&tokens["access_token"]);
        assert_eq!(claims(token)["scope"], "bozor/api");
        for (operation, more) in [
            ("GetUser", json!({})),
            ("UpdateUserAttributes", json!({"UserAttributes": [{"Name": "name", "Value": "x"}]})),
            ("DeleteUserAttributes", json!({"UserAttributeNames": ["name"]})),
            ("SetUserMFAPreference", json!({"SoftwareTokenMfaSettings": {"Enabled": false}})),
            ("ChangePassword", json!({"PreviousPassword": PASSWORD, "ProposedPassword": "Another horse 2"})),
            ("GlobalSignOut", json!({})),
            ("DeleteUser", json!({})),
        ] {
            let mut input = more;
            input["AccessToken"] = json!(token);
            let refused = cognito(&shop, None, operation, &input).await;
            let expected =
                json!({"__type": "NotAuthorizedException", "message": "Access Token does not have required scopes"});
            assert_eq!(refused.expect(400), &expected, "{operation}");
        }
        shop.anon().with_token(token).get("/v1/me").await.expect(200);
    }
}

/// A client's refresh token is ours: Cognito's lies sealed in the table Sessions.
#[tokio::test]
async fn a_refresh_token_of_ours_is_none_at_cognito() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let signed_in = tokens(&shop).await;
    let client = shop.cloud.services().template.user_pool.clients[0].clone();
    let input = json!({
        "ClientId": client.id, "ClientSecret": client.secret, "RefreshToken": signed_in["refresh_token"],
    });
    let refused = cognito(&shop, None, "GetTokensFromRefreshToken", &input).await;
    assert_eq!(refused.expect(400)["message"], "Invalid Refresh Token");
}

/// The pool's own scope opens no route of ours: a token has to come through the function that gives it ours.
#[tokio::test]
async fn a_token_without_our_scope_opens_no_route() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let tokens = tokens(&shop).await;
    let services = shop.cloud.services();
    let now = services.clock.now();
    let token = text(&tokens["access_token"]);
    let verified = |scope: &str| services.cognito.verifier(vec![scope.to_owned()]).verify(token, now).is_ok();
    assert_eq!((verified("bozor/api"), verified(POOL_SCOPE)), (true, false));
    let protected: Vec<_> = services.template.api.routes.iter().filter(|route| route.authorizer).collect();
    assert!(protected.len() > 50);
    for route in protected {
        assert_eq!(route.scopes, ["bozor/api"], "{}", route.key());
        let path = route.path.replace(['{', '}'], "");
        let method = route.method.parse().expect("a method");
        let id = shop.anon().with_token(text(&tokens["id_token"]));
        let answer = id.send(method, &path, None, "").await;
        assert_eq!((answer.status, &answer.json), (403, &json!({"message": "Forbidden"})), "{}", route.key());
    }
}

/// Whoever is made in the pool by hand gets the same tokens as everybody.
#[tokio::test]
async fn whoever_signs_in_past_us_gets_no_more_than_our_scope() {
    let shop = Shop::open().await;
    let services = shop.cloud.services();
    let account = Account {
        username: "by-hand".to_owned(),
        email: "hand@people.test".to_owned(),
        password: PASSWORD.to_owned(),
        name: None,
        groups: Vec::new(),
    };
    services.cognito.register(&account).await.expect("an account");
    let pool = &services.template.user_pool;
    let client = &pool.clients[0];
    let hash = client.secret_hash("by-hand");
    let input = json!({
        "UserPoolId": pool.id, "ClientId": client.id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "by-hand", "PASSWORD": PASSWORD, "SECRET_HASH": hash},
    });
    let signed_in = cognito(&shop, Some("LOCALROOT"), "AdminInitiateAuth", &input).await;
    let token = signed_in.expect(200)["AuthenticationResult"]["AccessToken"].clone();
    assert_eq!(claims(text(&token))["scope"], "bozor/api");
}

/// The pool as the template makes it, called past us by somebody who knows the client's id and a person's name there.
#[tokio::test]
async fn a_stranger_at_the_pool_itself_makes_nobody_has_nothing_mailed_and_guesses_at_nothing() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = claims(text(&tokens(&shop).await["access_token"]))["sub"].clone();
    let pool = shop.cloud.services().template.user_pool.clone();
    let client = &pool.clients[0];
    let hash = |name: &str| json!(client.secret_hash(name));
    // A refresh token of the pool's own, which nobody has but us.
    let begin = json!({
        "UserPoolId": pool.id, "ClientId": client.id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": person, "PASSWORD": PASSWORD, "SECRET_HASH": hash(text(&person))},
    });
    let begun = cognito(&shop, Some("LOCALROOT"), "AdminInitiateAuth", &begin).await.expect(200).clone();
    let refresh = &begun["AuthenticationResult"]["RefreshToken"];
    assert!(refresh.is_string());

    let listed = json!({"UserPoolId": pool.id});
    let people = async || cognito(&shop, Some("LOCALROOT"), "ListUsers", &listed).await.expect(200)["Users"].clone();
    let mailed = || shop.cloud.services().mail.messages(None).expect("mail can be read");
    shop.wait_until_idle().await;
    let before = (people().await, mailed());
    assert_eq!((before.0.as_array().map(Vec::len), before.1.len()), (Some(2), 1), "the operator and the buyer");

    let email = json!([{"Name": "email", "Value": "stranger@people.test"}]);
    let sign_up = json!({"Username": "stranger", "Password": PASSWORD, "UserAttributes": email});
    let with_code = json!({"Username": person, "ConfirmationCode": "000000", "Password": "Another horse 2"});
    let begins = |flow: &str, parameters: Value| json!({"AuthFlow": flow, "AuthParameters": parameters});
    let right = json!({"USERNAME": person, "PASSWORD": PASSWORD});
    let (not_authorized, invalid) = ("NotAuthorizedException", "InvalidParameterException");
    let mut calls = vec![
        ("SignUp", sign_up.clone(), not_authorized),
        ("ConfirmSignUp", json!({"Username": person, "ConfirmationCode": "000000"}), not_authorized),
        ("ResendConfirmationCode", json!({"Username": person}), not_authorized),
        ("ForgotPassword", json!({"Username": person}), not_authorized),
        ("ConfirmForgotPassword", with_code, not_authorized),
        ("InitiateAuth", begins("USER_PASSWORD_AUTH", right.clone()), invalid),
        ("InitiateAuth", begins("ADMIN_USER_PASSWORD_AUTH", right.clone()), invalid),
        ("InitiateAuth", begins("USER_SRP_AUTH", json!({"USERNAME": person, "SRP_A": "0a"})), invalid),
        ("InitiateAuth", begins("CUSTOM_AUTH", json!({"USERNAME": person})), not_authorized),
        ("InitiateAuth", begins("REFRESH_TOKEN_AUTH", json!({"REFRESH_TOKEN": refresh})), not_authorized),
        ("GetTokensFromRefreshToken", json!({"RefreshToken": refresh}), not_authorized),
    ];
    // As many as lock an account, if the pool compared them.
    let wrong = json!({"USERNAME": person, "PASSWORD": "Wrong horse 1"});
    calls.extend(std::iter::repeat_n(("InitiateAuth", begins("USER_PASSWORD_AUTH", wrong), invalid), 6));
    for (operation, mut input, expected) in calls {
        input["ClientId"] = json!(client.id);
        let refused = cognito(&shop, None, operation, &input).await;
        assert_eq!(refused.expect(400)["__type"], expected, "{operation}: {input} {}", refused.text);
    }

    // Nor would the client's secret help: the pool itself is closed.
    let mut sign_up = sign_up;
    sign_up["SecretHash"] = hash("stranger");
    let mut right = right;
    right["SECRET_HASH"] = hash(text(&person));
    let forgot = json!({"Username": person, "SecretHash": hash(text(&person))});
    for (operation, mut input, said) in [
        ("SignUp", sign_up, "SignUp is not permitted for this user pool"),
        ("ForgotPassword", forgot, "Contact administrator to reset password."),
        ("InitiateAuth", begins("USER_PASSWORD_AUTH", right), "USER_PASSWORD_AUTH flow not enabled for this client"),
    ] {
        input["ClientId"] = json!(client.id);
        assert_eq!(cognito(&shop, None, operation, &input).await.expect(400)["message"], said, "{operation}");
    }

    shop.wait_until_idle().await;
    assert_eq!((people().await, mailed()), before);
    shop.sign_in(EMAIL).await;
}
