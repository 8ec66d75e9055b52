//! A buyer's address book.

use api::{Answer, Buyer, Idempotent, IfMatch, Json, Problem, Versioned};
use axum::extract::State;
use domain::address::Address;
use domain::{AddressId, Timestamp};
use serde::Serialize;
use shop::{AddressBook, ReplaceAddresses};
use utoipa::ToSchema;

use crate::App;

/// A buyer's saved addresses, at most 50.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressBookView {
    /// The addresses in the order that the buyer chose.
    items: Vec<AddressView>,
}

/// A saved address with its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressView {
    id: AddressId,
    address: Address,
    /// When it was first saved.
    saved_at: Timestamp,
}

/// Lists the buyer's addresses.
#[utoipa::path(get, path = "/v1/me/addresses", responses((status = OK, body = AddressBookView)))]
pub async fn list_my_addresses(State(people): State<App>, buyer: Buyer) -> Result<Versioned<AddressBookView>, Problem> {
    let book = people.address_book(buyer.user).await?;
    Ok(Versioned { version: book.version, body: AddressBookView::from(&book) })
}

/// Replaces the buyer's address book.
///
/// Saved addresses that are not in the list are deleted. Repeating the call changes nothing.
#[utoipa::path(
    put, path = "/v1/me/addresses", request_body = ReplaceAddresses, responses((status = OK, body = AddressBookView))
)]
pub async fn replace_my_addresses(
    State(people): State<App>,
    buyer: Buyer,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ReplaceAddresses>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(buyer.user));
    let saved = |book: &AddressBook| Ok(Answer::ok(&AddressBookView::from(book))?.with_version(book.version));
    Answer::of(people.replace_addresses(buyer.user, &asked, &expected, call.responding(&saved)).await?)
}

impl From<&AddressBook> for AddressBookView {
    fn from(book: &AddressBook) -> Self {
        let items = book.items.iter().cloned();
        let view = |saved: shop::SavedAddress| {
            let shop::SavedAddress { id, address, saved_at } = saved;
            AddressView { id, address, saved_at }
        };
        Self { items: items.map(view).collect() }
    }
}
