//! A client with a secret: each unauthenticated call shows that it knows it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use super::*;

const USERNAME: &str = "5b1f0c2d9e8a4736b0c1d2e3f4a59687";

pub(super) fn hash(username: &str, client: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, format!("{username}{client}").as_bytes()))
}

/// No hash, and hashes of another name, for another client and under another secret, each with its refusal.
fn wrong_hashes() -> [(Option<String>, (String, String)); 5] {
    let missing = "Client sealed is configured with secret but SECRET_HASH was not received";
    let wrong = "Unable to verify secret hash for client sealed";
    [
        (None, refusal("NotAuthorizedException", missing)),
        (Some(String::new()), refusal("NotAuthorizedException", wrong)),
        (Some(hash("somebody", "sealed", SECRET)), refusal("NotAuthorizedException", wrong)),
        (Some(hash(USERNAME, "shop", SECRET)), refusal("NotAuthorizedException", wrong)),
        (Some(hash(USERNAME, "sealed", "another")), refusal("NotAuthorizedException", wrong)),
    ]
}

impl Cloud {
    async fn sign_up_sealed(&self, hash: Option<String>) -> Result<(), (String, String)> {
        let request = self.client.sign_up().client_id("sealed").username(USERNAME).password(PASSWORD);
        let request = request.user_attributes(attribute("email", EMAIL)).set_secret_hash(hash);
        service_result(request.send().await).map(drop)
    }

    async fn confirm_sealed(&self, code: &str, hash: Option<String>) -> Result<(), (String, String)> {
        let request = self.client.confirm_sign_up().client_id("sealed").username(USERNAME).confirmation_code(code);
        service_result(request.set_secret_hash(hash).send().await).map(drop)
    }

    async fn initiate_sealed(
        &self,
        flow: AuthFlowType,
        parameters: &[(&str, &str)],
        hash: Option<String>,
    ) -> Result<AuthenticationResultType, (String, String)> {
        let mut request = self.client.initiate_auth().client_id("sealed").auth_flow(flow);
        for (name, value) in parameters {
            request = request.auth_parameters(*name, *value);
        }
        if let Some(hash) = hash {
            request = request.auth_parameters("SECRET_HASH", hash);
        }
        service_result(request.send().await).map(|output| output.authentication_result.unwrap())
    }
}

#[tokio::test]
async fn a_call_without_the_right_secret_hash_is_refused_whatever_else_it_says() {
    let cloud = cloud().await;
    let right = || Some(hash(USERNAME, "sealed", SECRET));
    for (wrong, refused) in wrong_hashes() {
        assert_eq!(cloud.sign_up_sealed(wrong).await, Err(refused));
    }
    assert!(cloud.mail.messages(None).unwrap().is_empty());
    cloud.sign_up_sealed(right()).await.unwrap();
    let code = cloud.code();
    let password = [("USERNAME", USERNAME), ("PASSWORD", PASSWORD)];
    for (wrong, refused) in wrong_hashes() {
        assert_eq!(cloud.confirm_sealed(&code, wrong.clone()).await, Err(refused.clone()));
        let resend = cloud.client.resend_confirmation_code().client_id("sealed").username(USERNAME);
        let resent = service_result(resend.set_secret_hash(wrong.clone()).send().await).map(drop);
        assert_eq!(resent, Err(refused.clone()));
        let forgot = cloud.client.forgot_password().client_id("sealed").username(USERNAME);
        let forgotten = service_result(forgot.set_secret_hash(wrong.clone()).send().await).map(drop);
        assert_eq!(forgotten, Err(refused.clone()));
        let reset = cloud.client.confirm_forgot_password().client_id("sealed").username(USERNAME);
        let reset = reset.confirmation_code(&code).password(PASSWORD).set_secret_hash(wrong.clone());
        assert_eq!(service_result(reset.send().await).map(drop), Err(refused.clone()));
        let signed_in = cloud.initiate_sealed(AuthFlowType::UserPasswordAuth, &password, wrong).await;
        assert_eq!(signed_in.map(drop), Err(refused));
    }
    cloud.confirm_sealed(&code, right()).await.unwrap();
    cloud.initiate_sealed(AuthFlowType::UserPasswordAuth, &password, right()).await.unwrap();

    // A client without a secret takes no hash.
    let unexpected = cloud.client.forgot_password().client_id("shop").username(USERNAME).secret_hash("hash");
    let refused = refusal("NotAuthorizedException", "Unable to verify secret hash for client shop");
    assert_eq!(service_result(unexpected.send().await).map(drop), Err(refused));
}

