//! Routes: which function answers which method and path.

use std::cmp::Reverse;

use http::Method;

use super::SpecificationError;

/// The key of the route of requests that match no other route.
pub const DEFAULT_ROUTE: &str = "$default";

/// One route, as the template declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The path, like `/v1/products/{handle}`; a last segment `{proxy+}` matches the rest of the path.
    pub path: String,
    /// The method in capitals; `ANY` for all methods and for the default route.
    pub method: String,
    /// The logical id of the function that answers.
    pub function: String,
    /// Whether the authorizer checks a token first.
    pub authorizer: bool,
    /// The scopes of which the token needs one; empty without authorizer.
    pub scopes: Vec<String>,
}

impl Route {
    /// The route's key, like `GET /v1/products/{handle}`.
    pub fn key(&self) -> String {
        if self.path == DEFAULT_ROUTE { self.path.clone() } else { format!("{} {}", self.method, self.path) }
    }
}

/// One segment of a route's path. The order is that of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{') else {
            return (!text.contains(['{', '}'])).then(|| Self::Literal(text.to_owned()));
        };
        let name = inner.strip_suffix('}')?;
        let (name, greedy) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        match (valid, greedy) {
            (false, _) => None,
            (true, true) => Some(Self::Greedy(name.to_owned())),
            (true, false) => Some(Self::Variable(name.to_owned())),
        }
    }

    /// The lowest rank wins if several routes match.
    const fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

#[derive(Debug)]
pub(super) struct Routes {
    routes: Vec<(Vec<Segment>, Route)>,
    /// The route of requests that match no other route.
    default: Option<Route>,
}

impl Routes {
    pub(super) fn new(specified: Vec<Route>) -> Result<Self, SpecificationError> {
        let mut routes: Vec<(Vec<Segment>, Route)> = Vec::with_capacity(specified.len());
        let mut default = None;
        for route in specified {
            if route.path == DEFAULT_ROUTE {
                if default.is_some() {
                    return Err(SpecificationError::Twice(route.key()));
                }
                default = Some(route);
                continue;
            }
            let malformed = || SpecificationError::Malformed(route.key());
            let path = route.path.strip_prefix('/').ok_or_else(malformed)?;
            let segments: Vec<Segment> =
                path.split('/').map(Segment::parse).collect::<Option<_>>().ok_or_else(malformed)?;
            let greedy_before_the_end =
                segments.iter().rev().skip(1).any(|segment| matches!(segment, Segment::Greedy(_)));
            if greedy_before_the_end {
                return Err(malformed());
            }
            if routes.iter().any(|(_, other)| other.method == route.method && other.path == route.path) {
                return Err(SpecificationError::Twice(route.key()));
            }
            routes.push((segments, route));
        }
        Ok(Self { routes, default })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|(_, route)| route).chain(&self.default)
    }

    /// The most specific route for a method and a path as sent (still percent-encoded), with its path parameters
    /// decoded. A trailing slash makes another path.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        let sent: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        self.routes
            .iter()
            .filter(|(_, route)| route.method == "ANY" || route.method == method.as_str())
            .filter_map(|(segments, route)| {
                let parameters = matches(segments, &sent)?;
                let ranks: Vec<u8> = segments.iter().map(Segment::rank).collect();
                Some(((ranks, Reverse(route.method != "ANY")), route, parameters))
            })
            .min_by(|(left, ..), (right, ..)| left.cmp(right))
            .map(|(_, route, parameters)| (route, parameters))
            .or_else(|| self.default.as_ref().map(|route| (route, Vec::new())))
    }
}

fn matches(segments: &[Segment], sent: &[&str]) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = sent;
    for segment in segments {
        let (first, others) = rest.split_first()?;
        match segment {
            Segment::Literal(text) if *text == decoded(first) => {}
            Segment::Literal(_) => return None,
            Segment::Variable(_) if first.is_empty() => return None,
            Segment::Variable(name) => parameters.push((name.clone(), decoded(first))),
            Segment::Greedy(name) => {
                let all = rest.join("/");
                if all.is_empty() {
                    return None;
                }
                parameters.push((name.clone(), decoded(&all)));
                return Some(parameters);
            }
        }
        rest = others;
    }
    rest.is_empty().then_some(parameters)
}

