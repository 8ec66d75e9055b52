//! Tables as the template describes them.

use serde_json::{Value, json};

use super::engine::set;

/// A table, always billed per request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    pub name: String,
    /// Partition key.
    pub hash: Attribute,
    /// Sort key.
    pub range: Option<Attribute>,
    pub indexes: Vec<IndexSpec>,
    /// The stream's view type, such as `NEW_IMAGE`, if the table has a stream.
    pub stream: Option<String>,
    /// The attribute with the time, in seconds since the epoch, after which an item may be deleted.
    pub ttl_attribute: Option<String>,
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

/// The types a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// `S`
    Text,
    /// `N`
    Number,
    /// `B`
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
pub struct IndexSpec {
    pub name: String,
    /// Partition key.
    pub hash: Attribute,
    /// Sort key.
    pub range: Option<Attribute>,
    pub projection: Projection,
}

/// The attributes that an index contains besides the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

impl TableSpec {
    /// The body of `CreateTable`.
    pub(super) fn creation(&self) -> Value {
        let mut body = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": key_schema(&self.hash, self.range.as_ref()),
            "AttributeDefinitions": self.attributes(),
        });
        if !self.indexes.is_empty() {
            set(&mut body, "GlobalSecondaryIndexes", self.indexes.iter().map(IndexSpec::definition).collect());
        }
        if let Some(view) = &self.stream {
            set(&mut body, "StreamSpecification", json!({ "StreamEnabled": true, "StreamViewType": view }));
        }
        body
    }

    /// The definitions of all key attributes, each once.
    pub(super) fn attributes(&self) -> Value {
        let mut attributes: Vec<&Attribute> = Vec::new();
        let of_indexes = self.indexes.iter().flat_map(|index| std::iter::once(&index.hash).chain(&index.range));
        for attribute in std::iter::once(&self.hash).chain(&self.range).chain(of_indexes) {
            if !attributes.contains(&attribute) {
                attributes.push(attribute);
            }
        }
        let define =
            |attribute: &Attribute| json!({ "AttributeName": attribute.name, "AttributeType": attribute.kind.code() });
        attributes.into_iter().map(define).collect()
    }

    /// The key schema as `DescribeTable` shows it.
    pub(super) fn key_schema(&self) -> Value {
        key_schema(&self.hash, self.range.as_ref())
    }
}

impl IndexSpec {
    /// The index in the form that `CreateTable` and `UpdateTable` take.
    pub(super) fn definition(&self) -> Value {
        let projection = match &self.projection {
            Projection::All => json!({ "ProjectionType": "ALL" }),
            Projection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
            Projection::Include(names) => json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names }),
        };
        json!({
            "IndexName": self.name,
            "KeySchema": key_schema(&self.hash, self.range.as_ref()),
            "Projection": projection,
        })
    }
}

fn key_schema(hash: &Attribute, range: Option<&Attribute>) -> Value {
    let mut schema = vec![json!({ "AttributeName": hash.name, "KeyType": "HASH" })];
    schema.extend(range.map(|range| json!({ "AttributeName": range.name, "KeyType": "RANGE" })));
    Value::Array(schema)
}
