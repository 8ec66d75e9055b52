//! What a buyer can do, without HTTP: fill and price a cart, check out, see and cancel an order, sign up and in, keep a
//! profile. Functions are its faces: they read requests and show results.
//!
//! A use case takes a [`domain::Call`], which says how the caller answers and under which idempotency key, and
//! comes to a [`domain::Outcome`].

mod addresses;
mod attempts;
mod browser_sessions;
mod carts;
mod change_of_contact;
mod changing;
mod checkout;
mod client_secret;
mod code_requests;
mod code_sign_in;
mod contacts;
mod credentials;
mod guests;
mod identities;
mod legal;
mod mfa;
mod my_sessions;
mod new_password;
mod orders;
mod passwords;
mod payment_choice;
mod people;
mod profile;
mod proofs;
mod qr;
mod return_url;
mod sessions;
mod terms;
mod user_pool;
mod window;

pub use addresses::{PutAddress, ReplaceAddresses};
pub use browser_sessions::{BrowserSession, BrowserSessions};
pub use carts::{Carts, ChooseShipping, ShownCart};
pub use changing::Changing;
pub use checkout::{CheckOut, Checkout, OpenedOrder};
pub use credentials::{Entered, Password, RefreshToken, RequestToken};
pub use legal::ShownTexts;
pub use mfa::{Enrolment, MfaView, RecoveryCodes, SecondFactor};
pub use orders::{OrderSummary, Orders};
pub use payment_choice::{PaymentChoice, RetryPayment};
pub use people::{Challenge, ChallengeKind, Limited, People, SignInAnswer, Tokens};
pub use profile::{ChangeMe, Me, MyVendor};
pub use settlement::PaymentMethod;
pub use store::accounts::{AddressBook, SavedAddress};
pub use store::catalog::{ListQuery, Sort};
pub use window::{Found, ShownProduct, ShownVariant, Window};

domain::one_of! {
    /// Why a use case did not succeed.
    pub enum Error {
        Refused(domain::Refusal),
        Store(store::Error),
        Settlement(settlement::Error),
        Secret(platform::SecretError),
        NotSealed(platform::NotSealed),
        NotOpened(platform::NotOpened),
        NotSent(platform::NotSent),
        Money(domain::money::MoneyError),
        Place(domain::order::PlaceError),
        UserPool(user_pool::UserPoolError),
    }
}

/// The outcome of a use case.
type Done<R> = Result<domain::Outcome<R>, Error>;
