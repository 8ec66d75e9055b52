//! One OpenAPI document from the routes of all functions, complete enough to generate clients from.
//!
//! `#[utoipa::path]` declares parameters, bodies and successful responses. What follows from a handler's signature
//! (refusals, headers) and what the gateway does by itself are added here, so that no handler repeats them.

use std::collections::{BTreeMap, BTreeSet};

use domain::TimeBound;
use domain::catalog::StockLevel;
use domain::code::{Code, FieldError};
use domain::text::SearchText;
use http::StatusCode;
use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContactBuilder, Content, ContentBuilder, Deprecated, Header, HttpMethod, Info, LicenseBuilder, OpenApi,
    Paths, Ref, RefOr, Response, ResponseBuilder, Server,
};
use utoipa::{PartialSchema, ToSchema};

use crate::examples::{add_examples, operations};
use crate::problem::{CONTENT, ProblemDocument, may_wait, status_of, statuses_of_gateway};
use crate::routes::Entry;
use crate::signature::{Facts, IDEMPOTENCY_KEY, if_none_match};
use crate::{IdempotencyKey, Limit};

const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";
const GATEWAY_REFUSAL: &str = "GatewayRefusal";
const JSON: &str = "application/json";
/// The suffix of an operationId that exists only for clients of an earlier release: such an operation is deprecated.
const OLD_NAME: &str = "_by_old_name";
const CSV: &str = "text/csv";

/// What one function contributes to the document.
pub struct Part {
    /// The tag under which its operations are listed.
    pub tag: &'static str,
    /// The description of the tag, in a sentence.
    pub about: &'static str,
    /// Its operations: `routes::<Document>().into_entries()`.
    pub entries: Vec<Entry>,
}

/// The document of all functions. `needs_sign_in(method, path)` tells where the gateway requires an access token.
///
/// Paths and tags are sorted, so that a diff of two versions shows only changes of the contract.
pub fn document(parts: Vec<Part>, version: &str, needs_sign_in: impl Fn(&str, &str) -> bool) -> OpenApi {
    let mut info = Info::new("Bozor", version);
    info.description = Some(description());
    info.license = Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build());
    info.contact = Some(ContactBuilder::new().name(Some("The operator of this marketplace")).build());
    let mut components = Components::new();
    let mut paths = BTreeMap::<String, Vec<(HttpMethod, Operation)>>::new();
    let mut tags = Vec::new();
    for Part { tag, about, entries } in parts {
        tags.push(TagBuilder::new().name(tag).description(Some(about)).build());
        for Entry { path, methods, mut operation, schemas, facts, limit: _ } in entries {
            operation.tags = Some(vec![tag.to_owned()]);
            if operation.operation_id.as_deref().is_some_and(|id| id.ends_with(OLD_NAME)) {
                operation.deprecated = Some(Deprecated::True);
            }
            components.schemas.extend(schemas.into_iter().map(|(name, schema)| (page_name(&name), schema)));
            for method in methods {
                let is_secured = needs_sign_in(name_of(&method), &path);
                let may_have_body = !matches!(method, HttpMethod::Get | HttpMethod::Head);
                let operation = completed(operation.clone(), &facts, is_secured, may_have_body);
                paths.entry(path.clone()).or_default().push((method, operation));
            }
        }
    }
    let mut whole = OpenApi::new(info, Paths::new());
    for (path, operations) in paths {
        for (method, operation) in operations {
            whole.paths.add_path_operation(path.clone(), vec![method], operation);
        }
    }
    tags.sort_by(|left, right| left.name.cmp(&right.name));
    whole.tags = Some(tags);
    whole.servers = Some(vec![Server::new("/")]);
    components.schemas.extend(shared_schemas());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token from `POST /v1/auth/sign-in`."))
        .build();
    components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(bearer).into());
    whole.components = Some(components);
    add_examples(&mut whole);
    share_responses(&mut whole);
    whole
}

/// Moves each refusal that several operations have to `components.responses`, and has them refer to it. Most refusals
/// are the same: without this the document would repeat each of them about ten times.
fn share_responses(document: &mut OpenApi) {
    let mut seen = BTreeMap::<String, (usize, Response)>::new();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &operation.responses.responses {
            if let Some((name, response)) = shared_name(status, response) {
                seen.entry(name).or_insert_with(|| (0, response.clone())).0 += 1;
            }
        }
    }
    seen.retain(|_, (count, _)| *count > 1);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &mut operation.responses.responses {
            if let Some((name, _)) = shared_name(status, response)
                && seen.contains_key(&name)
            {
                *response = Ref::from_response_name(name).into();
            }
        }
    }
    let shared = seen.into_iter().map(|(name, (_, response))| (name, response.into()));
    document.components.get_or_insert_default().responses.extend(shared);
}

