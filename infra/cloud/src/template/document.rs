//! Converts YAML with CloudFormation's tags to JSON in which each tag is spelled out: `!Ref A` becomes `{"Ref": "A"}`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Tagged;

use super::TemplateError;

/// The template as written, before its intrinsic functions are resolved.
#[derive(Debug)]
pub(super) struct Document {
    pub transform: Option<String>,
    pub parameters: BTreeMap<String, Parameter>,
    pub conditions: Map<String, Value>,
    pub globals: Value,
    pub resources: BTreeMap<String, Resource>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Parameter {
    #[serde(rename = "Type")]
    pub kind: ParameterKind,
    pub default: Option<Value>,
    pub allowed_values: Option<Vec<Value>>,
    // CloudFormation checks values given at a deployment; here values come from the template and from code.
    #[serde(rename = "AllowedPattern")]
    _allowed_pattern: Option<String>,
    #[serde(rename = "MinValue")]
    _min_value: Option<i64>,
    #[serde(rename = "MaxValue")]
    _max_value: Option<i64>,
    #[serde(rename = "ConstraintDescription")]
    _constraint_description: Option<String>,
    #[serde(rename = "Description")]
    _description: Option<String>,
}

/// The parameter types that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum ParameterKind {
    String,
    Number,
    CommaDelimitedList,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(default)]
    pub properties: Value,
    #[serde(default)]
    pub metadata: Value,
    /// The condition without which it is not made.
    pub condition: Option<String>,
    /// The physical name, which the stack gives it.
    #[serde(skip)]
    pub name: String,
    // Dependencies and deletion policies matter to deployments; here everything is created at once and never deleted.
    #[serde(rename = "DependsOn", default)]
    _depends_on: Value,
    #[serde(rename = "DeletionPolicy", default)]
    _deletion_policy: Option<String>,
    #[serde(rename = "UpdateReplacePolicy", default)]
    _update_replace_policy: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Root {
    #[serde(rename = "AWSTemplateFormatVersion")]
    _version: String,
    transform: Option<String>,
    #[serde(rename = "Description")]
    _description: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    #[serde(default)]
    conditions: Map<String, Value>,
    #[serde(default)]
    globals: Value,
    resources: BTreeMap<String, Value>,
    #[serde(rename = "Outputs", default)]
    _outputs: Value,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        // YAML 1.1 reads `N` as false, but it is DynamoDB's type code of numbers.
        let options = serde_saphyr::options! { strict_booleans: true };
        let node: Node = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| TemplateError::new("YAML", error.to_string()))?;
        let root: Root = read("the top level", node.0)?;
        Ok(Self {
            transform: root.transform,
            parameters: read_each("Parameters", root.parameters)?,
            conditions: root.conditions,
            globals: root.globals,
            resources: read_each("Resources", root.resources)?,
        })
    }
}

fn read_each<T: serde::de::DeserializeOwned>(
    section: &str,
    entries: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, T>, TemplateError> {
    entries.into_iter().map(|(id, value)| Ok((id.clone(), read(&format!("{section}.{id}"), value)?))).collect()
}

fn read<T: serde::de::DeserializeOwned>(path: &str, value: Value) -> Result<T, TemplateError> {
    T::deserialize(value).map_err(|error| TemplateError::new(path, error.to_string()))
}

/// A YAML node, read with the tag in front of it.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Plain(value), tag) = Tagged::deserialize(deserializer)?;
        let Some(name) = tag.as_deref().and_then(|tag| tag.strip_prefix('!')) else {
            return Ok(Self(value));
        };
        let key = match name {
            "Ref" => "Ref".to_owned(),
            "And" | "Equals" | "GetAtt" | "If" | "Join" | "Not" | "Or" | "Sub" => format!("Fn::{name}"),
            _ => return Err(D::Error::custom(format!("the function !{name} is not known here"))),
        };
        Ok(Self(Value::Object(Map::from_iter([(key, value)]))))
    }
}

/// A YAML node without its tag.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a scalar, a list or a mapping with text for keys")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format!("{value}: fractions have no use in this template; quote it if it is text")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Node(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Node(value))) = entries.next_entry::<String, Node>()? {
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
