//! How a buyer who checks out is reached.

use domain::Refusal;
use domain::contact::{Contact, ContactPoint};
use domain::text::Email;

/// How the buyer is reached, and where messages go. `alias` is the address as clients before `contact` send it.
pub(crate) fn reached_by(contact: Option<&Contact>, alias: Option<&Email>) -> Result<(Contact, ContactPoint), Refusal> {
    let mut contact = contact.cloned().unwrap_or_default();
    if contact.email.is_some() && alias.is_some_and(|alias| contact.email.as_ref() != Some(alias)) {
        return Err(Refusal::field("/email", "mismatch", "differs from the one in contact"));
    }
    contact.email = contact.email.or_else(|| alias.cloned());
    match contact.point() {
        Some(point) => {
            // In the form in which it is looked up, without which two spellings would be two people.
            contact.phone = point.phone().map(|number| number.as_phone().clone()).or(contact.phone);
            Ok((contact, point))
        }
        None if contact.phone.is_some() => {
            let detail = "must begin with + and its country's code: messages about the order are sent to it";
            Err(Refusal::field("/contact/phone", "country_missing", detail))
        }
        None => {
            let detail = "an e-mail address or a telephone number is needed, for messages about the order";
            Err(Refusal::field("/contact", "missing", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_in_the_form_in_which_it_is_looked_up() {
        let read = |text: &str| serde_json::from_str::<Contact>(text).unwrap();
        let kept = reached_by(Some(&read(r#"{"phone":"00998 90 1234561"}"#)), None).unwrap();
        assert_eq!(kept.0.phone.unwrap().as_str(), kept.1.as_str());
        assert_eq!(kept.1.as_str(), "+998901234561");
        let email = Email::parse("a@guests.test").unwrap();
        let both = reached_by(Some(&read(r#"{"phone":"901234561"}"#)), Some(&email)).unwrap();
        assert_eq!((both.0.phone.unwrap().as_str(), both.1.as_str()), ("901234561", "a@guests.test"));
        assert!(reached_by(Some(&read(r#"{"email":"b@guests.test"}"#)), Some(&email)).is_err());
        assert!(reached_by(None, None).is_err());
    }
}
