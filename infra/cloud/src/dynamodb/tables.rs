//! Tables: what `CreateTable` is told, and what a template says of them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{ACCOUNT, REGION};

/// A table with on-demand capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The logical id in the template.
    pub id: String,
    /// The name that requests use.
    pub name: String,
    /// The primary key.
    pub key: Key,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// What the stream's records show; `None` without a stream.
    pub stream: Option<StreamView>,
    /// The TTL attribute: it holds the Unix second after which an item may be deleted.
    pub ttl: Option<String>,
}

pub fn table_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}")
}

/// The ARN of a table's stream. One stream lives as long as its table here, so its label is fixed.
pub fn stream_arn(table: &str) -> String {
    format!("{}/stream/local", table_arn(table))
}

/// The key of a table or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub hash: Attribute,
    /// The sort key.
    pub range: Option<Attribute>,
}

/// A key attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub kind: AttributeKind,
}

impl Attribute {
    pub fn text(name: &str) -> Self {
        Self { name: name.to_owned(), kind: AttributeKind::Text }
    }

    pub fn number(name: &str) -> Self {
        Self { name: name.to_owned(), kind: AttributeKind::Number }
    }
}

/// The types that an attribute of a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AttributeKind {
    #[serde(rename = "S")]
    Text,
    #[serde(rename = "N")]
    Number,
    #[serde(rename = "B")]
    Binary,
}

impl AttributeKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
            Self::Binary => "B",
        }
    }
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The name that queries use.
    pub name: String,
    pub key: Key,
    pub projection: Projection,
}

/// The attributes that an index copies from an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// The whole item.
    All,
    /// The keys of the table and the index.
    KeysOnly,
    /// The keys and these attributes.
    Include(Vec<String>),
}

/// What a stream's records show of the changed item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamView {
    /// The item after the change.
    NewImage,
    /// The item before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
    /// Its key.
    KeysOnly,
}

impl StreamView {
    /// As DynamoDB spells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
            Self::KeysOnly => "KEYS_ONLY",
        }
    }
}

impl Key {
    /// The key schema as requests and `DescribeTable` have it.
    pub(super) fn schema(&self) -> Value {
        let mut schema = vec![json!({ "AttributeName": self.hash.name, "KeyType": "HASH" })];
        schema.extend(self.range.as_ref().map(|range| json!({ "AttributeName": range.name, "KeyType": "RANGE" })));
        Value::Array(schema)
    }
}

impl Table {
    /// A table without a sort key, indexes and a stream, whose logical id is its name.
    pub fn new(name: &str, hash: Attribute) -> Self {
        let key = Key { hash, range: None };
        Self { id: name.to_owned(), name: name.to_owned(), key, indexes: Vec::new(), stream: None, ttl: None }
    }

    /// The ARN that statements name.
    pub fn arn(&self) -> String {
        table_arn(&self.name)
    }

    pub fn index_arn(&self, index: &str) -> String {
        format!("{}/index/{index}", self.arn())
    }

    /// The ARN of its stream.
    pub fn stream_arn(&self) -> Option<String> {
        self.stream.map(|_| stream_arn(&self.name))
    }

    /// The body of `CreateTable`.
    pub(super) fn creation(&self) -> Value {
        let mut body = Map::from_iter([
            ("TableName".to_owned(), json!(self.name)),
            ("BillingMode".to_owned(), json!("PAY_PER_REQUEST")),
            ("KeySchema".to_owned(), self.key.schema()),
            ("AttributeDefinitions".to_owned(), self.attributes()),
        ]);
        if !self.indexes.is_empty() {
            let indexes = self.indexes.iter().map(Index::definition).collect();
            body.insert("GlobalSecondaryIndexes".to_owned(), indexes);
        }
        if let Some(view) = self.stream {
            let stream = json!({ "StreamEnabled": true, "StreamViewType": view.code() });
            body.insert("StreamSpecification".to_owned(), stream);
        }
        Value::Object(body)
    }

    /// The definitions of all key attributes, each once.
    pub(super) fn attributes(&self) -> Value {
        let mut attributes: Vec<&Attribute> = Vec::new();
        let keys = std::iter::once(&self.key).chain(self.indexes.iter().map(|index| &index.key));
        for attribute in keys.flat_map(|key| std::iter::once(&key.hash).chain(&key.range)) {
            if !attributes.contains(&attribute) {
                attributes.push(attribute);
            }
        }
        let define =
            |attribute: &Attribute| json!({ "AttributeName": attribute.name, "AttributeType": attribute.kind.code() });
        attributes.into_iter().map(define).collect()
    }
}

impl Index {
    /// The index in the form that `CreateTable` and `UpdateTable` take.
    pub(super) fn definition(&self) -> Value {
        let projection = match &self.projection {
            Projection::All => json!({ "ProjectionType": "ALL" }),
            Projection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
            Projection::Include(names) => json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names }),
        };
        json!({ "IndexName": self.name, "KeySchema": self.key.schema(), "Projection": projection })
    }
}
