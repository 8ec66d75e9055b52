//! `Stripe-Signature`: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, an HMAC-SHA256 of `<t>.<raw body>` keyed with the whole text
//! of the endpoint's secret. <https://docs.stripe.com/webhooks#verify-manually>

use domain::Timestamp;
use http::HeaderMap;
use ring::hmac;

use super::StripeSecret;
use crate::WebhookError;

const HEADER: &str = "stripe-signature";
/// The greatest age of a signature. One from the future is accepted: only the clocks differ.
const TOLERANCE_SECONDS: i64 = 300;
/// How many signatures are checked. Stripe sends one for each active secret; a longer list would only cost CPU time.
const MAX_SIGNATURES: usize = 16;
/// The length of an HMAC-SHA256 in bytes.
const LENGTH: usize = 32;

/// Checks the signature over the body, then its age.
pub(super) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    secret: &StripeSecret,
) -> Result<(), WebhookError> {
    let header = headers.get(HEADER).and_then(|value| value.to_str().ok()).ok_or(WebhookError::BadSignature)?;
    let Parsed { time, seconds, signatures } = parse(header).ok_or(WebhookError::BadSignature)?;

    let genuine = secret.webhook_secrets().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(time.as_bytes());
        context.update(b".");
        context.update(body);
        let ours = context.sign();
        signatures.iter().any(|theirs| same(&key, ours.as_ref(), theirs))
    });
    if !genuine {
        return Err(WebhookError::BadSignature);
    }
    if now.seconds().saturating_sub(seconds) > TOLERANCE_SECONDS {
        return Err(WebhookError::Stale);
    }
    Ok(())
}

/// Whether two signatures are equal. Both are signed once more and the results compared in constant time, so that the
/// time taken does not reveal where they differ. The body is hashed once per secret, however many signatures came with
/// it.
fn same(key: &hmac::Key, ours: &[u8], theirs: &[u8]) -> bool {
    let of_theirs = hmac::sign(key, theirs);
    hmac::verify(key, ours, of_theirs.as_ref()).is_ok()
}

struct Parsed<'a> {
    /// The time as it was signed: the text in the header.
    time: &'a str,
    seconds: i64,
    signatures: Vec<[u8; LENGTH]>,
}

/// Parses the header. Items of other schemes, without `=`, or not hexadecimal are skipped, as in Stripe's own
/// libraries.
fn parse(header: &str) -> Option<Parsed<'_>> {
    let mut time = None;
    let mut signatures = Vec::new();
    for item in header.split(',') {
        match item.trim().split_once('=') {
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) if signatures.len() < MAX_SIGNATURES => signatures.extend(from_hex(value)),
            _ => {}
        }
    }
    let time = time?;
    let seconds = time.parse().ok()?;
    (!signatures.is_empty()).then_some(Parsed { time, seconds, signatures })
}

fn from_hex(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0_u8; LENGTH];
    if text.len() != LENGTH * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The header that Stripe would send with this body: for the local sandbox and for tests.
