//! Nested stacks: templates of their own, each read with the parameters that its stack hands over.
//!
//! Only resources without meaning on one machine may be in them. A table or a queue in a nested template is an error:
//! it would be there after a deployment and missing here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, Resource};
use super::intrinsics::Resolver;
use super::{Site, TemplateError, WITHOUT_MEANING, properties, refuse};

/// A nested stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    pub id: String,
    /// The file of its template, as a path from the folder of the template that nests it.
    pub location: String,
    /// The values that are handed over, by the names of the nested template's parameters.
    pub parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StackProperties {
    #[serde(rename = "TemplateURL")]
    location: String,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
}

pub(super) fn read(
    stacks: &[(String, Resource)],
    nested: &[(&str, &str)],
    site: &Site,
) -> Result<Vec<Stack>, TemplateError> {
    let all = stacks.iter().map(|(id, resource)| stack(id, resource, nested, site)).collect::<Result<Vec<_>, _>>()?;
    let used: BTreeSet<&str> = all.iter().map(|stack| stack.location.as_str()).collect();
    match nested.iter().find(|(location, _)| !used.contains(location)) {
        Some((location, _)) => Err(TemplateError::new(*location, "no stack is made of it")),
        None => Ok(all),
    }
}

fn stack(id: &str, resource: &Resource, nested: &[(&str, &str)], site: &Site) -> Result<Stack, TemplateError> {
    let StackProperties { location, parameters: handed } = properties(id, &resource.properties)?;
    let mut parameters = BTreeMap::new();
    for (name, value) in handed {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            // CloudFormation takes them as text, and a list joined with commas.
            other => return Err(refuse(id, format!("the parameter {name} must be a text, not {other}"))),
        };
        parameters.insert(name, text);
    }
    let text = nested.iter().find(|(known, _)| *known == location).map(|(_, text)| *text);
    let text = text.ok_or_else(|| refuse(id, format!("there is no nested template {location}")))?;
    check(text, &Site { parameters: parameters.clone(), ..site.clone() })
        .map_err(|error| TemplateError::new(format!("Resources.{id}.{location}.{}", error.path), error.reason))?;
    Ok(Stack { id: id.to_owned(), location, parameters })
}

/// Reads a nested template with the parameters of its stack.
fn check(text: &str, site: &Site) -> Result<(), TemplateError> {
    let document = Document::parse(text)?;
    // Without macros the stack is made as it stands here; with one, a resource could come out of it.
    if let Some(transform) = &document.transform {
        return Err(TemplateError::new("Transform", format!("{transform} is not known in a nested template")));
    }
    if !document.globals.is_null() {
        return Err(TemplateError::new("Globals", "only a template with a transform has them"));
    }
    let resolver = Resolver::new(&document, site)?;
    for (id, resource) in &document.resources {
        if !WITHOUT_MEANING.contains(&resource.kind.as_str()) {
            return Err(refuse(id, format!("type {} is not known in a nested template", resource.kind)));
        }
        resolver.resolve(&resource.properties, &format!("Resources.{id}"))?;
    }
    Ok(())
}
