mod adopt;
mod conditions;
mod keys;
mod uploads;

use std::time::Duration;

use crate::time::Timestamp;
use aws_lambda_events::s3::S3Event;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use axum::Router;

use super::*;
use crate::faults::Fault;
use crate::sqs::loopback::sdk_client;

const NOON: Timestamp = Timestamp::from_millis(1_795_000_000_123);

/// The events that the sinks of a cloud received.
type Received = Arc<Mutex<Vec<String>>>;

struct Cloud {
    url: String,
    clock: Clock,
    faults: Faults,
    received: Received,
    buckets: Arc<Buckets>,
}

/// `LOCALROOT` is allowed everything; `LOCALWriter` only to put and get objects of `imports`, not to list them.
fn permit() -> Permit {
    Arc::new(|access_key, action, arn| match access_key {
        "LOCALROOT" => true,
        "LOCALWriter" => ["s3:PutObject", "s3:GetObject"].contains(&action) && arn.starts_with("arn:aws:s3:::imports/"),
        _ => false,
    })
}

fn buckets() -> Vec<Bucket> {
    let notification = Notification { queue: "jobs".into(), prefix: String::new(), suffix: ".csv".into() };
    let rule = CorsRule {
        origins: vec!["https://*.example".into()],
        methods: vec!["PUT".into(), "GET".into()],
        headers: vec!["content-*".into()],
        exposed: vec!["ETag".into()],
        max_age: Some(300),
    };
    vec![
        Bucket { name: "media".into(), public_read: true, cors: vec![rule], ..Bucket::default() },
        Bucket { name: "imports".into(), notifications: vec![notification], ..Bucket::default() },
        Bucket { name: "documents".into(), ..Bucket::default() },
    ]
}

/// A queue that keeps what it is sent, and does not take what contains `refused`.
fn notify(received: &Received) -> Notify {
    let received = received.clone();
    Arc::new(move |_: &str, event: String| {
        received.lock().unwrap().push(event.clone());
        if event.contains("refused") { Err("full".to_owned()) } else { Ok(()) }
    })
}

impl Cloud {
    async fn start() -> Self {
        Self::at(None, Clock::frozen(NOON)).await
    }

    async fn at(root: Option<&Path>, clock: Clock) -> Self {
        let (received, faults) = (Received::default(), Faults::default());
        let settings = Settings {
            prefix: "/_aws/s3".into(),
            secret: "secret".into(),
            permit: permit(),
            clock: clock.clone(),
            faults: faults.clone(),
            notify: notify(&received),
        };
        let buckets = Arc::new(Buckets::open(root, buckets(), settings).unwrap());
        let service = buckets.clone();
        let router = Router::new().fallback(move |request: axum::extract::Request| {
            let service = service.clone();
            async move { service.call(request).await }
        });
        // Nested, as a mounted endpoint may be: the prefix is removed from the path but part of the signature.
        let router = Router::new().nest("/_aws/s3", router);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/_aws/s3", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, clock, faults, received, buckets }
    }

    fn client(&self, access_key: &str) -> Client {
        sdk_client!(aws_sdk_s3, endpoint(&self.url), access_key)
    }

    fn presigning(&self, valid_for: Duration) -> PresigningConfig {
        let start = std::time::UNIX_EPOCH + Duration::from_millis(self.clock.now().millis().try_into().unwrap());
        PresigningConfig::builder().start_time(start).expires_in(valid_for).build().unwrap()
    }

