//! Example bodies for the OpenAPI document, composed from the examples in the schemas, so that they cannot diverge from
//! them.

use std::collections::BTreeMap;

use domain::Code;
use serde_json::{Map, Value, json};
use utoipa::Number;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Response};

use crate::problem::{CONTENT, example_of_problem};

const PREFIX: &str = "#/components/schemas/";

/// The named schemas of a document, `components.schemas`.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Adds an example to every body without one, and moves the description of nullable references to where client
/// generators look for it.
pub(crate) fn add_examples(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    components.schemas.values_mut().for_each(hoist);
    let schemas: Schemas = components.schemas.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.content.values_mut().for_each(|content| add_example(content, &schemas));
        }
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            if let Some(code) = first_code(response)
                && let Some(RefOr::T(content)) = response.content.get_mut(CONTENT)
            {
                content.example = Some(example_of_problem(code));
            }
            response.content.values_mut().for_each(|content| add_example(content, &schemas));
        }
    }
}

/// The first code listed in a response's `x-codes`; none for a success and for the gateway's own refusals.
fn first_code(response: &Response) -> Option<Code> {
    let codes = response.extensions.as_ref()?.get("x-codes")?;
    let name = codes.get(0)?.as_str()?;
    Code::ALL.iter().copied().find(|code| code.as_str() == name)
}

fn add_example(content: &mut RefOr<Content>, schemas: &Schemas) {
    let RefOr::T(content) = content else { return };
    if content.example.is_none() && content.examples.is_empty() {
        content.example =
            content.schema.as_ref().and_then(|schema| Examples { schemas, within: Vec::new() }.of(schema));
    }
}

/// Builds one example by walking its schema.
struct Examples<'a> {
    schemas: &'a Schemas,
    /// The named schemas on the path to the current one. A reference back to one of them is skipped, because following
    /// a recursive schema would never end.
    within: Vec<String>,
}

impl Examples<'_> {
    fn of(&mut self, schema: &RefOr<Schema>) -> Option<Value> {
        let named = match schema {
            RefOr::T(schema) => return self.of_schema(schema),
            RefOr::Ref(named) => named.ref_location.strip_prefix(PREFIX)?.to_owned(),
        };
        if self.within.contains(&named) {
            return None;
        }
        let found = self.schemas.get(&named)?;
        self.within.push(named);
        let example = self.of(found);
        self.within.pop();
        example
    }

    fn of_schema(&mut self, schema: &Schema) -> Option<Value> {
        match schema {
            Schema::Object(object) => self.of_object(object),
            Schema::Array(array) => {
                if let Some(example) = array.examples.first() {
                    return Some(example.clone());
                }
                let ArrayItems::RefOrSchema(items) = &array.items else { return Some(json!([])) };
                Some(Value::Array(self.of(items).into_iter().collect()))
            }
            Schema::OneOf(one_of) => {
                one_of.examples.first().cloned().or_else(|| one_of.items.iter().find_map(|item| self.of(item)))
            }
            Schema::AnyOf(any_of) => {
                any_of.examples.first().cloned().or_else(|| any_of.items.iter().find_map(|item| self.of(item)))
            }
            Schema::AllOf(all_of) => {
                let parts = all_of.items.iter().filter_map(|item| self.of(item));
                let objects = parts.filter_map(|part| part.as_object().cloned());
                Some(Value::Object(objects.flatten().collect()))
            }
            _ => None,
        }
    }

    fn of_object(&mut self, object: &Object) -> Option<Value> {
        let given = object.examples.first().or(object.example.as_ref()).or(object.default.as_ref());
        if let Some(given) = given.or_else(|| object.enum_values.as_ref().and_then(|values| values.first())) {
            return Some(given.clone());
        }
        match type_of(&object.schema_type)? {
            Type::Object => {
                let mut example = Map::new();
                for (name, property) in &object.properties {
                    // `null` as the example of a property means that most bodies omit it.
                    if let Some(value) = self.of(property).filter(|value| !value.is_null()) {
                        example.insert(name.clone(), value);
                    }
                }
                if object.properties.is_empty()
                    && let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref()
                {
                    example.extend(self.of(values).map(|value| ("name".to_owned(), value)));
                }
                Some(Value::Object(example))
            }
            Type::String => Some(match &object.format {
                Some(SchemaFormat::Custom(format)) if format == "uri" => json!("https://shop.example/somewhere"),
                _ => json!("text"),
            }),
            // 1, or the minimum where that is larger.
            Type::Integer | Type::Number => Some(match object.minimum {
                Some(Number::Int(least)) => json!(least.max(1)),
                Some(Number::UInt(least)) => json!(least.max(1)),
                _ => json!(1),
            }),
            Type::Boolean => Some(json!(true)),
            Type::Array => Some(json!([])),
            Type::Null => None,
        }
    }
}

fn type_of(schema_type: &SchemaType) -> Option<Type> {
    match schema_type {
        SchemaType::Type(only) => Some(only.clone()),
        SchemaType::Array(types) => types.iter().find(|one| **one != Type::Null).cloned(),
        SchemaType::AnyValue => None,
    }
}

/// Moves the description of a nullable reference, which utoipa writes as `oneOf` a reference and null, from the
/// reference to the `oneOf`: many generators ignore siblings of `$ref`.
fn hoist(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            object.properties.values_mut().for_each(hoist);
            if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
                hoist(values);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                hoist(items);
            }
        }
        Schema::OneOf(one_of) => {
            one_of.items.iter_mut().for_each(hoist);
            let may_be_null = one_of.items.len() == 2 && one_of.items.iter().any(is_null);
            for item in one_of.items.iter_mut().filter(|_| may_be_null) {
                if let RefOr::Ref(reference) = item
                    && !reference.description.is_empty()
                {
                    one_of.description = Some(std::mem::take(&mut reference.description));
                }
            }
        }
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(hoist),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(hoist),
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// The operations of a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [item.get.as_mut(), item.put.as_mut(), item.post.as_mut(), item.delete.as_mut(), item.patch.as_mut()]
        .into_iter()
        .flatten()
}
