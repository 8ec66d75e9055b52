//! Error codes: a closed list that clients may rely on.

/// Declares each code once: its name in Rust and on the wire, and its meaning.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A stable name for a refused request or a failure. Part of the HTTP contract: never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// One sentence for people, shown unless the error has a `detail` of its own.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The request could not be read: broken JSON, a bad header or a bad parameter.
    Malformed = "malformed",
    /// The request was read, but some of its values are not allowed; `errors` names them.
    Invalid = "invalid",
    /// The cursor does not belong to this list.
    InvalidCursor = "invalid_cursor",
    /// This call needs an Idempotency-Key header.
    IdempotencyKeyMissing = "idempotency_key_missing",
    /// This Idempotency-Key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// A call with this Idempotency-Key is still running; try again shortly.
    IdempotencyInProgress = "idempotency_in_progress",
    /// Sign in first.
    Unauthorized = "unauthorized",
    /// The e-mail address and the password do not match an account.
    InvalidCredentials = "invalid_credentials",
    /// The account's e-mail address has not been confirmed yet.
    NotConfirmed = "not_confirmed",
    /// The code is not the one that was sent.
    CodeMismatch = "code_mismatch",
    /// The code has expired; ask for a new one.
    CodeExpired = "code_expired",
    /// You may not do this.
    Forbidden = "forbidden",
    /// This needs a second factor: the code of an authenticator app.
    MfaRequired = "mfa_required",
    /// Your sign-in is too long ago for this: sign in again.
    StepUpNeeded = "step_up_needed",
    /// It is more than you may give back of an order.
    RefundLimit = "refund_limit",
    /// The shop is suspended: it may only read, ship and deliver.
    VendorSuspended = "vendor_suspended",
    /// The signature does not belong to this message.
    BadSignature = "bad_signature",
    /// There is nothing here, or nothing for you.
    NotFound = "not_found",
    /// This path does not support that method.
    MethodNotAllowed = "method_not_allowed",
    /// Its state does not allow this.
    WrongState = "wrong_state",
    /// The buyer's bank decides about the payment: nothing is accepted or shipped before.
    PaymentDisputed = "payment_disputed",
    /// Several people have signed up with the address: send the password with the code.
    PasswordNeeded = "password_needed",
    /// It was changed in the meantime; read it again.
    Conflict = "conflict",
    /// The name is taken.
    HandleTaken = "handle_taken",
    /// It exists already.
    AlreadyExists = "already_exists",
    /// The version in If-Match is not the current one.
    VersionMismatch = "version_mismatch",
    /// This call needs an If-Match header.
    IfMatchMissing = "if_match_missing",
    /// Less is left than was asked for; `errors` names each variant and what is left.
    OutOfStock = "out_of_stock",
    /// The total is higher than the one that was agreed to.
    PriceChanged = "price_changed",
    /// The variant has no price in the cart's currency.
    NoPriceInCurrency = "no_price_in_currency",
    /// Something in the cart cannot be sold any more.
    NotAvailable = "not_available",
    /// A vendor of the cart does not deliver there or not in this currency.
    NotDeliverable = "not_deliverable",
    /// The cart is empty.
    CartEmpty = "cart_empty",
    /// The cart has no delivery address yet.
    AddressMissing = "address_missing",
    /// The cart was already ordered.
    CartOrdered = "cart_ordered",
    /// The cart holds as much as a cart can hold.
    CartFull = "cart_full",
    /// This way of paying is not offered for this order.
    PaymentMethodUnavailable = "payment_method_unavailable",
    /// Another import, or another export, of the shop is not over yet.
    ImportRunning = "import_running",
    /// A text that has to be accepted has a version that was not.
    TermsNotAccepted = "terms_not_accepted",
    /// The application is not complete; `errors` names what is missing.
    ChecklistIncomplete = "checklist_incomplete",
    /// A limit of the catalog or of an order was reached.
    LimitReached = "limit_reached",
    /// It has expired.
    Expired = "expired",
    /// The order ended long ago: its token opens it no more.
    TokenExpired = "token_expired",
    /// The body is too large.
    TooLarge = "too_large",
    /// The body has the wrong content type.
    UnsupportedMediaType = "unsupported_media_type",
    /// Too many requests; try again later.
    TooManyRequests = "too_many_requests",
    /// Something went wrong on our side. It has been logged.
    Internal = "internal",
    /// Something we depend on does not answer; try again.
    Unavailable = "unavailable",
    /// A newer release has written this, and the one that answered may only show it; try again.
    NewerData = "newer_data",
}

impl Code {
    /// Whether the fault is ours, or of something that we depend on: the same request may succeed later.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable | Self::NewerData)
    }
}

/// One field of the input that is wrong, or one line that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// An RFC 6901 pointer into the request body, or the name of a parameter.
    #[schema(examples("/quantity"))]
    pub pointer: String,
    /// A short name in `snake_case`.
    #[schema(examples("out_of_range"))]
    pub code: String,
    /// One sentence for people.
    #[schema(examples("must be 0 to 9999"))]
    pub detail: String,
}

/// A name as it stands in an RFC 6901 pointer.
pub fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl FieldError {
    /// Makes a field error from its parts.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// An error with a stable code in the HTTP contract.
pub trait Coded: std::error::Error {
    /// The code, which decides the HTTP status.
    fn code(&self) -> Code;

    /// A sentence for the caller; without one, [`Code::meaning`] is shown.
    fn detail(&self) -> Option<String> {
        None
    }

    /// The fields of the input that are wrong.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// After how many seconds a retry makes sense.
    fn retry_after(&self) -> Option<u32> {
        None
    }
}

/// Defines an error that is one of several others, each in a variant of its own: it converts from each, and refuses
/// with what the inner one refuses with.
#[macro_export]
macro_rules! one_of {
    ($(#[$doc:meta])* pub enum $error:ident { $($variant:ident($inner:ty)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, thiserror::Error)]
        pub enum $error {
            $(#[error(transparent)] $variant(#[from] $inner)),+
        }

        impl $error {
            fn inner(&self) -> &dyn $crate::Coded {
                match self { $(Self::$variant(error) => error,)+ }
            }
        }

        impl $crate::Coded for $error {
            fn code(&self) -> $crate::Code {
                self.inner().code()
            }
            fn detail(&self) -> Option<String> {
                self.inner().detail()
            }
            fn fields(&self) -> Vec<$crate::FieldError> {
                self.inner().fields()
            }
            fn retry_after(&self) -> Option<u32> {
                self.inner().retry_after()
            }
        }
    };
}

/// A refused request: its code and, where useful, a sentence and fields of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    detail: Option<String>,
    fields: Vec<FieldError>,
}

impl Refusal {
    /// A refusal with the meaning of its code.
    pub const fn of(code: Code) -> Self {
        Self { code, detail: None, fields: Vec::new() }
    }

    /// A refusal with a sentence of its own.
    pub fn because(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()), fields: Vec::new() }
    }

    /// A refusal that names the fields that are wrong.
    pub fn fields(code: Code, fields: Vec<FieldError>) -> Self {
        Self { code, detail: None, fields }
    }

    /// A refusal with code `invalid` for one field.
    pub fn field(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(Code::Invalid, vec![FieldError::new(pointer, code, detail)])
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.detail.as_deref().unwrap_or(self.code.meaning()))
    }
}

impl std::error::Error for Refusal {}

impl Coded for Refusal {
    fn code(&self) -> Code {
        self.code
    }
    fn detail(&self) -> Option<String> {
        self.detail.clone()
    }
    fn fields(&self) -> Vec<FieldError> {
        self.fields.clone()
    }
}
