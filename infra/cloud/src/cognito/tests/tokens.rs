use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Request;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, json};

use super::*;

const SCOPE: &str = "aws.cognito.signin.user.admin";

pub(super) fn payload(token: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The claims with random values replaced, for snapshots.
fn steady(token: &str) -> Value {
    let mut claims = payload(token);
    for name in ["sub", "jti", "origin_jti", "event_id", "username", "cognito:username"] {
        if claims.get(name).is_some() {
            claims[name] = json!("(id)");
        }
    }
    claims
}

impl Cloud {
    fn verify(&self, token: &str) -> Result<Map<String, Value>, Reason> {
        self.cognito.verifier(vec![SCOPE.into()]).verify(token, self.clock.now())
    }

    async fn document(&self, path: &str) -> (StatusCode, Value) {
        let (parts, ()) = Request::get(path).body(()).unwrap().into_parts();
        let response = self.cognito.call(parts, Bytes::new()).await;
        (response.status(), serde_json::from_slice(response.body()).unwrap())
    }
}

#[tokio::test]
async fn tokens_carry_the_claims_of_cognito() {
    let cloud = cloud().await;
    let sub = cloud.member().await;
    for group in ["support", "admin"] {
        let request = cloud.client.admin_add_user_to_group().user_pool_id("us-east-1_Bozor0000").username(EMAIL);
        request.group_name(group).send().await.unwrap();
    }
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let (access, id) = (tokens.access_token().unwrap(), tokens.id_token().unwrap());
    assert_eq!(payload(access)["sub"], sub.as_str());
    assert_eq!(payload(access)["username"], EMAIL);
    assert_eq!(payload(access)["origin_jti"], payload(id)["origin_jti"]);
    insta::assert_json_snapshot!(steady(access), @r#"
    {
      "auth_time": 1795000000,
      "client_id": "shop",
      "cognito:groups": [
        "admin",
        "support"
      ],
      "event_id": "(id)",
      "exp": 1795000900,
      "iat": 1795000000,
      "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Bozor0000",
      "jti": "(id)",
      "origin_jti": "(id)",
      "scope": "aws.cognito.signin.user.admin",
      "sub": "(id)",
      "token_use": "access",
      "username": "(id)"
    }
    "#);
    insta::assert_json_snapshot!(steady(id), @r#"
    {
      "aud": "shop",
      "auth_time": 1795000000,
      "cognito:groups": [
        "admin",
        "support"
      ],
      "cognito:username": "(id)",
      "email": "buyer@example.test",
      "email_verified": true,
      "event_id": "(id)",
      "exp": 1795000900,
      "iat": 1795000000,
      "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Bozor0000",
      "jti": "(id)",
      "name": "Buyer",
      "origin_jti": "(id)",
      "sub": "(id)",
      "token_use": "id"
    }
    "#);
}

#[tokio::test]
async fn anybody_can_check_a_token_with_the_published_keys() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let token = tokens.access_token().unwrap();
    let (status, keys) = cloud.document("/us-east-1_Bozor0000/.well-known/jwks.json").await;
    assert_eq!(status, StatusCode::OK);
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!((header.typ, header.alg), (None, Algorithm::RS256));
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    // The library reads the system clock; this cloud's clock is frozen.
    validation.validate_exp = false;
    validation.set_issuer(&["https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Bozor0000"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();

    let (_, about) = cloud.document("/us-east-1_Bozor0000/.well-known/openid-configuration").await;
    assert_eq!(about["issuer"], payload(token)["iss"]);
    assert_eq!(cloud.document("/other/.well-known/jwks.json").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_verifier_accepts_an_access_token_until_it_expires() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let token = tokens.access_token().unwrap();
    assert_eq!(cloud.verify(token).unwrap()["client_id"], "shop");
    assert_eq!(cloud.verify(tokens.id_token().unwrap()), Err(Reason::Scope));
    assert!(Reason::Scope.is_forbidden() && !Reason::Expired.is_forbidden());
    assert_eq!(cloud.verify(tokens.refresh_token().unwrap()), Err(Reason::Malformed));
    assert_eq!(cloud.verify(""), Err(Reason::Malformed));

    let earlier = clock().now() - Duration::from_secs(1);
    assert_eq!(cloud.cognito.verifier(vec![]).verify(token, earlier), Err(Reason::NotYetValid));
    cloud.clock.advance(Duration::from_secs(899));
    cloud.verify(token).unwrap();
    cloud.clock.advance(Duration::from_secs(1));
    assert_eq!(cloud.verify(token), Err(Reason::Expired));
    assert_eq!(cloud.user(token).await.unwrap_err(), refusal("NotAuthorizedException", "Access Token has expired"));
}

#[tokio::test]
async fn the_verifier_refuses_what_is_forged_or_meant_for_others() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let token = tokens.access_token().unwrap();
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());

    let mut promoted = payload(token);
    promoted["cognito:groups"] = json!(["admin"]);
    assert_eq!(cloud.verify(&format!("{header}.{}.{signature}", encode(&promoted))), Err(Reason::Signature));
    let (_, keys) = cloud.document("/us-east-1_Bozor0000/.well-known/jwks.json").await;
    let kid = keys["keys"][0]["kid"].as_str().unwrap();
    // Two known forgeries: `alg: none`, and the public key used as an HMAC secret.
    let none = encode(&json!({ "alg": "none", "kid": kid }));
    assert!(cloud.verify(&format!("{none}.{claims}.")).is_err());
    let mut symmetric = Header::new(Algorithm::HS256);
    symmetric.kid = Some(kid.into());
    let secret = EncodingKey::from_secret(keys["keys"][0]["n"].as_str().unwrap().as_bytes());
    let forged = jsonwebtoken::encode(&symmetric, &payload(token), &secret).unwrap();
    assert_eq!(cloud.verify(&forged), Err(Reason::Signature));

    let signed = |change: fn(&mut Value)| {
        let mut claims = payload(token);
        change(&mut claims);
        cloud.cognito.inner.key.sign(&claims).unwrap()
    };
    cloud.verify(&signed(|_| {})).unwrap();
    for (change, reason) in [
        ((|claims| claims["iss"] = json!("https://elsewhere.test")) as fn(&mut Value), Reason::Issuer),
        (|claims| claims["client_id"] = json!("another"), Reason::Audience),
        (|claims| claims["aud"] = json!("another"), Reason::Audience),
        (|claims| claims["scope"] = json!("another"), Reason::Scope),
        (|claims| claims["exp"] = Value::Null, Reason::Expired),
    ] {
        assert_eq!(cloud.verify(&signed(change)), Err(reason));
    }
    for token in [forged.as_str(), tokens.id_token().unwrap(), "nonsense"] {
        let invalid = refusal("NotAuthorizedException", "Invalid Access Token");
        assert_eq!(cloud.user(token).await.unwrap_err(), invalid);
    }
}

#[tokio::test]
async fn a_refresh_token_gives_new_tokens_of_the_same_session_until_it_is_too_old() {
    let cloud = cloud().await;
    cloud.member().await;
    let first = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    cloud.clock.advance(Duration::from_hours(30 * 24 - 1));
    let second = cloud.refresh(first.refresh_token().unwrap()).await.unwrap();
    assert_eq!(second.refresh_token(), None);
    let (before, after) = (payload(first.access_token().unwrap()), payload(second.access_token().unwrap()));
    assert_eq!(before["origin_jti"], after["origin_jti"]);
    assert_eq!(before["auth_time"], after["auth_time"]);
    assert_ne!(before["jti"], after["jti"]);
    cloud.verify(second.access_token().unwrap()).unwrap();

    cloud.clock.advance(Duration::from_hours(1));
    let expired = refusal("NotAuthorizedException", "Refresh Token has expired");
    assert_eq!(cloud.refresh(first.refresh_token().unwrap()).await.unwrap_err(), expired);
    let invalid = refusal("NotAuthorizedException", "Invalid Refresh Token");
    assert_eq!(cloud.refresh("nonsense").await.unwrap_err(), invalid);
}

#[tokio::test]
async fn a_global_sign_out_ends_all_sessions_while_signatures_stay_valid() {
    let cloud = cloud().await;
    cloud.member().await;
    let one = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let two = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    cloud.client.global_sign_out().access_token(one.access_token().unwrap()).send().await.unwrap();
    let revoked = refusal("NotAuthorizedException", "Access Token has been revoked");
    for tokens in [&one, &two] {
        let refused = cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap_err();
        assert_eq!(refused, refusal("NotAuthorizedException", "Refresh Token has been revoked"));
        assert_eq!(cloud.user(tokens.access_token().unwrap()).await.unwrap_err(), revoked);
        cloud.verify(tokens.access_token().unwrap()).unwrap();
    }
    // A session begun after the sign-out is valid, even within the same second.
    let three = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    cloud.user(three.access_token().unwrap()).await.unwrap();
    let request = cloud.client.admin_user_global_sign_out().user_pool_id("us-east-1_Bozor0000").username(EMAIL);
    request.send().await.unwrap();
    assert_eq!(cloud.user(three.access_token().unwrap()).await.unwrap_err(), revoked);
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_own_session_with_it() {
    let cloud = cloud().await;
    cloud.member().await;
    let one = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let two = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let revoke = async |token: &str, client: &str| {
        service_result(cloud.client.revoke_token().client_id(client).token(token).send().await)
            .map(drop)
            .map_err(|(code, _)| code)
    };
    assert_eq!(revoke(one.access_token().unwrap(), "shop").await, Err("UnsupportedTokenTypeException".into()));
    assert_eq!(revoke(one.refresh_token().unwrap(), "closed").await, Err("UnauthorizedException".into()));
    for _ in 0..2 {
        assert_eq!(revoke(one.refresh_token().unwrap(), "shop").await, Ok(()));
    }
    assert_eq!(cloud.refresh(one.refresh_token().unwrap()).await.unwrap_err().0, "NotAuthorizedException");
    assert_eq!(cloud.user(one.access_token().unwrap()).await.unwrap_err().0, "NotAuthorizedException");
    cloud.refresh(two.refresh_token().unwrap()).await.unwrap();
    cloud.user(two.access_token().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_client_uses_only_the_flows_it_was_given() {
    let cloud = cloud().await;
    cloud.member().await;
    let begin = async |client: &str, flow: AuthFlowType| {
        let request = cloud.client.initiate_auth().client_id(client).auth_flow(flow);
        service_result(request.auth_parameters("USERNAME", EMAIL).send().await).map(drop).unwrap_err()
    };
    assert_eq!(
        begin("closed", AuthFlowType::UserPasswordAuth).await,
        refusal("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")
    );
    assert_eq!(begin("closed", AuthFlowType::RefreshTokenAuth).await.0, "InvalidParameterException");
    assert_eq!(begin("shop", AuthFlowType::UserSrpAuth).await.0, "InvalidParameterException");
    assert_eq!(
        begin("shop", AuthFlowType::UserPasswordAuth).await,
        refusal("InvalidParameterException", "Missing required parameter PASSWORD")
    );
    assert_eq!(begin("none", AuthFlowType::UserPasswordAuth).await.0, "ResourceNotFoundException");
}
