//! Data directories as earlier versions left them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;

const UPLOAD: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn beside(bucket: &str, key: &str, kind: &str) -> String {
    let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!(".bucket-{}.object-{}{kind}.json", encoded(bucket), encoded(key))
}

/// A directory with an object with headers, one with nothing known of it, and an upload that was not completed.
fn earlier() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("documents/vendors/a b.csv", "x,y");
    let headers = r#"{"user_metadata":{"by":"me"},"content_type":"text/csv","cache_control":"no-store"}"#;
    write(&beside("documents", "vendors/a b.csv", ".metadata"), headers);
    write(&beside("documents", "vendors/a b.csv", ".internal"), r#"{"e_tag":"abc-2","checksum_crc32":"tUtCzA=="}"#);
    write("media/bare", "x");
    write(&format!(".upload-{UPLOAD}.json"), r#""LOCALROOT""#);
    write(&beside("documents", "whole", &format!(".upload-{UPLOAD}.metadata")), r#"{"content_type":"text/csv"}"#);
    write(&format!(".upload_id-{UPLOAD}.part-1"), "part");
    directory
}

async fn check(cloud: &Cloud) {
    let client = cloud.client("LOCALROOT");
    assert_eq!(read(&client, "documents", "vendors/a b.csv").await, Ok("x,y".into()));
    let head = client.head_object().bucket("documents").key("vendors/a b.csv").send().await.unwrap();
    assert_eq!(
        (head.e_tag(), head.content_type(), head.cache_control()),
        (Some("\"abc-2\""), Some("text/csv"), Some("no-store"))
    );
    assert_eq!(head.metadata().unwrap()["by"], "me");
    let bare = client.head_object().bucket("media").key("bare").send().await.unwrap();
    assert_eq!(bare.e_tag(), Some("\"9dd4e461268c8034f5c8564e155c67a6\""));
}

#[tokio::test]
async fn what_an_earlier_version_stored_is_taken_over() {
    let directory = earlier();
    for _ in 0..2 {
        check(&Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await).await;
    }
    let cloud = Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await;
    let client = cloud.client("LOCALROOT");
    let listed = client.list_parts().bucket("documents").key("whole").upload_id(UPLOAD).send().await.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(listed.parts()[0].e_tag().unwrap()).build();
    let whole = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client.complete_multipart_upload().bucket("documents").key("whole").upload_id(UPLOAD);
    complete.multipart_upload(whole).send().await.unwrap();
    let read = client.get_object().bucket("documents").key("whole").send().await.unwrap();
    assert_eq!((read.content_type(), read.content_length()), (Some("text/csv"), Some(4)));
    let mut left: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.retain(|name| !name.starts_with(".index.sqlite"));
    assert_eq!(left, [".blobs"]);
}

#[tokio::test]
async fn a_kill_while_it_is_taken_over_loses_nothing() {
    let directory = earlier();
    let old = directory.path().join("documents/vendors/a b.csv");
    let (known, headers) =
        (beside("documents", "vendors/a b.csv", ".internal"), beside("documents", "vendors/a b.csv", ".metadata"));
    let saved: Vec<(PathBuf, Vec<u8>)> = [old, directory.path().join(known), directory.path().join(headers)]
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    drop(Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await);
    // As if it had been killed between writing the index and moving the file.
    let blobs = directory.path().join(".blobs");
    for blob in std::fs::read_dir(&blobs).unwrap() {
        let path = blob.unwrap().path();
        if std::fs::read(&path).unwrap() == b"x,y" {
            std::fs::remove_file(path).unwrap();
        }
    }
    for (path, bytes) in saved {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    check(&Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await).await;
}

#[tokio::test]
async fn bytes_whose_write_was_interrupted_are_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await;
    put(&cloud.client("LOCALROOT"), "documents", "a", "x").await.unwrap();
    put(&cloud.client("LOCALROOT"), "documents", "a", "y").await.unwrap();
    let blobs = directory.path().join(".blobs");
    let count = || std::fs::read_dir(&blobs).unwrap().count();
    assert_eq!(count(), 1, "what was replaced is gone");
    std::fs::write(blobs.join("half"), "half").unwrap();
    let cloud = Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await;
    assert_eq!(count(), 1);
    assert_eq!(read(&cloud.client("LOCALROOT"), "documents", "a").await, Ok("y".into()));
}
