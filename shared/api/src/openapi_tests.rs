use domain::{Refusal, Timestamp, VendorId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::*;
use crate::{
    Cached, Caller, Document, Json, Keyed, Limit, Member, Members, Operator, Operators, Page, Path, Problem, Query,
    Routes, routes,
};

#[derive(Serialize, Deserialize, ToSchema)]
struct Cup {
    name: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape is looked at")]
struct Search {
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
}

#[derive(Clone)]
struct Potters;

impl Members for Potters {
    type Error = Refusal;
    async fn member(&self, _: &Caller, _: Timestamp, _: Option<VendorId>) -> Result<domain::vendor::Member, Refusal> {
        Err(Refusal::of(Code::Forbidden))
    }
}

impl Operators for Potters {
    type Error = Refusal;
    async fn operator(&self, _: &Caller, _: Timestamp) -> Result<domain::marketplace::Operator, Refusal> {
        Err(Refusal::of(Code::MfaRequired))
    }
}

/// Lists cups.
#[utoipa::path(get, path = "/v1/cups", params(Search), responses((status = OK, body = Page<Cup>)))]
async fn list_cups(_: Query<Search>) -> Result<Cached<Page<Cup>>, Problem> {
    Err(Problem::of(Code::Internal))
}

/// Changes a cup.
#[utoipa::path(put, path = "/v1/cups/{id}", responses((status = OK, body = Cup)))]
async fn change_cup(_: Operator, _: Member, Path(_id): Path<u32>, body: Json<Cup>) -> Json<Cup> {
    body
}

/// Fills a cup.
#[utoipa::path(post, path = "/v1/cups/{id}", responses((status = CREATED, body = Cup)))]
async fn fill_cup_by_old_name(Path(_id): Path<u32>, keyed: Keyed<Cup>) -> Json<Cup> {
    Json(keyed.body)
}

fn written() -> Value {
    let routes = <Document as Routes<Potters>>::new();
    let routes = Routes::<Potters>::routes(routes, routes!(self::change_cup[OutOfStock], self::fill_cup_by_old_name));
    let routes = Routes::<Potters>::routes(routes, routes!(self::list_cups));
    let part = Part { tag: "cups", about: "What one drinks from.", entries: routes.into_entries() };
    let document = document(vec![part], "0.1.0", |method, _| method == "PUT");
    serde_json::from_str(&pretty(&document).unwrap()).unwrap()
}

/// The codes with which an operation refuses, with their statuses.
fn codes(document: &Value, operation: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (status, response) in operation["responses"].as_object().unwrap() {
        let response = match response["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        for code in response["x-codes"].as_array().into_iter().flatten() {
            found.push((status.clone(), code.as_str().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_operation_may_answer_with_a_problem_and_says_whether_it_needs_a_token() {
    let document = written();
    let (list, change) = (&document["paths"]["/v1/cups"]["get"], &document["paths"]["/v1/cups/{id}"]["put"]);
    assert!(codes(&document, list).contains(&("500".to_owned(), "internal".to_owned())), "{list}");
    assert!(codes(&document, change).contains(&("500".to_owned(), "internal".to_owned())), "{change}");
    assert_eq!(list["responses"]["200"]["description"], "OK");
    assert_eq!(list["security"], json!([]));
    assert_eq!(change["security"], json!([{"bearer": []}]));
    assert_eq!(change["tags"][0], "cups");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["schemas"]["Problem"]["properties"]["status"]["type"], "integer");
}

#[test]
fn our_own_extractors_describe_themselves() {
    let document = written();
    let change = &document["paths"]["/v1/cups/{id}"]["put"];
    assert_eq!(change["requestBody"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Cup");
    let parameters = change["parameters"].as_array().unwrap();
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["id", "Vendor-Id"]);
    let limit = &document["paths"]["/v1/cups"]["get"]["parameters"][0];
    assert_eq!((&limit["in"], &limit["required"]), (&json!("query"), &json!(false)), "{limit}");
    let named = limit["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{limit}"));
    assert_eq!(document.pointer(named.trim_start_matches('#')).unwrap()["maximum"], 100);
}

#[test]
fn the_arguments_of_a_handler_and_its_own_list_say_how_it_refuses() {
    let document = written();
    let pairs = [
        ("400", "malformed"),
        ("400", "invalid"),
        ("401", "unauthorized"),
        ("403", "forbidden"),
        ("403", "mfa_required"),
        ("404", "not_found"),
        ("409", "out_of_stock"),
        ("409", "terms_not_accepted"),
        ("413", "too_large"),
        ("415", "unsupported_media_type"),
        ("500", "internal"),
        ("503", "unavailable"),
    ];
    let mut expected: Vec<(String, String)> =
        pairs.iter().map(|(status, code)| ((*status).to_owned(), (*code).to_owned())).collect();
    let mut found = codes(&document, &document["paths"]["/v1/cups/{id}"]["put"]);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let of_the_other = codes(&document, &document["paths"]["/v1/cups/{id}"]["post"]);
    assert!(!of_the_other.iter().any(|(_, code)| code == "out_of_stock"), "its neighbour's refusals are not its own");
}

#[test]
fn headers_of_the_answer_follow_from_what_the_handler_takes_and_returns() {
    let document = written();
    let headers = |path: &str, method: &str, status: &str| {
        let headers = &document["paths"][path][method]["responses"][status]["headers"];
        headers.as_object().map(|names| names.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(headers("/v1/cups", "get", "200"), ["ETag"]);
    assert_eq!(headers("/v1/cups", "get", "304"), ["ETag"]);
    assert_eq!(headers("/v1/cups/{id}", "put", "200"), Vec::<String>::new());
    assert_eq!(headers("/v1/cups/{id}", "post", "201"), ["Idempotent-Replayed"]);
}

#[test]
fn an_operation_for_older_clients_is_deprecated() {
    let document = written();
    assert_eq!(document["paths"]["/v1/cups/{id}"]["post"]["deprecated"], true);
    assert_eq!(document["paths"]["/v1/cups/{id}"]["put"]["deprecated"], Value::Null);
}

#[test]
fn a_page_has_the_name_of_its_items() {
    let document = written();
    let page = &document["paths"]["/v1/cups"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(page["$ref"], "#/components/schemas/CupPage");
    assert!(document["components"]["schemas"]["CupPage"]["properties"]["items"].is_object());
}
