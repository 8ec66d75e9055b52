//! Codes that prove a contact: asking for one, and entering it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contact::ContactPoint;
use domain::proof::{Applicant, CODE_LIFETIME, CodePurpose, CodeRequest, MessageJob, PendingCode};
use domain::sealed::{PersonKey, Sealed, SealedIn};
use domain::text::Name;
use domain::{Code, LookUp, Refusal, Timestamp};
use platform::PersonsSecret;
use store::Backoff;

use crate::code_requests::Counted;
use crate::credentials::{Entered, Password, Proven};
use crate::people::{Limited, wrong_code};
use crate::{Error, People};

/// How late a former contact can be told: as long as the queue keeps a message.
const FORMER_CONTACT_TOLD_WITHIN: Duration = Duration::from_secs(14 * 86_400);

impl People {
    /// Has a code sent, and answers with the token of the request. One that lives is sent again; a second sign-up with
    /// it takes the password of the first away, since nobody knows yet which of both is the owner of the address.
    /// Sign-ups without passwords are in nobody's way.
    pub(crate) async fn ask_for_code(
        &self,
        purpose: CodePurpose,
        Counted { contact, persons, may_send_again }: Counted,
        by: Limited<'_>,
        sign_up: Option<(Option<&Password>, Option<&Name>)>,
    ) -> Result<String, Error> {
        let mut backoff = Backoff::default();
        loop {
            let known = self.sessions.code(purpose, contact).await?;
            let read = known.as_ref().map(|known| known.version);
            let alive = known.filter(|known| known.is_alive(by.now));
            let is_sent = may_send_again || alive.is_none();
            let key = match &alive {
                Some(known) => key_of(known)?,
                None => PersonsSecret::new_key()?,
            };
            let before = match &alive {
                Some(known) => Some(applicant_of(known, &key, &persons)?),
                None => None,
            };
            let applicant = applicant(by, before.as_ref(), sign_up);
            let with_password = before.is_none() && applicant.password.is_some();
            let text =
                serde_json::to_vec(&applicant).map_err(|error| Refusal::because(Code::Internal, error.to_string()))?;
            let sealed = persons.seal(&text, &key, SealedIn::Code(contact))?;
            let asked = match alive {
                Some(known) => PendingCode { asked: known.asked + u32::from(is_sent), sealed, ..known },
                None => PendingCode {
                    purpose,
                    contact,
                    key: URL_SAFE_NO_PAD.encode(key.bytes()),
                    sealed,
                    asked: 1,
                    sent: 0,
                    expires_at: by.now + CODE_LIFETIME,
                    version: 0,
                },
            };
            if self.sessions.put_code(&asked, read).await? {
                return self.request_of(&asked, is_sent, with_password).await;
            }
            backoff.pause().await?;
        }
    }

    /// Has the former contact of an account told that it is one no more, however late the message comes: who reads it
    /// there may be the only one to notice a theft.
    pub(crate) async fn tell_former(
        &self,
        contact: &ContactPoint,
        language: Option<String>,
        persons: &PersonsSecret,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (purpose, look_up, key) = (CodePurpose::FormerContact, persons.look_up(contact), PersonsSecret::new_key()?);
        let text = serde_json::to_vec(&Applicant { language, ..Applicant::new(contact) });
        let text = text.map_err(|error| Refusal::because(Code::Internal, error.to_string()))?;
        let told = PendingCode {
            purpose,
            contact: look_up,
            key: URL_SAFE_NO_PAD.encode(key.bytes()),
            sealed: persons.seal(&text, &key, SealedIn::Code(look_up))?,
            asked: 1,
            sent: 0,
            expires_at: now + FORMER_CONTACT_TOLD_WITHIN,
            version: 0,
        };
        let mut backoff = Backoff::default();
        loop {
            let read = self.sessions.code(purpose, look_up).await?.map(|known| known.version);
            if self.sessions.put_code(&told, read).await? {
                let expires_at = Some(told.expires_at);
                let job = MessageJob::Code { purpose, contact: look_up, number: 1, expires_at };
                return Ok(self.messages.send_message(&job).await?);
            }
            backoff.pause().await?;
        }
    }

    /// A request for a code, and the message for it; one of number 0 is passed over, since the code was sent as often
    /// as it may be.
    async fn request_of(&self, code: &PendingCode, is_sent: bool, with_password: bool) -> Result<String, Error> {
        let (purpose, contact, expires_at) = (code.purpose, code.contact, code.expires_at);
        let token = self.put_request(purpose, contact, CodeRequest { expires_at, with_password }).await?;
        let number = if is_sent { code.asked } else { 0 };
        let job = MessageJob::Code { purpose, contact, number, expires_at: Some(expires_at) };
        self.messages.send_message(&job).await?;
        Ok(token)
    }

