//! How the internet is reached.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

/// Bytes in both directions: a TCP connection, or a pipe in memory, with which tests can use paused time.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Bytes: AsyncRead + AsyncWrite + Send + Unpin> Stream for Bytes {}

/// A connection before TLS.
pub type Connection = Box<dyn Stream>;

/// How the internet is reached; tests put another in its place. It decides nothing: what may be reached is checked
/// between the two calls.
pub trait Network: Debug + Send + Sync {
    /// All addresses of a name, which is never an IP literal. An error or no address means that there is no such host.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// Connects to exactly this address. Dropping the future gives the connection up.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>>;
}

/// The real one: the system's resolver and TCP.
#[derive(Clone, Copy, Debug)]
pub struct Internet;

impl Network for Internet {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            let connection: Connection = Box::new(TcpStream::connect(address).await?);
            Ok(connection)
        })
    }
}
