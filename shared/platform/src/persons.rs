//! What is stored of people is sealed, and found again by HMACs, under one master secret.
//!
//! A value is sealed with AES-256-GCM under a key that is derived from the master secret and a row of the table Keys
//! ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869): HKDF-SHA256, the row is the salt). Either of them alone opens
//! nothing, so that erasing the row erases the value wherever it was copied to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::order::PlacedOrder;
use domain::sealed::{PersonKey, Sealed, SealedIn};
use domain::text::OneTimeCode;
use domain::{Code, Coded, Identifier, LookUp};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, error, hmac};
use serde::Deserialize;

use crate::Rotating;

/// What keys are derived for. Another use of the master secret has another text here, so that no key serves two.
const FOR_SEALING: &[u8] = b"bozor person of an order 1";
const FOR_LOOK_UPS: &[u8] = b"bozor look-up 1";
const FOR_CODES: &[u8] = b"bozor code of a contact 1";
const FOR_SESSIONS: &[u8] = b"bozor token of a session 1";
const FOR_INVITATIONS: &[u8] = b"bozor token of an invitation 1";
const FOR_RECOVERY: &[u8] = b"bozor code on paper 1";
const FOR_FINGERPRINT: &[u8] = b"bozor fingerprint 1";

/// The least length of a master secret. One that was emptied by mistake must count as unreadable.
const LEAST_LENGTH: usize = 16;

/// How many bytes of a hash are a fingerprint: enough to tell two secrets apart, too few to say anything about one.
const FINGERPRINT_LENGTH: usize = 4;

/// The master secret, and the one before it while orders are still sealed under that.
#[derive(Deserialize)]
#[serde(try_from = "Rotating")]
pub struct PersonsSecret {
    current: Master,
    previous: Option<Master>,
}

struct Master {
    secret: Vec<u8>,
    fingerprint: String,
    look_ups: hmac::Key,
}

/// The secret is too short to be one.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a master secret has at least {LEAST_LENGTH} bytes")]
pub struct TooShort;

/// The system gives no random numbers, without which nothing can be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NotSealed;

impl Coded for NotSealed {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The row of its owner is gone, or is another one by now. It never opens again.
    #[error("the person was erased")]
    Erased,
    /// It was sealed under a master secret that is neither the current nor the previous one.
    #[error("sealed under an unknown master secret")]
    UnknownMaster,
    /// It was changed, or stands in another place than it was sealed for.
    #[error("a sealed value was changed")]
    Changed,
}

impl Coded for NotOpened {
    fn code(&self) -> Code {
        match self {
            Self::Erased => Code::NotFound,
            // The operator puts the missing secret back.
            Self::UnknownMaster => Code::Unavailable,
            Self::Changed => Code::Internal,
        }
    }
}

impl std::fmt::Debug for PersonsSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PersonsSecret(…)")
    }
}

impl TryFrom<Rotating> for PersonsSecret {
    type Error = TooShort;

    fn try_from(rotating: Rotating) -> Result<Self, TooShort> {
        let previous = rotating.previous.map(Master::new).transpose()?;
        Ok(Self { current: Master::new(rotating.current)?, previous })
    }
}

