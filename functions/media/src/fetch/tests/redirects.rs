//! A redirect is followed by the same rules as the first address.

use futures_util::future::BoxFuture;

use super::world::Visit;
use super::{PUBLIC, World, picture, reply};
use crate::fetch::FetchFault;

fn redirect(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// A site that redirects `/3` to `/2`, `/2` to `/1` and so on; at `/0` is a picture.
fn countdown() -> impl Fn(Visit) -> BoxFuture<'static, ()> {
    |visit| {
        let step: u32 = visit.path().trim_start_matches('/').parse().unwrap();
        let answer = step.checked_sub(1).map_or_else(picture, |next| redirect(&format!("/{next}")));
        reply(answer)(visit)
    }
}

#[tokio::test(start_paused = true)]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let (fetcher, world) = World::host("pictures.example", countdown()).open();
    assert_eq!(fetcher.fetch("https://pictures.example/3").await.unwrap().len(), 8);
    assert_eq!(world.heads().len(), 4);

    let (fetcher, world) = World::host("pictures.example", countdown()).open();
    assert_eq!(fetcher.fetch("https://pictures.example/4").await, Err(FetchFault::TooManyRedirects));
    assert_eq!(world.heads().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_redirects_ends() {
    let (fetcher, world) = World::host("pictures.example", reply(redirect("https://pictures.example/"))).open();
    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::TooManyRedirects));
    assert_eq!(world.lookups().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_leads_nowhere_that_the_address_could_not() {
    for (location, expected) in [
        ("http://pictures.example/", FetchFault::NotHttps),
        ("file:///etc/passwd", FetchFault::NotHttps),
        ("https://169.254.169.254/", FetchFault::ForbiddenAddress),
        ("//127.0.0.1/", FetchFault::ForbiddenAddress),
        ("https://[::ffff:7f00:1]/", FetchFault::ForbiddenAddress),
        ("https://2130706433/", FetchFault::ForbiddenAddress),
        ("https://loopback.example/", FetchFault::ForbiddenAddress),
        ("https://unknown.example/", FetchFault::NoSuchHost),
        ("https://127.0.0.1:9001/", FetchFault::ForbiddenPort),
        ("https://name:password@pictures.example/", FetchFault::Credentials),
        ("https://", FetchFault::BadAddress),
        ("https://256.256.256.256/", FetchFault::BadAddress),
    ] {
        let world = World::host("pictures.example", reply(redirect(location))).name("loopback.example", &["127.0.0.1"]);
        let (fetcher, world) = world.open();
        assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(expected), "{location}");
        assert_eq!(world.connections(), ["93.184.216.34:443"], "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_redirects_to_itself_is_looked_up_again() {
    let world = World::host("pictures.example", countdown()).name("pictures.example", &["127.0.0.1"]);
    let (fetcher, world) = world.open();

    assert_eq!(fetcher.fetch("https://pictures.example/1").await, Err(FetchFault::ForbiddenAddress));
    assert_eq!(world.lookups(), ["pictures.example", "pictures.example"]);
    assert_eq!(world.connections(), ["93.184.216.34:443"]);
}

#[tokio::test(start_paused = true)]
async fn another_host_is_asked_without_a_trace_of_the_first() {
    let (fetcher, world) =
        World::host("shop.example", reply(redirect("https://pictures.example:8443/чашка.png?a=1#b")))
            .name("pictures.example", &[PUBLIC])
            .site("93.184.216.34:8443", "pictures.example", reply(picture()))
            .open();

    assert!(fetcher.fetch("https://shop.example/secret?token=1").await.is_ok());
    let head = &world.heads()[1];
    let line = "GET /%D1%87%D0%B0%D1%88%D0%BA%D0%B0.png?a=1 HTTP/1.1\r\nhost: pictures.example:8443\r\n";
    assert!(head.starts_with(line) && !head.contains("shop.example") && !head.contains("referer"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_redirect_without_a_target_is_a_refusal() {
    let answer = "HTTP/1.1 301 Moved Permanently\r\ncontent-length: 0\r\n\r\n";
    let (fetcher, _) = World::host("pictures.example", reply(answer)).open();
    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::Refused(301)));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_too_long_or_not_text_is_no_address() {
    let long = redirect(&format!("/{}", "a".repeat(5000)));
    let latin = b"HTTP/1.1 302 Found\r\nlocation: /\xe9\r\ncontent-length: 0\r\n\r\n".to_vec();
    for answer in [long, latin] {
        let (fetcher, _) = World::host("pictures.example", reply(answer)).open();
        assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::BadAddress));
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_redirect_is_not_read() {
    let (fetcher, world) = World::host("pictures.example", |mut visit| async move {
        if visit.path() == "/" {
            visit.send("HTTP/1.1 307 Temporary Redirect\r\nlocation: /0\r\ncontent-length: 99999999999\r\n\r\n").await;
            visit.linger().await;
        } else {
            reply(picture())(visit).await;
        }
    })
    .open();

    assert!(fetcher.fetch("https://pictures.example/").await.is_ok());
    assert_eq!(world.heads().len(), 2);
}
