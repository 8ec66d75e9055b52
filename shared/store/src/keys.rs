//! The table Keys: the random bytes that open the sealed persons of orders. Nothing else is in it, and nothing copies
//! it, so that erasing a row erases its person everywhere.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::sealed::{KeyOwner, PersonKey};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::item::{self, Attributes, Condition, body, key};
use crate::retry::{self, batch};

const KEY: &str = "key";

/// Key: `KEY#<owner>` / `KEY`.
fn row_key(owner: KeyOwner) -> Attributes {
    key(format!("KEY#{owner}"), "KEY")
}

/// A row's body. It is never changed, so what a newer release adds is in no danger.
#[derive(Serialize, Deserialize)]
struct Row {
    /// 32 bytes in base64url without padding.
    bytes: String,
}

impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Row(…)")
    }
}

#[derive(Clone, Debug)]
pub struct Keys {
    client: Client,
    table: String,
}

impl Keys {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The owner's row, read consistently. `None` when there is none yet, or none any more.
    pub async fn read(&self, owner: KeyOwner) -> Result<Option<PersonKey>, Error> {
        retry::get(&self.client, &self.table, row_key(owner), true).await?.as_ref().map(key_of).transpose()
    }

    /// Reads the rows of an owner and items of other tables in one call. The row's key comes first: of more than a
    /// hundred it is in the first batch.
    pub(crate) async fn read_with(
        &self,
        owner: KeyOwner,
        others: (String, Vec<Attributes>),
    ) -> Result<(Option<PersonKey>, Vec<Attributes>), Error> {
        let (table, keys) = others;
        let own = (self.table.clone(), vec![row_key(owner)], true);
        let found = batch(&self.client, vec![own, (table, keys, true)]).await?;
        let (mut row, mut others) = (None, Vec::with_capacity(found.len()));
        for (table, found) in found {
            if table == self.table {
                row = Some(key_of(&found)?);
            } else {
                others.push(found);
            }
        }
        Ok((row, others))
    }

    /// The action that writes an owner's first row. It fails when there is one, and then answers with that: it has
    /// sealed other orders of the owner.
    pub fn put_action(&self, owner: KeyOwner, key: &PersonKey) -> Result<TransactWriteItem, Error> {
        item::put(&self.table, row_item(owner, key)?, &Condition::absent())
    }

    /// Erases an owner's row, and with it the owner in every copy of their orders. One that is gone counts as erased.
    pub async fn erase(&self, owner: KeyOwner) -> Result<(), Error> {
        Ok(retry::delete_one(&self.client, &self.table, row_key(owner), &Condition::present()).await?)
    }
}

fn row_item(owner: KeyOwner, key: &PersonKey) -> Result<Attributes, Error> {
    item::item(row_key(owner), KEY, 1, &Row { bytes: URL_SAFE_NO_PAD.encode(key.bytes()) })
}

/// The bytes of a row that was found.
pub(crate) fn key_of(found: &Attributes) -> Result<PersonKey, Error> {
    let row: Row = body(found, KEY)?;
    let bytes = URL_SAFE_NO_PAD.decode(row.bytes).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(PersonKey::from_bytes).ok_or_else(|| Error::Failed("a row of Keys has not 32 bytes".to_owned()))
}

#[cfg(test)]
mod tests {
    use domain::OrderId;

    use super::*;
    use crate::item::{string, text};

    const OWNER: KeyOwner = KeyOwner::Order(OrderId::from_bits(1));

    #[test]
    fn a_row_reads_back_and_says_whose_it_is() {
        let key = PersonKey::from_bytes(std::array::from_fn(|index| u8::try_from(index).unwrap()));
        let row = row_item(OWNER, &key).unwrap();
        let attribute = |name: &str| text(&row, name).unwrap();
        assert_eq!(attribute("pk"), format!("KEY#{}", OrderId::from_bits(1)));
        assert_eq!((attribute("sk"), attribute("kind")), ("KEY", "key"));
        assert_eq!(attribute("data"), r#"{"bytes":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#);
        assert_eq!(key_of(&row).unwrap(), key);
    }

    #[test]
    fn a_row_with_what_a_newer_release_has_added_is_read_and_one_without_its_bytes_is_not() {
        let row = |data: &str| {
            let mut row = row_item(OWNER, &PersonKey::from_bytes([7; 32])).unwrap();
            row.insert("data".to_owned(), string(data));
            row.insert("tomorrow".to_owned(), string("x"));
            row
        };
        let bytes = URL_SAFE_NO_PAD.encode([7; 32]);
        let read = key_of(&row(&format!(r#"{{"bytes":"{bytes}","tomorrow":{{"a":1}}}}"#)));
        assert_eq!(read.unwrap(), PersonKey::from_bytes([7; 32]));
        for data in ["", "{}", r#"{"bytes":"AAEC"}"#, r#"{"bytes":"not base64!"}"#] {
            let refused = key_of(&row(data)).unwrap_err();
            assert!(!format!("{refused:?}").contains("AAEC"), "{refused:?}");
        }
        assert_eq!(format!("{:?}", Row { bytes }), "Row(…)");
    }
}
