//! An address of a picture, as far as it can be judged without resolving its host.

use rustls::pki_types::ServerName;
use url::{Host, Position, Url};

use super::FetchFault;

/// Signed addresses of content networks are long, but a kilobyte or two; a `Location` header could have 64 KB.
const MAX_LENGTH: usize = 4096;
const PORTS: &[u16] = &[443, 8443];

/// An address that may be asked if its host turns out to be public. The `url` crate reads it as browsers do
/// (<https://url.spec.whatwg.org>): decimal, octal, hexadecimal and short forms of an IPv4 address become one.
#[derive(Clone, Debug)]
pub(super) struct PictureUrl {
    url: Url,
    host: Host,
    port: u16,
    server_name: ServerName<'static>,
}

impl PictureUrl {
    pub(super) fn parse(text: &str) -> Result<Self, FetchFault> {
        Self::check(text, Url::parse(text))
    }

    /// The address that a redirect from this one leads to.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, FetchFault> {
        Self::check(location, self.url.join(location))
    }

    fn check(text: &str, url: Result<Url, url::ParseError>) -> Result<Self, FetchFault> {
        let url = url.ok().filter(|_| text.len() <= MAX_LENGTH).ok_or(FetchFault::BadAddress)?;
        if url.scheme() != "https" {
            return Err(FetchFault::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFault::Credentials);
        }
        let port = url.port_or_known_default().filter(|port| PORTS.contains(port)).ok_or(FetchFault::ForbiddenPort)?;
        let (host, server_name) = match url.host().ok_or(FetchFault::BadAddress)? {
            Host::Domain(name) => {
                // No certificate names the root of the DNS: the dot at the end of an absolute name.
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                let server_name = ServerName::try_from(name.clone()).map_err(|_| FetchFault::BadAddress)?;
                (Host::Domain(name), server_name)
            }
            Host::Ipv4(address) => (Host::Ipv4(address), ServerName::IpAddress(address.into())),
            Host::Ipv6(address) => (Host::Ipv6(address), ServerName::IpAddress(address.into())),
        };
        Ok(Self { url, host, port, server_name })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whom the certificate has to name.
    pub(super) fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }

    /// The `Host` header: without the port where it is 443.
    pub(super) fn authority(&self) -> String {
        self.url.port().map_or_else(|| self.host.to_string(), |port| format!("{}:{port}", self.host))
    }

    /// Path and query. The fragment stays here.
    pub(super) fn path(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }
}