pub fn sign(body: &[u8], at: Timestamp, webhook_secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, webhook_secret.as_bytes());
    let seconds = at.seconds().to_string();
    let mut context = hmac::Context::with_key(&key);
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    let signature: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={signature}")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const NOW: i64 = 1_795_000_000;

    /// HMAC-SHA256 of `1795000000.` and [`BODY`] under `whsec_bozor`, computed with another implementation.
    const KNOWN: &str = "68bea150302dabf70b0e8eb30d73781cd3843173d82ab470ac752571c964e062";

    fn secret(current: &str, previous: Option<&str>) -> StripeSecret {
        let text = serde_json::json!({
            "api_key": "sk_test_key", "webhook_secret": {"current": current, "previous": previous},
        });
        StripeSecret::parse(&text.to_string()).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn check(header: &str) -> Result<(), WebhookError> {
        check_at(header, at(NOW), &secret("whsec_bozor", None))
    }

    fn check_at(header: &str, now: Timestamp, secret: &StripeSecret) -> Result<(), WebhookError> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(header.as_bytes()).unwrap());
        verify(&headers, BODY, now, secret)
    }

    #[test]
    fn a_signature_made_elsewhere_is_believed_and_ours_is_the_same() {
        assert_eq!(sign(BODY, at(NOW), "whsec_bozor"), format!("t={NOW},v1={KNOWN}"));
        assert_eq!(check(&format!("t={NOW},v1={KNOWN}")), Ok(()));
        assert_eq!(check(&format!("t={NOW},v1={}", KNOWN.to_uppercase())), Ok(()));
    }

    #[test]
    fn one_good_signature_among_others_is_enough_wherever_it_stands() {
        let wrong = "0".repeat(64);
        for header in [
            format!("t={NOW},v1={wrong},v1={KNOWN}"),
            format!("t={NOW},v1={KNOWN},v1={wrong}"),
            format!("t={NOW},v1=garbage,v1={KNOWN},v0={wrong}"),
            format!("v1={KNOWN}, t={NOW}"),
            format!("t={NOW},nonsense,v1={KNOWN},,=,x="),
        ] {
            assert_eq!(check(&header), Ok(()), "{header}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_no_signature() {
        let wrong = "0".repeat(64);
        for header in [
            String::new(),
            "garbage".into(),
            KNOWN.into(),
            format!("t={NOW}"),
            format!("v1={KNOWN}"),
            format!("t=,v1={KNOWN}"),
            format!("t=soon,v1={KNOWN}"),
            format!("t={NOW}.0,v1={KNOWN}"),
            format!("t={NOW},v0={KNOWN}"),
            format!("t={NOW},v1={wrong}"),
            format!("t={NOW},v1={}", &KNOWN[2..]),
            format!("t={NOW},v1={KNOWN}00"),
            format!("t={NOW},v1=éé{}", &KNOWN[4..]),
            format!("t={},v1={KNOWN}", NOW + 1),
        ] {
            assert_eq!(check(&header), Err(WebhookError::BadSignature), "{header}");
        }
        assert_eq!(
            verify(&HeaderMap::new(), BODY, at(NOW), &secret("whsec_bozor", None)),
            Err(WebhookError::BadSignature)
        );
    }

    #[test]
    fn no_more_than_sixteen_signatures_are_looked_at() {
        let wrong = format!(",v1={}", "0".repeat(64));
        assert_eq!(check(&format!("t={NOW}{},v1={KNOWN}", wrong.repeat(15))), Ok(()));
        assert_eq!(check(&format!("t={NOW}{},v1={KNOWN}", wrong.repeat(16))), Err(WebhookError::BadSignature));
    }

    #[test]
    fn an_old_signature_is_stale_and_one_from_the_future_is_fine() {
        let secret = secret("whsec_bozor", None);
        let header = format!("t={NOW},v1={KNOWN}");
        assert_eq!(check_at(&header, at(NOW + 300), &secret), Ok(()));
        assert_eq!(check_at(&header, at(NOW + 301), &secret), Err(WebhookError::Stale));
        assert_eq!(check_at(&header, at(NOW - 86_400), &secret), Ok(()));
        // The signature is checked before its age.
        assert_eq!(check_at(&format!("t=1,v1={KNOWN}"), at(NOW), &secret), Err(WebhookError::BadSignature));
        let earliest = format!("t={},v1={KNOWN}", i64::MIN);
        assert_eq!(check_at(&earliest, at(NOW), &secret), Err(WebhookError::BadSignature));
    }

    #[test]
    fn while_a_secret_is_rotated_both_are_believed_and_afterwards_only_the_new_one() {
        let header = format!("t={NOW},v1={KNOWN}");
        assert_eq!(check_at(&header, at(NOW), &secret("whsec_new", Some("whsec_bozor"))), Ok(()));
        assert_eq!(check_at(&header, at(NOW), &secret("whsec_new", None)), Err(WebhookError::BadSignature));
    }

    #[test]
    fn one_other_byte_in_the_body_is_another_message() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, sign(BODY, at(NOW), "whsec_bozor").parse().unwrap());
        let mut body = BODY.to_vec();
        body.push(b' ');
        assert_eq!(verify(&headers, &body, at(NOW), &secret("whsec_bozor", None)), Err(WebhookError::BadSignature));
    }
}