    /// A presigned URL for the upload of one PNG of four bytes.
    async fn presigned_put(&self, key: &str) -> PresignedRequest {
        let put = self.client("LOCALROOT").put_object().bucket("media").key(key);
        put.content_type("image/png").content_length(4).presigned(self.presigning(TEN_MINUTES)).await.unwrap()
    }
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

async fn send(request: &PresignedRequest, content_type: &str, body: &'static str) -> (u16, String) {
    let method = request.method().parse().unwrap();
    let mut sent = reqwest::Client::new().request(method, request.uri()).body(body);
    for (name, value) in request.headers() {
        if !["content-length", "content-type"].contains(&name) {
            sent = sent.header(name, value);
        }
    }
    let answer = sent.header("content-type", content_type).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn put(client: &Client, bucket: &str, key: &str, body: &'static str) -> Result<String, String> {
    let answer =
        client.put_object().bucket(bucket).key(key).content_type("text/csv").body(body.as_bytes().to_vec().into());
    let answer = answer.send().await;
    answer.map(|done| done.e_tag.unwrap()).map_err(|failure| failure.code().unwrap_or("none").to_owned())
}

async fn read(client: &Client, bucket: &str, key: &str) -> Result<String, String> {
    let answer = client.get_object().bucket(bucket).key(key).send().await;
    match answer {
        Ok(object) => Ok(String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap()),
        Err(failure) => Err(failure.code().unwrap_or("none").to_owned()),
    }
}

#[tokio::test]
async fn what_the_sdk_puts_it_reads_lists_and_deletes() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    for key in ["a/one two.csv", "a/ü+&=?#.csv", "b.csv"] {
        put(&client, "documents", key, "x,y").await.unwrap();
        assert_eq!(read(&client, "documents", key).await.unwrap(), "x,y");
    }
    let head = client.head_object().bucket("documents").key("b.csv").send().await.unwrap();
    assert_eq!((head.content_length, head.content_type.as_deref()), (Some(3), Some("text/csv")));
    let missing = client.head_object().bucket("documents").key("c.csv").send().await.unwrap_err();
    assert!(missing.as_service_error().is_some_and(|error| error.is_not_found()), "{missing:?}");
    let range = client.get_object().bucket("documents").key("b.csv").range("bytes=2-").send().await.unwrap();
    assert_eq!(range.body.collect().await.unwrap().to_vec(), b"y");
    let listed = client.list_objects_v2().bucket("documents").prefix("a/").send().await.unwrap();
    let mut keys: Vec<_> = listed.contents().iter().map(|object| object.key().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["a/one two.csv", "a/ü+&=?#.csv"]);

    client.delete_object().bucket("documents").key("b.csv").send().await.unwrap();
    client.delete_object().bucket("documents").key("b.csv").send().await.unwrap();
    assert_eq!(read(&client, "documents", "b.csv").await, Err("NoSuchKey".into()));
    assert_eq!(read(&client, "documents", "a").await, Err("NoSuchKey".into()));
    let identifier = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let several =
        Delete::builder().objects(identifier("a/one two.csv")).objects(identifier("nothing")).build().unwrap();
    client.delete_objects().bucket("documents").delete(several).send().await.unwrap();
    assert_eq!(read(&client, "documents", "a/one two.csv").await, Err("NoSuchKey".into()));
    assert_eq!(read(&client, "nowhere", "a").await, Err("NoSuchBucket".into()));
}

#[tokio::test]
async fn a_streamed_body_and_parts_arrive_whole() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.csv");
    std::fs::write(&path, "row,".repeat(100_000)).unwrap();
    let body = ByteStream::from_path(&path).await.unwrap();
    client.put_object().bucket("imports").key("streamed.csv").body(body).send().await.unwrap();
    assert_eq!(read(&client, "imports", "streamed.csv").await.unwrap().len(), 400_000);

    let upload = client.create_multipart_upload().bucket("imports").key("parts.csv").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for (number, body) in [(1, "a".repeat(5 * 1024 * 1024)), (2, "b".to_owned())] {
        let part = client.upload_part().bucket("imports").key("parts.csv").upload_id(id).part_number(number);
        let done = part.body(body.into_bytes().into()).send().await.unwrap();
        parts = parts.parts(CompletedPart::builder().part_number(number).e_tag(done.e_tag.unwrap()).build());
    }
    let complete = client.complete_multipart_upload().bucket("imports").key("parts.csv").upload_id(id);
    complete.multipart_upload(parts.build()).send().await.unwrap();
    assert_eq!(read(&client, "imports", "parts.csv").await.unwrap().len(), 5 * 1024 * 1024 + 1);

    let received = cloud.received.lock().unwrap().clone();
    let events: Vec<S3Event> = received.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event.records[0].event_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload"]);
    assert_eq!(events[1].records[0].s3.object.size, Some(5 * 1024 * 1024 + 1));
}

