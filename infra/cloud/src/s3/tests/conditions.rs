//! Conditional reads (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>) and writes
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).

use aws_sdk_s3::primitives::DateTime;

use super::*;

#[derive(Clone, Copy, Default)]
struct Read {
    if_match: Option<&'static str>,
    if_none_match: Option<&'static str>,
    if_modified_since: Option<i64>,
    if_unmodified_since: Option<i64>,
}

/// Statuses of `GetObject` and `HeadObject`.
async fn statuses(client: &Client, read: Read) -> [u16; 2] {
    let at = |seconds: Option<i64>| seconds.map(|seconds| DateTime::from_secs(NOON.millis() / 1_000 + seconds));
    let text = |text: Option<&str>| text.map(str::to_owned);
    let get = client.get_object().bucket("documents").key("a").set_if_match(text(read.if_match));
    let get = get.set_if_none_match(text(read.if_none_match)).set_if_modified_since(at(read.if_modified_since));
    let got = get.set_if_unmodified_since(at(read.if_unmodified_since)).send().await;
    let head = client.head_object().bucket("documents").key("a").set_if_match(text(read.if_match));
    let head = head.set_if_none_match(text(read.if_none_match)).set_if_modified_since(at(read.if_modified_since));
    let had = head.set_if_unmodified_since(at(read.if_unmodified_since)).send().await;
    [
        got.map_or_else(|failure| failure.raw_response().unwrap().status().as_u16(), |_| 200),
        had.map_or_else(|failure| failure.raw_response().unwrap().status().as_u16(), |_| 200),
    ]
}

/// The digest of `x`.
const RIGHT: Option<&str> = Some("\"9dd4e461268c8034f5c8564e155c67a6\"");
const WRONG: Option<&str> = Some("\"00000000000000000000000000000000\"");

#[tokio::test]
async fn a_read_is_answered_only_under_its_conditions() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let e_tag = put(&client, "documents", "a", "x").await.unwrap();
    assert_eq!(Some(e_tag.as_str()), RIGHT);
    let none = Read::default();
    let cases = [
        (none, 200),
        (Read { if_match: RIGHT, ..none }, 200),
        (Read { if_match: Some("*"), ..none }, 200),
        (Read { if_match: WRONG, ..none }, 412),
        (Read { if_none_match: RIGHT, ..none }, 304),
        (Read { if_none_match: Some("*"), ..none }, 304),
        (Read { if_none_match: WRONG, ..none }, 200),
        // To the second: the object was written in the middle of one.
        (Read { if_modified_since: Some(-1), ..none }, 200),
        (Read { if_modified_since: Some(0), ..none }, 304),
        (Read { if_unmodified_since: Some(-1), ..none }, 412),
        (Read { if_unmodified_since: Some(0), ..none }, 200),
        // The ETag decides, whatever the time says.
        (Read { if_match: RIGHT, if_unmodified_since: Some(-1), ..none }, 200),
        (Read { if_match: WRONG, if_unmodified_since: Some(0), ..none }, 412),
        (Read { if_none_match: RIGHT, if_modified_since: Some(-1), ..none }, 304),
        (Read { if_none_match: WRONG, if_modified_since: Some(0), ..none }, 200),
        (Read { if_match: WRONG, if_none_match: RIGHT, ..none }, 412),
    ];
    for (at, (read, status)) in cases.into_iter().enumerate() {
        assert_eq!(statuses(&client, read).await, [status, status], "case {at}");
    }
    let refused = client.get_object().bucket("documents").key("a").if_match("\"other\"").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    let known = client.get_object().bucket("documents").key("a").set_if_none_match(RIGHT.map(str::to_owned));
    let known = known.send().await.unwrap_err();
    let answer = known.raw_response().unwrap();
    assert_eq!((answer.headers().get("etag"), answer.body().bytes()), (RIGHT, Some(&b""[..])));
    let missing = client.get_object().bucket("documents").key("missing").if_match("*").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("NoSuchKey"));
}

async fn write(client: &Client, body: &str, if_match: Option<&str>, if_none_match: Option<&str>) -> Result<(), String> {
    let put = client.put_object().bucket("imports").key("rows.csv").body(body.as_bytes().to_vec().into());
    let put = put.set_if_match(if_match.map(str::to_owned)).set_if_none_match(if_none_match.map(str::to_owned));
    put.send().await.map(drop).map_err(|failure| failure.code().unwrap_or("none").to_owned())
}

#[tokio::test]
async fn a_write_replaces_only_what_it_was_told_to_replace() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    assert_eq!(write(&client, "x", RIGHT, None).await, Err("NoSuchKey".into()));
    assert_eq!(write(&client, "x", None, RIGHT).await, Err("NotImplemented".into()));
    assert_eq!(write(&client, "x", None, Some("*")).await, Ok(()));
    assert_eq!(write(&client, "y", None, Some("*")).await, Err("PreconditionFailed".into()));
    assert_eq!(write(&client, "y", WRONG, None).await, Err("PreconditionFailed".into()));
    assert_eq!(read(&client, "imports", "rows.csv").await, Ok("x".into()));
    assert_eq!(write(&client, "y", RIGHT, None).await, Ok(()));
    assert_eq!(read(&client, "imports", "rows.csv").await, Ok("y".into()));
    assert_eq!(cloud.received.lock().unwrap().len(), 2, "a refused upload notifies nobody");
}

#[tokio::test]
async fn of_many_who_write_what_is_not_there_one_succeeds() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..12 {
        let client = client.clone();
        writers.spawn(async move { write(&client, &format!("by {writer}"), None, Some("*")).await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let refused = |outcome: &&Result<(), String>| **outcome == Err("PreconditionFailed".to_owned());
    assert_eq!(outcomes.iter().filter(refused).count(), 11);
}

#[tokio::test]
async fn bytes_that_are_not_what_their_sender_says_are_not_stored() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let put = || client.put_object().bucket("documents").key("a").body(b"x".to_vec().into());
    let wrong_digest = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await.unwrap_err();
    assert_eq!(wrong_digest.code(), Some("BadDigest"));
    let wrong_sum = put().checksum_crc32("AAAAAA==").send().await.unwrap_err();
    assert_eq!(wrong_sum.code(), Some("BadDigest"));
    assert_eq!(read(&client, "documents", "a").await, Err("NoSuchKey".into()));
}
