//! The contract: routes in code, template, document and authorization table are the same.

use std::collections::BTreeSet;

use local::cloud::TEMPLATE;
use local::contract;
use local::template::{Site, Template};
use serde_json::Value;

fn template() -> Template {
    Template::parse(TEMPLATE, &Site::at("http://localhost:3000")).expect("the template is understood")
}

#[test]
fn every_route_stands_in_the_code_and_in_the_template() {
    let template = template();
    let in_code: BTreeSet<(String, String, String)> =
        contract::routes().into_iter().map(|(method, path, binary)| (method, path, binary.to_owned())).collect();
    let in_template: BTreeSet<(String, String, String)> = template
        .api
        .routes
        .iter()
        .map(|route| {
            let binary = template.function(&route.function).expect("a function").binary.clone();
            (route.method.clone(), route.path.clone(), binary)
        })
        .collect();
    let missing: Vec<_> = in_code.difference(&in_template).collect();
    let orphans: Vec<_> = in_template.difference(&in_code).collect();
    assert!(
        missing.is_empty() && orphans.is_empty(),
        "add to template.yaml: {missing:#?}\nadd to the code: {orphans:#?}"
    );
}

#[test]
fn the_committed_document_is_what_the_code_makes() {
    let made = contract::openapi(&template()).expect("a document");
    let hint = "run: cargo run -- openapi > infra/openapi.json";
    assert!(made.trim_end() == contract::COMMITTED.trim_end(), "infra/openapi.json is not what the code makes; {hint}");
}

#[test]
fn no_two_operations_have_one_id() {
    let document: Value = serde_json::from_str(contract::COMMITTED).expect("the document is JSON");
    let mut seen = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(
                seen.insert(id.to_owned()),
                "{method} {path} is called {id}, as is another: clients are named by it"
            );
        }
    }
}

#[test]
fn the_api_stays_within_what_a_gateway_allows() {
    assert!(template().api.routes.len() <= 300);
}