#[tokio::test]
async fn a_presigned_upload_takes_exactly_the_type_and_length_that_were_signed() {
    let cloud = Cloud::start().await;
    let request = cloud.presigned_put("m/pic.png").await;
    assert!(request.uri().contains("X-Amz-Security-Token"), "{}", request.uri());
    for (content_type, body) in [("image/png", "12345"), ("image/png", "123"), ("text/html", "1234")] {
        let (status, text) = send(&request, content_type, body).await;
        assert_eq!(status, 403, "{content_type} {body}: {text}");
        assert!(text.contains("<Code>SignatureDoesNotMatch</Code>"), "{text}");
    }
    assert_eq!(send(&request, "image/png", "1234").await, (200, String::new()));
    let public = reqwest::get(format!("{}/media/m/pic.png", cloud.url)).await.unwrap();
    assert_eq!((public.status().as_u16(), public.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    assert_eq!(public.text().await.unwrap(), "1234");
}

#[tokio::test]
async fn a_presigned_url_expires_by_the_clouds_clock() {
    let cloud = Cloud::start().await;
    let request = cloud.presigned_put("m/pic.png").await;
    cloud.clock.advance(TEN_MINUTES - Duration::from_secs(1));
    assert_eq!(send(&request, "image/png", "1234").await.0, 200);
    cloud.clock.advance(Duration::from_secs(1));
    let (status, text) = send(&request, "image/png", "1234").await;
    assert_eq!(status, 403);
    assert!(text.contains("Request has expired"), "{text}");
    // A URL signed by the moved clock is valid, however far it was moved.
    cloud.clock.advance(Duration::from_hours(1_000));
    assert_eq!(send(&cloud.presigned_put("m/pic.png").await, "image/png", "1234").await.0, 200);
}

#[tokio::test]
async fn a_tampered_presigned_url_is_refused() {
    let cloud = Cloud::start().await;
    let request = cloud.presigned_put("m/pic.png").await;
    let good = request.uri().to_owned();
    let attempts = [
        (good.replace("pic.png", "other.png"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Expires=600", "X-Amz-Expires=604801"), "AuthorizationQueryParametersError"),
        (good.replace("LOCALROOT", "LOCALOther"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Security-Token=session", "X-Amz-Security-Token=other"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Signature=", "X-Amz-Signature=0"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Signature=", "X-Amz-Other="), "AuthorizationQueryParametersError"),
    ];
    for (url, code) in attempts {
        assert_ne!(url, good);
        let answer = reqwest::Client::new().put(&url).header("content-type", "image/png").body("1234").send().await;
        let answer = answer.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_client_error() && text.contains(code), "{url}: {status} {text}");
    }
    let meta = reqwest::Client::new().put(&good).header("content-type", "image/png").header("x-amz-meta-a", "1");
    let text = meta.body("1234").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("not signed"), "{text}");
    assert!(!cloud.buckets.has("media", "m/pic.png").unwrap());
    assert!(!cloud.buckets.has("media", "m/other.png").unwrap());
}

#[tokio::test]
async fn a_presigned_download_can_name_its_file() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    put(&client, "documents", "export.csv", "x,y").await.unwrap();
    let link = client.get_object().bucket("documents").key("export.csv");
    let link = link.response_content_disposition("attachment; filename=\"my export.csv\"");
    let link = link.presigned(cloud.presigning(TEN_MINUTES)).await.unwrap();
    let answer = reqwest::get(link.uri()).await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"my export.csv\"");
    assert_eq!(answer.text().await.unwrap(), "x,y");
}

#[tokio::test]
async fn each_key_may_do_what_its_policy_says_and_nothing_else() {
    let cloud = Cloud::start().await;
    let (root, writer) = (cloud.client("LOCALROOT"), cloud.client("LOCALWriter"));
    let denied = || Err("AccessDenied".to_owned());
    put(&root, "documents", "secret.txt", "s").await.unwrap();
    put(&writer, "imports", "own.txt", "x").await.unwrap();
    assert_eq!(read(&writer, "imports", "own.txt").await, Ok("x".into()));
    assert_eq!(put(&writer, "documents", "a.txt", "x").await, denied());
    assert_eq!(read(&writer, "documents", "secret.txt").await, denied());
    // Without permission to list, a missing key cannot be told from a forbidden one.
    assert_eq!(read(&writer, "imports", "missing.txt").await, denied());
    assert_eq!(read(&root, "imports", "missing.txt").await, Err("NoSuchKey".into()));
    let deleted = writer.delete_object().bucket("imports").key("own.txt").send().await;
    assert_eq!(deleted.unwrap_err().code(), Some("AccessDenied"));
    let one = ObjectIdentifier::builder().key("own.txt").build().unwrap();
    let several = writer.delete_objects().bucket("imports").delete(Delete::builder().objects(one).build().unwrap());
    assert_eq!(several.send().await.unwrap_err().code(), Some("AccessDenied"));
    let listed = writer.list_objects_v2().bucket("imports").send().await;
    assert_eq!(listed.unwrap_err().code(), Some("AccessDenied"));
    let copied = writer.copy_object().bucket("imports").key("c.txt").copy_source("documents/secret.txt").send().await;
    assert_eq!(copied.unwrap_err().code(), Some("AccessDenied"));
    // A key must not lead out of its bucket, even though keys are no paths.
    assert_eq!(read(&writer, "imports", "../documents/secret.txt").await.unwrap_err(), "InvalidURI");
    let copied = writer.copy_object().bucket("imports").key("c.txt").copy_source("imports/../documents/secret.txt");
    assert_eq!(copied.send().await.unwrap_err().code(), Some("InvalidURI"));
    assert_eq!(read(&root, "imports", "own.txt").await, Ok("x".into()));
}

#[tokio::test]
async fn anybody_reads_public_objects_and_does_nothing_else() {
    let cloud = Cloud::start().await;
    let root = cloud.client("LOCALROOT");
    put(&root, "media", "pic.png", "p").await.unwrap();
    put(&root, "documents", "secret.txt", "s").await.unwrap();
    let http = reqwest::Client::new();
    for (method, path, status) in [
        ("GET", "media/pic.png", 200),
        ("HEAD", "media/pic.png", 200),
        ("GET", "media/missing.png", 403),
        ("GET", "media", 403),
        ("PUT", "media/pic.png", 403),
        ("DELETE", "media/pic.png", 403),
        ("POST", "media?delete", 403),
        ("GET", "documents/secret.txt", 403),
        ("GET", "media/..%2fdocuments/secret.txt", 400),
    ] {
        let sent = http.request(method.parse().unwrap(), format!("{}/{path}", cloud.url));
        let sent = sent.header("content-length", "0");
        assert_eq!(sent.send().await.unwrap().status().as_u16(), status, "{method} {path}");
    }
    assert_eq!(read(&root, "media", "pic.png").await, Ok("p".into()));
}

#[tokio::test]
async fn every_signed_call_needs_a_session_token() {
    let cloud = Cloud::start().await;
    let bare = |query: &str| format!("{}/media/pic.png{query}", cloud.url);
    let authorization =
        "AWS4-HMAC-SHA256 Credential=LOCALROOT/20261121/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let answer = reqwest::Client::new().get(bare("")).header("authorization", authorization).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("InvalidToken"));
    for (query, authorization) in [("?Signature=x&AWSAccessKeyId=LOCALROOT", ""), ("", "AWS LOCALROOT:x")] {
        let mut sent = reqwest::Client::new().get(bare(query));
        if !authorization.is_empty() {
            sent = sent.header("authorization", authorization);
        }
        assert_eq!(sent.send().await.unwrap().status(), 400, "{query}{authorization}");
    }
}

#[tokio::test]
async fn an_upload_is_acknowledged_only_when_its_notification_was_taken() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    put(&client, "imports", "no rows.txt", "x").await.unwrap();
    assert!(cloud.received.lock().unwrap().is_empty());
    let e_tag = put(&client, "imports", "v/my rows+1.csv", "x,y").await.unwrap();
    assert_eq!(put(&client, "imports", "refused.csv", "x,y").await, Err("InternalError".into()));

    let received = cloud.received.lock().unwrap().clone();
    assert_eq!(received.len(), 2);
    let mut event: serde_json::Value = serde_json::from_str(&received[0]).unwrap();
    let record = &mut event["Records"][0];
    let sequencer = record["s3"]["object"]["sequencer"].take();
    assert_eq!(sequencer.as_str().unwrap().len(), 16);
    record["responseElements"].take();
    let expected = serde_json::json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-18T11:06:40.123Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:LOCALROOT"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": null,
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {"name": "imports", "ownerIdentity": {"principalId": "LOCAL"}, "arn": "arn:aws:s3:::imports"},
            "object": {
                "key": "v/my+rows%2B1.csv",
                "size": 3,
                "eTag": e_tag.trim_matches('"'),
                "sequencer": null,
            },
        },
    });
    assert_eq!(*record, expected);
    let parsed: S3Event = serde_json::from_str(&received[0]).unwrap();
    assert_eq!(parsed.records[0].s3.object.key.as_deref(), Some("v/my+rows%2B1.csv"));
}

