//! Fetches pictures that a vendor's product file names by an `https` address.
//!
//! The vendor chooses the address and the request leaves from inside a Lambda, so every step assumes server-side
//! request forgery: an address that leads to the Runtime API (127.0.0.1:9001), to a metadata service
//! (169.254.169.254) or into a private network.
//!
//! - Only `https` to the ports 443 and 8443, without credentials; the same after each redirect.
//! - A host is resolved once per request. If any of its addresses is not public, the host is refused: a name with
//!   public and private addresses is an attack or a mistake, and either way not where a shop keeps its pictures.
//! - The connection goes to an address that was checked ([`PublicAddress`] has no other constructor) and never to a
//!   name, so a DNS answer that changes between check and connection (DNS rebinding) has no effect.
//! - The certificate must be valid for the host. Nothing is kept from one request to the next: no cookies, no TLS
//!   sessions, no pooled connections. No proxy is taken from the environment.
//! - Time, size and the number of redirects are bounded; the body's declared type is ignored, its bytes are unchecked.

mod batch;
mod exchange;
mod fault;
mod global;
mod network;
mod picture_url;
mod roots;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

pub use self::fault::FetchFault;
pub use self::network::{Connection, Internet, Network, Stream};
pub use self::roots::Roots;

use self::exchange::Answer;
use self::global::PublicAddress;
use self::picture_url::PictureUrl;

/// The largest picture, in bytes: the limit of uploads as well.
pub const MAX_PICTURE_BYTES: usize = 10 * 1024 * 1024;

/// From the first look-up to the last byte, redirects included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// For the connection to one address, so that an address that swallows packets leaves time for the next one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_REDIRECTS: usize = 3;
/// A name may have hundreds of addresses; trying them all would make a port scanner of this.
const MAX_ADDRESSES: usize = 4;

/// Fetches pictures from the internet. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
}

impl Fetcher {
    /// A fetcher that trusts certificates of the `roots`. The process's default provider of cryptography is neither
    /// used nor set: rustls would panic without one, or take whichever a dependency installs.
    ///
    /// # Errors
    /// Never with the cipher suites of ring; rustls states it in the type only.
    pub fn new(network: Arc<dyn Network>, roots: Roots) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots.into_store())
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session ticket is up to 64 KB of the server's choosing, which a resumption would carry to another address.
        tls.resumption = Resumption::disabled();
        Ok(Self { network, tls: Arc::new(tls) })
    }

    /// Fetches the picture at an address. What comes back has at most [`MAX_PICTURE_BYTES`] and may be anything: its
    /// type has to be told from its bytes.
    ///
    /// # Errors
    /// See [`FetchFault`]. Each is worth telling the vendor; none of them says what the address resolved to.
    pub async fn fetch(&self, url: &str) -> Result<Bytes, FetchFault> {
        self.fetch_parsed(PictureUrl::parse(url)?).await
    }

    async fn fetch_parsed(&self, url: PictureUrl) -> Result<Bytes, FetchFault> {
        timeout(TOTAL_TIMEOUT, self.follow(url)).await.unwrap_or(Err(FetchFault::TooSlow))
    }

    async fn follow(&self, mut url: PictureUrl) -> Result<Bytes, FetchFault> {
        for _ in 0..=MAX_REDIRECTS {
            match self.ask(&url).await? {
                Answer::Picture(bytes) => return Ok(bytes),
                Answer::Redirect(location) => url = url.redirected(&location)?,
            }
        }
        Err(FetchFault::TooManyRedirects)
    }

    /// Makes one request, on a connection of its own.
    async fn ask(&self, url: &PictureUrl) -> Result<Answer, FetchFault> {
        let addresses = self.addresses(url.host()).await?;
        let connection = self.connect(&addresses, url.port()).await?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(url.server_name(), connection);
        exchange::ask(handshake.await.map_err(|error| handshake_fault(&error))?, url).await
    }

    /// The addresses of a host in the order in which they are tried: IPv4 first, because Lambda reaches IPv6 only from
    /// a subnet that has it.
    async fn addresses(&self, host: &Host) -> Result<Vec<PublicAddress>, FetchFault> {
        let found: Vec<IpAddr> = match host {
            Host::Domain(name) => self.network.resolve(name).await.map_err(|_| FetchFault::NoSuchHost)?,
            Host::Ipv4(address) => vec![(*address).into()],
            Host::Ipv6(address) => vec![(*address).into()],
        };
        if found.is_empty() {
            return Err(FetchFault::NoSuchHost);
        }
        // All are checked, also those that are not tried.
        let checked: Option<Vec<_>> = found.into_iter().map(PublicAddress::check).collect();
        let mut checked = checked.ok_or(FetchFault::ForbiddenAddress)?;
        checked.sort_by_key(|address| address.ip().is_ipv6());
        checked.truncate(MAX_ADDRESSES);
        Ok(checked)
    }

    /// Connects to the first address that accepts. One that swallows packets makes the host a slow one, whatever
    /// becomes of the others: an IPv6 address that fails at once must not hide from a batch what the host costs.
    async fn connect(&self, addresses: &[PublicAddress], port: u16) -> Result<Connection, FetchFault> {
        let mut fault = FetchFault::NoConnection;
        for address in addresses {
            let connecting = self.network.connect(SocketAddr::new(address.ip(), port));
            match timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(_)) => {}
                Err(_) => fault = FetchFault::TooSlow,
            }
        }
        Err(fault)
    }
}

fn handshake_fault(error: &io::Error) -> FetchFault {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            FetchFault::BadCertificate
        }
        _ => FetchFault::NoConnection,
    }
}
