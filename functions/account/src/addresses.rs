//! A buyer's address book.

use std::collections::BTreeSet;

use api::{Answer, Buyer, Idempotent, IfMatch, Json, Now, Problem, Versioned, replay_or_run};
use axum::extract::State;
use domain::address::Address;
use domain::{AddressId, Code, Coded, FieldError, Ids, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use store::Accounts;
use store::accounts::{AddressBook, SavedAddress};
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

/// The complete address book that replaces the stored one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceAddresses {
    /// The addresses in the order to store, at most 50. A saved address that is missing here is deleted.
    #[schema(max_items = 50)]
    items: Vec<PutAddress>,
}

/// One address of the new address book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAddress {
    /// The id of a saved address, to keep or change it. Without an id the address is new, unless an equal one is saved
    /// already.
    #[serde(default)]
    id: Option<AddressId>,
    address: Address,
}

/// Lists the buyer's addresses.
#[utoipa::path(get, path = "/v1/me/addresses", responses((status = OK, body = AddressBookView)))]
pub async fn list_my_addresses(State(app): State<App>, buyer: Buyer) -> Result<Versioned<AddressBookView>, Problem> {
    let book = app.accounts.address_book(buyer.user).await?;
    Ok(Versioned { version: book.version, body: view(&book) })
}

/// Replaces the buyer's address book.
///
/// Saved addresses that are not in the list are deleted. Repeating the call changes nothing.
#[utoipa::path(
    put, path = "/v1/me/addresses",
    request_body = ReplaceAddresses, responses((status = OK, body = AddressBookView))
)]
pub async fn replace_my_addresses(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ReplaceAddresses>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(buyer.user);
    replay_or_run(app.accounts.stored_response(call.as_idempotent()), async {
        let book = app.accounts.address_book(buyer.user).await?;
        IfMatch::check_if_given(expected.as_ref(), book.version)?;
        let replaced = asked.replace(&book, &mut platform::ids(now))?;
        let changes = replaced != book;
        let answer = Answer::ok(&view(&replaced))?.with_version(book.version + u64::from(changes));
        let accounts = app.accounts.storing(call.stored(&answer)?);
        if changes {
            accounts.save_address_book(buyer.user, &replaced).await?;
        } else {
            accounts.store_response().await?;
        }
        Ok(answer)
    })
    .await
}

impl ReplaceAddresses {
    fn replace(self, book: &AddressBook, ids: &mut Ids) -> Result<AddressBook, Refusal> {
        let mut errors = Vec::new();
        if self.items.len() > Accounts::MAX_ADDRESSES {
            let detail = format!("at most {} addresses", Accounts::MAX_ADDRESSES);
            return Err(Refusal::field("/items", "too_many", detail));
        }
        let mut taken: BTreeSet<AddressId> = BTreeSet::new();
        for (index, id) in self.items.iter().enumerate().filter_map(|(index, put)| Some((index, put.id?))) {
            let fault = |code: &str, detail: &str| FieldError::new(format!("/items/{index}/id"), code, detail);
            if !book.items.iter().any(|saved| saved.id == id) {
                errors.push(fault("unknown", "is not in the book"));
            } else if !taken.insert(id) {
                errors.push(fault("duplicate", "is in the list twice"));
            }
        }
        for (index, put) in self.items.iter().enumerate() {
            if let Err(refusal) = put.address.check(&format!("/items/{index}/address")) {
                errors.extend(refusal.fields());
            }
        }
        if !errors.is_empty() {
            return Err(Refusal::fields(Code::Invalid, errors));
        }
        let mut items = Vec::with_capacity(self.items.len());
        for put in self.items {
            let known = match put.id {
                Some(id) => book.items.iter().find(|saved| saved.id == id),
                None => book.items.iter().find(|saved| saved.address == put.address && !taken.contains(&saved.id)),
            };
            let (id, saved_at) = match known {
                Some(known) => (known.id, known.saved_at),
                None => (AddressId::new(ids.now(), ids.bits()), ids.now()),
            };
            taken.insert(id);
            items.push(SavedAddress { id, address: put.address, saved_at });
        }
        Ok(AddressBook { items, version: book.version })
    }
}

fn view(book: &AddressBook) -> AddressBookView {
    let items = book.items.iter();
    let items =
        items.map(|saved| AddressView { id: saved.id, address: saved.address.clone(), saved_at: saved.saved_at });
    AddressBookView { items: items.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address(city: &str) -> serde_json::Value {
        json!({"name": "Aziza", "line1": "12 Navoi", "city": city, "country": "UZ"})
    }

    fn replaced(book: &AddressBook, items: serde_json::Value, seed: u8) -> Result<AddressBook, Refusal> {
        let asked: ReplaceAddresses = serde_json::from_value(json!({ "items": items })).unwrap();
        let mut last = seed;
        let ids = &mut Ids::new(Timestamp::from_millis(1_000), move || {
            last += 1;
            [last; 16]
        });
        asked.replace(book, ids)
    }

    #[test]
    fn the_same_list_again_is_the_same_book() {
        let items =
            json!([{"address": address("Tashkent")}, {"address": address("Tashkent")}, {"address": address("Khiva")}]);
        let book = replaced(&AddressBook::default(), items.clone(), 0).unwrap();
        assert_eq!(book.items.iter().map(|saved| saved.id).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(replaced(&book, items, 100).unwrap(), book);
    }

    #[test]
    fn an_address_is_changed_under_its_id_and_a_strange_id_is_refused() {
        let book = replaced(&AddressBook::default(), json!([{"address": address("Tashkent")}]), 0).unwrap();
        let id = book.items[0].id;
        let moved = replaced(&book, json!([{"id": id, "address": address("Khiva")}]), 9).unwrap();
        let city = moved.items[0].address.city.as_ref().map(domain::text::Line::as_str);
        assert_eq!((moved.items[0].id, city), (id, Some("Khiva")));

        let twice = json!([{"id": id, "address": address("Khiva")}, {"id": id, "address": address("Khiva")}]);
        assert!(replaced(&book, twice, 9).is_err());
        let strange = json!([{"id": AddressId::from_bits(7), "address": address("Khiva")}]);
        assert!(replaced(&book, strange, 9).is_err());
    }
}
