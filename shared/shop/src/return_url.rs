//! Checking the address that the buyer comes back to from a provider's pages.

use domain::{OrderId, Refusal};
use http::Uri;

/// Longest address that providers take, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Where buyers may be sent back to: the shop's own pages, and the origins whose pages may call the API. A provider's
/// page sends them on with the shop's good name, so to nobody else's.
#[derive(Clone, Debug)]
pub(crate) struct ReturnUrls {
    store: String,
    origins: Vec<Origin>,
}

/// Scheme, host and port of an address, as browsers compare them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl ReturnUrls {
    /// `store` is the address of the shop's pages, `origins` those of CORS with commas between them. `*` among them
    /// names nobody.
    pub(crate) fn new(store: &str, origins: &str) -> Self {
        let all = std::iter::once(store).chain(origins.split(',').map(str::trim));
        Self { store: store.to_owned(), origins: all.filter_map(origin_of).collect() }
    }

    /// The address of the shop's pages.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// Refuses an address that no provider would take, or that is none of the shop's, before stock is reserved. Also
    /// refuses one that a browser may parse differently: with user information before the host, or with characters that
    /// have to be percent-encoded.
    pub(crate) fn check(&self, url: Option<&str>, pointer: &str) -> Result<(), Refusal> {
        // As it will be for some order: `{order}` may stand where it becomes no part of the host.
        let Some(url) = for_order(url, OrderId::from_bits(0)) else { return Ok(()) };
        let origin = origin_of(&url)
            .ok_or_else(|| Refusal::field(pointer, "invalid", "must be an https address, or http on localhost"))?;
        if self.origins.contains(&origin) {
            return Ok(());
        }
        let detail = "must be on the address of the shop's pages, or on an origin whose pages may call the API";
        Err(Refusal::field(pointer, "not_allowed", detail))
    }
}

/// An address in which `{order}` stands for the id of the order that is paid.
pub(crate) fn for_order(url: Option<&str>, order: OrderId) -> Option<String> {
    url.map(|url| url.replace("{order}", &order.to_string()))
}

/// The origin of an address that buyers can be sent to.
fn origin_of(url: &str) -> Option<Origin> {
    let plain =
        url.len() <= MAX_LENGTH && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte));
    let parsed = plain.then(|| url.parse::<Uri>().ok()).flatten()?;
    let (scheme, authority) = (parsed.scheme_str()?, parsed.authority()?);
    let host = authority.host();
    let is_https = match scheme {
        "https" => !host.is_empty(),
        // A storefront in development runs on localhost.
        "http" if ["localhost", "127.0.0.1", "[::1]"].contains(&host) => false,
        _ => return None,
    };
    if host.is_empty() {
        return None;
    }
    let port = match authority.as_str().strip_prefix(host)? {
        "" => {
            if is_https {
                443
            } else {
                80
            }
        }
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    Some(Origin { is_https, host: host.to_ascii_lowercase(), port })
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
            let own = ReturnUrls::new(good, "*");
            assert!(own.check(Some(good), "/return_url").is_ok(), "{good}");
        }
        assert!(ReturnUrls::new("", "").check(None, "/return_url").is_ok());
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
            let own = ReturnUrls::new(bad, "https://shop.test,http://localhost:3000,*");
            assert!(own.check(Some(bad), "/return_url").is_err(), "{bad}");
        }
        let long = format!("https://shop.test/{}", "x".repeat(MAX_LENGTH));
        let refused = ReturnUrls::new("https://shop.test", "").check(Some(&long), "/payment/return_url").unwrap_err();
        assert_eq!(refused.fields()[0].pointer, "/payment/return_url");
    }

    #[test]
    fn the_order_may_stand_in_an_address_but_in_no_host() {
        let urls = ReturnUrls::new("https://shop.test", "");
        let url = "https://shop.test/{order}?of={order}";
        assert!(urls.check(Some(url), "/return_url").is_ok());
        let order = OrderId::from_bits(1);
        assert_eq!(for_order(Some(url), order), Some(format!("https://shop.test/{order}?of={order}")));
        let long = format!("https://shop.test/{}", "{order}".repeat(80));
        for bad in ["https://{order}shop.test/", "https://{order}@shop.test/", "https://shop.test/{orders}", &long] {
            assert!(urls.check(Some(bad), "/return_url").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_buyer_comes_back_to_the_shops_pages_or_to_an_origin_of_cors_and_to_nobody_elses() {
        let urls = ReturnUrls::new("https://Shop.test/uz", "https://app.test:8443, http://localhost:5173");
        for good in [
            "https://shop.test/orders",
            "https://SHOP.test:443/",
            "https://shop.test?order=1",
            "https://app.test:8443/back",
            "http://localhost:5173/back#paid",
        ] {
            assert!(urls.check(Some(good), "/return_url").is_ok(), "{good}");
        }
        for foreign in [
            "https://evil.test/",
            "https://shop.test.evil.test/",
            "https://evilshop.test/",
            "https://shop.test:8443/",
            "https://app.test/",
            "https://localhost:5173/",
            "http://localhost:3000/",
            "http://127.0.0.1:5173/",
        ] {
            let refused = urls.check(Some(foreign), "/return_url").unwrap_err();
            assert_eq!(refused.fields()[0].code, "not_allowed", "{foreign}");
        }
        let anybody = ReturnUrls::new("https://shop.test", "*");
        assert!(
            anybody.check(Some("https://evil.test/"), "/return_url").is_err(),
            "`*` lets pages call, not buyers leave"
        );
    }
}
