//! CloudFormation's intrinsic functions and parameters, resolved to local values.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use serde_json::{Map, Value};

use super::document::{Document, Parameter, ParameterKind, Resource};
use super::names;
use super::{Site, TemplateError};
use crate::account::{ACCOUNT, REGION};

/// Resolves intrinsic functions. It knows the parameters, conditions and resources that they may refer to.
pub(super) struct Resolver<'a> {
    parameters: BTreeMap<String, Value>,
    conditions: BTreeMap<String, bool>,
    kinds: BTreeMap<&'a str, &'a str>,
    site: &'a Site,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(document: &'a Document, site: &'a Site) -> Result<Self, TemplateError> {
        if let Some(stranger) = site.parameters.keys().find(|name| !document.parameters.contains_key(*name)) {
            return Err(TemplateError::new(format!("Parameters.{stranger}"), "there is no such parameter"));
        }
        let mut parameters = BTreeMap::new();
        for (name, parameter) in &document.parameters {
            let value = value_of(parameter, site.parameters.get(name))
                .map_err(|reason| TemplateError::new(format!("Parameters.{name}"), reason))?;
            parameters.insert(name.clone(), value);
        }
        let mut resolver = Self { parameters, conditions: BTreeMap::new(), kinds: BTreeMap::new(), site };
        for (name, condition) in &document.conditions {
            let at = format!("Conditions.{name}");
            match resolver.resolve(condition, &at)? {
                Value::Bool(holds) => resolver.conditions.insert(name.clone(), holds),
                other => return Err(TemplateError::new(at, format!("{other} is neither true nor false"))),
            };
        }
        for (id, resource) in &document.resources {
            if resolver.makes(id, resource)? {
                resolver.kinds.insert(id, &resource.kind);
            }
        }
        Ok(resolver)
    }

    /// Whether a resource is made: its condition holds, if it has one.
    pub(super) fn makes(&self, id: &str, resource: &Resource) -> Result<bool, TemplateError> {
        let Some(condition) = &resource.condition else { return Ok(true) };
        let holds = self.conditions.get(condition).copied();
        holds.ok_or_else(|| TemplateError::new(format!("Resources.{id}"), format!("condition {condition} is unknown")))
    }

    /// The parameters' values as text, lists joined with commas.
    pub(super) fn parameters(&self) -> BTreeMap<String, String> {
        self.parameters.iter().map(|(name, value)| (name.clone(), text_of(value))).collect()
    }

    /// A value with all intrinsic functions in it resolved. `at` is the path for errors.
    pub(super) fn resolve(&self, value: &Value, at: &str) -> Result<Value, TemplateError> {
        match value {
            Value::Array(items) => {
                let resolved: Result<Vec<_>, _> = items.iter().map(|item| self.resolve(item, at)).collect();
                Ok(Value::Array(resolved?.into_iter().filter(|item| !item.is_null()).collect()))
            }
            Value::Object(map) => {
                if let (1, Some((key, argument))) = (map.len(), map.iter().next())
                    && (key == "Ref" || key.starts_with("Fn::"))
                {
                    return self.call(key, argument, at);
                }
                let mut resolved = Map::new();
                for (key, value) in map {
                    let inner = self.resolve(value, &format!("{at}.{key}"))?;
                    // A property whose value is AWS::NoValue is left out.
                    if !inner.is_null() {
                        resolved.insert(key.clone(), inner);
                    }
                }
                Ok(Value::Object(resolved))
            }
            scalar => Ok(scalar.clone()),
        }
    }

    fn call(&self, function: &str, argument: &Value, at: &str) -> Result<Value, TemplateError> {
        let wrong = |reason: String| TemplateError::new(at, reason);
        match (function, argument) {
            ("Ref", Value::String(name)) => {
                self.reference(name).ok_or_else(|| wrong(format!("!Ref {name} is unknown")))
            }
            ("Fn::GetAtt", Value::String(path)) => {
                let (id, attribute) = path.split_once('.').unwrap_or((path, ""));
                self.attribute(id, attribute).ok_or_else(|| wrong(format!("!GetAtt {path} is unknown")))
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text, &Map::new(), at).map(Value::String),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(text), Value::Object(named)] => {
                    let values = named.iter().map(|(name, value)| Ok((name.clone(), self.resolve(value, at)?)));
                    self.substitute(text, &values.collect::<Result<_, TemplateError>>()?, at).map(Value::String)
                }
                _ => Err(wrong("!Sub takes a text and values by name".to_owned())),
            },
            ("Fn::Base64", value) => match self.resolve(value, at)? {
                Value::String(text) => Ok(Value::String(STANDARD.encode(text))),
                other => Err(wrong(format!("!Base64 takes a text, not {other}"))),
            },
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(condition), yes, no] => match self.conditions.get(condition) {
                    Some(true) => self.resolve(yes, at),
                    Some(false) => self.resolve(no, at),
                    None => Err(wrong(format!("condition {condition} is unknown"))),
                },
                _ => Err(wrong("!If takes a condition and two values".to_owned())),
            },
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(between), list] => match self.resolve(list, at)? {
                    Value::Array(items) => {
                        Ok(Value::String(items.iter().map(text_of).collect::<Vec<_>>().join(between)))
                    }
                    other => Err(wrong(format!("!Join takes a list, not {other}"))),
                },
                _ => Err(wrong("!Join takes a text and a list".to_owned())),
            },
            ("Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or", Value::Array(parts)) => {
                let values: Vec<Value> = parts.iter().map(|part| self.resolve(part, at)).collect::<Result<_, _>>()?;
                logic(function, &values).map(Value::Bool).ok_or_else(|| wrong(format!("{function} cannot take these")))
            }
            _ => Err(wrong(format!("the function {function} with {argument} is not known here"))),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        let pseudo = match name {
            "AWS::Region" => REGION,
            "AWS::AccountId" => ACCOUNT,
            "AWS::Partition" => "aws",
            "AWS::StackName" => &self.site.stack,
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::NoValue" => return Some(Value::Null),
            _ => {
                let resource = || {
                    let kind = self.kinds.get(name)?;
                    names::reference(kind, self.physical(kind, name), &self.site.base_url).map(Value::String)
                };
                return self.parameters.get(name).cloned().or_else(resource);
            }
        };
        Some(Value::String(pseudo.to_owned()))
    }

    fn attribute(&self, id: &str, attribute: &str) -> Option<Value> {
        let kind = self.kinds.get(id)?;
        names::attribute(kind, self.physical(kind, id), attribute).map(Value::String)
    }

    fn physical(&self, kind: &str, id: &str) -> String {
        names::physical(&self.site.stack, kind, id)
    }

    /// Replaces `${Name}` and `${Id.Attribute}` by their values, those of `named` first, and `${!Name}` by the text
    /// `${Name}`.
    fn substitute(&self, text: &str, named: &Map<String, Value>, at: &str) -> Result<String, TemplateError> {
        let mut written = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, following) =
                after.split_once('}').ok_or_else(|| TemplateError::new(at, format!("{text:?} lacks a brace")))?;
            written.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                written.push_str(&format!("${{{literal}}}"));
            } else {
                let value = match (named.get(name), name.split_once('.')) {
                    (Some(value), _) => Some(value.clone()),
                    (None, Some((id, attribute))) => self.attribute(id, attribute),
                    (None, None) => self.reference(name),
                };
                let value = value.ok_or_else(|| TemplateError::new(at, format!("${{{name}}} is unknown")))?;
                written.push_str(&text_of(&value));
            }
            rest = following;
        }
        written.push_str(rest);
        Ok(written)
    }
}

