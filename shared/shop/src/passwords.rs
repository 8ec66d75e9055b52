//! Which passwords are good enough: long ones that are not what everybody tries first. There are no rules of
//! composition, which make people choose `Password1234!`.

use domain::contact::ContactPoint;
use domain::{Code, FieldError, Refusal};

use crate::credentials::Password;

/// The least number of characters.
const LEAST_LENGTH: usize = 12;
/// With fewer different characters it is a pattern.
const LEAST_VARIETY: usize = 5;
/// Rows of keys and of the alphabet, of which long common passwords are made.
const ROWS: [&str; 9] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "zxcvbnmasdfghjklqwertyuiop",
];
/// Words of which long common passwords are made, with digits and signs around them.
const WORDS: [&str; 32] = [
    "password",
    "passw0rd",
    "parol",
    "пароль",
    "qwerty",
    "йцукен",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "administrator",
    "football",
    "baseball",
    "dragon",
    "monkey",
    "sunshine",
    "princess",
    "superman",
    "batman",
    "michael",
    "charlie",
    "trustno",
    "whatever",
    "starwars",
    "computer",
    "internet",
    "liverpool",
    "barcelona",
    "chelsea",
    "samsung",
    "uzbekistan",
    "tashkent",
];

/// Refuses a password that many would guess.
pub(crate) fn check(password: &Password, contact: &ContactPoint) -> Result<(), Refusal> {
    let refused = |code: &str, reason: &str| {
        Err(Refusal::fields(Code::Invalid, vec![FieldError::new("/password", code, reason)]))
    };
    let text = password.as_str();
    if text.chars().count() < LEAST_LENGTH {
        return refused("too_short", "must have at least 12 characters");
    }
    let folded = text.to_lowercase();
    if is_common(&folded) || is_of(&folded, contact) {
        return refused("too_common", "is among the first that others would try: choose several words");
    }
    Ok(())
}

fn is_common(folded: &str) -> bool {
    let mut variety: Vec<char> = folded.chars().collect();
    variety.sort_unstable();
    variety.dedup();
    if variety.len() < LEAST_VARIETY || is_repeated(folded) {
        return true;
    }
    let characters: String = folded.chars().filter(|one| one.is_alphanumeric()).collect();
    let backwards: String = characters.chars().rev().collect();
    if ROWS.iter().any(|row| row.contains(&characters) || row.contains(&backwards)) {
        return true;
    }
    // A word with what people put around it: fewer than six characters more are soon tried.
    let mut rest = characters;
    let rows = ["qwertyuiop", "asdfgh", "zxcvbn"];
    for part in rows.iter().chain(&WORDS).chain(&["123456", "12345", "1234", "123"]) {
        rest = rest.replace(part, "");
    }
    let left = rest.chars().count();
    left < folded.chars().count() && left < 6 && left + 4 < folded.chars().count()
}

/// Whether it is one short text several times.
fn is_repeated(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    (1..=characters.len() / 2).any(|length| {
        let first = characters.get(..length).unwrap_or_default();
        characters.chunks(length).all(|chunk| first.starts_with(chunk))
    })
}

/// Whether it is the owner's address or number with little around it.
fn is_of(folded: &str, contact: &ContactPoint) -> bool {
    let name = contact.as_str().trim_start_matches('+').split('@').next().unwrap_or_default();
    folded.contains(contact.as_str()) || (name.len() >= 6 && folded.replace(name, "").chars().count() < 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Coded;

    fn refused(text: &str) -> Option<String> {
        let password: Password = serde_json::from_value(serde_json::json!(text)).unwrap();
        let contact = ContactPoint::parse("aziza.karimova@people.test").unwrap();
        let number = ContactPoint::parse("+998712000000").unwrap();
        let refused = check(&password, &contact).err().or_else(|| check(&password, &number).err());
        refused.map(|refusal| refusal.fields()[0].code.clone())
    }

    #[test]
    fn long_passwords_of_any_kind_are_taken_and_those_that_everybody_guesses_are_not() {
        for good in [
            "correct horse battery staple",
            "Local-Bozor-2026",
            "у нас дома кошка",
            "kumush-choynak-7",
            "Another horse 2",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for common in [
            "password1234",
            "Password123!",
            "123456789012",
            "qwertyuiop12",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "1q2w3e4r5t6y",
            "PasswordPassword",
            "aziza.karimova",
            "aziza.karimova1",
            "+998712000000",
            "My998712000000",
            "abcdefghijkl",
            "lkjihgfedcba",
            "passw0rd1234",
            "parol123456789",
            "йцукенгшщзхъ",
            "1qaz2wsx3edc",
            "iloveyou1234",
            "qwerty123456",
        ] {
            assert_eq!(refused(common).as_deref(), Some("too_common"), "{common}");
        }
        for short in ["aB3", "11-charactr", "кошка"] {
            assert_eq!(refused(short).as_deref(), Some("too_short"), "{short}");
        }
    }
}
