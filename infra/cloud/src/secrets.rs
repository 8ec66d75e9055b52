//! Secrets Manager: `GetSecretValue` by ARN or name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use crate::clock::Clock;
use crate::sqs::Permit;
use crate::sqs::wire::{Call, Refusal, json_response, random_uuid};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The staging label of the only version that is stored.
const CURRENT: &str = "AWSCURRENT";

/// How a dynamic reference to a secret begins.
const REFERENCE: &str = "{{resolve:secretsmanager:";
/// `arn:aws:secretsmanager:region:account:secret:name`.
const PARTS_OF_AN_ARN: usize = 7;

/// A secret as the template describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub id: String,
    pub name: String,
    /// The ARN, by which functions ask for it.
    pub arn: String,
    /// What it holds when it is created.
    pub value: SecretValue,
}

/// What a secret holds when it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    /// None until somebody puts one.
    Missing,
    Text(String),
    /// A JSON object with a generated text under a key.
    Generated {
        /// The object without the key.
        template: String,
        /// The key that is added.
        key: String,
        /// How many characters are generated.
        length: usize,
    },
}

impl Secret {
    /// What it holds here when it is created. What would be generated is the same at each start.
    fn first_value(&self) -> Option<String> {
        match &self.value {
            SecretValue::Missing => None,
            SecretValue::Text(text) => Some(text.clone()),
            SecretValue::Generated { template, key, .. } => {
                let mut object: Map<String, Value> = serde_json::from_str(template).unwrap_or_default();
                object.insert(key.clone(), Value::String(format!("local-{}", self.id)));
                Some(Value::Object(object).to_string())
            }
        }
    }
}

struct StoredSecret {
    name: String,
    current: Option<Version>,
}

struct Version {
    id: String,
    value: String,
    /// Seconds since the epoch.
    since: i64,
}

