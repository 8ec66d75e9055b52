//! Multipart uploads: what `CompleteMultipartUpload` refuses
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>).

use super::*;

const FIVE_MIB: usize = 5 * 1024 * 1024;

struct Upload {
    client: Client,
    id: String,
}

impl Upload {
    async fn begin(cloud: &Cloud) -> Self {
        let client = cloud.client("LOCALROOT");
        let begun = client.create_multipart_upload().bucket("documents").key("whole").send().await.unwrap();
        Self { client, id: begun.upload_id.unwrap() }
    }

    async fn part(&self, number: i32, size: usize) -> CompletedPart {
        let part = self.client.upload_part().bucket("documents").key("whole").upload_id(&self.id).part_number(number);
        let sent = part.body(vec![b'x'; size].into()).send().await.unwrap();
        CompletedPart::builder().part_number(number).e_tag(sent.e_tag.unwrap()).build()
    }

    async fn complete(&self, key: &str, parts: &[&CompletedPart]) -> Result<String, String> {
        let parts: Vec<CompletedPart> = parts.iter().map(|part| (*part).clone()).collect();
        let whole = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket("documents").key(key).upload_id(&self.id);
        let done = complete.multipart_upload(whole).send().await;
        done.map(|done| done.e_tag.unwrap()).map_err(|failure| failure.code().unwrap_or("none").to_owned())
    }
}

#[tokio::test]
async fn an_upload_ends_only_with_the_parts_that_were_sent_in_their_order() {
    let cloud = Cloud::start().await;
    let upload = Upload::begin(&cloud).await;
    let replaced = upload.part(2, FIVE_MIB).await;
    let (second, seventh, small) =
        (upload.part(2, FIVE_MIB + 1).await, upload.part(7, 1).await, upload.part(3, FIVE_MIB - 1).await);
    let missing = CompletedPart::builder().part_number(4).e_tag("\"9dd4e461268c8034f5c8564e155c67a6\"").build();
    let other = CompletedPart::builder().part_number(7).e_tag(second.e_tag().unwrap()).build();
    for (parts, code) in [
        (vec![&second, &other], "InvalidPart"),
        (vec![&replaced, &seventh], "InvalidPart"),
        (vec![&second, &missing], "InvalidPart"),
        (vec![&seventh, &second], "InvalidPartOrder"),
        (vec![&second, &second], "InvalidPartOrder"),
        (vec![&second, &small, &seventh], "EntityTooSmall"),
    ] {
        assert_eq!(upload.complete("whole", &parts).await, Err(code.into()));
    }
    assert_eq!(upload.complete("other", &[&second]).await, Err("NoSuchUpload".into()));
    assert_eq!(read(&upload.client, "documents", "whole").await, Err("NoSuchKey".into()), "nothing was stored");

    // Numbers need not follow on each other, and a part that is not named is left out.
    let e_tag = upload.complete("whole", &[&second, &seventh]).await.unwrap();
    assert!(e_tag.ends_with("-2\""), "{e_tag}");
    assert_eq!(read(&upload.client, "documents", "whole").await.unwrap().len(), FIVE_MIB + 2);
    assert_eq!(upload.complete("whole", &[&second, &seventh]).await, Err("NoSuchUpload".into()));
}

#[tokio::test]
async fn an_aborted_upload_takes_no_more_parts() {
    let cloud = Cloud::start().await;
    let upload = Upload::begin(&cloud).await;
    let part = upload.part(1, 1).await;
    let listed =
        upload.client.list_parts().bucket("documents").key("whole").upload_id(&upload.id).send().await.unwrap();
    assert_eq!(listed.parts()[0].e_tag(), part.e_tag());
    let abort = || upload.client.abort_multipart_upload().bucket("documents").key("whole").upload_id(&upload.id).send();
    abort().await.unwrap();
    assert_eq!(abort().await.unwrap_err().code(), Some("NoSuchUpload"));
    let late = upload.client.upload_part().bucket("documents").key("whole").upload_id(&upload.id).part_number(2);
    assert_eq!(late.body(b"x".to_vec().into()).send().await.unwrap_err().code(), Some("NoSuchUpload"));
    assert_eq!(upload.complete("whole", &[&part]).await, Err("NoSuchUpload".into()));
}

#[tokio::test]
async fn a_copy_keeps_what_it_copies_and_takes_a_range_as_a_part() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let e_tag = put(&client, "documents", "a", "0123456789").await.unwrap();
    client.copy_object().bucket("imports").key("b").copy_source("documents/a").send().await.unwrap();
    let copy = client.head_object().bucket("imports").key("b").send().await.unwrap();
    assert_eq!((copy.e_tag(), copy.content_type()), (Some(e_tag.as_str()), Some("text/csv")));
    let stale = client.copy_object().bucket("imports").key("b").copy_source("documents/a");
    let stale = stale.copy_source_if_match("\"other\"").send().await.unwrap_err();
    assert_eq!(stale.code(), Some("PreconditionFailed"));
    let same = client.copy_object().bucket("documents").key("a").copy_source("documents/a").send().await.unwrap_err();
    assert_eq!(same.code(), Some("InvalidRequest"));

    let upload = Upload::begin(&cloud).await;
    let part = client.upload_part_copy().bucket("documents").key("whole").upload_id(&upload.id).part_number(1);
    let part = part.copy_source("documents/a").copy_source_range("bytes=2-4").send().await.unwrap();
    let part = part.copy_part_result.unwrap().e_tag.unwrap();
    upload.complete("whole", &[&CompletedPart::builder().part_number(1).e_tag(part).build()]).await.unwrap();
    assert_eq!(read(&client, "documents", "whole").await, Ok("234".into()));
}
