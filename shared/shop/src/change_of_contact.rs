//! Another address or telephone number for an account, while its owner is signed in.
//!
//! Whoever holds a stolen token must not be able to move an account to themselves: the sign-in has to be fresh, the new
//! contact is proven, the former one is told, and every session ends.

use domain::contact::ContactPoint;
use domain::proof::{AccountChange, CodePurpose};
use domain::{Code, Refusal, Timestamp, UserId};

use crate::credentials::Entered;
use crate::people::{Limited, SignInAnswer};
use crate::user_pool::UserPoolError;
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
        let counted = self.count_request(by).await?;
        self.check_fresh(user, signed_in_at, by.now).await?;
        if self.signed_in(user).await?.contacts().any(|contact| contact == *by.contact) {
            return Err(already_theirs().into());
        }
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
        let (contact, persons) = self.count_entry("contact", by).await?;
        self.check_fresh(user, signed_in_at, by.now).await?;
        let (person, proven) = (self.signed_in(user).await?, self.accounts.proven_contacts(user).await?);
        self.prove(CodePurpose::ChangeContact, contact, &persons, entered, by).await?;
        // Read before anything is changed: what fails from here on leaves a change half done.
        let language = self.language_of(user, &person).await?;
        let username = &person.username;
        if self.accounts.claim_contact(by.contact, username.clone(), by.now).await? != *username {
            let detail = "another account has this contact by now";
            return Err(Refusal::because(Code::AlreadyExists, detail).into());
        }
        // Two changes at once would leave a contact that finds the person and that nobody sees.
        if !self.accounts.put_proven(user, &proven, by.contact).await? {
            self.accounts.release_contact(by.contact, username).await?;
            return Err(store::Error::Conflict.into());
        }
        // Of the same kind: beside an address, a telephone number is one contact more. One that was proven may be left
        // of a change that broke off.
        let mut former: Vec<ContactPoint> = person.contacts().chain(proven.points()).collect();
        former.retain(|known| known.phone().is_some() == by.contact.phone().is_some() && known != by.contact);
        former.dedup();
        // They find nobody any more before the pool forgets which it was, and are told before that too.
        for former in former {
            self.accounts.release_contact(&former, username).await?;
            self.tell_former(&former, language.clone(), &persons, by.now).await?;
        }
        self.user_pool.prove(username, by.contact).await?;
        self.end_sessions(&person, by.now).await?;
        self.end_codes(&person).await?;
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
}
