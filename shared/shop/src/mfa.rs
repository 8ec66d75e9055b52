//! The second factor: setting up an authenticator app, entering its codes, and going on without it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::mfa::{FRESH, Mfa, RECOVERY_CODES};
use domain::proof::AccountChange;
use domain::sealed::{PersonKey, SealedIn};
use domain::settings::{CallLimits, Limit};
use domain::stored::Kept;
use domain::text::SecondFactorCode;
use domain::{Code, Identifier, LookUp, Refusal, Timestamp, UserId};
use platform::{PersonsSecret, TotpSecret};
use serde::Serialize;
use store::Backoff;
use utoipa::ToSchema;

use crate::people::{CODE_GUESSES, wrong_code};
use crate::qr;
use crate::{Error, People};

/// How many codes of one person may be tried by everybody together. Whoever knows the password and has many addresses
/// would need years.
const TOGETHER: Limit = Limit { most: 20, within: Duration::from_secs(3_600) };

/// Whose second factor it is, where the call comes from, and when.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactor<'a> {
    pub user: UserId,
    pub client: &'a str,
    pub now: Timestamp,
}

/// What an authenticator app needs. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct Enrolment {
    /// The secret, to type it into the app: base32.
    #[schema(examples("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))]
    pub secret: String,
    /// The same as a link that opens the app on a phone.
    #[schema(examples(
        "otpauth://totp/Bozor:aziza%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bozor"
    ))]
    pub uri: String,
    /// The same as a picture to point the phone at: an SVG document.
    pub qr_svg: String,
}

/// Codes on paper, each of which works once in the place of the app. They are shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodesView)]
pub struct RecoveryCodes {
    /// Ten codes of ten symbols and digits, with a hyphen in the middle.
    pub recovery_codes: Vec<String>,
}

/// A person's second factor, as they see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MfaView {
    /// Since when it is needed to sign in.
    pub since: Timestamp,
    /// How many codes on paper are left.
    #[schema(maximum = 10)]
    pub recovery_codes_left: usize,
}

/// What was entered in the place of a second factor.
pub(crate) enum Entered {
    /// A code of the app.
    App,
    /// A code on paper: the second factor is gone with it.
    Paper,
}

fn failed(reason: &str) -> Error {
    Refusal::because(Code::Internal, reason.to_owned()).into()
}

fn key_of(mfa: &Mfa) -> Result<PersonKey, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(&mfa.key).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(PersonKey::from_bytes).ok_or_else(|| failed("a second factor without its random bytes"))
}

/// Ten new codes, and what they are stored as.
fn recovery_codes(persons: &PersonsSecret, key: &PersonKey) -> Result<(RecoveryCodes, Vec<String>), Error> {
    // Without symbols that are mistaken for digits.
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let (mut recovery_codes, mut hashes) = (Vec::with_capacity(RECOVERY_CODES), Vec::with_capacity(RECOVERY_CODES));
    for _ in 0..RECOVERY_CODES {
        let random = PersonsSecret::new_key()?;
        let symbols = random.bytes().iter().map(|byte| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'a'));
        let symbols: String = symbols.take(10).map(char::from).collect();
        hashes.extend(persons.recovery_hashes(&symbols, key).into_iter().next());
        let (left, right) = symbols.split_at(5);
        recovery_codes.push(format!("{left}-{right}"));
    }
    Ok((RecoveryCodes { recovery_codes }, hashes))
}

impl People {
    /// A person's second factor, once it is needed to sign in.
    pub async fn mfa(&self, user: UserId) -> Result<Option<MfaView>, Error> {
        let known = self.accounts.mfa(user).await?;
        Ok(known.and_then(|mfa| Some(MfaView { since: mfa.since?, recovery_codes_left: mfa.recovery.len() })))
    }