/// All secrets of an embedded cloud. Clones share them.
#[derive(Clone)]
pub struct Secrets {
    stored: Arc<RwLock<BTreeMap<String, StoredSecret>>>,
    clock: Clock,
    permit: Permit,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValueInput {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl Secrets {
    /// Creates the secrets. `put` is a value that was put into the one with this logical id.
    pub fn new(secrets: &[Secret], put: impl Fn(&str) -> Option<String>, clock: Clock, permit: Permit) -> Self {
        let since = clock.now().seconds();
        let stored = secrets
            .iter()
            .map(|secret| {
                let value = put(&secret.id).or_else(|| secret.first_value());
                let current = value.map(|value| Version { id: random_uuid(), value, since });
                (secret.arn.clone(), StoredSecret { name: secret.name.clone(), current })
            })
            .collect();
        Self { stored: Arc::new(RwLock::new(stored)), clock, permit }
    }

    /// Puts a value into the secret with this ARN or name, as `PutSecretValue` does. False when there is no such
    /// secret.
    pub fn replace(&self, id: &str, value: &str) -> bool {
        let since = self.clock.now().seconds();
        self.set(id, Some(Version { id: random_uuid(), value: value.to_owned(), since }))
    }

    /// Takes the value out of the secret with this ARN or name, as if nobody had put one since the stack was made.
    /// False when there is no such secret.
    pub fn clear(&self, id: &str) -> bool {
        self.set(id, None)
    }

    /// A text with its dynamic references (`{{resolve:secretsmanager:ARN:SecretString:key:stage:version}}`) replaced,
    /// as CloudFormation does it when it makes what has the text. Without a key it is the whole secret. What does not
    /// lead to a value stays as it is.
    pub fn resolved(&self, text: &str) -> String {
        let mut written = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(REFERENCE) {
            let Some((reference, following)) = after.split_once("}}") else { break };
            written.push_str(before);
            match self.referred(reference) {
                Some(value) => written.push_str(&value),
                None => written.push_str(&format!("{REFERENCE}{reference}}}}}")),
            }
            rest = following;
        }
        written.push_str(rest);
        written
    }

    fn referred(&self, reference: &str) -> Option<String> {
        let parts: Vec<&str> = reference.split(':').collect();
        let (arn, rest) = parts.split_at_checked(PARTS_OF_AN_ARN)?;
        let [kind, key, stage, version] = <[&str; 4]>::try_from([rest, &[""; 4]].concat().get(..4)?).ok()?;
        if !(kind.is_empty() || kind == "SecretString") || !(stage.is_empty() || stage == CURRENT) {
            return None;
        }
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let current = stored.get(&arn.join(":"))?.current.as_ref()?;
        if !(version.is_empty() || version == current.id) {
            return None;
        }
        if key.is_empty() {
            return Some(current.value.clone());
        }
        let object: Map<String, Value> = serde_json::from_str(&current.value).ok()?;
        object.get(key)?.as_str().map(str::to_owned)
    }

    fn set(&self, id: &str, version: Option<Version>) -> bool {
        let mut secrets = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        match secrets.iter_mut().find(|(arn, stored)| *arn == id || stored.name == id) {
            None => false,
            Some((_, stored)) => {
                stored.current = version;
                true
            }
        }
    }

    /// Serves one SDK request.
    #[expect(clippy::unused_async, reason = "all services have the same signature")]
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let answered = Call::read(&parts, &body, "secretsmanager").and_then(|call| match call.operation {
            "GetSecretValue" => self.value(&call),
            _ => Err(call.unknown()),
        });
        match answered {
            Ok(output) => json_response(StatusCode::OK, CONTENT_TYPE, &output),
            Err(refusal) => refusal.response(CONTENT_TYPE),
        }
    }

    fn value(&self, call: &Call<'_>) -> Result<Value, Refusal> {
        let input: ValueInput = call.input()?;
        let secrets = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.iter().find(|(arn, stored)| **arn == input.secret_id || stored.name == input.secret_id);
        // Permission is checked before existence, so that a denied caller cannot learn which secrets exist.
        let resource = found.map_or(&input.secret_id, |(arn, _)| arn);
        call.require(&self.permit, "secretsmanager:GetSecretValue", resource)?;
        let (arn, stored) = found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
        let without_stage = |stage: &str| {
            not_found(format!("Secrets Manager can't find the specified secret value for staging label: {stage}"))
        };
        if let Some(stage) = input.version_stage.filter(|stage| stage != CURRENT) {
            return Err(without_stage(&stage));
        }
        let current = stored.current.as_ref().ok_or_else(|| without_stage(CURRENT))?;
        if let Some(version) = input.version_id.filter(|version| *version != current.id) {
            return Err(not_found(format!(
                "Secrets Manager can't find the specified secret value for VersionId: {version}"
            )));
        }
        Ok(json!({
            "ARN": arn,
            "Name": stored.name,
            "VersionId": current.id,
            "SecretString": current.value,
            "VersionStages": [CURRENT],
            "CreatedDate": Number::from(current.since),
        }))
    }
}

fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new("ResourceNotFoundException", message)
}

#[cfg(test)]
mod tests {
    use crate::time::Timestamp;
    use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

    use super::*;
    use crate::sqs::loopback::{sdk_client, serve};

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:OrderTokenSecret-AbCdEf";

    fn secrets() -> Secrets {
        let permit: Permit = Arc::new(|key, action, resource| {
            action == "secretsmanager:GetSecretValue" && (key == "ROOT" || (key == "SHOP" && resource == ARN))
        });
        let value = SecretValue::Text("{\"current\":\"one\"}".to_owned());
        let secret = Secret { id: "OrderTokenSecret".into(), name: "order-token".into(), arn: ARN.into(), value };
        Secrets::new(&[secret], |_| None, Clock::frozen(Timestamp::from_millis(1_795_000_000_000)), permit)
    }

