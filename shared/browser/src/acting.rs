//! Calling a use case for a page: what it comes to is shown, and a form that is sent twice acts once.

use domain::{Call, IdempotentRequest, Outcome, Refusal, Timestamp};

use crate::Fields;

/// The hidden field that makes a form that is sent twice harmless.
pub const KEY: &str = "key";

/// A call whose result is handed on as it is.
pub fn call<'a, T: Clone>(at: Timestamp, request: Option<&'a IdempotentRequest>) -> Call<'a, T, T> {
    Call::new(at, request, |_| Ok(String::new()), &|result: &T| Ok(result.clone()))
}

/// What a call came to; nothing where an earlier one with the same key has done it.
pub fn done<T>(outcome: Outcome<T>) -> Option<T> {
    match outcome {
        Outcome::Done(result) => Some(result),
        Outcome::Replayed(_) => None,
        Outcome::Repeated(result) => result,
    }
}

/// The form as a request with the key that it holds. `caller` is whose key it is, `said` what the form says: the same
/// key with something else is refused.
///
/// # Errors
/// `malformed` for a key that no page of ours has made.
pub fn keyed(
    fields: &Fields,
    (caller, route): (&str, &str),
    said: &str,
    at: Timestamp,
) -> Result<IdempotentRequest, Refusal> {
    let key = fields.text(KEY).filter(|key| key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let key = key.ok_or_else(|| Refusal::of(domain::Code::IdempotencyKeyMissing))?.to_owned();
    Ok(IdempotentRequest {
        caller: caller.to_owned(),
        route: route.to_owned(),
        key,
        fingerprint: api::idempotency::fingerprint(said.as_bytes()),
        at,
    })
}

/// A new key for a form.
pub fn new_key(now: Timestamp) -> String {
    format!("{:032x}", u128::from_be_bytes(platform::ids(now).random_bits()))
}
