use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage, RawMessage};
use http::Request;

use super::*;
use crate::sqs::loopback::{sdk_client, serve};

fn mail() -> (Mail, Clock) {
    let clock = Clock::frozen(Timestamp::from_millis(1_795_000_000_000));
    let permit: Permit = Arc::new(|key, action, resource| {
        action == "ses:SendEmail" && (key == "ANY" || (key == "SHOP" && resource.ends_with(":identity/bozor.test")))
    });
    (Mail::open(None, clock.clone(), permit).unwrap(), clock)
}

async fn client(mail: &Mail, key: &str) -> aws_sdk_sesv2::Client {
    let mail = mail.clone();
    let url = serve(move |parts, body| {
        let mail = mail.clone();
        async move { mail.call(parts, body).await }
    })
    .await;
    sdk_client!(aws_sdk_sesv2, url, key)
}

fn content(text: &str) -> Content {
    Content::builder().data(text).build().unwrap()
}

fn email(subject: &str, text: &str) -> EmailContent {
    let body = Body::builder().text(content(text)).html(content("<p>hello</p>")).build();
    EmailContent::builder().simple(SesMessage::builder().subject(content(subject)).body(body).build()).build()
}

fn view(mail: &Mail, uri: &str, accept: &str) -> Response<Bytes> {
    mail.view(&Request::get(uri).header(ACCEPT, accept).body(()).unwrap().into_parts().0)
}

fn listing(mail: &Mail, uri: &str) -> Value {
    serde_json::from_slice(view(mail, uri, "*/*").body()).unwrap()
}

#[tokio::test]
async fn a_message_is_stored_for_each_recipient_and_listed_newest_first() {
    let (mail, clock) = mail();
    let client = client(&mail, "SHOP").await;
    for subject in ["first", "second"] {
        let to =
            Destination::builder().to_addresses("Buyer <Buyer@example.test>").cc_addresses("b@example.test").build();
        let sent = client
            .send_email()
            .from_email_address("Bozor <orders@bozor.test>")
            .destination(to)
            .content(email(subject, "hello"))
            .send()
            .await
            .unwrap();
        assert!(sent.message_id().is_some());
        clock.advance(Duration::from_secs(1));
    }

    insta::assert_json_snapshot!(listing(&mail, "/?to=buyer%40EXAMPLE.test"), @r#"
    {
      "items": [
        {
          "at": "2026-11-18T11:06:41Z",
          "from": "Bozor <orders@bozor.test>",
          "html": "<p>hello</p>",
          "subject": "second",
          "text": "hello",
          "to": "Buyer <Buyer@example.test>"
        },
        {
          "at": "2026-11-18T11:06:40Z",
          "from": "Bozor <orders@bozor.test>",
          "html": "<p>hello</p>",
          "subject": "first",
          "text": "hello",
          "to": "Buyer <Buyer@example.test>"
        }
      ]
    }
    "#);
    assert_eq!(listing(&mail, "/")["items"].as_array().unwrap().len(), 4);
    assert_eq!(listing(&mail, "/?to=nobody@example.test")["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_nothing_is_stored() {
    let (mail, _) = mail();
    let client = client(&mail, "ANY").await;
    let to = |address: &str| Destination::builder().to_addresses(address).build();
    let raw = EmailContent::builder().raw(RawMessage::builder().data(Blob::new("x")).build().unwrap()).build();
    for (from, destination, content) in [
        ("orders@bozor.test", to("b@example.test"), raw),
        ("orders@bozor.test", to("nobody"), email("s", "t")),
        ("orders@bozor.test", Destination::builder().build(), email("s", "t")),
        ("orders", to("b@example.test"), email("s", "t")),
    ] {
        let refused = client
            .send_email()
            .from_email_address(from)
            .destination(destination)
            .content(content)
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        assert!(refused.is_bad_request_exception(), "{refused:?}");
    }
    assert_eq!(mail.messages(None).unwrap(), []);
}

#[tokio::test]
async fn a_sender_needs_permission_for_its_identity() {
    let (mail, _) = mail();
    let send = async |key: &str, from: &str| {
        client(&mail, key)
            .await
            .send_email()
            .from_email_address(from)
            .destination(Destination::builder().to_addresses("b@example.test").build())
            .content(email("s", "t"))
            .send()
            .await
            .map_err(|refused| refused.into_service_error().code().unwrap().to_owned())
            .map(drop)
    };
    assert_eq!(send("SHOP", "orders@bozor.test").await, Ok(()));
    assert_eq!(send("SHOP", "orders@elsewhere.test").await, Err("AccessDeniedException".into()));
    assert_eq!(send("OTHER", "orders@bozor.test").await, Err("AccessDeniedException".into()));
}

#[test]
fn a_browser_gets_a_page_in_which_nothing_of_a_message_is_markup() {
    let (mail, _) = mail();
    let message = Message {
        to: "a@example.test".into(),
        from: "cognito@bozor.test".into(),
        subject: "<script>alert(1)</script>".into(),
        text: "a & b".into(),
        html: Some("<img src=x onerror='alert(1)'>".into()),
        code: Some("123456".into()),
    };
    mail.deliver(&message).unwrap();

    let response = view(&mail, "/?to=%22%3E%3Cscript%3E", "text/html,application/xhtml+xml");
    let empty = std::str::from_utf8(response.body()).unwrap();
    assert!(empty.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{empty}");

    let response = view(&mail, "/", "text/html,application/xhtml+xml");
    assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let page = std::str::from_utf8(response.body()).unwrap();
    assert!(page.contains("123456") && page.contains("a &amp; b") && page.contains("&lt;script&gt;"));
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert_eq!(listing(&mail, "/?to=a@example.test")["items"][0]["code"], "123456");
}

#[test]
fn messages_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail.sqlite");
    let permit: Permit = Arc::new(|_, _, _| true);
    let clock = Clock::frozen(Timestamp::from_millis(1_000));
    let message = Message { to: "a@example.test".into(), subject: "kept".into(), ..Message::default() };
    let before = Mail::open(Some(&path), clock.clone(), permit.clone()).unwrap();
    before.deliver(&message).unwrap();
    // Leaked, so that no destructor runs, as after a kill -9.
    std::mem::forget(before);

    let kept = Mail::open(Some(&path), clock, permit).unwrap().messages(None).unwrap();
    assert_eq!(kept, [StoredMessage { message, at: Timestamp::from_millis(1_000) }]);
}
