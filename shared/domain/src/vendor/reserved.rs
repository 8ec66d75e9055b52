//! Names that no vendor may have, since buyers would take it for the marketplace.

use crate::code::Refusal;
use crate::text::{Handle, Name, look_of};

/// Paths of the marketplace's own pages, and names by which it would be taken for somebody else.
const HANDLES: [&str; 32] = [
    "about",
    "account",
    "admin",
    "administrator",
    "api",
    "app",
    "bozor",
    "cart",
    "catalog",
    "categories",
    "checkout",
    "docs",
    "faq",
    "help",
    "info",
    "invitations",
    "legal",
    "login",
    "mail",
    "me",
    "operator",
    "orders",
    "privacy",
    "products",
    "root",
    "sell",
    "settings",
    "shop",
    "store",
    "support",
    "terms",
    "vendors",
];

/// By their look: whatever the case, the blanks and the alphabet.
const NAMES: [&str; 12] = [
    "admin",
    "administrator",
    "bozor",
    "bozor support",
    "bozor.uz",
    "customer support",
    "marketplace",
    "moderator",
    "official shop",
    "operator",
    "security",
    "support",
];

/// Refuses a handle that is the marketplace's own.
pub fn check_handle(handle: &Handle) -> Result<(), Refusal> {
    if HANDLES.contains(&handle.as_str()) {
        return Err(Refusal::field("/handle", "reserved", "is reserved: choose another"));
    }
    Ok(())
}

/// Refuses a name that is the marketplace's own, which is called so.
pub fn check_name(name: &Name, marketplace: &str) -> Result<(), Refusal> {
    let look = look_of(name.as_str());
    let own = [marketplace.to_owned(), format!("{marketplace} support")];
    if NAMES.iter().copied().chain(own.iter().map(String::as_str)).any(|reserved| look_of(reserved) == look) {
        return Err(Refusal::field("/name", "reserved", "is reserved: choose another"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_marketplaces_is_reserved_however_it_is_written() {
        for name in ["Bozor", "BОZOR", "b o z o r", "Support", "Ａｄｍｉｎ", "ВOZOR Support"] {
            assert!(check_name(&Name::parse(name).unwrap(), "Silk Road").is_err(), "{name}");
        }
        for handle in ["me", "admin", "bozor"] {
            assert!(check_handle(&Handle::parse(handle).unwrap()).is_err(), "{handle}");
        }
        assert!(check_name(&Name::parse("Bozor Ceramics").unwrap(), "Silk Road").is_ok());
        for name in ["silk road", "\u{405}ILK ROAD Support"] {
            assert!(check_name(&Name::parse(name).unwrap(), "Silk Road").is_err(), "{name}");
        }
        assert!(check_handle(&Handle::parse("bozor-ceramics").unwrap()).is_ok());
    }
}
