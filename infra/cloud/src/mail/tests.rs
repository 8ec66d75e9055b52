use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage, RawMessage};
use http::Request;
use http::header::ACCEPT;
use serde_json::Value;

use super::*;
use crate::sqs::loopback::{sdk_client, serve};

pub(super) fn mail() -> (Mail, Clock) {
    let clock = Clock::frozen(Timestamp::from_millis(1_795_000_000_000));
    let permit: Permit = Arc::new(|key, action, resource| match (key, action) {
        ("LISTS", _) | ("ANY", "ses:SendEmail") => true,
        ("SHOP", "ses:SendEmail") => {
            [":identity/bozor.test", ":configuration-set/shop"].iter().any(|own| resource.ends_with(own))
        }
        _ => false,
    });
    let identities = ["bozor.test", "single@other.test"].map(str::to_owned);
    (Mail::open(None, clock.clone(), permit, identities).unwrap(), clock)
}

pub(super) async fn client(mail: &Mail, key: &str) -> aws_sdk_sesv2::Client {
    let mail = mail.clone();
    let url = serve(move |parts, body| {
        let mail = mail.clone();
        async move { mail.call(parts, body).await }
    })
    .await;
    sdk_client!(aws_sdk_sesv2, url, key)
}

fn content(text: &str) -> Content {
    Content::builder().data(text).charset("UTF-8").build().unwrap()
}

fn email(subject: &str, text: &str) -> EmailContent {
    let body = Body::builder().text(content(text)).html(content("<p>hello</p>")).build();
    EmailContent::builder().simple(SesMessage::builder().subject(content(subject)).body(body).build()).build()
}

/// A valid call.
pub(super) fn call(client: &aws_sdk_sesv2::Client) -> SendEmailFluentBuilder {
    client
        .send_email()
        .from_email_address("Bozor <orders@bozor.test>")
        .destination(to("b@example.test"))
        .content(email("s", "t"))
}

pub(super) fn to(address: &str) -> Destination {
    Destination::builder().to_addresses(address).build()
}