#[tokio::test]
async fn a_buckets_rules_say_which_pages_may_upload() {
    let cloud = Cloud::start().await;
    let http = reqwest::Client::new();
    let ask = |origin: &str, method: &str, headers: &str, bucket: &str| {
        http.request("OPTIONS".parse().unwrap(), format!("{}/{bucket}/pic.png", cloud.url))
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers)
            .send()
    };
    let allowed = ask("https://shop.example", "PUT", "Content-Type", "media").await.unwrap();
    assert_eq!(allowed.status(), 200);
    let header = |name: &str| allowed.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(header("access-control-allow-methods"), "PUT, GET");
    assert_eq!(header("access-control-allow-headers"), "Content-Type");
    assert_eq!(header("access-control-max-age"), "300");
    for (origin, method, headers, bucket) in [
        ("https://evil.test", "PUT", "content-type", "media"),
        ("https://shop.example", "DELETE", "content-type", "media"),
        ("https://shop.example", "PUT", "x-other", "media"),
        ("https://shop.example", "PUT", "content-type", "documents"),
    ] {
        let refused = ask(origin, method, headers, bucket).await.unwrap();
        assert_eq!(refused.status(), 403, "{origin} {method} {headers} {bucket}");
        assert!(!refused.headers().contains_key("access-control-allow-origin"));
    }
    put(&cloud.client("LOCALROOT"), "media", "pic.png", "p").await.unwrap();
    for (origin, marked) in [("https://shop.example", true), ("https://evil.test", false)] {
        let sent = http.get(format!("{}/media/pic.png", cloud.url)).header("origin", origin);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.headers().contains_key("access-control-allow-origin"), marked, "{origin}");
        assert_eq!(answer.headers().contains_key("access-control-expose-headers"), marked);
    }
}

#[tokio::test]
async fn objects_stay_when_the_cloud_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let first = Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await;
    put(&first.client("LOCALROOT"), "documents", "a.csv", "x").await.unwrap();
    let second = Cloud::at(Some(directory.path()), Clock::frozen(NOON)).await;
    let client = second.client("LOCALROOT");
    assert_eq!(read(&client, "documents", "a.csv").await, Ok("x".into()));
    let head = client.head_object().bucket("documents").key("a.csv").send().await.unwrap();
    assert_eq!(head.content_type(), Some("text/csv"));
}

#[tokio::test]
async fn faults_strike_before_and_after_the_call() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    for (kind, code, arrives) in
        [(Kind::Before, "none", false), (Kind::Throttle, "SlowDown", false), (Kind::After, "none", true)]
    {
        let key = format!("{kind:?}");
        cloud.faults.add(Fault::nth("s3", "PutObject", 1, kind));
        assert_eq!(put(&client, "documents", &key, "x").await, Err(code.into()), "{kind:?}");
        assert_eq!(cloud.buckets.has("documents", &key).unwrap(), arrives, "{kind:?}");
    }
    put(&client, "documents", "next", "x").await.unwrap();
}
