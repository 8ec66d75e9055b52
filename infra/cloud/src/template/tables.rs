//! DynamoDB tables.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Resource;
use super::{TemplateError, names, properties, refuse};

/// A DynamoDB table with on-demand capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub id: String,
    /// The name that requests use.
    pub name: String,
    /// The ARN that statements name.
    pub arn: String,
    /// The primary key.
    pub key: Key,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// What the stream's records show; `None` without a stream.
    pub stream: Option<StreamView>,
    pub stream_arn: Option<String>,
    /// The TTL attribute: it holds the Unix second after which an item may be deleted.
    pub ttl: Option<String>,
}

impl Table {
    pub fn index_arn(&self, index: &str) -> String {
        format!("{}/index/{index}", self.arn)
    }
}

/// The key of a table or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub hash: KeyAttribute,
    /// The sort key.
    pub range: Option<KeyAttribute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: AttributeKind,
}

/// The types that an attribute of a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AttributeKind {
    #[serde(rename = "S")]
    Text,
    #[serde(rename = "N")]
    Number,
    #[serde(rename = "B")]
    Bytes,
}

impl AttributeKind {
    /// As DynamoDB spells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
            Self::Bytes => "B",
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TableProperties {
    billing_mode: BillingMode,
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexProperties>,
    stream_specification: Option<StreamSpecification>,
    time_to_live_specification: Option<TimeToLive>,
    // Encryption and recovery have no meaning on one machine.
    #[serde(rename = "SSESpecification")]
    _encryption: Option<IgnoredAny>,
    #[serde(rename = "PointInTimeRecoverySpecification")]
    _recovery: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum BillingMode {
    PayPerRequest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: AttributeKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct KeyElement {
    attribute_name: String,
    key_type: KeyType,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum KeyType {
    Hash,
    Range,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct IndexProperties {
    index_name: String,
    key_schema: Vec<KeyElement>,
    projection: ProjectionProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ProjectionProperties {
    projection_type: ProjectionType,
    #[serde(default)]
    non_key_attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ProjectionType {
    All,
    KeysOnly,
    Include,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StreamSpecification {
    stream_view_type: StreamView,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

pub(super) fn read(resources: &[(String, Resource)]) -> Result<Vec<Table>, TemplateError> {
    resources.iter().map(|(id, resource)| table(id, resource)).collect()
}

fn table(id: &str, resource: &Resource) -> Result<Table, TemplateError> {
    let read: TableProperties = properties(id, &resource.properties)?;
    let BillingMode::PayPerRequest = read.billing_mode;
    let name = names::physical(&resource.kind, id);
    let arn = names::arn(&resource.kind, &name).ok_or_else(|| refuse(id, "it has no ARN"))?;
    let indexes = read
        .global_secondary_indexes
        .into_iter()
        .map(|index| {
            Ok(Index {
                key: key(id, &index.key_schema, &read.attribute_definitions)?,
                name: index.index_name,
                projection: match index.projection.projection_type {
                    ProjectionType::All => Projection::All,
                    ProjectionType::KeysOnly => Projection::KeysOnly,
                    ProjectionType::Include => Projection::Include(index.projection.non_key_attributes),
                },
            })
        })
        .collect::<Result<Vec<_>, TemplateError>>()?;
    let key = key(id, &read.key_schema, &read.attribute_definitions)?;
    let stream = read.stream_specification.map(|stream| stream.stream_view_type);
    let stream_arn = stream.and_then(|_| names::stream_arn(&name));
    let ttl = read.time_to_live_specification.filter(|ttl| ttl.enabled).map(|ttl| ttl.attribute_name);
    Ok(Table { id: id.to_owned(), name, arn, key, indexes, stream, stream_arn, ttl })
}

fn key(id: &str, schema: &[KeyElement], definitions: &[AttributeDefinition]) -> Result<Key, TemplateError> {
    let attribute = |wanted: &KeyType| {
        let Some(element) = schema.iter().find(|element| element.key_type == *wanted) else { return Ok(None) };
        let definition = definitions.iter().find(|definition| definition.attribute_name == element.attribute_name);
        let kind = definition
            .map(|definition| definition.attribute_type)
            .ok_or_else(|| refuse(id, format!("attribute {} is not defined", element.attribute_name)))?;
        Ok(Some(KeyAttribute { name: element.attribute_name.clone(), kind }))
    };
    let hash = attribute(&KeyType::Hash)?.ok_or_else(|| refuse(id, "a key has no hash attribute"))?;
    Ok(Key { hash, range: attribute(&KeyType::Range)? })
}
