//! The HTTP contract: one OpenAPI document, assembled from the routers of all functions, and the list of all routes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use api::openapi::{Part, document, name_of, pretty};
use api::routes::Entry;

use cloud::template::Template;
use domain::Code;

use crate::functions::{Api, FUNCTIONS};

/// `infra/openapi.json` as committed.
pub const COMMITTED: &str = include_str!("../../openapi.json");

/// `infra/routes.txt` as committed: from it the function behind `$default` knows the routes of all functions.
pub const COMMITTED_ROUTES: &str = include_str!("../../routes.txt");

/// The function behind the gateway's route `$default`, which gets the requests that match no other route.
pub const PUBLIC_FUNCTION: &str = "storefront";

/// The functions behind the API: the name of each, and its part of the documentation.
fn apis() -> impl Iterator<Item = (&'static str, &'static Api)> {
    FUNCTIONS.iter().filter_map(|function| Some((function.name, function.api.as_ref()?)))
}

/// The OpenAPI document generated from the code. Which operations need a token is read from the template's routes,
/// where the authorizer is configured.
///
/// # Errors
/// When the document cannot be serialized as JSON.
pub fn openapi(template: &Template) -> Result<String, serde_json::Error> {
    let signed_in = |method: &str, path: &str| {
        template.api.routes.iter().any(|route| route.authorizer && route.method == method && route.path == path)
    };
    let parts = apis()
        .map(|(_, Api { tag: (tag, about), routes })| Part { tag, about, entries: routes().into_entries() })
        .collect();
    pretty(&document(parts, env!("CARGO_PKG_VERSION"), signed_in))
}

/// Every operation of the document, sorted: method, path and the function's binary.
pub fn operations() -> Vec<(String, String, &'static str)> {
    let mut operations: Vec<_> = entries().map(|(method, entry, binary)| (method, entry.path, binary)).collect();
    operations.sort();
    operations
}

/// How each operation is limited, by its route: the list under which its calls are counted, and whether it declares
/// that it may refuse with `too_many_requests`.
pub fn limits() -> BTreeMap<String, (Option<&'static str>, bool)> {
    let limit = |entry: &Entry| (entry.limit, entry.facts.refuses.contains(&Code::TooManyRequests));
    entries().map(|(method, entry, _)| (format!("{method} {}", entry.path), limit(&entry))).collect()
}

/// Every operation: its method, what describes it, and the function's binary.
fn entries() -> impl Iterator<Item = (String, Entry, &'static str)> {
    let all = apis().flat_map(|(name, api)| (api.routes)().into_entries().into_iter().map(move |entry| (entry, name)));
    all.filter_map(|(entry, binary)| Some((name_of(entry.methods.first()?).to_owned(), entry, binary)))
}

/// Every route that the code answers, sorted: the operations, and HEAD for each GET that needs no token. `$default` is
/// not among them.
pub fn routes() -> Vec<(String, String, &'static str)> {
    let heads = entries().filter(|(method, entry, _)| has_head(method, entry));
    let mut routes: Vec<_> = heads.map(|(_, entry, binary)| ("HEAD".to_owned(), entry.path, binary)).collect();
    routes.extend(operations());
    routes.sort();
    routes
}

/// Every route of pages, sorted: any method, its path and the function's binary. Those of the function behind
/// `$default` have none; those of a desk share one, since each route is a statement in the permission policy of its
/// function.
pub fn page_routes() -> Vec<(String, String, &'static str)> {
    let own = FUNCTIONS.iter().filter(|function| function.name != PUBLIC_FUNCTION);
    let mut routes: Vec<_> = own
        .flat_map(|function| (function.pages)().into_iter().map(move |(path, _)| (path, function.name)))
        .map(|(path, binary)| ("ANY".to_owned(), shared_path(path), binary))
        .collect();
    routes.sort();
    routes.dedup();
    routes
}

/// The route of a page: one for all that lie below a word, as those of a desk do.
fn shared_path(path: &str) -> String {
    let mut steps = path.split('/').skip(1);
    match (steps.next(), steps.next()) {
        (Some(first), Some(second)) if !first.starts_with('{') && !second.starts_with('{') => {
            format!("/{first}/{{proxy+}}")
        }
        _ => path.to_owned(),
    }
}

/// The line of `template.yaml` that declares a page of [`page_routes`].
pub fn page_line(path: &str) -> String {
    let words = path.split(['/', '{', '}', '-', '+']).filter(|word| !word.is_empty());
    let event: String = words.map(capitalised).collect();
    format!(
        "{event}Page: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: ANY, Path: \"{path}\", Auth: {{Authorizer: NONE}}}}}}"
    )
}

/// The line of `template.yaml` that declares a route among the events of its function, for each method and path of
/// [`routes`]. A route that answers 401 gets the authorizer, which is wrong only for one that is open and refuses what
/// it is given.
pub fn template_lines() -> BTreeMap<(String, String), String> {
    let mut lines = BTreeMap::new();
    for (method, entry, _) in entries() {
        let words = entry.operation.operation_id.as_deref().unwrap_or_default().split('_');
        let event: String = words.map(capitalised).collect();
        let open = if is_open(&entry) { ", Auth: {Authorizer: NONE}" } else { "" };
        let line = |event: &str, method: &str| {
            let path = &entry.path;
            format!(
                "{event}: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: {method}, Path: \"{path}\"{open}}}}}"
            )
        };
        if has_head(&method, &entry) {
            let head = "HEAD".to_owned();
            lines.insert((head.clone(), entry.path.clone()), line(&format!("{event}Head"), &head));
        }
        let declared = line(&event, &method);
        lines.insert((method, entry.path), declared);
    }
    lines
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(char::to_uppercase).into_iter().flatten().chain(characters).collect()
}

/// Whether an operation needs no token.
fn is_open(entry: &Entry) -> bool {
    !entry.facts.refuses.contains(&Code::Unauthorized)
}

/// Whether HEAD is a route beside an operation: it is for each GET that needs no token.
fn has_head(method: &str, entry: &Entry) -> bool {
    method == "GET" && is_open(entry)
}

/// The text of `infra/routes.txt`: a path and its methods on each line, separated by spaces.
pub fn routes_list() -> String {
    let mut list = String::new();
    let mut routes: Vec<(String, String)> = routes().into_iter().map(|(method, path, _)| (path, method)).collect();
    routes.sort();
    for of_path in routes.chunk_by(|left, right| left.0 == right.0) {
        let methods: Vec<&str> = of_path.iter().map(|(_, method)| method.as_str()).collect();
        if let Some((path, _)) = of_path.first() {
            let _ = writeln!(list, "{path} {}", methods.join(" "));
        }
    }
    list
}
