//! A change in a table, as DynamoDB's stream delivers it; also the body of a queue message that a pipe made of one.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Deserializer};

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
    #[serde(deserialize_with = "item")]
    keys: Item,
    #[serde(deserialize_with = "optional_item")]
    new_image: Option<Item>,
    sequence_number: String,
}

/// An item, or the key of one, as the SDK returns it from a read.
type Item = HashMap<String, AttributeValue>;

/// An attribute as the stream encodes it.
#[derive(Deserialize)]
enum Attribute {
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
    pub const fn key(&self) -> &Item {
        &self.dynamodb.keys
    }

    /// The item after the change, when the stream carries it.
    pub const fn new_image(&self) -> Option<&Item> {
        self.dynamodb.new_image.as_ref()
    }

    /// The table: `arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>`.
    pub fn table(&self) -> &str {
        self.source.split('/').nth(1).unwrap_or_default()
    }

    pub(crate) fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }
}

fn items(attributes: BTreeMap<String, Attribute>) -> Item {
    attributes.into_iter().map(|(name, attribute)| (name, attribute.into())).collect()
}

fn item<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
    BTreeMap::deserialize(deserializer).map(items)
}

fn optional_item<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Item>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(items))
}

impl From<Attribute> for AttributeValue {
    fn from(attribute: Attribute) -> Self {
        match attribute {
            Attribute::S(text) => Self::S(text),
            Attribute::N(digits) => Self::N(digits),
            Attribute::B(bytes) => Self::B(blob(&bytes)),
            Attribute::Bool(value) => Self::Bool(value),
            Attribute::Null(value) => Self::Null(value),
            Attribute::M(map) => Self::M(items(map)),
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
