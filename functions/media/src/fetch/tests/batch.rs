//! Many pictures at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::world::Visit;
use super::{PUBLIC, World, picture, reply};
use crate::fetch::{FetchFault, Fetcher};

/// How many are at something now, and how many were at most.
#[derive(Debug, Default)]
struct Hosts {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Hosts {
    async fn stay(&self, duration: Duration) {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        sleep(duration).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

/// Adds a host to a world that takes a second for each picture.
fn with_slow_host(world: World, number: usize, hosts: &Arc<Hosts>) -> World {
    let (name, address, hosts) = (format!("host{number}.example"), format!("1.1.1.{number}"), Arc::clone(hosts));
    world.name(&name, &[&address]).site(&format!("{address}:443"), &name, move |visit: Visit| {
        let hosts = Arc::clone(&hosts);
        async move {
            hosts.stay(Duration::from_secs(1)).await;
            reply(picture())(visit).await;
        }
    })
}

fn urls(hosts: usize, each: usize) -> Vec<String> {
    (0..hosts * each).map(|number| format!("https://host{}.example/{number}", number % hosts)).collect()
}

async fn faults(fetcher: &Fetcher, urls: &[impl AsRef<str>]) -> Vec<Option<FetchFault>> {
    fetcher.fetch_all(urls, |_, fetched| async { fetched.err() }).await
}

#[tokio::test(start_paused = true)]
async fn a_host_is_asked_for_two_at_once() {
    let hosts = Arc::default();
    let (fetcher, _) = with_slow_host(World::default(), 0, &hosts).open();
    let start = Instant::now();

    assert_eq!(faults(&fetcher, &urls(1, 10)).await, [None; 10]);
    assert_eq!((hosts.most(), start.elapsed().as_secs()), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn sixteen_are_fetched_at_once_in_all() {
    let hosts = Arc::default();
    let world = (0..8).fold(World::default(), |world, number| with_slow_host(world, number, &hosts));
    let (fetcher, _) = world.open();
    let start = Instant::now();

    assert_eq!(faults(&fetcher, &urls(8, 4)).await, [None; 32]);
    assert_eq!((hosts.most(), start.elapsed().as_secs()), (16, 2));
}

#[tokio::test(start_paused = true)]
async fn one_host_written_in_two_ways_is_one_host() {
    let hosts = Arc::default();
    let (fetcher, _) = with_slow_host(World::default(), 0, &hosts).open();
    let urls: Vec<_> = (0..8).map(|number| ["https://HOST0.example./", "https://host0.example/"][number % 2]).collect();

    assert_eq!(faults(&fetcher, &urls).await, [None; 8]);
    assert_eq!(hosts.most(), 2);
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_addresses() {
    let (fetcher, _) = World::host("pictures.example", |mut visit: Visit| async move {
        // The later it is named, the sooner it answers.
        let number: u64 = visit.path().trim_start_matches('/').parse().unwrap();
        sleep(Duration::from_millis(100 - number)).await;
        visit.send(format!("HTTP/1.1 200 OK\r\n\r\n{number}")).await;
        visit.close().await;
    })
    .open();
    let mut urls: Vec<_> = (0..6).map(|number| format!("https://pictures.example/{number}")).collect();
    urls.insert(2, "http://pictures.example/".to_owned());

    let results = fetcher.fetch_all(&urls, |position, fetched| async move { (position, fetched) }).await;

    let body = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
    let expected = [body("0"), body("1"), Err(FetchFault::NotHttps), body("2"), body("3"), body("4"), body("5")];
    assert_eq!(results, expected.into_iter().enumerate().collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn at_most_sixteen_pictures_are_in_memory() {
    let world = (0..8).fold(World::default(), |world, number| with_slow_host(world, number, &Arc::default()));
    let (fetcher, _) = world.open();
    let kept = Hosts::default();

    fetcher.fetch_all(&urls(8, 8), |_, _| kept.stay(Duration::from_secs(60))).await;

    assert_eq!(kept.most(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_timed_out_twice_is_not_asked_again() {
    let (fetcher, world) = World::host("pictures.example", reply(picture()))
        .name("silent.example", &["1.1.1.1"])
        .raw("1.1.1.1:443", b"")
        .open();
    let mut urls: Vec<_> = (0..50).map(|number| format!("https://silent.example/{number}")).collect();
    urls.push("https://pictures.example/".to_owned());
    let start = Instant::now();

    let mut expected = vec![Some(FetchFault::TooSlow); 50];
    expected.push(None);
    assert_eq!(faults(&fetcher, &urls).await, expected);

    // Two were under way when both timed out.
    assert_eq!(world.connections().iter().filter(|address| *address == "1.1.1.1:443").count(), 2);
    assert_eq!(start.elapsed().as_secs(), 10);

    // The next batch asks anew.
    faults(&fetcher, &["https://silent.example/"]).await;
    assert_eq!(world.connections().iter().filter(|address| *address == "1.1.1.1:443").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_timeout_does_not_give_a_host_up() {
    let (fetcher, _) = World::host("pictures.example", |visit: Visit| async move {
        if visit.path() == "/slow" {
            return visit.linger().await;
        }
        sleep(Duration::from_secs(3)).await;
        reply(picture())(visit).await;
    })
    .open();
    // Three at a time beside the slow one, so that the last ones are asked for after it timed out.
    let mut urls = vec!["https://pictures.example/slow"];
    urls.extend(["https://pictures.example/"; 20]);

    let faults = faults(&fetcher, &urls).await;

    assert_eq!(faults[0], Some(FetchFault::TooSlow));
    assert_eq!(faults[1..], [None; 20]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_waits_does_not_hold_the_places_of_others() {
    let (fetcher, _) = World::host("pictures.example", reply(picture()))
        .name("silent.example", &["1.1.1.1"])
        .raw("1.1.1.1:443", b"")
        .open();
    let mut urls = vec!["https://silent.example/"; 100];
    urls.push("https://pictures.example/");
    let start = Instant::now();

    let finished = fetcher.fetch_all(&urls, |_, _| async { start.elapsed() }).await;

    assert_eq!(finished[100], Duration::ZERO);
}

#[tokio::test]
async fn nothing_is_fetched_for_no_addresses() {
    let (fetcher, world) = World::default().name("pictures.example", &[PUBLIC]).open();
    assert!(faults(&fetcher, &[] as &[&str]).await.is_empty());
    assert!(world.connections().is_empty());
}

#[test]
fn the_futures_can_be_moved_to_another_thread() {
    fn is_send(_: impl Send) {}
    let (fetcher, _) = World::default().open();
    is_send(fetcher.fetch("https://pictures.example/"));
    is_send(fetcher.fetch_all(&["https://pictures.example/"], |_, fetched| async { fetched }));
}
