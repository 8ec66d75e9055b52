//! One OpenAPI document out of the functions' routers.

use std::collections::BTreeSet;

use domain::code::{Code, FieldError};
use http::StatusCode;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Info, License, OpenApi, Paths, Ref, RefOr, ResponseBuilder, Responses,
};

use crate::problem::{CONTENT, ProblemDocument, status_of};

const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";

/// What one function contributes.
pub struct Part {
    /// The name under which its operations are listed.
    pub tag: &'static str,
    /// Its routes: `routes::<Document>().into_openapi()`.
    pub document: OpenApi,
}

/// Merges the functions' documents: problems as every operation's default answer, the access token where
/// `needs_sign_in(method, path)` says so, one tag per function. The order is that of paths, so that a diff shows changes only.
pub fn document(parts: Vec<Part>, version: &str, needs_sign_in: impl Fn(&str, &str) -> bool) -> OpenApi {
    let mut info = Info::new("Bozor", version);
    info.description = Some(description());
    info.license = Some(License::new("Apache-2.0"));
    let mut whole = OpenApi::new(info, Paths::new());
    let mut tags = BTreeSet::new();
    for Part { tag, mut document } in parts {
        for item in document.paths.paths.values_mut() {
            for (_, operation) in operations(item) {
                operation.tags = Some(vec![tag.to_owned()]);
            }
        }
        tags.insert(tag);
        whole.merge(document);
    }
    for (path, item) in &mut whole.paths.paths {
        for (method, operation) in operations(item) {
            describe(&mut operation.responses);
            let response = RefOr::Ref(Ref::from_response_name(PROBLEM));
            operation.responses.responses.insert("default".to_owned(), response);
            operation.security =
                needs_sign_in(method, path).then(|| vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
        }
    }
    whole.tags = Some(tags.into_iter().map(utoipa::openapi::Tag::new).collect());
    let components = whole.components.get_or_insert_with(Components::new);
    components.schemas.insert("FieldError".to_owned(), FieldError::schema());
    components.schemas.insert(PROBLEM.to_owned(), ProblemDocument::schema());
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    let response =
        ResponseBuilder::new().description("A problem: `code` says which.").content(CONTENT, content).build();
    components.responses.insert(PROBLEM.to_owned(), response.into());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token from `POST /v1/auth/sign-in`."))
        .build();
    components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(bearer).into());
    whole
}

/// The document as it is committed: pretty, with a line end.
///
/// # Errors
/// When something in it cannot be written as JSON.
pub fn pretty(document: &OpenApi) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(document).map(|text| text + "\n")
}

/// Every operation's method, in capitals, and path.
pub fn operations_of(document: &OpenApi) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        found.extend(operations(&mut item.clone()).map(|(method, _)| (method, path.clone())));
    }
    found
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", item.get.as_mut()),
        ("PUT", item.put.as_mut()),
        ("POST", item.post.as_mut()),
        ("DELETE", item.delete.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("HEAD", item.head.as_mut()),
        ("OPTIONS", item.options.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
}

/// Says of each answer what its status means: a document whose answers have no description is none.
/// <https://spec.openapis.org/oas/v3.1.0#response-object>
fn describe(responses: &mut Responses) {
    for (status, response) in &mut responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let meaning = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
            response.description = meaning.unwrap_or("An answer").to_owned();
        }
    }
}

/// What the document says at its top: the closed list of codes.
fn description() -> String {
    let mut text = String::from(
        "A multivendor marketplace. Every refusal is `application/problem+json`; `code` is one of these and never renamed:\n\n\
         | code | status | meaning |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!("| `{}` | {} | {} |\n", code.as_str(), status_of(*code).as_u16(), code.meaning()));
    }
    text
}

#[cfg(test)]
#[expect(unused_qualifications, reason = "the macro that describes a route writes them")]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;
    use utoipa::{IntoParams, ToSchema};

    use super::*;
    use crate::{Document, Json, Limit, Page, Path, Problem, Query, Routes, routes};

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Cup {
        name: String,
    }

    #[derive(Deserialize, IntoParams)]
    #[into_params(parameter_in = Query)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Search {
        #[serde(default)]
        #[param(inline)]
        limit: Limit,
        cursor: Option<String>,
    }

    /// Lists cups.
    #[utoipa::path(get, path = "/v1/cups", params(Search), responses((status = OK, body = Page<Cup>)))]
    async fn list_cups(_: Query<Search>) -> Result<Json<Page<Cup>>, Problem> {
        Ok(Json(Page { items: Vec::new(), next: None }))
    }

    /// Changes a cup.
    #[utoipa::path(put, path = "/v1/cups/{id}", responses((status = OK, body = Cup)))]
    async fn change_cup(Path(_id): Path<u32>, body: Json<Cup>) -> Json<Cup> {
        body
    }

    fn written() -> Value {
        let routes = <Document as Routes<()>>::new();
        let routes = Routes::<()>::routes(routes, routes!(self::change_cup));
        let routes = Routes::<()>::routes(routes, routes!(self::list_cups));
        let part = Part { tag: "cups", document: routes.into_openapi() };
        let document = document(vec![part], "0.1.0", |method, _| method == "PUT");
        assert_eq!(operations_of(&document), [("GET", "/v1/cups".to_owned()), ("PUT", "/v1/cups/{id}".to_owned())]);
        serde_json::from_str(&pretty(&document).unwrap()).unwrap()
    }

    #[test]
    fn every_operation_may_answer_with_a_problem_and_says_whether_it_needs_a_token() {
        let document = written();
        let (list, change) = (&document["paths"]["/v1/cups"]["get"], &document["paths"]["/v1/cups/{id}"]["put"]);
        assert_eq!(list["responses"]["default"]["$ref"], "#/components/responses/Problem");
        assert_eq!(list["responses"]["200"]["description"], "OK");
        assert_eq!(list["security"], Value::Null);
        assert_eq!(change["security"][0]["bearer"], serde_json::json!([]));
        assert_eq!(change["tags"][0], "cups");
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["components"]["schemas"]["Problem"]["properties"]["status"]["type"], "integer");
    }

    #[test]
    fn our_own_extractors_describe_themselves() {
        let document = written();
        let change = &document["paths"]["/v1/cups/{id}"]["put"];
        assert_eq!(change["requestBody"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Cup");
        assert_eq!(change["parameters"][0]["name"], "id");
        let limit = &document["paths"]["/v1/cups"]["get"]["parameters"][0];
        assert_eq!((&limit["in"], &limit["required"]), (&"query".into(), &false.into()), "{limit}");
        assert_eq!(limit["schema"]["maximum"], 100, "{limit}");
    }
}