#[tokio::test]
async fn the_hash_is_checked_before_anybody_is_looked_up() {
    let cloud = cloud().await;
    let unknown = [("USERNAME", USERNAME), ("PASSWORD", PASSWORD)];
    for (hash, refused) in wrong_hashes() {
        let signed_in = cloud.initiate_sealed(AuthFlowType::UserPasswordAuth, &unknown, hash).await;
        assert_eq!(signed_in.map(drop), Err(refused));
    }
    let right = Some(hash(USERNAME, "sealed", SECRET));
    let signed_in = cloud.initiate_sealed(AuthFlowType::UserPasswordAuth, &unknown, right).await;
    assert_eq!(signed_in.map(drop), Err(wrong()));
}

#[tokio::test]
async fn tokens_are_refreshed_and_revoked_with_the_secret_of_their_client() {
    let cloud = cloud().await;
    let right = || Some(hash(USERNAME, "sealed", SECRET));
    cloud.sign_up_sealed(right()).await.unwrap();
    cloud.confirm_sealed(&cloud.code(), right()).await.unwrap();
    let password = [("USERNAME", USERNAME), ("PASSWORD", PASSWORD)];
    let tokens = cloud.initiate_sealed(AuthFlowType::UserPasswordAuth, &password, right()).await.unwrap();
    let refresh = tokens.refresh_token().unwrap();
    for (hash, refused) in wrong_hashes() {
        let refreshed =
            cloud.initiate_sealed(AuthFlowType::RefreshTokenAuth, &[("REFRESH_TOKEN", refresh)], hash).await;
        assert_eq!(refreshed.map(drop), Err(refused));
    }
    cloud.initiate_sealed(AuthFlowType::RefreshTokenAuth, &[("REFRESH_TOKEN", refresh)], right()).await.unwrap();

    let exchange = async |secret: Option<&str>| {
        let request = cloud.client.get_tokens_from_refresh_token().client_id("sealed").refresh_token(refresh);
        let answer = request.set_client_secret(secret.map(str::to_owned)).send().await;
        service_result(answer).map(|output| output.authentication_result.unwrap())
    };
    for secret in [None, Some("another")] {
        assert_eq!(exchange(secret).await.unwrap_err().0, "NotAuthorizedException");
    }
    let exchanged = exchange(Some(SECRET)).await.unwrap();
    assert!(exchanged.access_token().is_some() && exchanged.refresh_token().is_none());

    let revoke = async |secret: Option<&str>| {
        let request = cloud.client.revoke_token().client_id("sealed").token(refresh);
        service_result(request.set_client_secret(secret.map(str::to_owned)).send().await).map(drop)
    };
    for secret in [None, Some("another")] {
        assert_eq!(revoke(secret).await.unwrap_err().0, "UnauthorizedException");
    }
    revoke(Some(SECRET)).await.unwrap();
    assert_eq!(exchange(Some(SECRET)).await.unwrap_err().1, "Refresh Token has been revoked");
}

#[tokio::test]
async fn the_secret_is_read_by_whoever_may_describe_the_client() {
    let cloud = cloud().await;
    let describe = async |client: &Client, id: &str| {
        let request = client.describe_user_pool_client().user_pool_id("us-east-1_Bozor0000").client_id(id);
        service_result(request.send().await).map(|output| output.user_pool_client.unwrap().client_secret)
    };
    assert_eq!(describe(&cloud.client, "sealed").await, Ok(Some(SECRET.to_owned())));
    assert_eq!(describe(&cloud.client, "shop").await, Ok(None));
    assert_eq!(describe(&cloud.client, "none").await.unwrap_err().0, "ResourceNotFoundException");
    let desk = client(&cloud.cognito, "DESK").await;
    assert_eq!(describe(&desk, "sealed").await.unwrap_err().0, "AccessDeniedException");
    let secret = UserPoolClient::local_secret("sealed");
    assert_eq!((secret.len(), secret == UserPoolClient::local_secret("shop")), (52, false));
}

#[test]
fn a_file_whose_users_were_named_by_their_address_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cognito.sqlite");
    {
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(
            "CREATE TABLE users (
                id INTEGER PRIMARY KEY AUTOINCREMENT, sub TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE,
                status TEXT NOT NULL, enabled INTEGER NOT NULL, password TEXT, temporary_until INTEGER,
                attributes TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
                failures INTEGER NOT NULL DEFAULT 0, failed_at INTEGER NOT NULL DEFAULT 0
            );
            INSERT INTO users (sub, email, status, enabled, attributes, created_at, updated_at)
            VALUES ('sub-1', 'buyer@example.test', 'CONFIRMED', 1, '{\"email\":\"Buyer@example.test\"}', 1, 1);",
        )
        .unwrap();
    }
    for _ in 0..2 {
        let database = Database::open(Some(&path)).unwrap();
        let user = database.user("BUYER@example.test").unwrap().unwrap();
        assert_eq!((user.sub.as_str(), user.email()), ("sub-1", Some("Buyer@example.test")));
    }
}
