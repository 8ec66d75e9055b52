//! Secrets Manager's secrets.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Resource;
use super::{TemplateError, names, properties, refuse};
use crate::secrets::{Secret, SecretValue};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SecretProperties {
    secret_string: Option<String>,
    generate_secret_string: Option<Generation>,
    #[serde(rename = "Description")]
    _description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Generation {
    secret_string_template: String,
    generate_string_key: String,
    password_length: usize,
    #[serde(rename = "ExcludePunctuation")]
    _exclude_punctuation: Option<IgnoredAny>,
}

pub(super) fn read(resources: &[(String, Resource)]) -> Result<Vec<Secret>, TemplateError> {
    resources.iter().map(|(id, resource)| secret(id, resource)).collect()
}

fn secret(id: &str, resource: &Resource) -> Result<Secret, TemplateError> {
    let read: SecretProperties = properties(id, &resource.properties)?;
    let value = match (read.secret_string, read.generate_secret_string) {
        (Some(text), None) => SecretValue::Text(text),
        (None, Some(generation)) => SecretValue::Generated {
            template: generation.secret_string_template,
            key: generation.generate_string_key,
            length: generation.password_length,
        },
        (None, None) => SecretValue::Missing,
        (Some(_), Some(_)) => return Err(refuse(id, "a secret has either a text or a way to generate it")),
    };
    let name = resource.name.clone();
    let arn = names::arn(&resource.kind, &name).ok_or_else(|| refuse(id, "it has no ARN"))?;
    Ok(Secret { id: id.to_owned(), name, arn, value })
}
