//! Invitations of a vendor: one for each contact, until it is accepted, declined, taken back or over.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::invitation::Invitation;
use domain::{LookUp, Timestamp, VendorId};

use super::{EXPIRES, Sessions};
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, all_readable, delete, key, number, put, string};
use crate::retry::{QueryRequest, get, put_one, query_all};
use crate::stored::{read, stored, write};

const INVITATION: &str = "invitation";
const INVITATION_PREFIX: &str = "INVITATION#";

stored! {
    INVITATION => Invitation: ["expires_at_s"];
}

fn vendor_partition(vendor: VendorId) -> String {
    format!("VENDOR#{vendor}")
}

fn invitation_key(vendor: VendorId, contact: LookUp) -> Attributes {
    key(vendor_partition(vendor), format!("{INVITATION_PREFIX}{contact}"))
}

/// The item of the next version, and the condition under which it is written.
fn next(invitation: &Invitation) -> Result<(Attributes, Condition), Error> {
    let key = invitation_key(invitation.vendor, invitation.contact);
    let mut written = write(key, invitation.version + 1, invitation)?;
    written.insert(EXPIRES.to_owned(), number(invitation.expires_at.seconds()));
    Ok((written, Condition::at_version(invitation.version)))
}

impl Sessions {
    /// The invitation of a contact, read consistently. One whose time is over may still be there.
    pub async fn invitation(&self, vendor: VendorId, contact: LookUp) -> Result<Option<Invitation>, Error> {
        let found = get(&self.client, &self.table, invitation_key(vendor, contact), true).await?;
        found.as_ref().map(read).transpose()
    }

    /// The open invitations of a vendor, read consistently.
    pub async fn invitations(&self, vendor: VendorId, now: Timestamp) -> Result<Vec<Invitation>, Error> {
        let prefix = Attributes::from([(":prefix".to_owned(), string(INVITATION_PREFIX))]);
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", vendor_partition(vendor)),
            sort_key_condition: Some(("begins_with(sk, :prefix)".to_owned(), prefix)),
            consistent: true,
            ..QueryRequest::default()
        };
        let mut known: Vec<Invitation> = all_readable(&query_all(&self.client, request).await?, read)?;
        known.retain(|invitation| invitation.is_open(now));
        Ok(known)
    }

    /// Stores an invitation under the version that was read. False when somebody else has written it meanwhile.
    pub async fn put_invitation(&self, invitation: &Invitation) -> Result<bool, Error> {
        let (written, condition) = next(invitation)?;
        match put_one(&self.client, &self.table, written, &condition).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The action of a transaction that stores an invitation under the version that was read.
    pub(crate) fn put_invitation_action(&self, invitation: &Invitation) -> Result<TransactWriteItem, Error> {
        let (written, condition) = next(invitation)?;
        put(&self.table, written, &condition)
    }

    /// The action of a transaction that ends an invitation, which fails when it has ended or was replaced since it was
    /// read: it is used once.
    pub(crate) fn end_invitation_action(&self, invitation: &Invitation) -> Result<TransactWriteItem, Error> {
        let key = invitation_key(invitation.vendor, invitation.contact);
        delete(&self.table, key, &Condition::at_version(invitation.version))
    }
}
