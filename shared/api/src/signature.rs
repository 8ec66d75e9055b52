//! What the OpenAPI document derives from a handler's signature: from each argument the codes with which it refuses and
//! the headers that it reads, from the result the headers of the response. No handler declares them, so they cannot
//! diverge from what the extractors do.

use std::collections::BTreeSet;

use axum::extract::State;
use domain::{Code, VendorId};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use crate::{
    Answer, Bearer, Buyer, Cached, CachedBytes, Caller, GuestOrder, IdempotencyKey, Idempotent, IfMatch, InLanguage,
    Json, Keyed, Member, NamedVendor, NoBody, Now, Operator, OrDefault, Path, Problem, Query, RawBody, RawReply,
    SourceIp, Versioned,
};

/// An argument of a handler, as the OpenAPI document needs it.
pub trait Argument {
    /// The codes with which it refuses a request, without [`Code::Internal`], which every operation has.
    const REFUSES: &'static [Code];

    /// The request headers that it reads, as OpenAPI header parameters.
    fn headers() -> Vec<Parameter> {
        Vec::new()
    }

    /// Whether it reads an idempotency key, so that the response may be a replay.
    const REPLAYS: bool = false;

    /// Adds its codes, headers and replays to those of the other arguments.
    fn add_to(facts: Facts) -> Facts
    where
        Self: Sized,
    {
        facts.with::<Self>()
    }
}

/// The result of a handler that succeeds, as the OpenAPI document needs it.
pub trait Reply {
    /// Whether the response may carry an `ETag`.
    const ETAG: bool = false;
    /// Whether a 201 or 202 carries `Location`.
    const LOCATION: bool = false;
    /// Whether shared caches may store it: then a matching `If-None-Match` gets 304.
    const CACHED: bool = false;
}

/// The facts of one operation, collected from the arguments and the result of its handler.
#[derive(Clone, Default)]
pub struct Facts {
    /// The codes with which the arguments refuse, and those that [`crate::routes!`] lists for the handler.
    pub refuses: BTreeSet<Code>,
    /// The request headers that the arguments read.
    pub headers: Vec<Parameter>,
    /// Whether a response may be a replay, marked with `Idempotent-Replayed`.
    pub replays: bool,
    /// Whether a successful response may carry an `ETag`.
    pub etag: bool,
    /// Whether a successful response may carry `Location`.
    pub location: bool,
    /// Whether shared caches may store a successful response.
    pub cached: bool,
}

impl Facts {
    fn with<A: Argument>(mut self) -> Self {
        self.refuses.extend(A::REFUSES);
        self.headers.extend(A::headers());
        self.replays |= A::REPLAYS;
        self
    }
}

/// A handler whose arguments are [`Argument`]s and whose result is a [`Reply`]. `T` is the marker of axum's `Handler`,
/// without which the implementations for each number of arguments would overlap. Up to nine arguments are supported.
pub trait Signature<T> {
    /// The facts of all arguments and of the result.
    fn facts() -> Facts;
}