impl PersonsSecret {
    /// A new row of the table Keys.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new_key() -> Result<PersonKey, NotSealed> {
        random().map(PersonKey::from_bytes)
    }

    /// The row whose bytes stand in base64url; nothing when it is damaged.
    pub fn key_of(text: &str) -> Option<PersonKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(PersonKey::from_bytes(bytes))
    }

    /// The bytes of a row in base64url without padding.
    pub fn text_of(key: &PersonKey) -> String {
        URL_SAFE_NO_PAD.encode(key.bytes())
    }

    /// Seals a value for this place, which has to be named again to open it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, value: &[u8], key: &PersonKey, place: impl Into<SealedIn>) -> Result<Sealed, NotSealed> {
        self.current.seal(value, key, place.into(), random()?).map_err(|_| NotSealed)
    }

    /// Opens a value with the row of its owner, `None` where there is none any more.
    ///
    /// # Errors
    /// See [`NotOpened`].
    pub fn open(
        &self,
        sealed: &Sealed,
        key: Option<&PersonKey>,
        place: impl Into<SealedIn>,
    ) -> Result<Vec<u8>, NotOpened> {
        let key = key.filter(|key| fingerprint_of(key) == sealed.key).ok_or(NotOpened::Erased)?;
        let place = place.into();
        let mut known = self.masters().filter(|master| master.fingerprint == sealed.master).peekable();
        known.peek().ok_or(NotOpened::UnknownMaster)?;
        known.find_map(|master| master.open(sealed, key, place)).ok_or(NotOpened::Changed)
    }

    /// Seals who ordered into the terms of an order that is about to be placed.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal_person(&self, placed: &mut PlacedOrder, key: &PersonKey) -> Result<(), NotSealed> {
        let person = placed.person.as_ref().map(serde_json::to_vec).transpose().map_err(|_| NotSealed)?;
        placed.terms.sealed = person.map(|person| self.seal(&person, key, placed.order.id)).transpose()?;
        Ok(())
    }

    /// Opens who ordered with the row of the order's owner, unless that is known already. An erased person stays
    /// absent.
    ///
    /// # Errors
    /// [`NotOpened::UnknownMaster`] and [`NotOpened::Changed`].
    pub fn open_person(&self, placed: &mut PlacedOrder, key: Option<&PersonKey>) -> Result<(), NotOpened> {
        let (None, Some(sealed)) = (&placed.person, &placed.terms.sealed) else { return Ok(()) };
        let opened = match self.open(sealed, key, placed.order.id) {
            Err(NotOpened::Erased) => return Ok(()),
            opened => opened?,
        };
        placed.person = Some(serde_json::from_slice(&opened).map_err(|_| NotOpened::Changed)?);
        Ok(())
    }

    /// [`PersonsSecret::open_person`] where an order is shown or goes on: one whose person does not open is an order of
    /// nobody then, since goods and money must not wait for a secret that is gone.
    pub fn show_person(&self, placed: &mut PlacedOrder, key: Option<&PersonKey>) {
        if let Err(cause) = self.open_person(placed, key) {
            tracing::error!(order.id = %placed.order.id, %cause, "who placed an order does not open");
        }
    }

    /// Whether a value is sealed under the current secret. If not, it has to be sealed again before `previous` goes.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        sealed.master == self.current.fingerprint
    }

    /// What stands for a person in keys and indexes, under the current secret.
    pub fn look_up<'a>(&self, identifier: impl Into<Identifier<'a>>) -> LookUp {
        self.current.look_up(identifier.into())
    }

    /// [`PersonsSecret::look_up`] under the current secret, and under the previous one while there is one: what was
    /// written before the rotation stands under that.
    pub fn look_ups<'a>(&self, identifier: impl Into<Identifier<'a>>) -> impl Iterator<Item = LookUp> {
        let identifier = identifier.into();
        self.masters().map(move |master| master.look_up(identifier))
    }

    /// The code that follows from these random bytes: six digits.
    pub fn code(&self, key: &PersonKey) -> String {
        self.current.code(key)
    }

    /// Whether this is the code of these bytes, under the previous secret too. Compared in constant time.
    pub fn is_code(&self, shown: &OneTimeCode, key: &PersonKey) -> bool {
        self.masters().any(|master| {
            // Tags of both texts are compared instead of the texts.
            let tag = hmac::sign(&master.look_ups, master.code(key).as_bytes());
            hmac::verify(&master.look_ups, shown.as_str().as_bytes(), tag.as_ref()).is_ok()
        })
    }

    /// The secret of a session's token that comes after the one with this hash, so that whoever shows that one again
    /// gets the same. Without the master secret nobody can tell it.
    pub fn next_token(&self, key: &PersonKey, hash: &str) -> [u8; 32] {
        self.current.tag(FOR_SESSIONS, key, hash.as_bytes())
    }

    /// The secret of an invitation's token, under each master secret. Without one nobody can tell it, and the mail's
    /// sender finds it again.
    pub fn invitation_secrets(&self, key: &PersonKey) -> impl Iterator<Item = [u8; 32]> {
        self.masters().map(|master| master.tag(FOR_INVITATIONS, key, b"invitation"))
    }

    /// What a code on paper is stored as, under the current secret and under the previous one.
    pub fn recovery_hashes(&self, code: &str, key: &PersonKey) -> Vec<String> {
        self.masters().map(|master| URL_SAFE_NO_PAD.encode(master.tag(FOR_RECOVERY, key, code.as_bytes()))).collect()
    }

    fn masters(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl Master {
    fn new(secret: String) -> Result<Self, TooShort> {
        let secret = secret.into_bytes();
        if secret.len() < LEAST_LENGTH {
            return Err(TooShort);
        }
        let unsalted = Salt::new(HKDF_SHA256, &[]).extract(&secret);
        let look_ups = hmac::Key::from(unsalted.expand(&[FOR_LOOK_UPS], hmac::HMAC_SHA256).map_err(|_| TooShort)?);
        let mut fingerprint = [0; 32];
        let derived = unsalted.expand(&[FOR_FINGERPRINT], HKDF_SHA256);
        derived.and_then(|derived| derived.fill(&mut fingerprint)).map_err(|_| TooShort)?;
        Ok(Self { fingerprint: short(&fingerprint), look_ups, secret })
    }

    fn seal(
        &self,
        value: &[u8],
        key: &PersonKey,
        place: SealedIn,
        nonce: [u8; NONCE_LEN],
    ) -> Result<Sealed, error::Unspecified> {
        let mut text = value.to_vec();
        let aad = Aad::from(place.to_string());
        let cipher = self.cipher(key)?;
        let tag = cipher.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)?;
        let bytes = [nonce.as_slice(), &text, tag.as_ref()].concat();
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Ok(Sealed { master: self.fingerprint.clone(), key: fingerprint_of(key), text })
    }

    fn open(&self, sealed: &Sealed, key: &PersonKey, place: SealedIn) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.text).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(place.to_string()));
        self.cipher(key).ok()?.open_in_place(nonce, aad, &mut text).ok().map(|value| value.to_vec())
    }

    fn cipher(&self, key: &PersonKey) -> Result<LessSafeKey, error::Unspecified> {
        let salted: Prk = Salt::new(HKDF_SHA256, key.bytes()).extract(&self.secret);
        salted.expand(&[FOR_SEALING], &AES_256_GCM).map(UnboundKey::from).map(LessSafeKey::new)
    }

    /// An HMAC of a text under a key that is derived for a purpose from the secret and random bytes.
    fn tag(&self, purpose: &[u8], key: &PersonKey, text: &[u8]) -> [u8; 32] {
        let salted = Salt::new(HKDF_SHA256, key.bytes()).extract(&self.secret);
        let Ok(derived) = salted.expand(&[purpose], hmac::HMAC_SHA256).map(hmac::Key::from) else { return [0; 32] };
        hmac::sign(&derived, text).as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The first 64 bits of a tag, modulo a million: no code is noticeably likelier than another.
    fn code(&self, key: &PersonKey) -> String {
        let tag = self.tag(FOR_CODES, key, b"code");
        let bits = tag.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        format!("{:06}", bits % 1_000_000)
    }

    fn look_up(&self, identifier: Identifier<'_>) -> LookUp {
        let (kind, text) = identifier.parts();
        let tag = hmac::sign(&self.look_ups, format!("{kind}:{text}").as_bytes());
        LookUp::from_bytes(tag.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

/// The fingerprint of a row. The row is random, so its hash says nothing about it.
fn fingerprint_of(key: &PersonKey) -> String {
    short(digest::digest(&digest::SHA256, key.bytes()).as_ref())
}

fn short(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.get(..FINGERPRINT_LENGTH).unwrap_or_default())
}

pub(crate) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], NotSealed> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NotSealed)?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "persons_tests.rs"]
mod tests;
