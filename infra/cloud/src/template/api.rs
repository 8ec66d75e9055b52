//! The HTTP API: routes, authorizer, origins and throttling.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Resource;
use super::{TemplateError, only, properties, refuse};
use crate::gateway::{Cors, DEFAULT_ROUTE, Route, Throttle, Throttles};

/// AWS's quota of routes for one HTTP API.
const MAX_ROUTES: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    pub id: String,
    pub authorizer: Authorizer,
    pub cors: Cors,
    pub throttles: Throttles,
    /// The routes, sorted by path and method.
    pub routes: Vec<Route>,
}

/// A JWT authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorizer {
    /// The name by which routes refer to it.
    pub name: String,
    /// The header that holds the token, in lower case.
    pub header: String,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// A token's `aud`, or `client_id` when it has no `aud`, must be one of these.
    pub audience: Vec<String>,
}

/// A route as its function's event declares it.
pub(super) struct RouteEvent {
    pub function: String,
    pub event: String,
    pub api: String,
    pub method: Option<String>,
    pub path: Option<String>,
    /// The authorizer's name if the event gives one; `NONE` for a public route.
    pub authorizer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ApiProperties {
    auth: AuthProperties,
    cors_configuration: Cors,
    default_route_settings: Throttle,
    #[serde(default)]
    route_settings: BTreeMap<String, Throttle>,
    // Access logs have no meaning here.
    #[serde(rename = "AccessLogSettings")]
    _access_log: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AuthProperties {
    default_authorizer: String,
    authorizers: BTreeMap<String, AuthorizerProperties>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AuthorizerProperties {
    identity_source: String,
    authorization_scopes: Vec<String>,
    jwt_configuration: JwtProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JwtProperties {
    issuer: String,
    audience: Vec<String>,
}

pub(super) fn read(apis: &[(String, Resource)], events: Vec<RouteEvent>) -> Result<Api, TemplateError> {
    let (id, resource) = only("AWS::Serverless::HttpApi", apis)?;
    let read: ApiProperties = properties(id, &resource.properties)?;
    let name = read.auth.default_authorizer;
    let mut authorizers = read.auth.authorizers.into_iter();
    let authorizer = match (authorizers.next(), authorizers.next()) {
        (Some((only, authorizer)), None) if only == name => authorizer,
        _ => return Err(refuse(id, "there must be one authorizer, and it must be the default")),
    };
    let header = authorizer
        .identity_source
        .strip_prefix("$request.header.")
        .ok_or_else(|| refuse(id, format!("identity source {} is not known here", authorizer.identity_source)))?
        .to_lowercase();
    if events.len() > MAX_ROUTES {
        return Err(refuse(id, format!("{} routes are more than the {MAX_ROUTES} of an HTTP API", events.len())));
    }
    let mut taken = BTreeSet::new();
    let mut routes = Vec::with_capacity(events.len());
    for event in events {
        if event.api != resource.name {
            return Err(refuse(&event.function, format!("{} is an event of another API", event.event)));
        }
        let authorizer_needed = match event.authorizer.as_deref() {
            None => true,
            Some("NONE") => false,
            Some(other) if other == name => true,
            Some(other) => return Err(refuse(&event.function, format!("authorizer {other} is unknown"))),
        };
        let (method, path) = checked(&event)?;
        let route = Route {
            path,
            method,
            authorizer: authorizer_needed,
            scopes: if authorizer_needed { authorizer.authorization_scopes.clone() } else { Vec::new() },
            function: event.function,
        };
        // API Gateway treats two paths as equal if only the names of their parameters differ.
        let shape: Vec<String> =
            route.path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned()).collect();
        if !taken.insert((route.method.clone(), shape)) {
            return Err(refuse(&route.function, format!("{} is there twice", route.key())));
        }
        routes.push(route);
    }
    routes.sort();
    // API Gateway: "Unable to find Route by key … within the provided RouteSettings".
    let is_route = |key: &&String| routes.iter().any(|route| route.key() == **key);
    if let Some(orphan) = read.route_settings.keys().find(|key| !is_route(key)) {
        return Err(refuse(id, format!("there are settings for {orphan}, which is no route")));
    }
    Ok(Api {
        id: id.to_owned(),
        authorizer: Authorizer {
            name,
            header,
            issuer: authorizer.jwt_configuration.issuer,
            audience: authorizer.jwt_configuration.audience,
        },
        cors: read.cors_configuration,
        throttles: Throttles { default: read.default_route_settings, by_route: read.route_settings },
        routes,
    })
}

/// Method and path of a route; `ANY` and `$default` for an event that has neither.
fn checked(event: &RouteEvent) -> Result<(String, String), TemplateError> {
    let (method, path) = match (&event.method, &event.path) {
        (None, None) => return Ok(("ANY".to_owned(), DEFAULT_ROUTE.to_owned())),
        (Some(method), Some(path)) => (method, path),
        _ => return Err(refuse(&event.function, format!("{}: method and path need each other", event.event))),
    };
    if !["ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
        return Err(refuse(&event.function, format!("{}: method {method} is not known here", event.event)));
    }
    let parameter =
        |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).unwrap_or(part).to_owned();
    // The rest of a path has one name at AWS's own examples, and one here.
    let parameter = |part: &str| if part == "{proxy+}" { "proxy".to_owned() } else { parameter(part) };
    let fine = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
    };
    match path.strip_prefix('/') {
        Some(rest) if rest.split('/').all(|part| fine(&parameter(part))) => Ok((method.clone(), path.clone())),
        _ => Err(refuse(&event.function, format!("{}: path {path} is not known here", event.event))),
    }
}
