//! Message attributes, and the digests that senders verify.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::wire::Refusal;

const MAX_ATTRIBUTES: usize = 10;

/// One typed value beside a message's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional label after a dot.
    pub data_type: String,
    /// The value of a string or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a binary attribute, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// A message's attributes by name.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

impl MessageAttribute {
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".into(), string_value: Some(value.into()), binary_value: None }
    }

    /// The bytes that count for size and digest, with the digest's tag for their type: 1 for text, 2 for binary. None
    /// when the value is empty or does not fit the data type.
    fn transported(&self) -> Option<(u8, Vec<u8>)> {
        match (&self.string_value, &self.binary_value, self.data_type.split('.').next()) {
            (Some(text), None, Some("String" | "Number")) if !text.is_empty() => Some((1, text.as_bytes().to_vec())),
            (None, Some(encoded), Some("Binary")) => {
                BASE64_STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty()).map(|bytes| (2, bytes))
            }
            _ => None,
        }
    }
}

/// How many bytes attributes add to a message. Rejects the attributes that SQS rejects.
pub(super) fn checked_size(attributes: &MessageAttributes) -> Result<usize, Refusal> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            attributes.len()
        )));
    }
    let mut size = 0;
    for (name, attribute) in attributes {
        let spelled = !name.is_empty()
            && name.len() <= 256
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
            && !name.starts_with('.')
            && !name.ends_with('.')
            && !name.contains("..");
        if !spelled {
            return Err(invalid(format!("The message attribute name '{name}' is invalid.")));
        }
        let (_, value) = attribute.transported().ok_or_else(|| {
            invalid(format!(
                "The message attribute '{name}' must contain a non-empty value of type {}.",
                attribute.data_type
            ))
        })?;
        size += name.len() + attribute.data_type.len() + value.len();
    }
    Ok(size)
}

pub(super) fn md5_of_body(body: &str) -> String {
    hexadecimal(&Md5::digest(body.as_bytes()))
}

/// The MD5 digest of attributes as the developer guide defines it: sorted by name, each part prefixed by its length
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>).
pub(super) fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digested = Vec::new();
    for (name, attribute) in attributes {
        let (tag, value) = attribute.transported()?;
        push_with_length(&mut digested, name.as_bytes());
        push_with_length(&mut digested, attribute.data_type.as_bytes());
        digested.push(tag);
        push_with_length(&mut digested, &value);
    }
    Some(hexadecimal(&Md5::digest(&digested)))
}

fn push_with_length(digested: &mut Vec<u8>, part: &[u8]) {
    digested.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    digested.extend(part);
}

/// Attributes in the form of a Lambda event.
pub(super) fn in_lambda_event(attributes: &MessageAttributes) -> Value {
    let written = attributes.iter().map(|(name, attribute)| {
        let mut value = Map::new();
        value.insert("dataType".into(), json!(attribute.data_type));
        value.insert("stringListValues".into(), json!([]));
        value.insert("binaryListValues".into(), json!([]));
        if let Some(text) = &attribute.string_value {
            value.insert("stringValue".into(), json!(text));
        }
        if let Some(encoded) = &attribute.binary_value {
            value.insert("binaryValue".into(), json!(encoded));
        }
        (name.clone(), Value::Object(value))
    });
    Value::Object(written.collect())
}

fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidParameterValueException", message).with_query_code("InvalidParameterValue")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
