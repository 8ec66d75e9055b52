//! What a buyer can do, without HTTP: fill and price a cart, check out, see and cancel an order, sign up and in, keep a
//! profile. Functions are its faces: they read requests and show results.
//!
//! A use case takes a [`domain::Call`], which says how the caller answers and under which idempotency key, and
//! comes to a [`domain::Outcome`].

mod addresses;
mod carts;
mod checkout;
mod credentials;
mod guests;
mod orders;
mod people;
mod profile;
mod user_pool;

pub use addresses::PutAddress;
pub use carts::{Carts, ShippingChoice, ShownCart};
pub use checkout::{CheckOut, Checkout, OpenedOrder};
pub use credentials::{MailedCode, Password, RefreshToken};
pub use orders::{OrderSummary, Orders};
pub use people::{Limited, People, Session, Tokens};
pub use profile::{ChangeProfile, LanguageTag, Me, MyVendor};
pub use store::accounts::{AddressBook, SavedAddress};

/// Why a use case did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] domain::Refusal),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Settlement(#[from] settlement::Error),
    #[error(transparent)]
    Secret(#[from] platform::SecretError),
    #[error(transparent)]
    Money(#[from] domain::money::MoneyError),
    #[error(transparent)]
    Place(#[from] domain::order::PlaceError),
    #[error(transparent)]
    UserPool(#[from] user_pool::UserPoolError),
}

domain::coded_by_variant!(Error { Refused, Store, Settlement, Secret, Money, Place, UserPool });
