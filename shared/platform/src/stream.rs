//! A change in a table, as DynamoDB's stream delivers it; also the body of a queue message that a pipe made of one.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

/// A change of one item.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamRecord {
    /// The id of the change: the same whenever it is delivered again.
    #[serde(rename = "eventID")]
    pub id: String,
    #[serde(rename = "eventName")]
    pub change: Change,
    #[serde(rename = "eventSourceARN", default)]
    source: String,
    dynamodb: Images,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Change {
    Insert,
    Modify,
    Remove,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Images {
    keys: Image,
    new_image: Option<Image>,
    old_image: Option<Image>,
    sequence_number: String,
}

/// An item, or the key of one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Image(BTreeMap<String, Attribute>);

/// An attribute as the stream encodes it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub enum Attribute {
    /// A string.
    S(String),
    /// A number in decimal digits.
    N(String),
    /// Bytes in base64.
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    /// A map.
    M(BTreeMap<String, Self>),
    /// A list.
    L(Vec<Self>),
    /// A set of strings.
    #[serde(rename = "SS")]
    Texts(Vec<String>),
    /// A set of numbers in decimal digits.
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    /// A set of byte strings in base64.
    #[serde(rename = "BS")]
    Blobs(Vec<String>),
}

impl StreamRecord {
    /// The key of the item that changed.
    pub const fn key(&self) -> &Image {
        &self.dynamodb.keys
    }

    /// The item after the change, when the stream carries it.
    pub const fn new_image(&self) -> Option<&Image> {
        self.dynamodb.new_image.as_ref()
    }

    /// The item before the change, when the stream carries it.
    pub const fn old_image(&self) -> Option<&Image> {
        self.dynamodb.old_image.as_ref()
    }

    /// The table: `arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>`.
    pub fn table(&self) -> &str {
        self.source.split('/').nth(1).unwrap_or_default()
    }

    pub(crate) fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }
}

impl Image {
    /// A string attribute; `None` when it is absent or of another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Attribute::S(text)) => Some(text),
            _ => None,
        }
    }

    /// A number attribute; `None` when it is absent, of another type or not an `i64`.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Attribute::N(digits)) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The item as the SDK would return it from a read, for code that decodes such items.
    pub fn into_item(self) -> HashMap<String, AttributeValue> {
        self.0.into_iter().map(|(name, attribute)| (name, attribute.into())).collect()
    }
}

impl From<Attribute> for AttributeValue {
    fn from(attribute: Attribute) -> Self {
        match attribute {
            Attribute::S(text) => Self::S(text),
            Attribute::N(digits) => Self::N(digits),
            Attribute::B(bytes) => Self::B(blob(&bytes)),
            Attribute::Bool(value) => Self::Bool(value),
            Attribute::Null(value) => Self::Null(value),
            Attribute::M(map) => Self::M(Image(map).into_item()),
            Attribute::L(list) => Self::L(list.into_iter().map(Self::from).collect()),
            Attribute::Texts(set) => Self::Ss(set),
            Attribute::Numbers(set) => Self::Ns(set),
            Attribute::Blobs(set) => Self::Bs(set.iter().map(|bytes| blob(bytes)).collect()),
        }
    }
}

fn blob(base64: &str) -> aws_smithy_types::Blob {
    aws_smithy_types::Blob::new(aws_smithy_types::base64::decode(base64).unwrap_or_default())
}
