//! Sealing who ordered in orders of releases before 2026-12, which had them in the clear.

use domain::order::PlacedOrder;
use domain::sealed::PersonKey;
use domain::text::Email;

use super::head::terms_item;
use super::unpaid::is_unpaid;
use super::{Entry, Orders, check_understood};
use crate::Error;
use crate::error::Failure;
use crate::item::{Condition, put};
use crate::rate_limits::hashed;
use crate::retry::delete_one;
use crate::stored::kept_without;
use crate::transaction::Purpose;

/// What a head had that is in the terms and the history now.
const MOVED: [&str; 4] = ["email", "phone", "address", "history"];

impl Orders {
    /// Writes an order whose person was in the clear and is sealed now, with the row that opens it if that is a new
    /// one. An order that counts as unpaid is counted by the look-up of its contact from then on.
    ///
    /// # Errors
    /// A conflict when the order has changed since it was loaded, or another order of its buyer has written the row.
    pub async fn save_sealed(
        &self,
        loaded: &PlacedOrder,
        mut sealed: PlacedOrder,
        new_key: Option<&PersonKey>,
    ) -> Result<(), Error> {
        check_understood(loaded)?;
        sealed.order.kept = kept_without(&sealed.order, &MOVED)?;
        let has_terms = sealed.order.parts.is_some();
        let (mut transaction, written) = self.changes(Some(loaded), sealed)?;
        if has_terms {
            let mut terms = written.terms.clone();
            terms.version += 1;
            let condition = Condition::at_version(written.terms.version);
            transaction.add(Purpose::Item, put(&self.table, terms_item(&terms)?, &condition)?);
        }
        if let Some(key) = new_key {
            transaction.add(Purpose::PersonKey, self.keys()?.put_action(written.order.key_owner(), key)?);
        }
        if is_unpaid(&loaded.order) {
            for action in self.move_unpaid_actions(loaded, &written)? {
                transaction.add(Purpose::Item, action);
            }
        }
        Ok(transaction.run(&self.client).await?)
    }

    /// Deletes the set that counted the unpaid orders of an address in releases before 2026-12, if none is left in it:
    /// its name is a plain hash, on which addresses can be tried out.
    pub async fn forget_former_set(&self, email: &Email) -> Result<(), Error> {
        let key = Entry::Unpaid(&hashed(email.as_str())).key();
        let is_empty = Condition::of("attribute_not_exists(unpaid)");
        match delete_one(&self.client, &self.table, key, &is_empty).await {
            Ok(()) | Err(Failure::ConditionFailed) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}