/// The name of a refusal: its status and codes, and `-gateway` where the gateway responds so by itself. These determine
/// the whole response, so two refusals of the same name are equal. None for a success.
fn shared_name<'a>(status: &str, response: &'a RefOr<Response>) -> Option<(String, &'a Response)> {
    let RefOr::T(response) = response else { return None };
    let mut name = status.parse::<u16>().ok().filter(|status| *status >= 400)?.to_string();
    for code in response.extensions.as_ref().and_then(|found| found.get("x-codes")?.as_array()).into_iter().flatten() {
        name.push('-');
        name.push_str(code.as_str().unwrap_or_default());
    }
    if response.content.contains_key(JSON) {
        name.push_str("-gateway");
    }
    Some((name, response))
}

/// Renames the schema of a page after its items: `ProductCardPage`, where utoipa has `Page_ProductCard`.
fn page_name(name: &str) -> String {
    name.strip_prefix("Page_").map_or_else(|| name.to_owned(), |items| format!("{items}Page"))
}

/// The schemas that are added here and that no operation's types bring: problems, codes, and those of shared
/// parameters.
fn shared_schemas() -> Vec<(String, RefOr<Schema>)> {
    let gateway = ObjectBuilder::new()
        .description(Some("What the gateway answers by itself, before or instead of a function: rely on the status."))
        .property("message", ObjectBuilder::new().schema_type(Type::String).examples(["Unauthorized"]))
        .required("message");
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The stable name of a problem. A list that is closed: names are added, never changed."))
        .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
        .examples(["out_of_stock"]);
    let named = |name: &str, schema: RefOr<Schema>| (name.to_owned(), schema);
    vec![
        named("Code", Schema::from(code).into()),
        named("FieldError", FieldError::schema()),
        named(PROBLEM, ProblemDocument::schema()),
        named(GATEWAY_REFUSAL, Schema::from(gateway).into()),
        named(IDEMPOTENCY_KEY, IdempotencyKey::schema()),
        named(&Limit::name(), Limit::schema()),
        named(&TimeBound::name(), TimeBound::schema()),
        named(&SearchText::name(), SearchText::schema()),
        named(&StockLevel::name(), StockLevel::schema()),
    ]
}

/// The document as it is committed: indented JSON with a final line break.
///
/// # Errors
/// When the document cannot be serialized as JSON.
pub fn pretty(document: &OpenApi) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(document).map(|text| text + "\n")
}

/// The method as HTTP writes it: `GET`.
pub const fn name_of(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Put => "PUT",
        HttpMethod::Post => "POST",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Head => "HEAD",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Trace => "TRACE",
    }
}

/// Adds to an operation what its signature and the gateway imply: security, headers, refusals, and 304 when it is
/// cached.
///
/// The gateway refuses a body that is too large wherever one may be sent, whether the operation reads it or not.
fn completed(mut operation: Operation, facts: &Facts, is_secured: bool, may_have_body: bool) -> Operation {
    let bearer = || SecurityRequirement::new(BEARER, Vec::<String>::new());
    operation.security = Some(if is_secured { vec![bearer()] } else { Vec::new() });
    let known = facts.cached.then(if_none_match);
    let headers = facts.headers.iter().cloned().chain(known);
    operation.parameters.get_or_insert_default().extend(headers.map(RefOr::T));
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response {
            complete_success(status, response, facts);
        }
    }
    if facts.cached {
        let mut unchanged = ResponseBuilder::new()
            .description("The caller has this answer already: `If-None-Match` named its `ETag`.")
            .build();
        unchanged.headers.insert("ETag".to_owned(), etag());
        responses.insert(StatusCode::NOT_MODIFIED.as_str().to_owned(), unchanged.into());
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(not_null);
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(RefOr::T(file)) = body.content.get_mut(CSV)
    {
        // `format: binary`: clients send the bytes of the file and do not re-encode it as text.
        let bytes = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        file.schema = Some(Schema::from(bytes).into());
        file.example = Some(json!("Handle,Title,Variant Price\nblue-bowl,Blue bowl,12.50\n"));
    }
    let refusals = refusals(facts, is_secured, may_have_body);
    let codes: BTreeSet<Code> = refusals.values().flat_map(|refusal| refusal.codes.iter().copied()).collect();
    let names: Vec<String> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
    let said = operation.description.take().filter(|text| !text.trim().is_empty());
    let lines = said.into_iter().chain([format!("Refuses with {}.", names.join(", "))]);
    operation.description = Some(lines.collect::<Vec<_>>().join("\n\n"));
    for (status, refusal) in refusals {
        responses.insert(status.as_str().to_owned(), refusal.response().into());
    }
    operation
}