    async fn client(secrets: &Secrets, key: &str) -> aws_sdk_secretsmanager::Client {
        let secrets = secrets.clone();
        let url = serve(move |parts, body| {
            let secrets = secrets.clone();
            async move { secrets.call(parts, body).await }
        })
        .await;
        sdk_client!(aws_sdk_secretsmanager, url, key)
    }

    #[tokio::test]
    async fn a_secret_is_read_by_its_arn_and_by_its_name_and_follows_a_rotation() {
        let secrets = secrets();
        let client = client(&secrets, "SHOP").await;
        let read = async |id: &str| client.get_secret_value().secret_id(id).send().await.unwrap();

        let first = read(ARN).await;
        assert_eq!(first.secret_string(), Some("{\"current\":\"one\"}"));
        assert_eq!(first.arn(), Some(ARN));
        assert_eq!(first.version_stages(), ["AWSCURRENT"]);
        assert_eq!(first.created_date().unwrap().secs(), 1_795_000_000);
        assert_eq!(read("order-token").await.version_id(), first.version_id());

        assert!(secrets.replace("order-token", "two"));
        let second = read(ARN).await;
        assert_eq!(second.secret_string(), Some("two"));
        assert_ne!(second.version_id(), first.version_id());
        assert!(!secrets.replace("nothing", "x"));
    }

    /// As Secrets Manager answers for a secret that CloudFormation made without a value:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.
    #[tokio::test]
    async fn a_secret_has_no_value_until_one_is_put() {
        let secrets = secrets();
        let client = client(&secrets, "SHOP").await;
        assert!(secrets.clear(ARN) && !secrets.clear("nothing"));
        let missing = client.get_secret_value().secret_id(ARN).send().await.unwrap_err().into_service_error();
        assert!(missing.is_resource_not_found_exception());
        let text = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
        assert_eq!(missing.message(), Some(text));
        assert!(secrets.replace(ARN, "first"));
        assert_eq!(client.get_secret_value().secret_id(ARN).send().await.unwrap().secret_string(), Some("first"));
    }

    #[test]
    fn a_dynamic_reference_is_the_secret_or_one_of_its_texts() {
        let secrets = secrets();
        let of = |rest: &str| secrets.resolved(&format!("a {{{{resolve:secretsmanager:{ARN}{rest}}}}} b"));
        for whole in ["", "::::", ":SecretString", ":SecretString:::", ":::AWSCURRENT:"] {
            assert_eq!(of(whole), "a {\"current\":\"one\"} b", "{whole}");
        }
        assert_eq!(of(":SecretString:current::"), "a one b");
        for nothing in [":SecretString:previous::", ":SecretBinary:::", ":SecretString:current:AWSPREVIOUS:", "x:::::"]
        {
            assert!(of(nothing).contains("{{resolve:secretsmanager:arn"), "{nothing}");
        }
        for text in ["", "no reference", "{{resolve:secretsmanager:open"] {
            assert_eq!(secrets.resolved(text), text);
        }
    }

    #[tokio::test]
    async fn an_unknown_secret_or_stage_is_not_found() {
        let client = client(&secrets(), "ROOT").await;
        let unknown = client.get_secret_value().secret_id("nothing").send().await.unwrap_err().into_service_error();
        assert!(unknown.is_resource_not_found_exception());
        let stage = client.get_secret_value().secret_id(ARN).version_stage("AWSPREVIOUS").send().await;
        assert!(stage.unwrap_err().into_service_error().is_resource_not_found_exception());
    }

    #[tokio::test]
    async fn a_secret_needs_permission_and_the_refusal_does_not_tell_what_exists() {
        let client = client(&secrets(), "OTHER").await;
        for id in [ARN, "nothing"] {
            let denied = client.get_secret_value().secret_id(id).send().await.unwrap_err().into_service_error();
            assert_eq!(denied.code(), Some("AccessDeniedException"));
        }
    }
}