    /// Begins to set up a second factor. Nothing changes before a code of the app is entered. A token that was stolen
    /// must not lock its owner out, so the sign-in has to be fresh.
    pub async fn begin_mfa(&self, signed_in_at: Timestamp, by: SecondFactor<'_>) -> Result<Enrolment, Error> {
        self.check_fresh(by.user, signed_in_at, by.now).await?;
        let person = self.signed_in(by.user).await?;
        let persons = self.persons.value().await?;
        let (key, secret) = (PersonsSecret::new_key()?, TotpSecret::new()?);
        let sealed = persons.seal(secret.bytes(), &key, SealedIn::Mfa(by.user))?;
        let known = self.accounts.mfa(by.user).await?;
        if known.as_ref().is_some_and(|known| known.since.is_some()) {
            let detail = "an authenticator app is set up already: take it away first";
            return Err(Refusal::because(Code::WrongState, detail).into());
        }
        let begun = Mfa {
            user: by.user,
            key: URL_SAFE_NO_PAD.encode(key.bytes()),
            secret: sealed,
            begun_at: by.now,
            since: None,
            last_step: 0,
            recovery: Vec::new(),
            version: known.map_or(0, |known| known.version),
            kept: Kept::default(),
        };
        if !self.accounts.put_mfa(&begun).await? {
            return Err(store::Error::Conflict.into());
        }
        let uri = secret.uri(&self.shop_name, person.contact()?.as_str());
        Ok(Enrolment { secret: secret.text(), qr_svg: qr::svg(&uri)?, uri })
    }

    /// Sets the second factor up with the first code of the app, and ends every session: each was begun without it.
    pub async fn confirm_mfa(
        &self,
        signed_in_at: Timestamp,
        code: &SecondFactorCode,
        by: SecondFactor<'_>,
    ) -> Result<RecoveryCodes, Error> {
        self.check_fresh(by.user, signed_in_at, by.now).await?;
        let pair = self.count_second_factor(by).await?;
        let persons = self.persons.value().await?;
        let known = self.accounts.mfa(by.user).await?;
        let Some(mut mfa) = known.filter(|known| known.is_begun(by.now)) else {
            return Err(Refusal::because(Code::WrongState, "no authenticator app is being set up").into());
        };
        let key = key_of(&mfa)?;
        mfa.last_step = step_of(&mfa, code, &persons, &key, by.now)?.ok_or_else(wrong_code)?;
        mfa.since = Some(by.now);
        let (codes, hashes) = recovery_codes(&persons, &key)?;
        mfa.recovery = hashes;
        // Before and after, so that a call that breaks off leaves nobody signed in without the app.
        self.sign_out(by.user, by.now).await?;
        if !self.accounts.put_mfa(&mfa).await? {
            return Err(store::Error::Conflict.into());
        }
        self.rate_limits.forget("mfa", pair).await;
        self.sign_out(by.user, by.now).await?;
        self.notify(by.user, AccountChange::MfaSetUp).await;
        Ok(codes)
    }

    /// Takes the second factor away with a code of the app or one on paper, and ends every session.
    pub async fn remove_mfa(&self, code: &SecondFactorCode, by: SecondFactor<'_>) -> Result<(), Error> {
        let pair = self.count_second_factor(by).await?;
        match self.enter(by.user, code, by.now).await? {
            None => return Err(Refusal::because(Code::WrongState, "no authenticator app is set up").into()),
            // It is gone already.
            Some(Entered::Paper) => {}
            Some(Entered::App) => {
                let known = self.accounts.mfa(by.user).await?;
                if let Some(known) = known
                    && !self.accounts.remove_mfa(&known).await?
                {
                    return Err(store::Error::Conflict.into());
                }
                self.notify(by.user, AccountChange::MfaRemoved).await;
            }
        }
        self.rate_limits.forget("mfa", pair).await;
        self.sign_out(by.user, by.now).await
    }

    /// Ten new codes on paper for a code of the app: those before work no more.
    pub async fn replace_recovery_codes(
        &self,
        code: &SecondFactorCode,
        by: SecondFactor<'_>,
    ) -> Result<RecoveryCodes, Error> {
        let pair = self.count_second_factor(by).await?;
        let persons = self.persons.value().await?;
        let known = self.accounts.mfa(by.user).await?.filter(|known| known.since.is_some());
        let Some(mut mfa) = known else {
            return Err(Refusal::because(Code::WrongState, "no authenticator app is set up").into());
        };
        let key = key_of(&mfa)?;
        mfa.last_step = step_of(&mfa, code, &persons, &key, by.now)?.ok_or_else(wrong_code)?;
        seal_anew(&mut mfa, &persons, &key)?;
        let (codes, hashes) = recovery_codes(&persons, &key)?;
        mfa.recovery = hashes;
        if !self.accounts.put_mfa(&mfa).await? {
            return Err(store::Error::Conflict.into());
        }
        self.rate_limits.forget("mfa", pair).await;
        self.notify(by.user, AccountChange::PapersReplaced).await;
        Ok(codes)
    }