/// Removes the `null` that utoipa adds to the schema of an `Option` body: an optional body is absent, not `null`.
fn not_null(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content
        && let Some(RefOr::T(Schema::OneOf(one_of))) = &content.schema
        && one_of.items.len() == 2
        && let Some(named) = one_of.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
    {
        content.schema = Some(named.clone());
    }
}

fn complete_success(status: &str, response: &mut Response, facts: &Facts) {
    for content in response.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::Ref(named)) = &mut content.schema
            && let Some((path, name)) = named.ref_location.rsplit_once('/')
        {
            named.ref_location = format!("{path}/{}", page_name(name));
        }
    }
    if response.description.is_empty() {
        let meaning = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
        response.description = meaning.unwrap_or("An answer").to_owned();
    }
    let without_body = [StatusCode::NO_CONTENT.as_str(), StatusCode::MOVED_PERMANENTLY.as_str()].contains(&status);
    if facts.etag && !without_body {
        response.headers.insert("ETag".to_owned(), etag());
    }
    if facts.location && (status == StatusCode::CREATED.as_str() || status == StatusCode::ACCEPTED.as_str()) {
        let description = "Where to find what was made.";
        response.headers.insert("Location".to_owned(), header(description, text().into()));
    }
    if facts.replays {
        let description = "`true` on the stored answer to an earlier request with the same key.";
        let schema = text().enum_values(Some(["true"]));
        response.headers.insert("Idempotent-Replayed".to_owned(), header(description, schema.into()));
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn header(description: &str, schema: Schema) -> RefOr<Header> {
    HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build().into()
}

fn etag() -> RefOr<Header> {
    let description =
        "The tag of this version: for `If-Match`, and, on what shared caches may keep, for `If-None-Match`.";
    header(description, text().examples(["\"3\""]).into())
}

/// The refusals of an operation that have the same status.
#[derive(Default)]
struct Answered {
    codes: BTreeSet<Code>,
    /// Whether the gateway responds with this status by itself as well.
    by_gateway: bool,
}

fn refusals(facts: &Facts, is_secured: bool, may_have_body: bool) -> BTreeMap<StatusCode, Answered> {
    let mut refusals = BTreeMap::<StatusCode, Answered>::new();
    for code in facts.refuses.iter().copied().chain([Code::Internal]) {
        refusals.entry(status_of(code)).or_default().codes.insert(code);
    }
    for status in statuses_of_gateway(is_secured, may_have_body) {
        refusals.entry(status).or_default().by_gateway = true;
    }
    refusals
}

impl Answered {
    fn response(self) -> Response {
        let names: Vec<&str> = self.codes.iter().map(|code| code.as_str()).collect();
        let mut said: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        if self.by_gateway {
            said.push("the gateway's own refusal".to_owned());
        }
        let content = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
        let mut response = ResponseBuilder::new().description(format!("Refused: {}.", said.join(", "))).build();
        if !names.is_empty() {
            response.content.insert(CONTENT.to_owned(), content(PROBLEM).into());
        }
        if self.by_gateway {
            response.content.insert(JSON.to_owned(), content(GATEWAY_REFUSAL).into());
        }
        if self.codes.iter().any(|code| may_wait(*code)) {
            let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).examples([json!(2)]);
            let description = "After how many seconds another try makes sense.";
            response.headers.insert("Retry-After".to_owned(), header(description, schema.into()));
        }
        if !names.is_empty() {
            response.extensions = Some(ExtensionsBuilder::new().add("x-codes", json!(names)).build());
        }
        response
    }
}

/// The document's `info.description`: what holds for every operation, and the closed list of codes.
fn description() -> String {
    let mut text = String::from(
        "A multi-vendor marketplace. Every refusal of a function is `application/problem+json`, and its `code` is one of these; \
         the gateway's own refusals are `application/json` with a `message`. Every GET that needs no token answers HEAD \
         as well.\n\n| code | status | meaning |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!("| `{}` | {} | {} |\n", code.as_str(), status_of(*code).as_u16(), code.meaning()));
    }
    text
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
#[expect(unused_qualifications, reason = "the macro that describes a route writes them")]
mod tests;
