//! Which addresses are asked at all.

use super::{PUBLIC, World, fault, picture, reply};
use crate::fetch::FetchFault;

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_to_a_forbidden_address_is_not_connected_to() {
    for addresses in [
        ["169.254.169.254"].as_slice(),
        &["127.0.0.1"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["10.1.2.3"],
        &["fd00:ec2::254"],
        &["64:ff9b::a9fe:a9fe"],
        &["2002:7f00:1::"],
        // Public ones do not make up for it, wherever it stands and however many they are.
        &[PUBLIC, "10.1.2.3"],
        &["127.0.0.1", PUBLIC],
        &["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6", "169.254.169.254"],
        &[PUBLIC, "fe80::1"],
    ] {
        let (fetcher, world) = World::host("pictures.example", reply(picture())).name("a.example", addresses).open();
        assert_eq!(fetcher.fetch("https://a.example/").await, Err(FetchFault::ForbiddenAddress), "{addresses:?}");
        assert_eq!(world.lookups(), ["a.example"]);
        assert!(world.connections().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_literal_is_judged_like_the_address_of_a_name() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "127.1",
        "0",
        "127。0。0。1",
        "１２７.0.0.1",
        "%31%32%37.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0251.0376.0251.0376",
        "0xa9fea9fe",
        "169.254.43518",
        "10.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[fd00:ec2::254]",
        "[64:ff9b::127.0.0.1]",
        "[2002:a9fe:a9fe::]",
    ] {
        let (fetcher, world) = World::default().open();
        let fetched = fetcher.fetch(&format!("https://{host}/latest/meta-data/")).await;
        assert_eq!(fetched, Err(FetchFault::ForbiddenAddress), "{host}");
        assert!(world.lookups().is_empty() && world.connections().is_empty(), "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_public_literal_is_asked_if_its_certificate_names_it() {
    let (fetcher, world) = World::default().site("1.1.1.1:443", "1.1.1.1", reply(picture())).open();
    assert!(fetcher.fetch("https://0x1010101/").await.is_ok());
    assert!(world.heads()[0].contains("host: 1.1.1.1\r\n"));

    let site = "[2606:4700::1111]:443";
    let (fetcher, world) = World::default().site(site, "2606:4700::1111", reply(picture())).open();
    assert!(fetcher.fetch("https://[2606:4700:0::1111]/").await.is_ok());
    assert!(world.heads()[0].contains("host: [2606:4700::1111]\r\n"));
    assert!(world.lookups().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_look_up_cannot_redirect_the_connection() {
    let world = World::host("pictures.example", reply(picture())).name("pictures.example", &["127.0.0.1"]);
    let (fetcher, world) = world.open();

    assert!(fetcher.fetch("https://pictures.example/").await.is_ok());
    assert_eq!(world.lookups(), ["pictures.example"]);
    assert_eq!(world.connections(), ["93.184.216.34:443"]);

    // The next request resolves it anew, and sees what it has become.
    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::ForbiddenAddress));
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_address_is_tried_when_one_does_not_answer_and_version_4_comes_first() {
    let (fetcher, world) = World::default()
        .name("pictures.example", &["2606:4700::1111", "1.1.1.1", "::ffff:1.1.1.2", "1.1.1.3"])
        .void("1.1.1.2:443")
        .site("1.1.1.3:443", "pictures.example", reply(picture()))
        .open();

    assert!(fetcher.fetch("https://pictures.example/").await.is_ok());
    assert_eq!(world.connections(), ["1.1.1.1:443", "1.1.1.2:443", "1.1.1.3:443"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_is_no_list_of_addresses_to_scan() {
    let addresses = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6"];
    let (fetcher, world) = World::default().name("pictures.example", &addresses).open();

    assert_eq!(fetcher.fetch("https://pictures.example/").await, Err(FetchFault::NoConnection));
    assert_eq!(world.connections().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_name_without_an_address_is_no_host() {
    assert_eq!(fault(World::default(), "https://pictures.example/").await, Some(FetchFault::NoSuchHost));
    let world = World::default().name("pictures.example", &[]);
    assert_eq!(fault(world, "https://pictures.example/").await, Some(FetchFault::NoSuchHost));
}

#[tokio::test(start_paused = true)]
async fn an_address_is_refused_by_its_look() {
    let long = format!("https://pictures.example/{}", "a".repeat(4096));
    for (url, expected) in [
        ("", FetchFault::BadAddress),
        ("mug.png", FetchFault::BadAddress),
        ("//pictures.example/mug.png", FetchFault::BadAddress),
        ("https://", FetchFault::BadAddress),
        ("https://a b/", FetchFault::BadAddress),
        ("https://1.2.3.4.5/", FetchFault::BadAddress),
        ("https://256.0.0.1/", FetchFault::BadAddress),
        ("https://[fe80::1%25eth0]/", FetchFault::BadAddress),
        ("https://pictures.example:99999/", FetchFault::BadAddress),
        ("https://pictures..example/", FetchFault::BadAddress),
        (&long, FetchFault::BadAddress),
        ("http://pictures.example/", FetchFault::NotHttps),
        ("ftp://pictures.example/", FetchFault::NotHttps),
        ("file:///etc/passwd", FetchFault::NotHttps),
        ("data:image/png;base64,iVBORw0KGgo=", FetchFault::NotHttps),
        ("gopher://127.0.0.1:9001/", FetchFault::NotHttps),
        ("https://name@pictures.example/", FetchFault::Credentials),
        ("https://:password@pictures.example/", FetchFault::Credentials),
        ("https://pictures.example:password@127.0.0.1/", FetchFault::Credentials),
        ("https://pictures.example:80/", FetchFault::ForbiddenPort),
        ("https://pictures.example:22/", FetchFault::ForbiddenPort),
        ("https://pictures.example:9001/", FetchFault::ForbiddenPort),
        ("https://pictures.example:0/", FetchFault::ForbiddenPort),
        ("https://127.0.0.1:9001/2018-06-01/runtime/invocation/next", FetchFault::ForbiddenPort),
    ] {
        let (fetcher, world) = World::host("pictures.example", reply(picture())).open();
        assert_eq!(fetcher.fetch(url).await, Err(expected), "{url}");
        assert!(world.lookups().is_empty() && world.connections().is_empty(), "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_may_be_written_as_browsers_accept_it() {
    for url in [
        " https://pictures.example/ ",
        "HTTPS://Pictures.Example:443/",
        "https:\\\\pictures.example\\",
        "https:/pictures.example",
        "https://@pictures.example/",
    ] {
        let (fetcher, world) = World::host("pictures.example", reply(picture())).open();
        assert!(fetcher.fetch(url).await.is_ok(), "{url}");
        assert!(world.heads()[0].starts_with("GET / HTTP/1.1\r\nhost: pictures.example\r\n"), "{url}");
    }
}

#[test]
fn each_fault_has_a_name_and_a_sentence_of_its_own() {
    let faults = [
        FetchFault::BadAddress,
        FetchFault::NotHttps,
        FetchFault::Credentials,
        FetchFault::ForbiddenPort,
        FetchFault::NoSuchHost,
        FetchFault::ForbiddenAddress,
        FetchFault::NoConnection,
        FetchFault::BadCertificate,
        FetchFault::BadAnswer,
        FetchFault::TooManyRedirects,
        FetchFault::Refused(404),
        FetchFault::TooLarge,
        FetchFault::TooSlow,
    ];
    let distinct = |texts: Vec<String>| texts.into_iter().collect::<std::collections::HashSet<_>>().len();
    assert_eq!(distinct(faults.iter().map(|fault| fault.shown().code().to_owned()).collect()), faults.len());
    assert_eq!(distinct(faults.iter().map(ToString::to_string).collect()), faults.len());
    assert!(faults.iter().all(|fault| fault.shown().code().starts_with("picture_")));
    let of_status = |status| FetchFault::Refused(status).shown();
    assert!(!of_status(404).may_pass() && of_status(503).may_pass() && of_status(429).may_pass());
}
