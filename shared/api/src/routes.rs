//! A function's routes, said once: an axum router in the function, the OpenAPI document where somebody asks for it.
//!
//! utoipa's own router builds both at once, so each function would carry the description of every type it speaks of. Here the list
//! of routes is generic over what is made of it, and a binary contains only what it uses.

use std::marker::PhantomData;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use domain::Code;
use utoipa::__dev::SchemaReferences;
use utoipa::Path;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{HttpMethod, RefOr, Schema};

use crate::signature::{Facts, Signature};

/// What is made of a list of routes.
pub trait Routes<App>: Sized {
    /// Without any route yet.
    fn new() -> Self;

    /// With the routes of one path: `routes!(things::list_things, things::create_thing[LimitReached])`.
    #[must_use]
    fn routes<D: Described>(self, routes: Routed<D, App>) -> Self;

    /// With another limit on bodies, in bytes, for the routes that were added so far.
    #[must_use]
    fn limit_bodies(self, bytes: usize) -> Self;
}

/// The codes with which a handler itself refuses, besides its arguments.
pub trait Refusals {
    /// The codes.
    const CODES: &'static [Code];
}

/// The handlers of one path, and the types that describe them.
#[derive(Debug)]
pub struct Routed<D, App> {
    handlers: MethodRouter<App>,
    described: PhantomData<fn() -> D>,
}

/// One more handler, behind those of `D`: described by `P`, refusing with `C`, of the signature `H` under axum's marker `T`.
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
    /// With the handler that `P` describes.
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

/// One operation: what `#[utoipa::path]`, the handler's signature and its own refusals say of it.
pub struct Entry {
    /// Its path.
    pub path: String,
    /// Its methods: one.
    pub methods: Vec<HttpMethod>,
    /// What `#[utoipa::path]` says.
    pub operation: Operation,
    /// The schemas that it names.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// What its signature says, with its own refusals.
    pub facts: Facts,
}

/// The types that describe the operations of one path.
pub trait Described {
    /// The path; empty when there is no handler yet.
    fn path() -> String;
    /// Each operation.
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
        operations.push(Entry { path: P::path(), methods: P::methods(), operation: P::operation(), schemas, facts });
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
}

/// The descriptions of a list of routes.
#[derive(Default)]
pub struct Document(Vec<Entry>);

impl Document {
    /// One entry for each operation.
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
}

/// The handlers of one path, each as `module::handler`, with what `#[utoipa::path]` says of them, and in brackets the codes with
/// which a handler itself refuses. Those of its arguments, such as a body that cannot be read, go without saying.
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
