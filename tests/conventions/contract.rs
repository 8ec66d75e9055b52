//! The contract: routes in code, template, document and authorization table are the same.

use std::collections::{BTreeMap, BTreeSet};

use cloud::gateway::DEFAULT_ROUTE;
use cloud::template::Template;
use local::TEMPLATE;
use local::contract;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, fault_of};

fn template() -> Template {
    Template::parse(TEMPLATE, &local::site("http://localhost:3000")).expect("the template is understood")
}

#[test]
fn every_route_stands_in_the_code_and_in_the_template() {
    let template = template();
    let in_code: BTreeSet<(String, String, String)> = contract::routes()
        .into_iter()
        .chain(contract::page_routes())
        .map(|(method, path, binary)| (method, path, binary.to_owned()))
        .collect();
    let in_template: BTreeSet<(String, String, String)> = template
        .api
        .routes
        .iter()
        .filter(|route| route.path != DEFAULT_ROUTE)
        .map(|route| {
            let binary = template.function(&route.function).expect("a function").binary.clone();
            (route.method.clone(), route.path.clone(), binary)
        })
        .collect();
    let lines = contract::template_lines();
    let line = |(method, path, binary): &(String, String, String)| {
        let declared = lines.get(&(method.clone(), path.clone())).cloned();
        let declared = declared.unwrap_or_else(|| contract::page_line(path));
        format!("to the events of the function {binary}:\n        {declared}\n")
    };
    let missing: String = in_code.difference(&in_template).map(line).collect();
    let orphans: Vec<_> = in_template.difference(&in_code).collect();
    assert!(missing.is_empty() && orphans.is_empty(), "add to template.yaml\n{missing}\nadd to the code: {orphans:#?}");
}

#[test]
fn each_route_of_the_template_stands_on_one_line_as_the_code_would_declare_it() {
    // What stands before the colon names the route's permission too, so it stays as it was once chosen. The authorizer
    // is held by the table of authorization: the code says 401 also where an open route refuses a refresh token.
    let event = |line: &str| {
        let (_, event) = line.trim().split_once(": ")?;
        Some(event.replace(", Auth: {Authorizer: NONE}", ""))
    };
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for event in TEMPLATE.root.lines().filter_map(event) {
        *written.entry(event).or_default() += 1;
    }
    let pages = contract::page_routes().into_iter().map(|(_, path, _)| contract::page_line(&path));
    let lines: Vec<String> = contract::template_lines().into_values().chain(pages).collect();
    let is_there_once = |line: &str| event(line).and_then(|event| written.get(&event)) == Some(&1);
    let differ: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !is_there_once(line)).collect();
    assert!(differ.is_empty(), "template.yaml must have each of these lines once:\n{}", differ.join("\n"));
    // The one event more is the route $default.
    assert_eq!(
        TEMPLATE.root.matches("Type: HttpApi").count(),
        lines.len() + 1,
        "template.yaml has events beside these"
    );
}

#[test]
fn the_committed_document_is_what_the_code_makes() {
    let made = contract::openapi(&template()).expect("a document");
    let hint = "run: cargo run -- openapi > infra/openapi.json";
    assert!(made.trim_end() == contract::COMMITTED.trim_end(), "infra/openapi.json is not what the code makes; {hint}");
}

#[test]
fn the_committed_list_of_routes_is_what_the_code_makes() {
    let hint = "run: cargo run -- routes > infra/routes.txt";
    assert_eq!(
        contract::routes_list(),
        contract::COMMITTED_ROUTES,
        "infra/routes.txt is not what the code makes; {hint}"
    );
    let template = template();
    let default = template.api.routes.iter().find(|route| route.path == DEFAULT_ROUTE).expect("a default route");
    let function = template.function(&default.function).expect("a function");
    assert_eq!((function.binary.as_str(), default.authorizer), (contract::PUBLIC_FUNCTION, false));
}

fn document() -> Value {
    serde_json::from_str(contract::COMMITTED).expect("the document is JSON")
}

/// Every operation of the document with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            found.push((format!("{method} {path}"), operation));
        }
    }
    found
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_document_resolves_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    let broken: Vec<&String> =
        used.iter().filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().expect("components").keys() {
            assert!(used.contains(&format!("#/components/{kind}/{name}")), "nothing refers to {kind} {name}");
        }
    }
}

/// What a value refers to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a reference that resolves"),
        None => value,
    }
}

#[test]
fn every_operation_says_what_a_client_has_to_know() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    for (route, operation) in operations(&document) {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!((1..=60).contains(&summary.chars().count()), "{route}: a summary of at most 60 characters: {summary}");
        assert!(!operation["description"].as_str().unwrap_or_default().is_empty(), "{route}: a description");
        assert!(operation["security"].is_array(), "{route}: whether a token is needed, `[]` when not");
        let tagged = operation["tags"].as_array().expect("tags");
        assert!(tagged.iter().all(|tag| tag.as_str().is_some_and(|tag| tags.contains(tag))), "{route}: a known tag");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{route}: a success");
        assert!(responses.keys().any(|status| status.starts_with('4')), "{route}: its refusals");
        let bodies =
            responses.values().map(|response| resolved(&document, response)).chain([&operation["requestBody"]]);
        for (kind, content) in bodies.filter_map(|body| body["content"].as_object()).flatten() {
            let is_described = content["schema"].is_object();
            assert!(is_described, "{route}: {kind} without a schema");
            let has_example = content["example"] != Value::Null || content["examples"].is_object();
            assert!(has_example || !kind.ends_with("json"), "{route}: {kind} without an example");
        }
    }
    for tag in document["tags"].as_array().expect("tags") {
        assert!(tag["description"].as_str().is_some_and(|said| said.ends_with('.')), "a sentence for {tag}");
    }
}

