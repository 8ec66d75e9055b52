//! An internet of the tests' own: names, addresses, and hosts that answer with what a test gives them, over TLS and in
//! memory. What nobody has put there does not exist.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex};

use futures_util::future::BoxFuture;
use local::{Connection, Fetcher, Network, Options, Roots};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::TlsAcceptor;

use super::Shop;

/// Where the hosts of the tests are.
const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(93, 184, 216, 34));

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = parameters.self_signed(&key).expect("a certificate").der().to_vec();
    Authority { issuer: Issuer::new(parameters, key), der }
});

/// A server with a certificate for these names.
fn acceptor(names: &[&str]) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let parameters = CertificateParams::new(names).expect("names");
    let certificate = parameters.signed_by(&key, &AUTHORITY.issuer).expect("a certificate");
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a server");
    TlsAcceptor::from(Arc::new(config))
}

/// What is on the internet, and what was asked of it.
#[derive(Default)]
struct World {
    /// The answers of the DNS: each look-up takes one, and the last one stays.
    names: BTreeMap<String, Vec<IpAddr>>,
    lookups: BTreeMap<String, usize>,
    /// Whole answers, by host and path.
    answers: BTreeMap<(String, String), Vec<u8>>,
    asked: Vec<String>,
    connections: Vec<SocketAddr>,
}

/// An internet that a test has in its hands while functions fetch from it.
#[derive(Clone)]
pub(crate) struct TestInternet {
    world: Arc<Mutex<World>>,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for TestInternet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TestInternet")
    }
}

impl TestInternet {
    /// Hosts with these names, at a public address.
    pub(crate) fn of(hosts: &[&str]) -> Self {
        let names = hosts.iter().map(|host| ((*host).to_owned(), vec![PUBLIC])).collect();
        let world = World { names, ..World::default() };
        Self { world: Arc::new(Mutex::new(world)), acceptor: acceptor(hosts) }
    }

    /// What the DNS answers for a name, one look-up after the other; the last answer stays.
    pub(crate) fn resolves(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        self.world.lock().expect("a world").names.insert(host.to_owned(), addresses);
    }

    /// Puts a file at an address.
    pub(crate) fn has(&self, host: &str, path: &str, bytes: &[u8]) {
        let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len()).into_bytes();
        answer.extend(bytes);
        self.answers(host, path, answer);
    }

    /// What a host answers for a path, as it goes over the wire.
    pub(crate) fn answers(&self, host: &str, path: &str, answer: impl Into<Vec<u8>>) {
        self.world.lock().expect("a world").answers.insert((host.to_owned(), path.to_owned()), answer.into());
    }

    /// The addresses that were asked for, in no order, once for each time.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.world.lock().expect("a world").asked.clone();
        asked.sort();
        asked
    }

    /// Where connections went to.
    pub(crate) fn connections(&self) -> Vec<SocketAddr> {
        self.world.lock().expect("a world").connections.clone()
    }

    fn fetcher(&self) -> Fetcher {
        let roots = Roots::only(&AUTHORITY.der).expect("a certificate");
        Fetcher::new(Arc::new(self.clone()), roots).expect("a fetcher")
    }

    /// Answers one request.
    async fn serve(self, connection: Connection) -> io::Result<()> {
        let mut stream = self.acceptor.accept(connection).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        let answer = {
            let mut world = self.world.lock().expect("a world");
            world.asked.push(format!("https://{host}{path}"));
            let missing = || b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
            world.answers.get(&(host, path)).cloned().unwrap_or_else(missing)
        };
        stream.write_all(&answer).await?;
        stream.shutdown().await
    }
}

impl Network for TestInternet {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut world = self.world.lock().expect("a world");
        let lookup = world.lookups.entry(host.to_owned()).or_default();
        let at = *lookup;
        *lookup += 1;
        let found = world.names.get(host).and_then(|answers| answers.get(at).or(answers.last())).copied();
        Box::pin(async move { found.map(|address| vec![address]).ok_or_else(|| io::Error::other("no such name")) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        self.world.lock().expect("a world").connections.push(address);
        Box::pin(async move {
            if address.ip() != PUBLIC {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = duplex(64 * 1024);
            tokio::spawn(self.clone().serve(Box::new(far)));
            let connection: Connection = Box::new(near);
            Ok(connection)
        })
    }
}

impl Shop {
    /// A shop that is connected to this internet.
    pub(crate) async fn connected(internet: &TestInternet) -> Self {
        Self::with(Options { fetcher: Some(internet.fetcher()), ..Options::for_tests() }).await
    }
}

/// An internet where nothing is but the name of a host that is down.
pub(crate) fn nowhere() -> Fetcher {
    let internet = TestInternet::of(&[]);
    internet.resolves("down.test", &["93.184.216.35"]);
    internet.fetcher()
}
