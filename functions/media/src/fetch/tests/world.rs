//! An internet in memory: a DNS, hosts with certificates, and a record of what was asked of them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex};

use futures_util::future::BoxFuture;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fetch::{Connection, Fetcher, Network, Roots};

/// Where most hosts of the tests are.
pub(super) const PUBLIC: &str = "93.184.216.34";

/// The authority that the fetchers of the tests trust.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

pub(super) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = parameters.self_signed(&key).unwrap().der().to_vec();
    Authority { issuer: Issuer::new(parameters, key), der }
});

impl Authority {
    pub(super) fn roots(&self) -> Roots {
        Roots::only(&self.der).unwrap()
    }

    /// A server with a certificate for the name.
    pub(super) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A request that has come in, and the connection to answer it on.
pub(super) struct Visit {
    pub(super) head: String,
    stream: TlsStream<Connection>,
}

impl Visit {
    pub(super) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// False when the client has gone.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Waits until the client goes.
    pub(super) async fn linger(mut self) {
        while self.stream.read_u8().await.is_ok() {}
    }
}

type Script = Arc<dyn Fn(Visit) -> BoxFuture<'static, ()> + Send + Sync>;

/// What is at an address.
enum Site {
    /// Reads a request and acts by the script.
    Web(TlsAcceptor, Script),
    /// Accepts the connection and says nothing, or what is no TLS.
    Raw(&'static [u8]),
    /// Swallows packets, so that a connection neither succeeds nor fails.
    Void,
}

/// Reads a request's head, then lets the script act.
pub(super) async fn serve(
    acceptor: TlsAcceptor,
    connection: Connection,
    script: impl Fn(Visit) -> BoxFuture<'static, ()>,
) {
    let Ok(mut stream) = acceptor.accept(connection).await else { return };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    script(Visit { head: String::from_utf8(head).unwrap(), stream }).await;
}

/// What was asked of the world, in this order.
#[derive(Debug, Default)]
struct Record {
    lookups: Vec<String>,
    connections: Vec<SocketAddr>,
    heads: Vec<String>,
}

#[derive(Default)]
pub(super) struct World {
    /// The answers of the DNS; the last one remains.
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    sites: HashMap<SocketAddr, Site>,
    record: Arc<Mutex<Record>>,
}

impl World {
    /// One host at [`PUBLIC`], with a certificate for its name.
    pub(super) fn host<Acting>(name: &str, script: impl Fn(Visit) -> Acting + Send + Sync + 'static) -> Self
    where
        Acting: Future<Output = ()> + Send + 'static,
    {
        Self::default().name(name, &[PUBLIC]).site(&format!("{PUBLIC}:443"), name, script)
    }

    /// An answer of the DNS. Another call for the same name is what the next look-up finds.
    pub(super) fn name(self, name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.names.lock().unwrap().entry(name.to_owned()).or_default().push_back(addresses);
        self
    }

    /// A site at an address, with a certificate for the name.
    pub(super) fn site<Acting>(
        mut self,
        address: &str,
        certificate: &str,
        script: impl Fn(Visit) -> Acting + Send + Sync + 'static,
    ) -> Self
    where
        Acting: Future<Output = ()> + Send + 'static,
    {
        let script: Script = Arc::new(move |visit| Box::pin(script(visit)));
        self.sites.insert(address.parse().unwrap(), Site::Web(AUTHORITY.acceptor(certificate), script));
        self
    }

    pub(super) fn raw(mut self, address: &str, greeting: &'static [u8]) -> Self {
        self.sites.insert(address.parse().unwrap(), Site::Raw(greeting));
        self
    }

    pub(super) fn void(mut self, address: &str) -> Self {
        self.sites.insert(address.parse().unwrap(), Site::Void);
        self
    }

    pub(super) fn open(self) -> (Fetcher, Arc<Self>) {
        let world = Arc::new(self);
        (Fetcher::new(Arc::clone(&world) as Arc<dyn Network>, AUTHORITY.roots()).unwrap(), world)
    }

    pub(super) fn lookups(&self) -> Vec<String> {
        self.record.lock().unwrap().lookups.clone()
    }

    pub(super) fn connections(&self) -> Vec<String> {
        self.record.lock().unwrap().connections.iter().map(ToString::to_string).collect()
    }

    /// The heads of the requests that arrived.
    pub(super) fn heads(&self) -> Vec<String> {
        self.record.lock().unwrap().heads.clone()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("World")
    }
}

impl Network for World {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.record.lock().unwrap().lookups.push(host.to_owned());
        let mut names = self.names.lock().unwrap();
        let answer = match names.get_mut(host) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            Some(answers) => answers.front().cloned(),
            None => None,
        };
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        self.record.lock().unwrap().connections.push(address);
        Box::pin(async move {
            let (near, far) = duplex(64 * 1024);
            match self.sites.get(&address) {
                None => return Err(io::ErrorKind::ConnectionRefused.into()),
                Some(Site::Void) => return pending().await,
                Some(Site::Raw(greeting)) => {
                    let (mut far, greeting) = (far, *greeting);
                    tokio::spawn(async move {
                        let _ = far.write_all(greeting).await;
                        while far.read_u8().await.is_ok() {}
                    });
                }
                Some(Site::Web(acceptor, script)) => {
                    let (script, record) = (Arc::clone(script), Arc::clone(&self.record));
                    tokio::spawn(serve(acceptor.clone(), Box::new(far), move |visit| {
                        record.lock().unwrap().heads.push(visit.head.clone());
                        script(visit)
                    }));
                }
            }
            let connection: Connection = Box::new(near);
            Ok(connection)
        })
    }
}

/// A site that answers each request with the same bytes and closes.
pub(super) fn reply(bytes: impl AsRef<[u8]>) -> impl Fn(Visit) -> BoxFuture<'static, ()> + Send + Sync {
    let bytes = bytes.as_ref().to_vec();
    move |mut visit| {
        let bytes = bytes.clone();
        Box::pin(async move {
            visit.send(bytes).await;
            visit.close().await;
        })
    }
}

/// An answer with a body of a picture's beginning.
pub(super) fn picture() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 8\r\n\r\n\x89PNG\r\n\x1a\n".to_vec()
}