#[test]
fn closed_lists_are_enums() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let parameter = |path: &str, method: &str, name: &str| {
        let all = document["paths"][path][method]["parameters"].as_array().expect("parameters");
        &all.iter().find(|parameter| parameter["name"] == name).expect("the parameter")["schema"]
    };
    for (name, schema) in [
        ("Problem.code", &schemas["Code"]),
        ("HistoryView.event", &schemas["HistoryEvent"]),
        ("LineChange.code", &schemas["LineChange"]["properties"]["code"]),
        ("ChecklistItem.code", &schemas["ChecklistItem"]["properties"]["code"]),
        ("products sort", parameter("/v1/products", "get", "sort")),
        ("webhook provider", parameter("/v1/webhooks/{provider}", "post", "provider")),
    ] {
        let listed = resolved(&document, schema);
        assert!(listed["enum"].as_array().is_some_and(|values| values.len() > 1), "{name} is a closed list: {listed}");
    }
}

#[test]
fn every_answer_is_one_that_the_document_names() {
    // Each answer that a test gets is held against the document. This shows that the check finds what it is there for.
    let answer = |status: u16, kind: &str, body: Value| Answer::made(status, kind, &body);
    let cart = "/v1/carts/crt_5sq4kaz0y3wx9m2vcnd8h7trbe";
    let fault = |answer: &Answer| fault_of(&Method::GET, cart, answer);
    let document = document();
    let problem = |code: &str, status: u16| {
        json!({
            "type": format!("urn:bozor:problem:{code}"), "title": "t", "status": status, "detail": "d", "code": code,
        })
    };
    let known =
        &document["paths"]["/v1/carts/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"];
    let mut widened = known.clone();
    widened["surprise"] = json!(1);
    for (wanted, answer) in [
        (None, answer(200, "application/json", known.clone())),
        (None, answer(410, "application/problem+json", problem("expired", 410))),
        (None, answer(429, "application/json", json!({"message": "Too Many Requests"}))),
        (Some("surprise"), answer(200, "application/json", widened)),
        (Some("required"), answer(200, "application/json", json!({"id": "crt_1"}))),
        (Some("teapot"), answer(410, "application/problem+json", problem("teapot", 410))),
        (Some("418"), answer(418, "application/problem+json", problem("expired", 418))),
        (Some("text/html"), answer(200, "text/html", json!("page"))),
    ] {
        let found = fault(&answer);
        match wanted {
            None => assert_eq!(found, None),
            Some(word) => assert!(found.as_deref().is_some_and(|found| found.contains(word)), "{word}: {found:?}"),
        }
    }
}

#[test]
fn no_two_operations_have_one_id() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (route, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id");
        assert!(seen.insert(id.to_owned()), "{route} is called {id}, as is another: clients are named by it");
    }
}

#[test]
fn the_api_stays_within_what_a_gateway_allows() {
    let template = template();
    assert!(template.api.routes.len() <= 300);
    for function in &template.functions {
        // Each route is a statement in the function's permission policy, which has 20 KB.
        let routes = template.api.routes.iter().filter(|route| route.function == function.id).count();
        assert!(routes <= 40, "{} has {routes} routes: its permission policy would be too large", function.id);
    }
}

#[tokio::test]
async fn the_etag_of_a_version_answers_no_304_because_the_body_shows_more_than_what_is_versioned() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let operator = shop.operator().await;
    let product = format!("/v1/vendor/products/{}", bowl.id);
    for (client, path) in [
        (&vendor.client, product.as_str()),
        (&guest.client, guest.path("").as_str()),
        (&operator, format!("/v1/admin/vendors/{}", vendor.id).as_str()),
        (&vendor.client, "/v1/vendors/me"),
    ] {
        let first = client.get(path).await;
        first.expect(200);
        assert!(!first.header("etag").is_empty(), "{path} has a version");
        let again = client.clone().with("if-none-match", first.header("etag")).get(path).await;
        assert_eq!(again.expect(200), first.expect(200), "{path}");
    }
    // The product keeps its version, and its vendor sees the new stock.
    let etag = vendor.client.get(&product).await.header("etag").to_owned();
    let stock = format!("{product}/variants/{}/stock", bowl.variant);
    vendor.client.put(&stock, &json!({"adjust": 3})).await.expect(200);
    let seen = vendor.client.clone().with("if-none-match", &etag).get(&product).await;
    assert_eq!((seen.header("etag"), &seen.expect(200)["variants"][0]["on_hand"]), (etag.as_str(), &json!(8)));
}
