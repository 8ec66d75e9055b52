//! DynamoDB tables.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Resource;
use super::{TemplateError, properties, refuse};
use crate::dynamodb::{Attribute, AttributeKind, Index, Key, Projection, StreamView, Table};

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
    // Recovery, encryption and protection against deletion have no meaning on one machine. Of recovery the reader
    // refuses what DynamoDB would.
    point_in_time_recovery_specification: Option<Recovery>,
    #[serde(rename = "SSESpecification")]
    _encryption: Option<IgnoredAny>,
    #[serde(rename = "DeletionProtectionEnabled")]
    _protection: Option<IgnoredAny>,
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

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html>
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Recovery {
    point_in_time_recovery_enabled: bool,
    recovery_period_in_days: Option<u8>,
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
    if let Some(recovery) = read.point_in_time_recovery_specification {
        match (recovery.point_in_time_recovery_enabled, recovery.recovery_period_in_days) {
            (false, Some(_)) => return Err(refuse(id, "a table without recovery has no RecoveryPeriodInDays")),
            (true, Some(0 | 36..)) => return Err(refuse(id, "RecoveryPeriodInDays is 1 to 35")),
            _ => {}
        }
    }
    let name = resource.name.clone();
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
    // DynamoDB refuses an attribute that no key has.
    let keys = || std::iter::once(&key).chain(indexes.iter().map(|index: &Index| &index.key));
    let is_used =
        |name: &str| keys().flat_map(|key| std::iter::once(&key.hash).chain(&key.range)).any(|part| part.name == name);
    if let Some(unused) = read.attribute_definitions.iter().find(|defined| !is_used(&defined.attribute_name)) {
        return Err(refuse(id, format!("no key has the attribute {}", unused.attribute_name)));
    }
    let stream = read.stream_specification.map(|stream| stream.stream_view_type);
    let ttl = read.time_to_live_specification.filter(|ttl| ttl.enabled).map(|ttl| ttl.attribute_name);
    Ok(Table { id: id.to_owned(), name, key, indexes, stream, ttl })
}

fn key(id: &str, schema: &[KeyElement], definitions: &[AttributeDefinition]) -> Result<Key, TemplateError> {
    let attribute = |wanted: &KeyType| {
        let Some(element) = schema.iter().find(|element| element.key_type == *wanted) else { return Ok(None) };
        let definition = definitions.iter().find(|definition| definition.attribute_name == element.attribute_name);
        let kind = definition
            .map(|definition| definition.attribute_type)
            .ok_or_else(|| refuse(id, format!("attribute {} is not defined", element.attribute_name)))?;
        Ok(Some(Attribute { name: element.attribute_name.clone(), kind }))
    };
    let hash = attribute(&KeyType::Hash)?.ok_or_else(|| refuse(id, "a key has no hash attribute"))?;
    Ok(Key { hash, range: attribute(&KeyType::Range)? })
}