    /// Refuses who signed in too long ago, or with what is no credential any more: an access token outlives its session
    /// by some minutes, and must not be enough to take an account over in them.
    pub(crate) async fn check_fresh(&self, user: UserId, signed_in_at: Timestamp, now: Timestamp) -> Result<(), Error> {
        let ended = self.sessions.ended_since(user).await?;
        // Tokens count in seconds.
        let is_over = ended.is_some_and(|since| signed_in_at.seconds() < since.seconds());
        if is_over || now.since(signed_in_at) > FRESH {
            return Err(Refusal::of(Code::StepUpNeeded).into());
        }
        Ok(())
    }

    /// Takes away a second factor that was set up a short time ago, or not to the end: whoever knew the password before
    /// may have done it.
    pub(crate) async fn drop_young_mfa(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        let known = self.accounts.mfa(user).await?;
        if let Some(young) = known.filter(|known| known.is_young(now))
            && !self.accounts.remove_mfa(&young).await?
        {
            return Err(store::Error::Conflict.into());
        }
        Ok(())
    }

    /// Checks what was entered and uses it up; nothing when the person has no second factor.
    pub(crate) async fn enter(
        &self,
        user: UserId,
        code: &SecondFactorCode,
        now: Timestamp,
    ) -> Result<Option<Entered>, Error> {
        let persons = self.persons.value().await?;
        let mut backoff = Backoff::default();
        loop {
            let known = self.accounts.mfa(user).await?.filter(|known| known.since.is_some());
            let Some(mut mfa) = known else { return Ok(None) };
            let key = key_of(&mfa)?;
            let entered = if let Some(step) = step_of(&mfa, code, &persons, &key, now)? {
                mfa.last_step = step;
                seal_anew(&mut mfa, &persons, &key)?;
                self.accounts.put_mfa(&mfa).await?.then_some(Entered::App)
            } else if mfa.uses_recovery(&persons.recovery_hashes(code.as_str(), &key)) {
                // Written without the code first: of two who enter it at once, one is let in.
                let is_first = self.accounts.put_mfa(&mfa).await?;
                if is_first {
                    while let Some(known) = self.accounts.mfa(user).await?
                        && !self.accounts.remove_mfa(&known).await?
                    {
                        backoff.pause().await?;
                    }
                    self.notify(user, AccountChange::MfaRecovered).await;
                }
                is_first.then_some(Entered::Paper)
            } else {
                return Err(wrong_code());
            };
            if entered.is_some() {
                return Ok(entered);
            }
            // Another code was entered at the same time: perhaps this one.
            backoff.pause().await?;
        }
    }

    /// Codes are counted for the pair of client and person before they are compared; answers with the pair.
    pub(crate) async fn count_second_factor(&self, by: SecondFactor<'_>) -> Result<(LookUp, LookUp), Error> {
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        let (limits, persons) = (settings?.limits, persons?);
        let user = by.user.to_string();
        let pair = (persons.look_up(Identifier::Client(by.client)), persons.look_up(Identifier::Code(&user)));
        let limits = CallLimits { per_target: TOGETHER, ..limits.sign_in };
        self.rate_limits.count_guess("mfa", pair, CODE_GUESSES, limits, by.now).await?;
        Ok(pair)
    }
}

/// Seals a secret under the master secret of now, so that the one before can be taken away some day.
fn seal_anew(mfa: &mut Mfa, persons: &PersonsSecret, key: &PersonKey) -> Result<(), Error> {
    if !persons.is_current(&mfa.secret) {
        let secret = persons.open(&mfa.secret, Some(key), SealedIn::Mfa(mfa.user))?;
        mfa.secret = persons.seal(&secret, key, SealedIn::Mfa(mfa.user))?;
    }
    Ok(())
}

/// The step whose code this is, if it is taken now.
fn step_of(
    mfa: &Mfa,
    code: &SecondFactorCode,
    persons: &PersonsSecret,
    key: &PersonKey,
    now: Timestamp,
) -> Result<Option<u64>, Error> {
    let opened = persons.open(&mfa.secret, Some(key), SealedIn::Mfa(mfa.user))?;
    let secret = TotpSecret::from_bytes(&opened).ok_or_else(|| failed("a second factor without its secret"))?;
    Ok(mfa.steps(now).find(|step| secret.is_code(code.as_str(), *step)))
}
