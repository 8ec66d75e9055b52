//! The user pool, called through the real SDK client.

mod accounts;
mod admin_sign_in;
mod administration;
mod attributes;
mod mail;
mod managing;
mod secrets;
mod tokens;
mod triggers;

use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType, MessageActionType, UserStatusType,
};
use serde_json::Value;

use super::*;
use crate::mail::Mail;
use crate::sqs::loopback::{sdk_client, serve};

const PASSWORD: &str = "Correct-horse-1";
/// The secret of the clients `sealed` and `server`.
const SECRET: &str = "1k2j3h4g5f6d7s8a9";
const EMAIL: &str = "buyer@example.test";

struct Cloud {
    cognito: Cognito,
    clock: Clock,
    mail: Mail,
    client: Client,
}

fn clock() -> Clock {
    Clock::frozen(Timestamp::from_millis(1_795_000_000_000))
}

fn pool() -> UserPool {
    UserPool {
        groups: vec!["admin".into(), "support".into()],
        clients: vec![
            UserPoolClient::new("shop"),
            UserPoolClient { secret: Some(SECRET.into()), ..UserPoolClient::new("sealed") },
            UserPoolClient { auth_flows: vec![], ..UserPoolClient::new("closed") },
            UserPoolClient {
                secret: Some(SECRET.into()),
                auth_flows: vec![
                    "ALLOW_ADMIN_USER_PASSWORD_AUTH".into(),
                    "ALLOW_CUSTOM_AUTH".into(),
                    "ALLOW_REFRESH_TOKEN_AUTH".into(),
                ],
                ..UserPoolClient::new("server")
            },
            UserPoolClient {
                read_attributes: Some(vec!["email".into(), "name".into()]),
                write_attributes: Some(vec!["email".into(), "nickname".into()]),
                ..UserPoolClient::new("narrow")
            },
        ],
        required_attributes: vec!["email".into()],
        immutable_attributes: vec!["birthdate".into()],
        mail_from: "Bozor <codes@bozor.test>".into(),
        mail_identity: Some("bozor.test".into()),
        code_subject: "Bozor: your code".into(),
        ..UserPool::new("us-east-1_Bozor0000")
    }
}

fn open(path: Option<&Path>, clock: &Clock, mail: &Mail) -> Cognito {
    open_pool(path, clock, mail, pool())
}

fn open_pool(path: Option<&Path>, clock: &Clock, mail: &Mail, pool: UserPool) -> Cognito {
    let permit: Permit = Arc::new(|key, action, resource| {
        key == "ROOT"
            || (key == "DESK"
                && action == "cognito-idp:AdminGetUser"
                && resource == "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Bozor0000")
    });
    Cognito::open(path, clock.clone(), mail.clone(), permit, Hashing::cheap(), pool).unwrap()
}

async fn client(cognito: &Cognito, key: &str) -> Client {
    let cognito = cognito.clone();
    let url = serve(move |parts, body| {
        let cognito = cognito.clone();
        async move { cognito.call(parts, body).await }
    })
    .await;
    sdk_client!(aws_sdk_cognitoidentityprovider, url, key)
}

async fn cloud() -> Cloud {
    cloud_with(pool()).await
}

async fn cloud_with(pool: UserPool) -> Cloud {
    let clock = clock();
    let mail = Mail::open(None, clock.clone(), Arc::new(|_, _, _| true), ["bozor.test".to_owned()]).unwrap();
    let cognito = open_pool(None, &clock, &mail, pool);
    let client = client(&cognito, "ROOT").await;
    Cloud { cognito, clock, mail, client }
}

/// The output of a call, or its error's code and message.
fn service_result<T, E: ProvideErrorMetadata, R>(answer: Result<T, SdkError<E, R>>) -> Result<T, (String, String)> {
    answer.map_err(|refused| {
        let about = refused.meta().clone();
        (about.code().unwrap_or_default().to_owned(), about.message().unwrap_or_default().to_owned())
    })
}

fn refusal(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn wrong() -> (String, String) {
    refusal("NotAuthorizedException", "Incorrect username or password.")
}

fn attribute(name: &str, value: &str) -> AttributeType {
    AttributeType::builder().name(name).value(value).build().unwrap()
}

impl Cloud {
    async fn sign_up(&self, email: &str, password: &str) -> Result<String, (String, String)> {
        let request = self.client.sign_up().client_id("shop").username(email).password(password);
        let request = request.user_attributes(attribute("email", email)).user_attributes(attribute("name", "Buyer"));
        service_result(request.send().await).map(|output| output.user_sub)
    }

    fn code(&self) -> String {
        self.mail.messages(Some(EMAIL)).unwrap()[0].message.code.clone().unwrap()
    }

    async fn confirm(&self, code: &str) -> Result<(), (String, String)> {
        let request = self.client.confirm_sign_up().client_id("shop").username(EMAIL).confirmation_code(code);
        service_result(request.send().await).map(drop)
    }

    /// Creates a confirmed account and returns its `sub`.
    async fn member(&self) -> String {
        let sub = self.sign_up(EMAIL, PASSWORD).await.unwrap();
        self.confirm(&self.code()).await.unwrap();
        sub
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<AuthenticationResultType, (String, String)> {
        let request = self.client.initiate_auth().client_id("shop").auth_flow(AuthFlowType::UserPasswordAuth);
        let request = request.auth_parameters("USERNAME", email).auth_parameters("PASSWORD", password);
        service_result(request.send().await).map(|output| output.authentication_result.unwrap())
    }

    async fn refresh(&self, token: &str) -> Result<AuthenticationResultType, (String, String)> {
        let request = self.client.initiate_auth().client_id("shop").auth_flow(AuthFlowType::RefreshTokenAuth);
        let answer = request.auth_parameters("REFRESH_TOKEN", token).send().await;
        service_result(answer).map(|output| output.authentication_result.unwrap())
    }

    async fn user(&self, access_token: &str) -> Result<Vec<(String, String)>, (String, String)> {
        let answer = service_result(self.client.get_user().access_token(access_token).send().await)?;
        Ok(answer.user_attributes.into_iter().map(|one| (one.name, one.value.unwrap_or_default())).collect())
    }

    async fn forgot(&self, email: &str) -> Result<String, (String, String)> {
        let answer = service_result(self.client.forgot_password().client_id("shop").username(email).send().await)?;
        Ok(answer.code_delivery_details.unwrap().destination.unwrap())
    }

    async fn reset(&self, code: &str, password: &str) -> Result<(), (String, String)> {
        let request = self.client.confirm_forgot_password().client_id("shop").username(EMAIL);
        service_result(request.confirmation_code(code).password(password).send().await).map(drop)
    }
}

/// A six-digit code that differs from this one.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}
