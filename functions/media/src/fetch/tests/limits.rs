//! Sizes and times.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{PUBLIC, World, fault, picture, reply};
use crate::fetch::{FetchFault, MAX_PICTURE_BYTES};

#[tokio::test(start_paused = true)]
async fn ten_megabytes_are_fetched_and_one_byte_more_is_not() {
    for (size, expected) in [(MAX_PICTURE_BYTES, None), (MAX_PICTURE_BYTES + 1, Some(FetchFault::TooLarge))] {
        // Without a length, so that the bytes are counted.
        let answer = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![7; size]].concat();
        assert_eq!(fault(World::host("pictures.example", reply(answer)), "https://pictures.example/").await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_length_is_refused_before_the_body() {
    let world = World::host("pictures.example", |mut visit| async move {
        visit.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_PICTURE_BYTES + 1)).await;
        visit.linger().await;
    });
    let start = Instant::now();

    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::TooLarge));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_announced_length_is_not_read() {
    let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n".as_slice(), &vec![b'a'; MAX_PICTURE_BYTES]].concat();
    let (fetcher, _) = World::host("pictures.example", reply(answer)).open();
    assert_eq!(fetcher.fetch("https://pictures.example/").await.as_deref(), Ok(b"aaa".as_slice()));
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_is_cut_at_the_limit() {
    let sent = Arc::new(AtomicUsize::new(0));
    let total = Arc::clone(&sent);
    let world = World::host("pictures.example", move |mut visit| {
        let total = Arc::clone(&total);
        async move {
            visit.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let chunk = format!("8000\r\n{}\r\n", "a".repeat(0x8000));
            while visit.send(&chunk).await {
                total.fetch_add(0x8000, Ordering::Relaxed);
            }
        }
    });

    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::TooLarge));
    // Some are under way in the buffers on both sides.
    let sent = sent.load(Ordering::Relaxed);
    assert!((MAX_PICTURE_BYTES - 0x8000..MAX_PICTURE_BYTES + 0x80000).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_head_has_at_most_64_kilobytes() {
    let head = |size: usize| {
        let (start, end) = ("HTTP/1.1 200 OK\r\npadding: ", "\r\ncontent-length: 0\r\n\r\n");
        reply(format!("{start}{}{end}", "a".repeat(size - start.len() - end.len())))
    };
    assert_eq!(fault(World::host("pictures.example", head(65_536)), "https://pictures.example/").await, None);
    let large = fault(World::host("pictures.example", head(65_537)), "https://pictures.example/").await;
    assert_eq!(large, Some(FetchFault::BadAnswer));

    let endless = World::host("pictures.example", |mut visit| async move {
        visit.send("HTTP/1.1 200 OK\r\nendless: ").await;
        while visit.send("a".repeat(1024)).await {}
    });
    assert_eq!(fault(endless, "https://pictures.example/").await, Some(FetchFault::BadAnswer));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_is_left_after_ten_seconds() {
    let silent = World::default().name("pictures.example", &[PUBLIC]).raw("93.184.216.34:443", b"");
    let asked = World::host("pictures.example", |visit| visit.linger());
    let begun = World::host("pictures.example", |mut visit| async move {
        visit.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").await;
        visit.linger().await;
    });
    for world in [silent, asked, begun] {
        let start = Instant::now();
        assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::TooSlow));
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_swallows_connections_is_left_after_three_seconds_for_each_address() {
    let world = World::default().name("pictures.example", &[PUBLIC]).void("93.184.216.34:443");
    let start = Instant::now();
    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::TooSlow));
    assert_eq!(start.elapsed().as_secs(), 3);

    // The second address refuses at once, as IPv6 does in a function without it.
    let world = World::default().name("pictures.example", &[PUBLIC, "2606:4700::1111"]).void("93.184.216.34:443");
    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::TooSlow));

    let addresses = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"];
    let world = addresses.iter().fold(World::default(), |world, address| world.void(&format!("{address}:443")));
    let start = Instant::now();
    let slow = fault(world.name("pictures.example", &addresses), "https://pictures.example/").await;
    assert_eq!((slow, start.elapsed().as_secs()), (Some(FetchFault::TooSlow), 10));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_has_ten_seconds_in_all() {
    let trickle = |pause: Duration| {
        World::host("pictures.example", move |mut visit| async move {
            visit.send("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n").await;
            for _ in 0..20 {
                sleep(pause).await;
                visit.send("a").await;
            }
            visit.close().await;
        })
    };
    let slow = fault(trickle(Duration::from_secs(1)), "https://pictures.example/").await;
    assert_eq!(slow, Some(FetchFault::TooSlow));
    assert_eq!(fault(trickle(Duration::from_millis(450)), "https://pictures.example/").await, None);
}

#[tokio::test(start_paused = true)]
async fn the_ten_seconds_include_the_redirects() {
    let slow_redirects = || {
        World::host("pictures.example", |visit| async move {
            sleep(Duration::from_secs(3)).await;
            let location = format!("HTTP/1.1 302 Found\r\nlocation: {}a\r\ncontent-length: 0\r\n\r\n", visit.path());
            let answer = if visit.path().ends_with("aaa") { picture() } else { location.into_bytes() };
            reply(answer)(visit).await;
        })
    };
    let start = Instant::now();
    assert_eq!(fault(slow_redirects(), "https://pictures.example/").await, Some(FetchFault::TooSlow));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(fault(slow_redirects(), "https://pictures.example/a").await, None);
}
