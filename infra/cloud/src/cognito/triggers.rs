//! Lambda triggers: the functions that a pool asks before it issues tokens and while somebody answers custom
//! challenges.
//!
//! An event and its answer have the shape of
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>;
//! the words of the failures are Cognito's (<https://github.com/aws/serverless-application-model/issues/1253>,
//! <https://github.com/furaiev/amazon-cognito-identity-dart-2/issues/204>,
//! <https://github.com/aws-amplify/amplify-js/issues/9127>,
//! <https://github.com/amazon-archives/amazon-cognito-identity-js/issues/167>,
//! <https://github.com/aws-amplify/amplify-cli/issues/2735>).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Cognito, Trigger, User, UserPoolClient};
use crate::account::REGION;
use crate::gateway::{BoxFuture, InvokeError};
use crate::sqs::wire::Refusal;

/// How long Cognito waits for an answer. Afterwards it may ask again, which this cloud does not.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Invokes a function by its logical id with an event.
pub type Invoker = Arc<dyn Fn(&str, Bytes) -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync>;

/// An event to a trigger.
pub(super) struct Question<'a> {
    /// What errors call the trigger: `PreTokenGeneration`.
    pub(super) name: &'static str,
    /// Why it is asked: `TokenGeneration_Authentication`.
    pub(super) source: &'static str,
    pub(super) version: &'static str,
    pub(super) username: &'a str,
    pub(super) client: &'a UserPoolClient,
    pub(super) request: Value,
    /// The empty answer, which the function fills in.
    pub(super) response: Value,
}

/// The attributes of a user as events have them.
pub(super) fn attributes_of(user: &User) -> BTreeMap<String, String> {
    let mut attributes = user.attributes.clone();
    attributes.insert("sub".to_owned(), user.sub.clone());
    attributes.insert("cognito:user_status".to_owned(), user.status.as_str().to_owned());
    attributes
}

pub(super) fn unrecognizable() -> Refusal {
    Refusal::new("InvalidLambdaResponseException", "Unrecognizable lambda output")
}

impl Cognito {
    /// Sets what invokes the functions of the triggers. They start after the pool, whose clients they may be.
    pub fn invoke_with(&self, invoker: Invoker) {
        if self.inner.invoker.set(invoker).is_err() {
            tracing::error!("a pool was given functions twice");
        }
    }

    /// Asks a trigger, and reads its answer: what the event's `response` became.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        trigger: &Trigger,
        question: Question<'_>,
    ) -> Result<T, Refusal> {
        let name = question.name;
        let broken = |why: &str| {
            let message = format!("{name} invocation failed due to error {why}.");
            Refusal::new("UnexpectedLambdaException", message)
        };
        if !trigger.is_permitted {
            return Err(broken("AccessDeniedException"));
        }
        let Some(invoker) = self.inner.invoker.get() else { return Err(broken("ResourceNotFoundException")) };
        let event = json!({
            "version": question.version,
            "triggerSource": question.source,
            "region": REGION,
            "userPoolId": self.inner.pool.id,
            "userName": question.username,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": question.client.id },
            "request": question.request,
            "response": question.response,
        });
        let answering = invoker(&trigger.function, Bytes::from(event.to_string()));
        let answered = match tokio::time::timeout(TIMEOUT, answering).await {
            Err(_) => return Err(broken("Socket timeout while invoking Lambda function")),
            Ok(Err(failed)) => {
                let message = format!("{name} failed with error {}.", words_of(&failed));
                return Err(Refusal::new("UserLambdaValidationException", message));
            }
            Ok(Ok(answered)) => answered,
        };
        let Ok(mut answer) = serde_json::from_slice::<Value>(&answered) else {
            let message = "Invalid lambda function output : Invalid JSON";
            return Err(Refusal::new("InvalidLambdaResponseException", message));
        };
        let response = answer.get_mut("response").filter(|response| response.is_object()).map(Value::take);
        serde_json::from_value(response.ok_or_else(unrecognizable)?).map_err(|_| unrecognizable())
    }
}

/// What the function said, or what Lambda says of it.
fn words_of(failed: &InvokeError) -> String {
    match failed {
        InvokeError::Failed(message) => message.clone(),
        InvokeError::Ended(reason) => format!("Runtime exited with error: {reason}"),
        InvokeError::TimedOut => "Task timed out".to_owned(),
    }
}

/// A JSON object without entries that are `null`.
pub(super) fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let there = entries.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
