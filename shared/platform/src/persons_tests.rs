use domain::text::{Email, Phone};
use domain::{OrderId, PaymentId};
use proptest::prelude::*;

use super::*;

const OLD: &str = "correct horse battery staple";
const NEW: &str = "another horse battery staple";

fn secret(current: &str, previous: Option<&str>) -> PersonsSecret {
    let json = serde_json::json!({ "current": current, "previous": previous });
    serde_json::from_value(json).unwrap()
}

fn key(byte: u8) -> PersonKey {
    PersonKey::from_bytes([byte; 32])
}

/// The expected values are those of Python's `cryptography` 48: `HKDF(SHA256(), 32, salt=row, info=FOR_SEALING)` of the
/// secret, then `AESGCM(key).encrypt(nonce, value, order)`, in base64url after the nonce; the fingerprint of the secret
/// is the beginning of the HKDF without a salt, that of the row the beginning of its SHA-256.
#[test]
fn a_value_is_sealed_as_another_library_seals_it() {
    let row = PersonKey::from_bytes(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    let nonce = std::array::from_fn(|index| 100 + u8::try_from(index).unwrap());
    let place = SealedIn::Order(OrderId::from_bits(1));
    let value = br#"{"name":"Aziza"}"#;
    let sealed = secret(OLD, None).current.seal(value, &row, place, nonce).unwrap();
    let text = "ZGVmZ2hpamtsbW5viExsSODiD660UAMdXpqaf_IPDrgZWS_tWm4RcuCWhGg";
    assert_eq!((&*sealed.master, &*sealed.key, &*sealed.text), ("nagc_g", "Yw3NKQ", text));
    assert_eq!(secret(OLD, None).open(&sealed, Some(&row), place).unwrap(), value);
}

/// The expected values are Python's: the first 16 bytes of `hmac.new(key, text, sha256)`, where the key is the HKDF of
/// the secret without a salt for `FOR_LOOK_UPS` and the text `email:…`, as one number in base32.
#[test]
fn a_look_up_is_an_hmac_as_another_library_makes_it() {
    let (email, phone) = (Email::parse(" Aziza@People.test ").unwrap(), Phone::parse("+998 71 200-00-00").unwrap());
    let secret = secret(OLD, None);
    for (identifier, expected) in [
        ((&email).into(), "25wbnk08ewqw51jwws2frrr5w3"),
        ((&phone).into(), "322wp29kkk9hp9mg8j2688j19a"),
        (Identifier::Client("203.0.113.9"), "19v32kbzvw3dz6spkngn134jsy"),
        (Identifier::Code("SPRING"), "6ge4mc9mf7t985k3fb00zvm405"),
    ] {
        assert_eq!(secret.look_up(identifier).to_string(), expected, "{identifier:?}");
    }
}

#[test]
fn a_code_is_six_digits_of_its_bytes_and_is_known_until_the_previous_secret_is_gone() {
    let before = secret(OLD, None);
    let code = before.code(&key(7));
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let entered = OneTimeCode::parse(&code).unwrap();
    assert!(before.is_code(&entered, &key(7)) && secret(NEW, Some(OLD)).is_code(&entered, &key(7)));
    assert!(!before.is_code(&entered, &key(8)) && !secret(NEW, None).is_code(&entered, &key(7)));
    let tokens = [before.next_token(&key(7), "a"), before.next_token(&key(7), "b"), before.next_token(&key(8), "a")];
    assert!(tokens[0] != tokens[1] && tokens[0] != tokens[2] && tokens[0] == before.next_token(&key(7), "a"));
    assert_ne!(secret(NEW, None).next_token(&key(7), "a"), tokens[0]);
}

#[test]
fn after_a_rotation_the_old_values_open_until_the_previous_secret_is_gone() {
    let (row, order) = (key(7), OrderId::from_bits(1));
    let sealed = secret(OLD, None).seal(b"Aziza", &row, order).unwrap();
    // The order of a rotation: the new secret is known everywhere before anything is sealed under it.
    for known in [secret(OLD, Some(NEW)), secret(NEW, Some(OLD))] {
        assert_eq!(known.open(&sealed, Some(&row), order).unwrap(), b"Aziza");
    }
    assert!(secret(OLD, Some(NEW)).is_current(&sealed) && !secret(NEW, Some(OLD)).is_current(&sealed));
    assert_eq!(secret(NEW, None).open(&sealed, Some(&row), order), Err(NotOpened::UnknownMaster));

    let email = Email::parse("aziza@people.test").unwrap();
    let both: Vec<LookUp> = secret(NEW, Some(OLD)).look_ups(&email).collect();
    assert_eq!(both, [secret(NEW, None).look_up(&email), secret(OLD, None).look_up(&email)]);
    assert_ne!(both[0], both[1]);
    assert_eq!(secret(NEW, None).look_ups(&email).count(), 1);
}

#[test]
fn an_erased_person_stays_erased_also_when_the_owner_has_a_row_again() {
    let (row, order, secret) = (key(7), OrderId::from_bits(1), secret(OLD, None));
    let sealed = secret.seal(b"Aziza", &row, order).unwrap();
    assert_eq!(secret.open(&sealed, None, order), Err(NotOpened::Erased));
    assert_eq!(secret.open(&sealed, Some(&key(8)), order), Err(NotOpened::Erased));
    assert_ne!(PersonsSecret::new_key().unwrap(), PersonsSecret::new_key().unwrap());
}

#[test]
fn a_value_opens_in_its_own_place_only() {
    let (row, order, secret) = (key(7), OrderId::from_bits(1), secret(OLD, None));
    let sealed = secret.seal(b"Aziza", &row, order).unwrap();
    assert_eq!(secret.open(&sealed, Some(&row), OrderId::from_bits(2)), Err(NotOpened::Changed));
    assert_eq!(secret.open(&sealed, Some(&row), PaymentId::from_bits(1)), Err(NotOpened::Changed));
    let again = secret.seal(b"Aziza", &row, order).unwrap();
    assert_ne!(sealed.text, again.text, "each has a nonce of its own");
}

#[test]
fn a_secret_that_was_emptied_is_none_and_none_is_printed() {
    for (current, previous) in [("", None), ("fifteen bytes..", None), (OLD, Some(""))] {
        let json = serde_json::json!({ "current": current, "previous": previous });
        let refused = serde_json::from_value::<PersonsSecret>(json).unwrap_err().to_string();
        assert_eq!(refused, "a master secret has at least 16 bytes");
    }
    assert_eq!(format!("{:?}", secret(OLD, Some(NEW))), "PersonsSecret(…)");
}

proptest! {
    #[test]
    fn what_was_sealed_opens_to_itself(value: Vec<u8>, row: [u8; 32], bits: u128) {
        let (secret, row, order) = (secret(OLD, Some(NEW)), PersonKey::from_bytes(row), OrderId::from_bits(bits));
        let sealed = secret.seal(&value, &row, order).unwrap();
        prop_assert_eq!(secret.open(&sealed, Some(&row), order), Ok(value));
    }

    #[test]
    fn any_changed_byte_is_refused(value: Vec<u8>, at: prop::sample::Index, bit in 0..8_u32) {
        let (secret, row, order) = (secret(OLD, None), key(7), OrderId::from_bits(1));
        let sealed = secret.seal(&value, &row, order).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed.text).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = Sealed { text: URL_SAFE_NO_PAD.encode(&bytes), ..sealed.clone() };
        prop_assert_eq!(secret.open(&changed, Some(&row), order), Err(NotOpened::Changed));
        bytes.truncate(at);
        let cut = Sealed { text: URL_SAFE_NO_PAD.encode(&bytes), ..sealed };
        prop_assert_eq!(secret.open(&cut, Some(&row), order), Err(NotOpened::Changed));
    }

    #[test]
    fn another_order_another_row_and_another_secret_open_nothing(
        value: Vec<u8>,
        bits in 2..u128::MAX,
        row in 8..=u8::MAX,
    ) {
        let (known, own, order) = (secret(OLD, None), key(7), OrderId::from_bits(1));
        let sealed = known.seal(&value, &own, order).unwrap();
        prop_assert!(known.open(&sealed, Some(&own), OrderId::from_bits(bits)).is_err());
        // Past the fingerprints, which only say why.
        let forged = Sealed { key: fingerprint_of(&key(row)), ..sealed.clone() };
        prop_assert_eq!(known.open(&forged, Some(&key(row)), order), Err(NotOpened::Changed));
        let other = secret(NEW, None);
        let forged = Sealed { master: other.current.fingerprint.clone(), ..sealed };
        prop_assert_eq!(other.open(&forged, Some(&own), order), Err(NotOpened::Changed));
    }

    #[test]
    fn no_stored_text_makes_opening_panic(text in ".{0,60}") {
        let (secret, row) = (secret(OLD, None), key(7));
        let sealed = Sealed { master: secret.current.fingerprint.clone(), key: fingerprint_of(&row), text };
        prop_assert!(secret.open(&sealed, Some(&row), OrderId::from_bits(1)).is_err());
    }
}
