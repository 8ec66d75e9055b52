//! The rebuild of orders: a walk through all of them that seals who ordered where a release before 2026-12 has stored
//! that in the clear, and seals them again where they stand under the previous master secret.

use domain::OrderId;
use domain::job::RebuildCounts;
use platform::{Pace, PersonsSecret};
use store::orders::TORN;
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
                Err(FollowUpError::Store(error)) if !is_about_the_order(&error) => return Err(error.into()),
                Err(cause @ (FollowUpError::Store(_) | FollowUpError::NotOpened(_))) => {
                    tracing::warn!(order.id = %order, %cause, "who placed an order stays as it is stored");
                    done.unreadable += 1;
                }
                Err(other) => return Err(other),
            }
        }
        Ok((done, next))
    }

    /// Seals who placed an order. Returns false when they are sealed already under the current secret, or not known.
    async fn seal(&self, id: OrderId, persons: &PersonsSecret) -> Result<bool, FollowUpError> {
        let mut backoff = Backoff::default();
        loop {
            let Some(loaded) = self.orders.load(id).await? else { return Ok(false) };
            if loaded.terms.sealed.as_ref().is_some_and(|sealed| persons.is_current(sealed)) {
                return Ok(false);
            }
            let known = self.orders.keys()?.read(loaded.order.key_owner()).await?;
            let mut sealed = loaded.clone();
            persons.open_person(&mut sealed, known.as_ref())?;
            // Who was erased stays so.
            let Some(person) = &sealed.person else { return Ok(false) };
            let Some(contact) = person.contact_point() else { return Ok(false) };
            let former_email = person.email.clone().filter(|_| loaded.order.contact.is_none());
            sealed.order.contact = Some(persons.look_up(&contact));
            let new = if known.is_none() { Some(PersonsSecret::new_key()?) } else { None };
            let Some(key) = known.as_ref().or(new.as_ref()) else { return Ok(false) };
            persons.seal_person(&mut sealed, key)?;
            match self.orders.save_sealed(&loaded, sealed, new.as_ref()).await {
                Err(Error::Conflict) => backoff.pause().await?,
                done => {
                    done?;
                    if let Some(email) = former_email {
                        self.orders.forget_former_set(&email).await?;
                    }
                    return Ok(true);
                }
            }
        }
    }
}

/// Whether it is one order that cannot be sealed, and not the table that does not answer: the others must not wait.
fn is_about_the_order(error: &Error) -> bool {
    match error {
        Error::Unavailable(cause) => cause == TORN,
        Error::TooMany { .. } => false,
        Error::Conflict | Error::Refused(_) | Error::Failed(_) | Error::Corrupt { .. } | Error::Newer { .. } => true,
    }
}
