//! The router of a function of pages: its pages, and what happens around each of them.

use std::io::Write as _;
use std::sync::Arc;

use api::Problem;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use domain::Code;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pages::Language;

use crate::form::check_same_origin;
use crate::policy::{Leads, protect};
use crate::reply::Public;
use crate::site::language_of;
use crate::visitor::{LANGUAGE, Main, preferred};
use crate::{Cookies, Jar, Site};

/// The limit on a form in bytes.
const FORM_LIMIT: usize = 256 * 1024;
/// The largest page that is compressed: all of ours are far smaller.
const MOST_COMPRESSED: usize = 4 * 1024 * 1024;
/// Smaller answers do not become smaller.
const LEAST_COMPRESSED: usize = 600;

/// A function's pages: each path with its methods, once.
pub struct Pages<App> {
    router: Router<App>,
    listed: Vec<(&'static str, Vec<Method>)>,
}

impl<App> std::fmt::Debug for Pages<App> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.listed).finish()
    }
}

impl<App: Clone + Send + Sync + 'static> Default for Pages<App> {
    fn default() -> Self {
        Self { router: Router::<App>::new().fallback(async || Problem::of(Code::NotFound)), listed: Vec::new() }
    }
}

impl<App: Clone + Send + Sync + 'static> Pages<App> {
    /// A page.
    #[must_use]
    pub fn page<T: 'static>(self, path: &'static str, show: impl Handler<T, App>) -> Self {
        self.with(path, MethodRouter::new().on(MethodFilter::GET, show), vec![Method::GET])
    }

    /// A page with a form that is posted to its own address.
    #[must_use]
    pub fn form<T: 'static, U: 'static>(
        self,
        path: &'static str,
        show: impl Handler<T, App>,
        act: impl Handler<U, App>,
    ) -> Self {
        let handlers = MethodRouter::new().on(MethodFilter::GET, show).on(MethodFilter::POST, act);
        self.with(path, handlers, vec![Method::GET, Method::POST])
    }

    /// An address that forms of other pages are posted to.
    #[must_use]
    pub fn act<T: 'static>(self, path: &'static str, act: impl Handler<T, App>) -> Self {
        self.with(path, MethodRouter::new().on(MethodFilter::POST, act), vec![Method::POST])
    }

    /// What is shown where no page is, in the place of the usual page of the problem.
    #[must_use]
    pub fn otherwise<T: 'static>(self, show: impl Handler<T, App>) -> Self {
        Self { router: self.router.fallback(show), listed: self.listed }
    }

    fn with(mut self, path: &'static str, handlers: MethodRouter<App>, methods: Vec<Method>) -> Self {
        self.listed.push((path, methods));
        Self { router: self.router.route(path, handlers), listed: self.listed }
    }

    /// Each path with the methods that it answers.
    pub fn listed(&self) -> &[(&'static str, Vec<Method>)] {
        &self.listed
    }
}

/// The router of a function's pages. Around them it refuses what another site's page sends, shows a page for each
/// problem in the language of the path or else of the visitor, compresses where nobody before does, answers 304, and
/// adds the headers that every answer carries.
pub fn router<App: Clone + Send + Sync + 'static>(pages: Pages<App>, app: App, site: Site) -> Router {
    let site = Arc::new(site);
    pages
        .router
        .method_not_allowed_fallback(async || Problem::of(Code::MethodNotAllowed))
        .with_state(app)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn(move |request: Request, next: Next| finish(request, next, Arc::clone(&site))))
}

/// Whether this router matched the same page as the gateway, whose route names any method: see the twin of this check
/// in `api`.
fn is_as_routed(request: &Request) -> bool {
    let (Some(key), Some(path)) =
        (api::identity::route_key(request.extensions()), request.extensions().get::<MatchedPath>())
    else {
        return true;
    };
    let is_route = |route: &str| match route.strip_suffix("{proxy+}") {
        Some(before) => path.as_str().starts_with(before),
        None => route == path.as_str(),
    };
    key == "$default" || key.split_once(' ').is_some_and(|(_, route)| is_route(route))
}

/// The routes of all functions of the API. A test keeps the list equal to the code.
const EVERY_ROUTE: &str = include_str!("../../../infra/routes.txt");

