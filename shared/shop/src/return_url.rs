//! Checking the address that a provider sends the buyer back to.

use domain::Refusal;
use http::Uri;

/// Longest address that providers take, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Refuses an address that no provider would take, before stock is reserved. Also refuses one that a browser may parse
/// differently: with user information before the host, or with characters that have to be percent-encoded.
pub(crate) fn check(url: Option<&str>, pointer: &str) -> Result<(), Refusal> {
    if url.is_none_or(is_good) {
        Ok(())
    } else {
        Err(Refusal::field(pointer, "invalid", "must be an https address, or http on localhost"))
    }
}

fn is_good(url: &str) -> bool {
    let plain =
        url.len() <= MAX_LENGTH && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte));
    let Some(parsed) = plain.then(|| url.parse::<Uri>().ok()).flatten() else { return false };
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else { return false };
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host);
    let well_formed = match port.map(|port| port.strip_prefix(':').unwrap_or(port)) {
        Some("") => port == Some(""),
        Some(number) => number.parse::<u16>().is_ok(),
        None => false,
    };
    let allowed = match scheme {
        "https" => !host.is_empty(),
        // A storefront in development runs on localhost.
        "http" => ["localhost", "127.0.0.1", "[::1]"].contains(&host),
        _ => false,
    };
    well_formed && allowed
}

#[cfg(test)]
mod tests {
    use domain::Coded;

    use super::*;

    #[test]
    fn a_buyer_is_sent_back_by_https_or_to_the_builders_own_machine() {
        for good in [
            "https://shop.test",
            "https://shop.test:8443/back?order=1#paid",
            "https://[2001:db8::1]/back",
            "http://localhost",
            "http://localhost:3000/back",
            "http://127.0.0.1:3000/back",
            "http://[::1]:3000/back",
        ] {
            assert!(check(Some(good), "/return_url").is_ok(), "{good}");
        }
        assert!(check(None, "/return_url").is_ok());
    }

    #[test]
    fn what_only_looks_like_such_an_address_is_refused() {
        for bad in [
            "",
            "https",
            "https://",
            "https:///back",
            "//shop.test",
            "/back",
            "javascript:alert(1)",
            "ftp://shop.test",
            "http://shop.test",
            "http://localhost.evil.test",
            "http://localhost:3000@evil.test",
            "http://localhost@evil.test",
            "http://localhosts",
            "http://127.0.0.1.evil.test",
            "https://shop.test@evil.test",
            "https://shop.test:port/",
            "https://shop.test:/",
            "https://shop.test:99999/",
            "https://shop.test\\@evil.test",
            "https://shop.test/a b",
            "https://shop.test/\r\nx",
        ] {
            assert!(check(Some(bad), "/return_url").is_err(), "{bad}");
        }
        let long = format!("https://shop.test/{}", "x".repeat(MAX_LENGTH));
        assert_eq!(check(Some(&long), "/payment/return_url").unwrap_err().fields()[0].pointer, "/payment/return_url");
    }
}
