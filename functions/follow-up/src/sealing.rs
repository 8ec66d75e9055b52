//! The rebuild of orders: a walk through all of them that seals who ordered where a release before 2026-12 has stored
//! that in the clear.

use domain::OrderId;
use domain::job::RebuildCounts;
use platform::{Pace, PersonsSecret};
use store::{Backoff, Error};

use crate::rebuild::Position;
use crate::{App, FollowUpError};

/// Orders that are read between two checks of the deadline. Each takes a query, and a transaction if it is old.
const PAGE: u16 = 25;

impl App {
    /// Works on the next orders. Returns what was done, and where to go on.
    pub(crate) async fn seal_orders(
        &self,
        after: Option<Position>,
        pace: &mut Pace,
    ) -> Result<(RebuildCounts, Option<Position>), FollowUpError> {
        let persons = self.persons.value().await?;
        let (orders, next) = self.orders.walk(after, PAGE).await?;
        let mut done = RebuildCounts::default();
        for order in orders {
            done.examined += 1;
            match self.seal(order, &persons).await {
                Ok(true) => {
                    done.rewritten += 1;
                    pace.wait(1).await;
                }
                Ok(false) => {}
                Err(FollowUpError::Store(cause @ (Error::Corrupt { .. } | Error::Newer { .. }))) => {
                    tracing::warn!(order.id = %order, %cause, "who placed an order stays in the clear");
                    done.unreadable += 1;
                }
                Err(other) => return Err(other),
            }
        }
        Ok((done, next))
    }

    /// Seals who placed an order. Returns false when they are sealed already, or not known.
    async fn seal(&self, id: OrderId, persons: &PersonsSecret) -> Result<bool, FollowUpError> {
        let mut backoff = Backoff::default();
        loop {
            let Some(loaded) = self.orders.load(id).await? else { return Ok(false) };
            let (None, Some(person)) = (&loaded.terms.sealed, &loaded.person) else { return Ok(false) };
            let known = self.orders.keys()?.read(loaded.order.key_owner()).await?;
            let new = if known.is_none() { Some(PersonsSecret::new_key()?) } else { None };
            let Some(key) = known.as_ref().or(new.as_ref()) else { return Ok(false) };
            let mut sealed = loaded.clone();
            sealed.order.contact = Some(persons.look_up(&person.email));
            persons.seal_person(&mut sealed, key)?;
            match self.orders.save_sealed(&loaded, sealed, new.as_ref()).await {
                Err(Error::Conflict) => backoff.pause().await?,
                done => return Ok(done.map(|()| true)?),
            }
        }
    }
}
