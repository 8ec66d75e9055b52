//! Money that belongs to no order: kept, told, listed.

use domain::{Occasion, Unclaimed};

use super::{Entry, Orders, UNCLAIMED, UNCLAIMED_MONEY, event_item};
use crate::error::{Failure, Reason};
use crate::item::{Condition, body, item, put, string};
use crate::retry::transact;
use crate::{Error, PageKey, Slice};

impl Orders {
    /// Keeps what a provider told of money that no order knows. False when it was kept before: what was told first stands. With
    /// `is_told`, the event by which the operator hears of it is written with it.
    pub async fn keep_unclaimed(&self, money: &Unclaimed, is_told: bool) -> Result<bool, Error> {
        let mut kept = item(Entry::Unclaimed(money).key(), UNCLAIMED, 1, money)?;
        kept.insert("state_key".to_owned(), string(UNCLAIMED_MONEY));
        kept.insert("state_sort".to_owned(), string(money.id.to_string()));
        let once = Condition::absent();
        let mut actions = vec![put(&self.table, kept, &once)?];
        if is_told {
            actions.push(put(&self.table, event_item(&Occasion::Unclaimed(money.clone()))?, &once)?);
        }
        match transact(&self.client, actions).await {
            Ok(()) => Ok(true),
            Err(Failure::Cancelled(reasons)) if reasons.first().is_some_and(Reason::is_condition) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The money that belongs to no order, newest first.
    pub async fn unclaimed(&self, limit: u16, start: Option<PageKey>) -> Result<Slice<Unclaimed>, Error> {
        let page = self.listed("by_state", ("state_key", UNCLAIMED_MONEY.to_owned()), limit, start).await?;
        let items = page.items.iter().map(|found| body(found, UNCLAIMED)).collect::<Result<_, Error>>()?;
        Ok(Slice { items, next: page.next })
    }

    /// The partition that a page key of the money that belongs to no order must name.
    pub const fn unclaimed_partition() -> &'static str {
        UNCLAIMED_MONEY
    }
}