macro_rules! signature {
    ($($argument:ident)*) => {
        impl<F, M, Result, R $(, $argument)*> Signature<(M, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Result,
            Result: Future<Output = R>,
            R: Reply,
            $($argument: Argument,)*
        {
            fn facts() -> Facts {
                let facts = Facts { etag: R::ETAG, location: R::LOCATION, cached: R::CACHED, ..Facts::default() };
                $(let facts = $argument::add_to(facts);)*
                facts
            }
        }
    };
}
signature!();
signature!(A1);
signature!(A1 A2);
signature!(A1 A2 A3);
signature!(A1 A2 A3 A4);
signature!(A1 A2 A3 A4 A5);
signature!(A1 A2 A3 A4 A5 A6);
signature!(A1 A2 A3 A4 A5 A6 A7);
signature!(A1 A2 A3 A4 A5 A6 A7 A8);
signature!(A1 A2 A3 A4 A5 A6 A7 A8 A9);

macro_rules! argument {
    ($($(@$generic:ident)? $argument:ty: [$($code:ident),*] $(, headers: [$header:expr])? $(, replays: $replays:literal)?;)+) => {$(
        impl$(<$generic>)? Argument for $argument {
            const REFUSES: &'static [Code] = &[$(Code::$code),*];
            $(const REPLAYS: bool = $replays;)?
            $(fn headers() -> Vec<Parameter> {
                vec![$header]
            })?
        }
    )+};
}

argument! {
    @App State<App>: [Unavailable, NewerData];
    HeaderMap: [];
    Now: [];
    SourceIp: [];
    @T Json<T>: [Malformed, Invalid, TooLarge, UnsupportedMediaType];
    RawBody: [Malformed, TooLarge];
    NoBody: [];
    @T Query<T>: [Invalid];
    @T Path<T>: [NotFound];
    @T Keyed<T>: [
        Malformed, Invalid, TooLarge, UnsupportedMediaType, IdempotencyKeyMissing, IdempotencyKeyReused,
        IdempotencyInProgress
    ], headers: [idempotency_key(Required::True)], replays: true;
    IfMatch: [Malformed, IfMatchMissing, VersionMismatch], headers: [if_match(Required::True)];
    Option<IfMatch>: [Malformed, VersionMismatch], headers: [if_match(Required::False)];
    Buyer: [Unauthorized];
    Caller: [Unauthorized];
    // `unavailable` when the second factor cannot be read.
    Operator: [Unauthorized, Forbidden, MfaRequired, Unavailable];
    Bearer: [Malformed, Unauthorized];
    NamedVendor: [Malformed], headers: [vendor_id()];
    // `forbidden` for a caller who is not a member; `invalid` for one who has to name the vendor.
    Member: [Malformed, Unauthorized, Forbidden, MfaRequired, TermsNotAccepted, Invalid, Unavailable],
        headers: [vendor_id()];
    // Only wrong tokens are counted.
    GuestOrder: [Malformed, NotFound, TokenExpired, TooManyRequests, Unavailable], headers: [order_token()];
}

impl<T: DeserializeOwned> Argument for OrDefault<T> {
    const REFUSES: &'static [Code] = <Json<T> as Argument>::REFUSES;
}

impl<B: Argument> Argument for Idempotent<B> {
    const REFUSES: &'static [Code] = &[Code::Malformed, Code::TooLarge, Code::IdempotencyKeyReused];
    const REPLAYS: bool = true;

    fn headers() -> Vec<Parameter> {
        vec![idempotency_key(Required::False)]
    }

    fn add_to(facts: Facts) -> Facts {
        B::add_to(facts).with::<Self>()
    }
}

fn header(name: &str, required: Required, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn text(max_length: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(max_length))
}

fn idempotency_key(required: Required) -> Parameter {
    let description =
        "Names this attempt: a repeat with the same key and the same request gets the first answer again.";
    header("Idempotency-Key", required, description, Ref::from_schema_name(IDEMPOTENCY_KEY))
}

/// The name of the shared schema of an idempotency key, to which operations refer.
pub(crate) const IDEMPOTENCY_KEY: &str = "IdempotencyKey";

impl PartialSchema for IdempotencyKey {
    fn schema() -> RefOr<Schema> {
        text(255)
            .description(Some("A key that its client chooses, for one attempt to do something; best a random UUID."))
            .pattern(Some("^[!-~]+$"))
            .examples(["8e03978e-40d5-43e8-bc93-6894a57f9324"])
            .into()
    }
}

fn if_match(required: Required) -> Parameter {
    let description =
        "The `ETag` that was read, or `*`: the call is refused with 412 when there is another version by now.";
    header("If-Match", required, description, text(1_000).examples(["\"3\""]))
}

/// The `If-None-Match` parameter of operations that may respond with 304.
pub(crate) fn if_none_match() -> Parameter {
    let description = "The `ETag` of the answer that the caller has: it gets 304 instead of the same answer again.";
    header("If-None-Match", Required::False, description, text(1_000).examples(["\"kXL28Crl7LvFqeSHwz51FA\""]))
}

fn vendor_id() -> Parameter {
    let description = "The vendor that the call is about. Whoever is a member of several vendors has to name one.";
    header("Vendor-Id", Required::False, description, VendorId::schema())
}

fn order_token() -> Parameter {
    let description = "The `token` in the answer to checkout: without the right one the order does not exist (404).";
    header("Order-Token", Required::False, description, text(200))
}

impl<R: Reply> Reply for Result<R, Problem> {
    const ETAG: bool = R::ETAG;
    const LOCATION: bool = R::LOCATION;
    const CACHED: bool = R::CACHED;
}

impl<T> Reply for Json<T> {}
impl Reply for RawReply {}
impl<T> Reply for (StatusCode, Json<T>) {}

impl<T> Reply for Versioned<T> {
    const ETAG: bool = true;
}

impl<T> Reply for Cached<T> {
    const ETAG: bool = true;
    const CACHED: bool = true;
}

impl<T: Reply> Reply for InLanguage<T> {
    const ETAG: bool = T::ETAG;
    const CACHED: bool = T::CACHED;
    const LOCATION: bool = T::LOCATION;
}

impl Reply for CachedBytes {
    const ETAG: bool = true;
    const CACHED: bool = true;
}

impl Reply for Answer {
    const ETAG: bool = true;
    const LOCATION: bool = true;
}