    /// Has the code that lives sent again. Without one nothing comes of the message, and the token opens nothing.
    pub(crate) async fn send_code_again(
        &self,
        purpose: CodePurpose,
        Counted { contact, may_send_again, persons }: Counted,
        by: Limited<'_>,
    ) -> Result<String, Error> {
        let mut backoff = Backoff::default();
        loop {
            let known = self.sessions.code(purpose, contact).await?.filter(|known| known.is_alive(by.now));
            let (asked, is_written) = match known {
                Some(known) => {
                    let sealed = in_language(&known, by.language, &persons).unwrap_or_else(|cause| {
                        // It is sent as it was, or not at all: that there is a code must not show here either.
                        tracing::warn!(%cause, "a code that is sent again keeps the language that was told before");
                        known.sealed.clone()
                    });
                    let asked = PendingCode { asked: known.asked + u32::from(may_send_again), sealed, ..known.clone() };
                    let is_written = self.sessions.put_code(&asked, Some(known.version)).await?;
                    (asked, is_written)
                }
                None => {
                    // In vain: whether there is a code must not show in the calls that are made.
                    let nothing = nothing(purpose, contact, by)?;
                    self.sessions.put_code(&nothing, Some(u64::MAX - 1)).await?;
                    (nothing, true)
                }
            };
            if is_written {
                return self.request_of(&asked, may_send_again, false).await;
            }
            backoff.pause().await?;
        }
    }

    /// Checks a code that was entered. It ends with what it was asked for, so that a call that breaks off can be
    /// repeated. Only the guesses of the request that it comes with are counted.
    pub(crate) async fn prove(
        &self,
        purpose: CodePurpose,
        contact: LookUp,
        persons: &PersonsSecret,
        entered: Entered<'_>,
        by: Limited<'_>,
    ) -> Result<Proven, Error> {
        let request = self.try_request(purpose, contact, entered.request, by.now).await?.ok_or_else(wrong_code)?;
        let known = self.sessions.code(purpose, contact).await?;
        let of_request = |known: &PendingCode| known.is_alive(by.now) && known.expires_at == request.expires_at;
        let known = known.filter(of_request).ok_or_else(wrong_code)?;
        let key = key_of(&known)?;
        if !persons.is_code(entered.code, &key) {
            return Err(wrong_code());
        }
        let applicant = applicant_of(&known, &key, persons)?;
        Ok(Proven { applicant, code: known, with_password: request.with_password })
    }
}

/// A code that nobody has asked for.
fn nothing(purpose: CodePurpose, contact: LookUp, by: Limited<'_>) -> Result<PendingCode, Error> {
    let sealed = Sealed { master: String::new(), key: String::new(), text: String::new() };
    let key = URL_SAFE_NO_PAD.encode(PersonsSecret::new_key()?.bytes());
    let expires_at = by.now + CODE_LIFETIME;
    Ok(PendingCode { purpose, contact, key, sealed, asked: 1, sent: 0, expires_at, version: 0 })
}

/// Who asks, after who has asked before.
fn applicant(
    by: Limited<'_>,
    before: Option<&Applicant>,
    sign_up: Option<(Option<&Password>, Option<&Name>)>,
) -> Applicant {
    let (password, name) = sign_up.unwrap_or_default();
    let password = password.map(|password| password.as_str().to_owned());
    let language = by.language.map(str::to_owned).or_else(|| before?.language.clone());
    let asking = Applicant { language, ..Applicant::new(by.contact) };
    match before {
        None => Applicant { name: name.cloned(), password, ..asking },
        Some(before) => Applicant {
            password_needed: before.password_needed || before.password.is_some() || password.is_some(),
            ..asking
        },
    }
}

/// What is sealed in a code, with the language that was told now.
fn in_language(code: &PendingCode, language: Option<&str>, persons: &PersonsSecret) -> Result<Sealed, Error> {
    let Some(language) = language else { return Ok(code.sealed.clone()) };
    let key = key_of(code)?;
    let told = Applicant { language: Some(language.to_owned()), ..applicant_of(code, &key, persons)? };
    let told = serde_json::to_vec(&told).map_err(|error| Refusal::because(Code::Internal, error.to_string()))?;
    Ok(persons.seal(&told, &key, SealedIn::Code(code.contact))?)
}

fn applicant_of(code: &PendingCode, key: &PersonKey, persons: &PersonsSecret) -> Result<Applicant, Error> {
    let opened = persons.open(&code.sealed, Some(key), SealedIn::Code(code.contact))?;
    Ok(serde_json::from_slice(&opened).map_err(|error| Refusal::because(Code::Internal, error.to_string()))?)
}

fn key_of(code: &PendingCode) -> Result<PersonKey, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(&code.key).ok().and_then(|bytes| bytes.try_into().ok());
    let damaged = || Refusal::because(Code::Internal, "a code without its random bytes");
    Ok(bytes.map(PersonKey::from_bytes).ok_or_else(damaged)?)
}
