//! A function's routes, said once: an axum router in the function, the OpenAPI document where somebody asks for it.
//!
//! utoipa's own router builds both at once, so each function would carry the description of every type it speaks of. Here the list
//! of routes is generic over what is made of it, and a binary contains only what it uses.

use std::marker::PhantomData;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use utoipa::__dev::SchemaReferences;
use utoipa::Path;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Components, HttpMethod, Info, OpenApi, Paths, RefOr, Schema};

/// What is made of a list of routes.
pub trait Routes<App>: Sized {
    /// Without any route yet.
    fn new() -> Self;

    /// With the routes of one path: `routes!(things::list_things, things::create_thing)`.
    #[must_use]
    fn routes<D: Described>(self, routes: Routed<D, App>) -> Self;

    /// With another limit on bodies, in bytes, for the routes that were added so far.
    #[must_use]
    fn limit_bodies(self, bytes: usize) -> Self;
}

/// The handlers of one path, and the types that describe them.
#[derive(Debug)]
pub struct Routed<D, App> {
    handlers: MethodRouter<App>,
    described: PhantomData<fn() -> D>,
}

impl<D, App: Clone + Send + Sync + 'static> Routed<D, App> {
    /// No handler yet; [`crate::routes!`] adds them.
    #[must_use]
    pub fn begin() -> Self {
        Self { handlers: MethodRouter::new(), described: PhantomData }
    }

    /// With the handler that `P` describes.
    #[must_use]
    pub fn with<P: Path, H: Handler<T, App>, T: 'static>(mut self, handler: H) -> Self {
        for method in P::methods() {
            self.handlers = self.handlers.on(filter(&method), handler.clone());
        }
        self
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

/// One operation, as `#[utoipa::path]` describes it.
pub struct Entry {
    path: String,
    methods: Vec<HttpMethod>,
    operation: Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
}

fn described<P: Path + SchemaReferences>() -> Entry {
    let mut schemas = Vec::new();
    P::schemas(&mut schemas);
    Entry { path: P::path(), methods: P::methods(), operation: P::operation(), schemas }
}

/// The types that describe the operations of one path.
pub trait Described {
    /// The path.
    fn path() -> String;
    /// Each operation.
    fn operations() -> Vec<Entry>;
}

macro_rules! described {
    ($first:ident $(, $other:ident)*) => {
        impl<$first: Path + SchemaReferences $(, $other: Path + SchemaReferences)*> Described for ($first, $($other,)*) {
            fn path() -> String {
                $first::path()
            }
            fn operations() -> Vec<Entry> {
                vec![described::<$first>() $(, described::<$other>())*]
            }
        }
    };
}
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);

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

/// The description of a list of routes.
pub struct Document(OpenApi);

impl Document {
    /// The OpenAPI document of these routes alone.
    #[must_use]
    pub fn into_openapi(self) -> OpenApi {
        self.0
    }
}

impl<App> Routes<App> for Document {
    fn new() -> Self {
        Self(OpenApi::new(Info::new("", ""), Paths::new()))
    }

    fn routes<D: Described>(mut self, _: Routed<D, App>) -> Self {
        for Entry { path, methods, operation, schemas } in D::operations() {
            self.0.paths.add_path_operation(path, methods, operation);
            self.0.components.get_or_insert_with(Components::new).schemas.extend(schemas);
        }
        self
    }

    fn limit_bodies(self, _: usize) -> Self {
        self
    }
}

/// The handlers of one path, each as `module::handler`, with what `#[utoipa::path]` says of them.
#[macro_export]
macro_rules! routes {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        $crate::paste! {
            $crate::Routed::<($($module::[<__path_ $handler>],)+), _>::begin()
                $(.with::<$module::[<__path_ $handler>], _, _>($module::$handler))+
        }
    };
}
