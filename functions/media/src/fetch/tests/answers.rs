//! What is sent, and what becomes of an answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rustls::crypto::CryptoProvider;
use tokio::net::{TcpListener, TcpStream};

use super::world::AUTHORITY;
use super::{PUBLIC, World, fault, picture, reply, world};
use crate::fetch::{Connection, FetchFault, Fetcher, Internet, Network, Roots};

#[tokio::test(start_paused = true)]
async fn a_picture_is_fetched_as_it_is() {
    let (fetcher, world) = World::host("pictures.example", reply(picture())).open();

    let fetched = fetcher.fetch("https://pictures.example/mug.png").await;

    assert_eq!(fetched.unwrap(), b"\x89PNG\r\n\x1a\n".as_slice());
    assert_eq!(world.lookups(), ["pictures.example"]);
    assert_eq!(world.connections(), ["93.184.216.34:443"]);
    assert!(CryptoProvider::get_default().is_none(), "no provider of cryptography is installed for the process");
}

#[tokio::test(start_paused = true)]
async fn the_request_says_nothing_but_what_it_must() {
    let (fetcher, world) = World::host("pictures.example", reply(picture())).open();

    fetcher.fetch("https://pictures.example/a//b%20ü?size=1&x=|#part").await.unwrap();

    let expected = "GET /a//b%20%C3%BC?size=1&x=| HTTP/1.1\r\nhost: pictures.example\r\nuser-agent: Bozor\r\n\
                    accept: image/webp,image/png,image/jpeg;q=0.9\r\naccept-encoding: identity\r\n\
                    connection: close\r\n\r\n";
    assert_eq!(world.heads(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn another_port_is_named_to_the_host() {
    let world = World::default().name("pictures.example", &[PUBLIC]);
    let (fetcher, world) = world.site("93.184.216.34:8443", "pictures.example", reply(picture())).open();

    fetcher.fetch("https://PICTURES.example.:8443").await.unwrap();

    assert!(world.heads()[0].starts_with("GET / HTTP/1.1\r\nhost: pictures.example:8443\r\n"), "{:?}", world.heads());
    assert_eq!(world.lookups(), ["pictures.example"]);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_is_not_sent_back() {
    let answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n";
    let (fetcher, world) = World::host("pictures.example", reply(answer)).open();

    for _ in 0..2 {
        assert_eq!(fetcher.fetch("https://pictures.example/").await.unwrap().len(), 0);
    }

    assert_eq!(world.heads().len(), 2);
    assert_eq!(world.heads()[0], world.heads()[1]);
}

#[tokio::test(start_paused = true)]
async fn any_other_status_is_told() {
    for status in [101, 201, 204, 206, 300, 304, 401, 404, 410, 429, 500, 503] {
        let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
        let world = World::host("pictures.example", reply(answer));
        assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::Refused(status)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_hint_comes_before_the_answer() {
    let answer = [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".as_slice(), &picture()].concat();
    let (fetcher, _) = World::host("pictures.example", reply(answer)).open();
    assert_eq!(fetcher.fetch("https://pictures.example/").await.unwrap().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_come_in_chunks_or_end_with_the_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nsum: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabcde",
        "HTTP/1.0 200 OK\r\n\r\nabcde",
    ] {
        let (fetcher, _) = World::host("pictures.example", reply(answer)).open();
        assert_eq!(fetcher.fetch("https://pictures.example/").await.as_deref(), Ok(b"abcde".as_slice()), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_no_picture() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
    ] {
        let world = World::host("pictures.example", reply(answer));
        assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::BadAnswer), "{answer}");
    }
    // The connection is cut instead of closed: without a length nobody knows whether that was all.
    let world = World::host("pictures.example", |mut visit| async move {
        visit.send("HTTP/1.1 200 OK\r\n\r\nabcde").await;
    });
    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::BadAnswer));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_http_is_no_answer() {
    for answer in [
        "",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "abcde",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nabcd",
    ] {
        let world = World::host("pictures.example", reply(answer));
        assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::BadAnswer), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_for_another_name_is_refused_before_the_request() {
    let world = World::default().name("pictures.example", &[PUBLIC]);
    let (fetcher, world) = world.site("93.184.216.34:443", "other.example", reply(picture())).open();

    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::BadCertificate));
    assert!(world.heads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (_, world) = World::host("pictures.example", reply(picture())).open();
    let fetcher = Fetcher::new(world.clone(), Roots::mozilla()).unwrap();

    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::BadCertificate));
    assert!(world.heads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_host_without_tls_is_not_connected_to() {
    let world = World::default().name("pictures.example", &[PUBLIC]).raw("93.184.216.34:443", b"220 mail.example\r\n");
    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::NoConnection));
}

/// A name with a public address that leads to a socket of this machine.
#[derive(Debug)]
struct Rerouted(SocketAddr);

impl Network for Rerouted {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec![PUBLIC.parse().unwrap()]) })
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        Internet.connect(self.0)
    }
}

#[tokio::test]
async fn a_picture_comes_over_a_real_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = AUTHORITY.acceptor("pictures.example");
    let serving = tokio::spawn(async move {
        let (connection, _): (TcpStream, _) = listener.accept().await.unwrap();
        world::serve(acceptor, Box::new(connection), reply(picture())).await;
    });

    let fetcher = Fetcher::new(Arc::new(Rerouted(address)), AUTHORITY.roots()).unwrap();
    let fetched = fetcher.fetch("https://pictures.example/mug.png").await;

    assert_eq!(fetched.unwrap().len(), 8);
    serving.await.unwrap();
}

#[tokio::test]
async fn the_internet_reads_an_address_without_asking_for_it() {
    let found = Internet.resolve("127.0.0.1").await.unwrap();
    assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
}
