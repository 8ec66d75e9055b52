//! Another address or telephone number for an account, while its owner is signed in.
//!
//! Whoever holds a stolen token must not be able to move an account to themselves: the sign-in has to be fresh, the new
//! contact is proven, the former one is told, and every session ends.

use domain::proof::{AccountChange, CodePurpose};
use domain::{Code, Refusal, Timestamp, UserId};

use crate::credentials::Entered;
use crate::mfa::check_fresh;
use crate::people::{Limited, SignInAnswer};
use crate::user_pool::{Person, UserPoolError};
use crate::{Error, People};

fn already_theirs() -> Refusal {
    Refusal::because(Code::WrongState, "you sign in with this contact already")
}

impl People {
    /// Sends a code to the contact that is to take the place of the one before of its kind, and answers with the token
    /// of the request. Of a contact that has an account, only its owner is told that.
    pub async fn ask_to_change_contact(
        &self,
        user: UserId,
        signed_in_at: Timestamp,
        by: Limited<'_>,
    ) -> Result<String, Error> {
        check_fresh(signed_in_at, by.now)?;
        let person = self.signed_in(user).await?;
        if person.contacts().any(|contact| contact == *by.contact) {
            return Err(already_theirs().into());
        }
        // A change that broke off has left it to them, and the pool does not know it: it is proven again.
        self.accounts.release_contact(by.contact, &person.username).await?;
        let counted = self.count_request(by).await?;
        self.ask_for_code(CodePurpose::ChangeContact, counted, by, None).await
    }

    /// Enters the contact with the code that was sent to it. Every session ends, and the answer begins a new one, or
    /// asks for the second factor. A call that breaks off can be repeated.
    pub async fn change_contact(
        &self,
        user: UserId,
        signed_in_at: Timestamp,
        entered: Entered<'_>,
        by: Limited<'_>,
    ) -> Result<SignInAnswer, Error> {
        check_fresh(signed_in_at, by.now)?;
        let person = self.signed_in(user).await?;
        let (contact, persons) = self.count_entry("contact", by).await?;
        self.prove(CodePurpose::ChangeContact, contact, &persons, entered, by).await?;
        let username = &person.username;
        if self.accounts.claim_contact(by.contact, username.clone(), by.now).await? != *username {
            let detail = "another account has this contact by now";
            return Err(Refusal::because(Code::AlreadyExists, detail).into());
        }
        // Of the same kind: beside an address, a telephone number is one contact more.
        let is_former = |known: &domain::contact::ContactPoint| {
            known.phone().is_some() == by.contact.phone().is_some() && known != by.contact
        };
        // It finds nobody any more before the pool forgets which one it was, and is told before that too.
        for former in person.contacts().filter(is_former) {
            self.accounts.release_contact(&former, username).await?;
            self.tell_former(&former, &persons, by.now).await?;
        }
        self.user_pool.prove(username, by.contact).await?;
        self.accounts.note_proven(user, by.contact).await?;
        self.end_everything(user, &person).await?;
        self.notify(user, AccountChange::ContactChanged).await;
        let proofs = self.proofs.value().await?;
        let issued = match self.let_in(username, &proofs, by.now).await {
            Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::NotConfirmed) => {
                return Err(Refusal::of(Code::Unauthorized).into());
            }
            issued => issued?.0,
        };
        let session = self.begin_session(Some(&issued), by.now).await?;
        self.entered_right(contact, &persons, by).await;
        self.sessions.end_code(CodePurpose::ChangeContact, contact).await?;
        Ok(session)
    }

    /// Ends the sessions of a person, at the pool too, and the codes that were sent to the contacts of before.
    async fn end_everything(&self, user: UserId, person: &Person) -> Result<(), Error> {
        self.user_pool.sign_out(person.username.as_str()).await?;
        self.sessions.end_sessions(user, None).await?;
        self.end_codes(person).await
    }
}
