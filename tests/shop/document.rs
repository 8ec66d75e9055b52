//! Checks every response that a test gets against the OpenAPI document, so that generated clients match the API.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use local::contract;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Answer;

/// The response headers that the document has to name.
const NAMED_HEADERS: [&str; 4] = ["ETag", "Location", "Retry-After", "Idempotent-Replayed"];

static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

struct Document {
    root: Value,
    /// The same, with every object closed: a field that the document does not name is a fault.
    closed: Value,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// How a response breaks the document. `None` when it conforms, or when no operation of the document has this path.
pub(crate) fn fault(method: &Method, path: &str, answer: &Answer) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let (template, operation) = DOCUMENT.operation(method, path)?;
    DOCUMENT
        .fault(operation, answer)
        .map(|fault| format!("{method} {template}: {fault} (infra/openapi.json): {}", answer.text))
}

impl Document {
    fn read() -> Self {
        let root: Value = serde_json::from_str(contract::COMMITTED).expect("the document is JSON");
        let mut closed = root.clone();
        for schema in closed["components"]["schemas"].as_object_mut().expect("schemas").values_mut() {
            close(schema);
        }
        Self { root, closed, validators: Mutex::default() }
    }

    /// The operation that the gateway would route to: literal segments win over variable ones.
    fn operation(&self, method: &Method, path: &str) -> Option<(&str, &Value)> {
        let sent: Vec<&str> = path.split('/').collect();
        let paths = self.root["paths"].as_object().expect("paths");
        let found = paths.iter().filter_map(|(template, item)| {
            let steps: Vec<&str> = template.split('/').collect();
            let fits = steps.len() == sent.len()
                && steps
                    .iter()
                    .zip(&sent)
                    .all(|(step, sent)| step == sent || (step.starts_with('{') && !sent.is_empty()));
            let variables = steps.iter().filter(|step| step.starts_with('{')).count();
            fits.then_some((variables, template.as_str(), item))
        });
        let (_, template, item) = found.min_by_key(|(variables, ..)| *variables)?;
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        Some((template, item.get(method.as_str().to_lowercase())?))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.root.pointer(reference.trim_start_matches('#')).expect("a reference that resolves"),
            None => value,
        }
    }

    fn fault(&self, operation: &Value, answer: &Answer) -> Option<String> {
        let status = answer.status.to_string();
        let Some(response) = operation["responses"].get(&status) else {
            return Some(format!("does not declare the status {status}"));
        };
        let response = self.resolved(response);
        for header in NAMED_HEADERS {
            if answer.headers.contains_key(header) && response["headers"].get(header).is_none() {
                return Some(format!("answers {status} with {header}, which is not declared"));
            }
        }
        let kind = answer.header("content-type").split(';').next().unwrap_or_default().trim().to_owned();
        if answer.text.is_empty() {
            return None;
        }
        let Some(content) = response["content"].get(&kind) else {
            return Some(format!("answers {status} as {kind:?}, which is not declared"));
        };
        if kind == "application/problem+json" {
            let codes = response["x-codes"].as_array().map_or(&[][..], Vec::as_slice);
            if !codes.contains(&answer.json["code"]) {
                return Some(format!("does not declare the code {}", answer.json["code"]));
            }
        }
        let schema = content.get("schema")?;
        let body = if kind == "text/csv" { &Value::String(answer.text.clone()) } else { &answer.json };
        let faults: Vec<String> = self
            .validator(schema)
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .take(3)
            .collect();
        (!faults.is_empty()).then(|| format!("{status} is not as its schema says: {}", faults.join("; ")))
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let key = schema.to_string();
        let mut validators = self.validators.lock().expect("no test panics while it holds this");
        Arc::clone(validators.entry(key).or_insert_with(|| {
            let mut whole = schema.clone();
            close(&mut whole);
            whole["components"] = json!({
                "schemas": self.closed["components"]["schemas"], "open": self.root["components"]["schemas"],
            });
            Arc::new(jsonschema::draft202012::new(&whole).expect("a schema"))
        }))
    }
}

/// Closes every object in a schema. What `allOf` combines is closed as a whole.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(parts)) = object.get_mut("allOf") {
                // The parts stay open: each sees the fields of the others.
                for part in parts.iter_mut().filter_map(Value::as_object_mut) {
                    if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
                        let open = reference.replace("/schemas/", "/open/");
                        part.insert("$ref".to_owned(), json!(open));
                    }
                    close_within(part);
                }
                object.insert("unevaluatedProperties".to_owned(), json!(false));
            } else {
                if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                    object.insert("additionalProperties".to_owned(), json!(false));
                }
                close_within(object);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Closes the schemas inside a schema, and not the schema itself.
fn close_within(object: &mut Map<String, Value>) {
    for (name, value) in object.iter_mut() {
        match (name.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(close),
            ("items" | "oneOf" | "anyOf" | "additionalProperties", value) => close(value),
            _ => {}
        }
    }
}
