//! Nested stacks: templates of their own, each read with the parameters that its stack hands over.
//!
//! Only resources without meaning on one machine, and CloudFront's, may be in them. A table or a queue in a nested
//! template is an error: it would be there after a deployment and missing here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, Resource};
use super::intrinsics::Resolver;
use super::{Site, TemplateError, WITHOUT_MEANING, edge, names, properties, refuse};
use crate::edge::Distribution;

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

/// The stacks, and the distribution that one of them has. `unmade` are stacks whose condition does not hold.
pub(super) fn read(
    stacks: &[(String, Resource)],
    unmade: &[&Resource],
    nested: &[(&str, &str)],
    site: &Site,
) -> Result<(Vec<Stack>, Option<Distribution>), TemplateError> {
    let mut all = Vec::new();
    let mut edge = None;
    for (id, resource) in stacks {
        let (stack, distribution) = stack(id, resource, nested, site)?;
        if edge.is_some() && distribution.is_some() {
            return Err(refuse(id, "there is a distribution already"));
        }
        edge = edge.or(distribution);
        all.push(stack);
    }
    let unmade = unmade.iter().filter_map(|resource| resource.properties.get("TemplateURL")?.as_str());
    let used: BTreeSet<&str> = all.iter().map(|stack| stack.location.as_str()).chain(unmade).collect();
    match nested.iter().find(|(location, _)| !used.contains(location)) {
        Some((location, _)) => Err(TemplateError::new(*location, "no stack is made of it")),
        None => Ok((all, edge)),
    }
}

fn stack(
    id: &str,
    resource: &Resource,
    nested: &[(&str, &str)],
    site: &Site,
) -> Result<(Stack, Option<Distribution>), TemplateError> {
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
    let distribution = check(text, &Site { parameters: parameters.clone(), ..site.clone() })
        .map_err(|error| TemplateError::new(format!("Resources.{id}.{location}.{}", error.path), error.reason))?;
    Ok((Stack { id: id.to_owned(), location, parameters }, distribution))
}

/// Reads a nested template with the parameters of its stack.
fn check(text: &str, site: &Site) -> Result<Option<Distribution>, TemplateError> {
    let document = Document::parse(text)?;
    // Without macros the stack is made as it stands here; with one, a resource could come out of it.
    if let Some(transform) = &document.transform {
        return Err(TemplateError::new("Transform", format!("{transform} is not known in a nested template")));
    }
    if !document.globals.is_null() {
        return Err(TemplateError::new("Globals", "only a template with a transform has them"));
    }
    let resolver = Resolver::new(&document, site)?;
    let mut of_the_edge = Vec::new();
    for (id, resource) in &document.resources {
        let kind = resource.kind.as_str();
        let is_of_the_edge = edge::KINDS.contains(&kind);
        if !is_of_the_edge && !WITHOUT_MEANING.contains(&kind) {
            return Err(refuse(id, format!("type {kind} is not known in a nested template")));
        }
        if !resolver.makes(id, resource)? {
            continue;
        }
        let properties = resolver.resolve(&resource.properties, &format!("Resources.{id}"))?;
        if is_of_the_edge {
            let mut resolved = resource.clone();
            resolved.properties = properties;
            resolved.name = names::physical(&site.stack, kind, id);
            of_the_edge.push((id.clone(), resolved));
        }
    }
    edge::read(&of_the_edge)
}