/// Whether a path is the API's. The gateway looks at the method first, so a path of the API that is asked by a method
/// that it does not answer comes to the page whose route has as many steps, or to `$default`.
fn is_of_the_api(path: &str) -> bool {
    path.split('/').find(|step| !step.is_empty()) == Some("v1")
}

async fn finish(mut request: Request, next: Next, site: Arc<Site>) -> Response {
    if is_of_the_api(request.uri().path()) {
        return api::unrouted(&request, EVERY_ROUTE);
    }
    let cookies = Cookies::of(request.headers());
    let of_path = language_of(request.uri().path());
    let language = of_path.unwrap_or_else(|| preferred(&cookies, request.headers(), site.shown.main_language));
    let is_new = of_path.filter(|language| cookies.plain(LANGUAGE) != Some(language.code()));
    let id = api::identity::request_id(request.extensions()).map(str::to_owned);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = is_read.then(|| request.headers().get(IF_NONE_MATCH).cloned()).flatten();
    request.extensions_mut().insert(Main(site.shown.main_language));
    let accepts_gzip = site.compresses && takes_gzip(request.headers());

    let mut response = if !is_as_routed(&request) {
        Problem::of(Code::NotFound).into_response()
    } else if is_read || *request.method() == Method::OPTIONS {
        next.run(request).await
    } else {
        match check_same_origin(request.headers(), &site.origin) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        }
    };

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if problem.status().is_server_error() {
            let route = route.as_ref().map_or("", MatchedPath::as_str);
            api::router::log_failure(&problem, route, id.as_deref());
        }
        show_problem(&mut response, &problem, language, &site, id.as_deref());
    }
    let leads = response.extensions_mut().remove::<Leads>().unwrap_or_default();
    let is_public = response.extensions_mut().remove::<Public>().is_some();
    if is_public
        && response.status() == StatusCode::OK
        && let (Some(known), Some(current)) = (&known, response.headers().get(ETAG))
        && api::conditional::matches_weakly(known, current)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
        if site.compresses {
            response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        }
    } else if site.compresses {
        response = compressed(response, accepts_gzip).await;
    }
    // A page for one person remembers its language, for pages whose paths name none. Where scripts run, choosing one
    // does so too.
    if let Some(language) = is_new.filter(|_| is_read && !is_public && response.status() == StatusCode::OK) {
        for cookie in Jar::default().choose(LANGUAGE, language.code(), &site).into_lines() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    protect(headers, &leads);
    response
}

/// Puts a page in the place of a problem's document.
fn show_problem(response: &mut Response, problem: &Problem, language: Language, site: &Site, id: Option<&str>) {
    let detail = problem.detail_for_people();
    let page = pages::problem(&site.shown, language, problem.code(), detail, id);
    *response.body_mut() = Body::from(page);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        is_gzip && !parts.any(|weight| matches!(weight.strip_prefix("q="), Some("0" | "0.0" | "0.00" | "0.000")))
    })
}

/// The answer as it is sent to who takes it compressed.
async fn compressed(response: Response, accepts_gzip: bool) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !["text/", "application/javascript", "application/manifest+json", "application/xml", "application/rss+xml"]
        .iter()
        .any(|text| kind.starts_with(text))
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    let Ok(bytes) = to_bytes(body, MOST_COMPRESSED).await else {
        return Problem::internal("a page is too large to be compressed").into_response();
    };
    let packed = (accepts_gzip && bytes.len() >= LEAST_COMPRESSED).then(|| gzip(&bytes)).flatten();
    match packed {
        Some(packed) => {
            parts.headers.remove(CONTENT_LENGTH);
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Response::from_parts(parts, Body::from(packed))
        }
        None => Response::from_parts(parts, Body::from(bytes)),
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_worker_and_sheet_are_small() {
        let sent = [pages::SCRIPT, pages::WORKER].map(pages::without_comments);
        assert!(sent.iter().all(|script| script.lines().all(|line| !line.starts_with("//") && !line.starts_with('*'))));
        let sizes = sent.map(|script| gzip(script.as_bytes()).unwrap().len());
        assert!(sizes.iter().sum::<usize>() <= 6 * 1024, "{sizes:?}");
        assert!(pages::STYLE.len() <= 6 * 1024, "{}", pages::STYLE.len());
    }
}
