//! Invitations are kept in the table Sessions; what comes of them is written together with the response to who asked.

use domain::invitation::Invitation;
use domain::{Outcome, Prepared};

use super::Accounts;
use crate::idempotency::transact;
use crate::transaction::{Purpose, Transaction};
use crate::{Error, Sessions};

impl Accounts {
    /// Stores an invitation under the version that was read, with the response.
    pub async fn invite<R>(
        &self,
        sessions: &Sessions,
        invitation: &Invitation,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let action = sessions.put_invitation_action(invitation)?;
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, vec![action]), response).await?)
    }

    /// Ends an invitation that nothing comes of, with the response.
    pub async fn end_invitation<R>(
        &self,
        sessions: &Sessions,
        invitation: &Invitation,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let action = sessions.end_invitation_action(invitation)?;
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, vec![action]), response).await?)
    }
}
