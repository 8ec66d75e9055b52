//! Signing in with a code in the place of a password, which also works while the password is held up by guesses.

use aws_sdk_cognitoidentityprovider::types::AuthenticationResultType;
use domain::Timestamp;
use domain::proof::CodePurpose;
use platform::Rotating;
use store::accounts::Username;

use crate::credentials::{Entered, Proven};
use crate::people::{Limited, SignInAnswer, wrong_code};
use crate::user_pool::UserPoolError;
use crate::{Error, People};

impl People {
    /// Sends a code with which its owner can sign in, and answers with the token of the request.
    pub async fn ask_to_sign_in(&self, by: Limited<'_>) -> Result<String, Error> {
        let counted = self.count_request(by).await?;
        self.ask_for_code(CodePurpose::SignIn, counted, by, None).await
    }

    /// Signs in with a code. The user pool takes a proof of ours for it.
    pub async fn sign_in_by_code(&self, entered: Entered<'_>, by: Limited<'_>) -> Result<SignInAnswer, Error> {
        let (contact, persons) = self.count_entry("code", by).await?;
        let Proven { code, .. } = self.prove(CodePurpose::SignIn, contact, &persons, entered, by).await?;
        let (username, proofs) = tokio::join!(self.username(by), self.proofs.value());
        let (issued, sub) = match self.let_in(&username?, &*proofs?, by.now).await {
            // The code of an address without an account is sent to nobody, so this was a guess.
            Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::NotConfirmed) => {
                return Err(wrong_code());
            }
            issued => issued?,
        };
        // Only now, so that a pool that does not answer costs nobody their code.
        if !self.sessions.use_up_code(&code).await? {
            return Err(wrong_code());
        }
        if let Ok(user) = sub.parse() {
            self.accounts.note_proven(user, by.contact).await?;
        }
        let session = self.begin_session(Some(&issued), by.now).await?;
        self.entered_right(contact, &persons, by).await;
        self.sessions.end_code(CodePurpose::SignIn, contact).await?;
        Ok(session)
    }

    /// Signs somebody in who has proven who they are to us: with tokens, and with whose they are.
    pub(crate) async fn let_in(
        &self,
        username: &Username,
        proofs: &Rotating,
        now: Timestamp,
    ) -> Result<(AuthenticationResultType, String), UserPoolError> {
        let challenged = self.user_pool.challenge(username).await?;
        let proof = proofs.sign_in_proof(&challenged.sub, now);
        let issued = self.user_pool.answer(username, &challenged, &proof).await?;
        Ok((issued, challenged.sub))
    }
}
