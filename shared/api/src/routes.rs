//! One list of routes per function, from which the function builds an axum router and the contract check an OpenAPI
//! document.
//!
//! utoipa's own router builds both at once, so that each function's binary would contain the schemas of all its types.
//! Here the list is generic over [`Routes`], and a binary contains only what it instantiates.

use std::marker::PhantomData;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodFilter, MethodRouter};
use domain::Code;
use utoipa::__dev::SchemaReferences;
use utoipa::Path;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{HttpMethod, RefOr, Schema};

use crate::limits;
use crate::signature::{Facts, Signature};

/// What a list of routes is built into: an axum [`Router`] or a [`Document`].
pub trait Routes<App>: Sized {
    /// An empty list.
    fn new() -> Self;

    /// Adds the handlers of one path: `routes!(things::list_things, things::create_thing[LimitReached])`.
    #[must_use]
    fn routes<D: Described>(self, routes: Routed<D, App>) -> Self;

    /// Sets the limit on request bodies, in bytes, for the routes added before this call. Others have
    /// [`BODY_LIMIT`](crate::router::BODY_LIMIT).
    #[must_use]
    fn limit_bodies(self, bytes: usize) -> Self;

    /// Limits the calls that change something by the routes added before this call, for each person, or for the client
    /// of who is not signed in. They are counted together under the list's name, by the function's
    /// [`counting_router`](crate::counting_router). A function has at most one such list.
    #[must_use]
    fn limit_calls(self, list: &'static str) -> Self;
}

/// The codes with which a handler itself refuses, in addition to those of its arguments. [`crate::routes!`] implements
/// it for each handler.
pub trait Refusals {
    /// The codes in brackets after the handler; empty without brackets.
    const CODES: &'static [Code];
}

/// The handlers of one path, and in `D` the list of types that describe them.
#[derive(Debug)]
pub struct Routed<D, App> {
    handlers: MethodRouter<App>,
    described: PhantomData<fn() -> D>,
}

/// A type-level list of handlers: those of `D`, then one that is described by `P`, refuses with `C`, and has the type
/// `H` under axum's marker `T`.
#[derive(Debug)]
pub struct And<D, P, C, H, T> {
    others: PhantomData<D>,
    described: PhantomData<P>,
    refusals: PhantomData<C>,
    handler: PhantomData<(H, T)>,
}

impl<App: Clone + Send + Sync + 'static> Routed<(), App> {
    /// No handler yet; [`crate::routes!`] adds them.
    #[must_use]
    pub fn begin() -> Self {
        Self { handlers: MethodRouter::new(), described: PhantomData }
    }
}

impl<D, App: Clone + Send + Sync + 'static> Routed<D, App> {
    /// Adds a handler for the methods in `P`, the type that `#[utoipa::path]` generates for it.
    #[must_use]
    pub fn with<P, C, H, T>(self, handler: H) -> Routed<And<D, P, C, H, T>, App>
    where
        P: Path,
        H: Handler<T, App>,
        T: 'static,
    {
        let mut handlers = self.handlers;
        for method in P::methods() {
            handlers = handlers.on(filter(&method), handler.clone());
        }
        Routed { handlers, described: PhantomData }
    }
}

const fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
    }
}

/// One operation of the OpenAPI document, from `#[utoipa::path]`, the handler's signature and its own refusals.
pub struct Entry {
    /// The route template, as in `/v1/orders/{id}`.
    pub path: String,
    /// The HTTP methods of the operation: exactly one, in the form in which utoipa gives it.
    pub methods: Vec<HttpMethod>,
    /// Summary, parameters and responses as `#[utoipa::path]` declares them.
    pub operation: Operation,
    /// The schemas that the operation refers to, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// Headers, codes and caching as derived from the handler's signature; the codes include the handler's own.
    pub facts: Facts,
    /// The list under which its calls are counted.
    pub limit: Option<&'static str>,
}

/// A list of operations at the type level: `()` is empty, [`And`] adds one.
pub trait Described {
    /// The path that the handlers share; empty for an empty list.
    fn path() -> String;
    /// One entry for each handler, in the order of the list.
    fn operations() -> Vec<Entry>;
}

impl Described for () {
    fn path() -> String {
        String::new()
    }
    fn operations() -> Vec<Entry> {
        Vec::new()
    }
}

impl<D, P, C, H, T> Described for And<D, P, C, H, T>
where
    D: Described,
    P: Path + SchemaReferences,
    C: Refusals,
    H: Signature<T>,
{
    fn path() -> String {
        P::path()
    }

    fn operations() -> Vec<Entry> {
        let mut operations = D::operations();
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        let mut facts = H::facts();
        facts.refuses.extend(C::CODES);
        operations.push(Entry {
            path: P::path(),
            methods: P::methods(),
            operation: P::operation(),
            schemas,
            facts,
            limit: None,
        });
        operations
    }
}

impl<App: Clone + Send + Sync + 'static> Routes<App> for Router<App> {
    fn new() -> Self {
        Self::new()
    }

    fn routes<D: Described>(self, routes: Routed<D, App>) -> Self {
        self.route(&D::path(), routes.handlers)
    }

    fn limit_bodies(self, bytes: usize) -> Self {
        self.layer(DefaultBodyLimit::max(bytes))
    }

    fn limit_calls(self, list: &'static str) -> Self {
        self.route_layer(from_fn(move |request: Request, next: Next| limits::count(list, request, next)))
    }
}

/// A list of routes built into OpenAPI entries. Handlers are dropped and limits on bodies ignored.
#[derive(Default)]
pub struct Document(Vec<Entry>);

impl Document {
    /// One entry for each operation, in the order of the list.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.0
    }
}

impl<App> Routes<App> for Document {
    fn new() -> Self {
        Self::default()
    }

    fn routes<D: Described>(mut self, _: Routed<D, App>) -> Self {
        self.0.extend(D::operations());
        self
    }

    fn limit_bodies(self, _: usize) -> Self {
        self
    }

    fn limit_calls(mut self, list: &'static str) -> Self {
        let is_change = |method: &HttpMethod| !matches!(method, HttpMethod::Get | HttpMethod::Head);
        for entry in self.0.iter_mut().filter(|entry| entry.methods.iter().any(is_change)) {
            entry.limit = Some(list);
            entry.facts.refuses.insert(Code::TooManyRequests);
        }
        self
    }
}

/// The handlers of one path, each as `module::handler` with a `#[utoipa::path]`, and in brackets the codes with which
/// the handler itself refuses. The codes of its arguments, such as `malformed` for a body, are added from its
/// signature.
#[macro_export]
macro_rules! routes {
    ($($module:ident :: $handler:ident $([$($code:ident),+ $(,)?])?),+ $(,)?) => {
        $crate::paste! {{
            $(
                struct [<$handler:camel Refusals>];
                impl $crate::Refusals for [<$handler:camel Refusals>] {
                    const CODES: &'static [$crate::Code] = &[$($($crate::Code::$code),+)?];
                }
            )+
            $crate::Routed::begin()
                $(.with::<$module::[<__path_ $handler>], [<$handler:camel Refusals>], _, _>($module::$handler))+
        }}
    };
}
