//! The cloud ends when it is told to, and the next start goes on with what was pending.

use std::path::Path;

use local::Options;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::durability::ServerProcess;
use crate::shop::{Guest, Product, Shop, until};

/// A shop for which nothing but its directory remains of an earlier one.
async fn shop_in(directory: &Path) -> Shop {
    Shop::with(Options::for_tests().with_cloud(|cloud| cloud.data = Some(directory.to_path_buf()))).await
}

/// The databases' files of changes that are not merged: there are none where everything was closed.
fn unmerged(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).expect("the directory can be read");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    names.filter(|name| name.ends_with("-wal")).collect()
}

async fn everybody_is_told_once(shop: &Shop, guests: &[Guest], bowl: &Product, left: usize) {
    for guest in guests {
        assert_eq!(shop.mail_to(&guest.email).len(), 1, "{}", guest.email);
    }
    let notices = shop.mail_to("ceramics@people.test");
    assert_eq!(notices.iter().filter(|subject| subject.starts_with("New order")).count(), guests.len());
    let shown = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await;
    assert_eq!(shown.expect(200)["variants"][0]["available"], left);
}

#[tokio::test]
async fn a_backlog_is_there_at_the_next_start_and_is_delivered_once() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("backlog-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let shop = shop_in(&directory).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    shop.wait_until_idle().await;
    // Nothing is read any more: the events of these orders and their changes of the stock are the backlog.
    shop.cloud.kill_sources().await;
    let mut guests = Vec::new();
    for _ in 0..12 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        guest.buys().await;
        guests.push(guest);
    }
    assert_eq!(shop.mail_to(&guests[0].email).len(), 0);
    shop.cloud.stop().await;
    assert_eq!(unmerged(&directory), Vec::<String>::new());

    let shop = shop_in(&directory).await;
    shop.wait_until_idle().await;
    everybody_is_told_once(&shop, &guests, &bowl, 38).await;

    // This time the sources are in the middle of it when the cloud is told to stop.
    for _ in 0..12 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        guest.buys().await;
        guests.push(guest);
    }
    shop.cloud.stop().await;
    assert_eq!(unmerged(&directory), Vec::<String>::new());
    let shop = shop_in(&directory).await;
    shop.wait_until_idle().await;
    everybody_is_told_once(&shop, &guests, &bowl, 26).await;
    shop.cloud.stop().await;
    std::fs::remove_dir_all(&directory).expect("its data can be removed");
}

#[cfg(unix)]
async fn signal(server: &ServerProcess, name: &str) {
    let process = server.child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args([name, &process]).status().await.expect("a signal can be sent");
    assert!(sent.success());
}

/// A request that never gets complete, on a connection that the server has accepted.
#[cfg(unix)]
async fn half_a_request(server: &ServerProcess) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    stream
        .write_all(b"POST /v1/carts HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        .await
        .expect("sent");
    // An answer to a later connection shows that the earlier one was accepted.
    server.anon().get("/v1/health").await.expect(200);
    stream
}

#[cfg(unix)]
#[tokio::test]
async fn it_ends_right_after_a_rush_and_mails_the_rest_after_the_next_start() {
    let mut server = ServerProcess::open("ending").await;
    let bowl = server.vendor("ceramics").await.product("bowl").stock(100).publish().await;
    let mut guests = Vec::new();
    for _ in 0..24 {
        guests.push(server.guest().await.takes(&[(&bowl, 1)]).await);
    }
    let orders = guests.iter().map(async |guest| {
        guest.buys().await;
    });
    futures_util::future::join_all(orders).await;
    signal(&server, "-TERM").await;
    assert_eq!(server.child.wait().await.expect("it ends").code(), Some(0));
    assert_eq!(unmerged(&server.data), Vec::<String>::new());

    server.restart().await;
    for guest in &guests {
        until("the mail is sent", async || server.mail_to(&guest.email).await.len() == 1).await;
    }
    let told = async || server.mail_to("ceramics@people.test").await;
    until("the vendor is told of each order", async || {
        let orders = |subject: &str| subject.starts_with("New order");
        told().await.iter().filter(|one| one["subject"].as_str().is_some_and(orders)).count() == guests.len()
    })
    .await;
    server.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_client_that_hangs_does_not_keep_it_from_ending() {
    for name in ["-INT", "-TERM"] {
        let mut server = ServerProcess::open("hanging").await;
        let _connection = half_a_request(&server).await;
        signal(&server, name).await;
        assert_eq!(server.child.wait().await.expect("it ends").code(), Some(0));
        assert_eq!(unmerged(&server.data), Vec::<String>::new());
        std::fs::remove_dir_all(&server.data).expect("its data can be removed");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = ServerProcess::open("impatient").await;
    let _connection = half_a_request(&server).await;
    signal(&server, "-TERM").await;
    while !server.said.next_line().await.expect("its output can be read").expect("it says so").starts_with("Stopping") {
    }
    signal(&server, "-TERM").await;
    assert_eq!(server.child.wait().await.expect("it ends").code(), Some(1));
    std::fs::remove_dir_all(&server.data).expect("its data can be removed");
}