/// The status, code and message with which a call is refused.
async fn refusal(call: SendEmailFluentBuilder) -> (u16, String, String) {
    let refused = call.send().await.unwrap_err();
    let status = refused.raw_response().unwrap().status().as_u16();
    let error = refused.into_service_error();
    (status, error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

fn refused_with(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
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
    let raw = EmailContent::builder().raw(RawMessage::builder().data(Blob::new("x")).build().unwrap()).build();
    let no_body = SesMessage::builder().subject(content("s")).body(Body::builder().build()).build();
    let many = Destination::builder().set_to_addresses(Some(vec!["b@example.test".to_owned(); 51])).build();
    for (call, message) in [
        (call(&client).content(raw), "the embedded cloud sends Simple content only, neither Raw nor Template"),
        (call(&client).content(EmailContent::builder().simple(no_body).build()), "the body needs Text or Html"),
        (call(&client).content(email("s\r\nBcc: x@y.test", "t")), "Subject contains control characters"),
        (call(&client).destination(to("nobody")), "Missing final '@domain'"),
        (call(&client).destination(to("жанна@example.test")), "Local address contains control or whitespace"),
        (call(&client).destination(to("b@почта.рф")), "Domain contains illegal character"),
        (call(&client).destination(Destination::builder().build()), "the message needs a recipient"),
        (call(&client).destination(many), "Recipient count exceeds 50."),
        (call(&client).from_email_address("orders"), "Missing final '@domain'"),
        (call(&client).from_email_address("Bozor, Inc. <orders@bozor.test>"), "Illegal address"),
        (call(&client).reply_to_addresses("b@b_c.test"), "Domain contains illegal character"),
    ] {
        assert_eq!(refusal(call).await, refused_with(400, "BadRequestException", message));
    }
    assert_eq!(mail.messages(None).unwrap(), []);
}

#[test]
fn a_message_has_at_most_40_mb_and_a_call_no_field_that_would_be_lost() {
    let (mail, _) = mail();
    let parts = Request::post("/v2/email/outbound-emails")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=ANY/20261129/us-east-1/ses/aws4_request")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let send = |size: usize, more: Value| {
        let mut input = json!({
            "FromEmailAddress": "orders@bozor.test", "Destination": {"ToAddresses": ["b@example.test"]},
            "Content": {"Simple": {"Subject": {"Data": ""}, "Body": {"Text": {"Data": "x".repeat(size)}}}},
        });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mail.send_email(&parts, &Bytes::from(input.to_string())).map(drop).map_err(|refused| refused.message)
    };
    let limit = 40 * 1024 * 1024;
    assert_eq!(send(limit, json!({})), Ok(()));
    let long = "Message length is more than 41943040 bytes long: '41943041'.";
    assert_eq!(send(limit + 1, json!({})).unwrap_err(), long);
    assert!(send(1, json!({"ListManagementOptions": {}})).unwrap_err().contains("unknown field"));
}

#[tokio::test]
async fn a_text_without_a_character_set_is_ascii_and_so_is_a_name_that_is_not_encoded() {
    let (mail, _) = mail();
    let client = client(&mail, "ANY").await;
    let plain = |text: &str| Content::builder().data(text).build().unwrap();
    let body = Body::builder().text(plain("Цена: 5")).build();
    let message = SesMessage::builder().subject(plain("Caf\u{e9}")).body(body).build();
    let sent = call(&client).from_email_address("Бозор Shop <orders@bozor.test>");
    sent.content(EmailContent::builder().simple(message).build()).send().await.unwrap();
    let stored = mail.messages(None).unwrap().remove(0).message;
    assert_eq!(stored.from, " Shop <orders@bozor.test>");
    assert_eq!((stored.subject.as_str(), stored.text.as_str()), ("Caf?", "????: 5"));
}

#[tokio::test]
async fn a_sender_needs_permission_for_its_identity() {
    let (mail, _) = mail();
    let send = async |key: &str, from: &str| {
        let client = client(&mail, key).await;
        call(&client).from_email_address(from).send().await.map(drop).map_err(|refused| {
            assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
            refused.into_service_error().code().unwrap().to_owned()
        })
    };
    let denied = || Err("AccessDeniedException".to_owned());
    assert_eq!(send("SHOP", "orders@bozor.test").await, Ok(()));
    assert_eq!(send("SHOP", "orders@mail.bozor.test").await, Ok(()), "a domain covers its subdomains");
    assert_eq!(send("SHOP", "orders@elsewhere.test").await, denied());
    assert_eq!(send("SHOP", "single@other.test").await, denied());
    assert_eq!(send("OTHER", "orders@bozor.test").await, denied());
    // An identity of the address itself is more specific than that of its domain.
    mail.set_verified("orders@bozor.test", true);
    assert_eq!(send("SHOP", "orders@bozor.test").await, denied());
}

#[tokio::test]
async fn mail_of_an_unverified_sender_is_rejected_until_its_identity_is_verified() {
    let (mail, _) = mail();
    let client = client(&mail, "ANY").await;
    let rejected = |from: &str| {
        let message = format!(
            "Email address is not verified. The following identities failed the check in region US-EAST-1: {from}"
        );
        refused_with(400, "MessageRejected", &message)
    };
    mail.set_verified("BOZOR.test", false);
    assert_eq!(refusal(call(&client)).await, rejected("orders@bozor.test"));
    for stranger in ["orders@elsewhere.test", "other@other.test", "orders@notbozor.test"] {
        assert_eq!(refusal(call(&client).from_email_address(stranger)).await, rejected(stranger));
    }
    call(&client).from_email_address("Single <SINGLE@other.test>").send().await.unwrap();
    mail.set_verified("bozor.test", true);
    call(&client).send().await.unwrap();
    assert_eq!(mail.messages(None).unwrap().len(), 2);
}

#[tokio::test]
async fn an_account_in_the_sandbox_sends_to_verified_recipients_only() {
    let (mail, _) = mail();
    let client = client(&mail, "ANY").await;
    mail.set_account(Account { sandbox: true, ..mail.account() });
    let both = Destination::builder().to_addresses("c@bozor.test").cc_addresses("b@example.test").build();
    let (_, code, message) = refusal(call(&client).destination(both)).await;
    assert_eq!(code, "MessageRejected");
    assert!(message.ends_with("US-EAST-1: b@example.test"), "{message}");
    call(&client).destination(to("c@bozor.test")).send().await.unwrap();
}

#[tokio::test]
async fn a_paused_or_suspended_account_sends_nothing() {
    let (mail, _) = mail();
    let client = client(&mail, "ANY").await;
    for (sending, code) in
        [(Sending::Paused, "SendingPausedException"), (Sending::Suspended, "AccountSuspendedException")]
    {
        mail.set_account(Account { sending, ..mail.account() });
        let (status, answered, _) = refusal(call(&client)).await;
        assert_eq!((status, answered.as_str()), (400, code));
    }
    mail.set_account(Account { sending: Sending::Enabled, ..mail.account() });
    call(&client).send().await.unwrap();
}

#[tokio::test]
async fn a_configuration_set_has_to_exist_and_to_be_permitted() {
    let (mail, _) = mail();
    let client = client(&mail, "SHOP").await;
    let missing = refused_with(404, "NotFoundException", "Configuration set <shop> does not exist.");
    assert_eq!(refusal(call(&client).configuration_set_name("shop")).await, missing);
    let (status, code, _) = refusal(call(&client).configuration_set_name("another")).await;
    assert_eq!((status, code.as_str()), (403, "AccessDeniedException"));
    mail.set_account(Account { configuration_sets: vec!["shop".into()], ..mail.account() });
    call(&client).configuration_set_name("shop").send().await.unwrap();
}

#[tokio::test]
async fn limits_count_recipients_and_take_a_whole_call() {
    let (mail, clock) = mail();
    let client = client(&mail, "ANY").await;
    let three = Destination::builder().set_to_addresses(Some(vec!["b@example.test".to_owned(); 3])).build();
    mail.set_account(Account { send_rate: Some(2), daily_quota: Some(5), ..mail.account() });
    call(&client).destination(three.clone()).send().await.unwrap();
    let too_fast = refused_with(429, "TooManyRequestsException", "Maximum sending rate exceeded.");
    assert_eq!(refusal(call(&client)).await, too_fast);
    clock.advance(Duration::from_secs(1));
    call(&client).destination(three).send().await.unwrap();
    clock.advance(Duration::from_secs(1));
    let used_up = refused_with(400, "LimitExceededException", "Daily message quota exceeded.");
    assert_eq!(refusal(call(&client)).await, used_up);
    clock.advance(Duration::from_hours(24));
    call(&client).send().await.unwrap();
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
    let before = Mail::open(Some(&path), clock.clone(), permit.clone(), []).unwrap();
    before.deliver(&message).unwrap();
    // Leaked, so that no destructor runs, as after a kill -9.
    std::mem::forget(before);

    let kept = Mail::open(Some(&path), clock, permit, []).unwrap().messages(None).unwrap();
    assert_eq!(kept, [StoredMessage { message, at: Timestamp::from_millis(1_000) }]);
}