fn value_of(parameter: &Parameter, given: Option<&String>) -> Result<Value, String> {
    let text = match (given, &parameter.default) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => text_of(default),
        (None, None) => return Err("it has no default and no value was given".to_owned()),
    };
    if let Some(allowed) = &parameter.allowed_values
        && !allowed.iter().any(|value| text_of(value) == text)
    {
        return Err(format!("{text:?} is not one of the allowed values"));
    }
    match parameter.kind {
        ParameterKind::String => Ok(Value::String(text)),
        ParameterKind::Number => text.parse::<i64>().map(Value::from).map_err(|_| format!("{text:?} is no number")),
        ParameterKind::CommaDelimitedList => {
            Ok(Value::Array(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect()))
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn logic(function: &str, values: &[Value]) -> Option<bool> {
    let truths = || values.iter().map(Value::as_bool).collect::<Option<Vec<bool>>>();
    match (function, values) {
        ("Fn::Equals", [left, right]) => Some(text_of(left) == text_of(right)),
        ("Fn::Not", [value]) => value.as_bool().map(|value| !value),
        ("Fn::And", _) => truths().map(|all| all.into_iter().all(|value| value)),
        ("Fn::Or", _) => truths().map(|all| all.into_iter().any(|value| value)),
        _ => None,
    }
}
