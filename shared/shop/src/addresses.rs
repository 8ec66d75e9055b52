//! A buyer's address book.

use std::collections::BTreeSet;

use domain::address::Address;
use domain::{AddressId, Call, Code, Coded, Expected, FieldError, Ids, Outcome, Refusal, UserId};
use serde::Deserialize;
use store::Accounts;
use store::accounts::{AddressBook, SavedAddress};
use utoipa::ToSchema;

use crate::{Done, Error, People};

/// The complete address book that replaces the stored one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceAddresses {
    /// The addresses in the order to store, at most 50. A saved address that is missing here is deleted.
    #[schema(max_items = 50)]
    items: Vec<PutAddress>,
}

/// One address of the new address book.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAddress {
    /// The id of a saved address, to keep or change it. Without an id the address is new, unless an equal one is saved
    /// already.
    #[serde(default)]
    id: Option<AddressId>,
    address: Address,
}

impl People {
    /// A buyer's address book.
    pub async fn address_book(&self, buyer: UserId) -> Result<AddressBook, Error> {
        Ok(self.accounts.address_book(buyer).await?)
    }

    /// Replaces a buyer's address book. A saved address that is not asked for is deleted.
    pub async fn replace_addresses<R>(
        &self,
        buyer: UserId,
        asked: &ReplaceAddresses,
        expected: &Expected,
        call: Call<'_, AddressBook, R>,
    ) -> Done<R> {
        let now = call.at();
        let work = async {
            let book = self.accounts.address_book(buyer).await?;
            expected.check(book.version)?;
            let replaced = replaced(&book, &asked.items, &mut platform::ids(now))?;
            Ok::<_, Error>(
                self.accounts.save_address_book(buyer, &book, replaced, |saved| call.answer_unstored(saved)).await?,
            )
        };
        match self.accounts.once(call.request(), work).await? {
            Outcome::Repeated(None) => Ok(call.again(&self.address_book(buyer).await?)?),
            outcome => Ok(outcome),
        }
    }
}

fn replaced(book: &AddressBook, asked: &[PutAddress], ids: &mut Ids) -> Result<AddressBook, Refusal> {
    let mut errors = Vec::new();
    if asked.len() > Accounts::MAX_ADDRESSES {
        let detail = format!("at most {} addresses", Accounts::MAX_ADDRESSES);
        return Err(Refusal::field("/items", "too_many", detail));
    }
    let mut taken: BTreeSet<AddressId> = BTreeSet::new();
    for (index, id) in asked.iter().enumerate().filter_map(|(index, put)| Some((index, put.id?))) {
        let fault = |code: &str, detail: &str| FieldError::new(format!("/items/{index}/id"), code, detail);
        if !book.items.iter().any(|saved| saved.id == id) {
            errors.push(fault("unknown", "is not in the book"));
        } else if !taken.insert(id) {
            errors.push(fault("duplicate", "is in the list twice"));
        }
    }
    // What was saved before more was needed stays as it is until somebody changes it.
    let is_as_saved = |put: &PutAddress| {
        let is_meant = |saved: &SavedAddress| put.id.is_none_or(|id| id == saved.id);
        book.items.iter().any(|saved| is_meant(saved) && saved.address == put.address)
    };
    for (index, put) in asked.iter().enumerate().filter(|(_, put)| !is_as_saved(put)) {
        if let Err(refusal) = put.address.check(&format!("/items/{index}/address")) {
            errors.extend(refusal.fields());
        }
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::Invalid, errors));
    }
    let mut items = Vec::with_capacity(asked.len());
    for put in asked {
        let known = match put.id {
            Some(id) => book.items.iter().find(|saved| saved.id == id),
            None => book.items.iter().find(|saved| saved.address == put.address && !taken.contains(&saved.id)),
        };
        let (id, saved_at) = match known {
            Some(known) => (known.id, known.saved_at),
            None => (AddressId::new(ids.now(), ids.bits()), ids.now()),
        };
        taken.insert(id);
        items.push(SavedAddress { id, address: put.address.clone(), saved_at });
    }
    Ok(AddressBook { items, ..book.clone() })
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use serde_json::json;

    use super::*;

    fn address(city: &str) -> Address {
        serde_json::from_value(json!({"name": "Aziza", "line1": "12 Navoi", "city": city, "region": "Tashkent",
            "district": "Yunusobod", "phone": "+998901234567", "country": "UZ"}))
        .unwrap()
    }

    fn asked(id: Option<AddressId>, city: &str) -> PutAddress {
        PutAddress { id, address: address(city) }
    }

    fn replace(book: &AddressBook, asked: &[PutAddress], seed: u8) -> Result<AddressBook, Refusal> {
        let mut last = seed;
        let ids = &mut Ids::new(Timestamp::from_millis(1_000), move || {
            last += 1;
            [last; 16]
        });
        replaced(book, asked, ids)
    }

    #[test]
    fn the_same_list_again_is_the_same_book() {
        let items = [asked(None, "Tashkent"), asked(None, "Tashkent"), asked(None, "Khiva")];
        let book = replace(&AddressBook::default(), &items, 0).unwrap();
        assert_eq!(book.items.iter().map(|saved| saved.id).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(replace(&book, &items, 100).unwrap(), book);
    }

    #[test]
    fn an_address_that_lacks_what_is_needed_by_now_stays_until_it_is_changed() {
        let mut book = replace(&AddressBook::default(), &[asked(None, "Khiva"), asked(None, "Nukus")], 0).unwrap();
        for saved in &mut book.items {
            saved.address.district = None;
        }
        let as_saved = |index: usize| {
            let saved = &book.items[index];
            PutAddress { id: Some(saved.id), address: saved.address.clone() }
        };
        let (kept, other) = (as_saved(0), as_saved(1));
        let added = replace(&book, &[asked(None, "Tashkent"), kept.clone(), other], 9).unwrap();
        assert_eq!(added.items.len(), 3);
        assert_eq!(replace(&book, std::slice::from_ref(&kept), 9).unwrap().items, book.items[..1]);
        let changed = PutAddress { address: Address { city: None, ..kept.address.clone() }, ..kept };
        let refused = replace(&book, &[changed], 9).unwrap_err();
        assert_eq!(refused.fields()[0].pointer, "/items/0/address/district");
    }

    #[test]
    fn an_address_is_changed_under_its_id_and_a_strange_id_is_refused() {
        let book = replace(&AddressBook::default(), &[asked(None, "Tashkent")], 0).unwrap();
        let id = book.items[0].id;
        let moved = replace(&book, &[asked(Some(id), "Khiva")], 9).unwrap();
        assert_eq!((moved.items[0].id, &moved.items[0].address), (id, &address("Khiva")));

        assert!(replace(&book, &[asked(Some(id), "Khiva"), asked(Some(id), "Khiva")], 9).is_err());
        assert!(replace(&book, &[asked(Some(AddressId::from_bits(7)), "Khiva")], 9).is_err());
    }
}