/// Undoes percent-encoding; bytes that are no UTF-8 become replacement characters.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [b'%', high, low, after @ ..] => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => {
                    bytes.push(b'%');
                    rest = rest.get(1..).unwrap_or_default();
                }
            },
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        Routes::new(
            keys.iter()
                .map(|key| {
                    let (method, path) = key.split_once(' ').unwrap();
                    Route {
                        method: method.into(),
                        path: path.into(),
                        function: "F".into(),
                        authorizer: false,
                        scopes: Vec::new(),
                    }
                })
                .collect(),
        )
        .unwrap()
    }

    fn found(routes: &Routes, method: Method, path: &str) -> Option<(String, Vec<(String, String)>)> {
        routes.find(&method, path).map(|(route, parameters)| (route.key(), parameters))
    }

    fn key(routes: &Routes, method: Method, path: &str) -> Option<String> {
        found(routes, method, path).map(|(key, _)| key)
    }

    #[test]
    fn a_literal_segment_beats_a_variable_one_and_that_a_greedy_one() {
        let routes = routes(&[
            "GET /v1/vendors/{handle}",
            "GET /v1/vendors/me",
            "GET /v1/{proxy+}",
            "GET /v1/vendors/{handle}/x",
        ]);
        assert_eq!(key(&routes, Method::GET, "/v1/vendors/me").unwrap(), "GET /v1/vendors/me");
        assert_eq!(key(&routes, Method::GET, "/v1/vendors/you").unwrap(), "GET /v1/vendors/{handle}");
        assert_eq!(key(&routes, Method::GET, "/v1/vendors/me/x").unwrap(), "GET /v1/vendors/{handle}/x");
        let (greedy, parameters) = found(&routes, Method::GET, "/v1/a%20b/c").unwrap();
        assert_eq!((greedy.as_str(), parameters), ("GET /v1/{proxy+}", vec![("proxy".into(), "a b/c".into())]));
    }

    #[test]
    fn the_methods_own_route_beats_any_and_another_method_has_no_route() {
        let routes = routes(&["ANY /v1/a", "GET /v1/a", "GET /v1/b"]);
        assert_eq!(key(&routes, Method::GET, "/v1/a").unwrap(), "GET /v1/a");
        assert_eq!(key(&routes, Method::DELETE, "/v1/a").unwrap(), "ANY /v1/a");
        assert_eq!(key(&routes, Method::HEAD, "/v1/b"), None);
    }

    #[test]
    fn a_path_has_exactly_the_segments_of_its_route() {
        let routes = routes(&["GET /v1/carts/{id}"]);
        for path in ["/v1/carts", "/v1/carts/", "/v1/carts/1/", "/v1/carts/1/items", "//v1/carts/1"] {
            assert_eq!(key(&routes, Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn path_parameters_are_decoded_once() {
        let routes = routes(&["GET /v1/carts/{id}/coupons/{code}"]);
        let (_, parameters) = found(&routes, Method::GET, "/v1/carts/a%2Fb/coupons/%D0%B9%2525%").unwrap();
        assert_eq!(parameters, [("id".into(), "a/b".into()), ("code".into(), "й%25%".into())]);
    }

    #[test]
    fn what_has_no_route_goes_to_the_default_one_without_parameters() {
        let routes = routes(&["GET /v1/a", "ANY $default"]);
        assert_eq!(key(&routes, Method::GET, "/v1/a").unwrap(), "GET /v1/a");
        for (method, path) in [(Method::PUT, "/v1/a"), (Method::GET, "/v1/b/c"), (Method::GET, "/")] {
            assert_eq!(found(&routes, method, path), Some(("$default".into(), vec![])), "{path}");
        }
    }

    #[test]
    fn malformed_and_repeated_routes_are_refused() {
        let route = |path: &str| Route {
            method: "GET".into(),
            path: path.into(),
            function: "F".into(),
            authorizer: false,
            scopes: Vec::new(),
        };
        for path in ["v1", "/v1/{}", "/v1/{a", "/v1/a}b", "/v1/{proxy+}/b"] {
            assert!(matches!(Routes::new(vec![route(path)]), Err(SpecificationError::Malformed(_))), "{path}");
        }
        let twice = Routes::new(vec![route("/a"), route("/a")]).unwrap_err();
        assert_eq!(twice, SpecificationError::Twice("GET /a".into()));
    }
}
