use super::*;

#[tokio::test]
async fn a_sign_up_is_confirmed_by_the_code_in_the_mail_and_then_signs_in() {
    let cloud = cloud().await;
    let sub = cloud.sign_up("Buyer@Example.test", PASSWORD).await.unwrap();
    let message = cloud.mail.messages(Some(EMAIL)).unwrap().remove(0).message;
    let code = message.code.unwrap();
    assert_eq!(
        (message.subject.as_str(), message.text),
        ("Bozor: your code", format!("Your confirmation code is {code}"))
    );
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));

    let unconfirmed = refusal("UserNotConfirmedException", "User is not confirmed.");
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), unconfirmed);
    assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    cloud.confirm(&code).await.unwrap();
    let again = refusal("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED");
    assert_eq!(cloud.confirm(&code).await.unwrap_err(), again);

    let tokens = cloud.sign_in("BUYER@example.test", PASSWORD).await.unwrap();
    assert_eq!((tokens.expires_in, tokens.token_type()), (900, Some("Bearer")));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        cloud.user(tokens.access_token().unwrap()).await.unwrap(),
        [pair("sub", &sub), pair("email", "Buyer@Example.test"), pair("email_verified", "true"), pair("name", "Buyer")]
    );
}

#[tokio::test]
async fn a_sign_up_is_refused_for_what_is_wrong_with_it() {
    let cloud = cloud().await;
    let code = async |email: &str, password: &str| cloud.sign_up(email, password).await.map_err(|(code, _)| code);
    let long = format!("{}@example.test", "a".repeat(116));
    assert_eq!(long.len(), 129);
    for address in ["buyer", "@example.test", "a@b", "a b@example.test", "a@b@example.test", "a@.test", &long] {
        assert_eq!(code(address, PASSWORD).await, Err("InvalidParameterException".into()), "{address}");
    }
    assert_eq!(
        cloud.sign_up(EMAIL, "correct-horse-1").await.unwrap_err(),
        refusal(
            "InvalidPasswordException",
            "Password did not conform with policy: Password must have uppercase characters"
        )
    );
    assert!(cloud.mail.messages(None).unwrap().is_empty());
    cloud.sign_up(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(
        cloud.sign_up("BUYER@example.test", PASSWORD).await.unwrap_err(),
        refusal("UsernameExistsException", "User already exists")
    );

    // The same address may be that of several users.
    let request = cloud.client.sign_up().client_id("shop").username("other").password(PASSWORD);
    request.user_attributes(attribute("email", EMAIL)).send().await.unwrap();
    for (name, value) in [("email", "nobody"), ("name", &"x".repeat(2049))] {
        let request = cloud.client.sign_up().client_id("shop").username("new").password(PASSWORD);
        let refused = service_result(request.user_attributes(attribute(name, value)).send().await).unwrap_err();
        assert_eq!(refused.0, "InvalidParameterException", "{name}");
    }
    let request = cloud.client.sign_up().client_id("none").username("new@example.test").password(PASSWORD);
    assert!(request.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn sign_up_codes_mismatch_expire_are_replaced_and_cannot_be_guessed() {
    let cloud = cloud().await;
    cloud.sign_up(EMAIL, PASSWORD).await.unwrap();
    let first = cloud.code();
    let mismatch = refusal("CodeMismatchException", "Invalid verification code provided, please try again.");
    let expired = refusal("ExpiredCodeException", "Invalid code provided, please request a code again.");
    assert_eq!(cloud.confirm(other_than(&first)).await.unwrap_err(), mismatch);

    cloud.clock.advance(Duration::from_hours(24));
    assert_eq!(cloud.confirm(&first).await.unwrap_err(), expired);
    let resend =
        async || service_result(cloud.client.resend_confirmation_code().client_id("shop").username(EMAIL).send().await);
    let details = resend().await.unwrap().code_delivery_details.unwrap();
    assert_eq!(details.destination(), Some("b***@e***"));
    let second = cloud.code();

    for _ in 0..5 {
        assert_eq!(cloud.confirm(other_than(&second)).await.unwrap_err(), mismatch);
    }
    // After too many wrong guesses neither the right code nor a new one is accepted, until an hour has passed.
    assert_eq!(cloud.confirm(&second).await.unwrap_err().0, "TooManyFailedAttemptsException");
    resend().await.unwrap();
    assert_eq!(cloud.confirm(&cloud.code()).await.unwrap_err().0, "TooManyFailedAttemptsException");
    cloud.clock.advance(Duration::from_hours(1));
    cloud.confirm(&cloud.code()).await.unwrap();
    let confirmed = refusal("InvalidParameterException", "User is already confirmed.");
    assert_eq!(resend().await.unwrap_err(), confirmed);
}

#[tokio::test]
async fn codes_are_sent_ten_times_an_hour() {
    let cloud = cloud().await;
    cloud.member().await;
    for _ in 0..10 {
        cloud.forgot(EMAIL).await.unwrap();
    }
    let limited = refusal("LimitExceededException", "Attempt limit exceeded, please try after some time.");
    assert_eq!(cloud.forgot(EMAIL).await.unwrap_err(), limited);
    cloud.clock.advance(Duration::from_hours(1));
    cloud.forgot(EMAIL).await.unwrap();
}

#[tokio::test]
async fn nothing_tells_who_has_an_account() {
    let cloud = cloud().await;
    let stranger = "stranger@example.test";
    assert_eq!(cloud.sign_in(stranger, PASSWORD).await.unwrap_err(), wrong());
    assert_eq!(cloud.forgot(stranger).await.unwrap(), "s***@e***");
    let resent = cloud.client.resend_confirmation_code().client_id("shop").username(stranger).send().await.unwrap();
    assert_eq!(resent.code_delivery_details.unwrap().destination(), Some("s***@e***"));
    assert_eq!(cloud.reset("123456", PASSWORD).await.unwrap_err().0, "CodeMismatchException");
    assert_eq!(cloud.confirm("123456").await.unwrap_err().0, "ExpiredCodeException");
    assert!(cloud.mail.messages(None).unwrap().is_empty());
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_code() {
    let cloud = cloud().await;
    cloud.member().await;
    assert_eq!(cloud.reset("123456", "Another-horse-2").await.unwrap_err().0, "ExpiredCodeException");
    assert_eq!(cloud.forgot(EMAIL).await.unwrap(), "b***@e***");
    let code = cloud.code();
    assert_eq!(cloud.reset(other_than(&code), "Another-horse-2").await.unwrap_err().0, "CodeMismatchException");
    // A rejected password does not use the code up.
    assert_eq!(cloud.reset(&code, "short").await.unwrap_err().0, "InvalidPasswordException");
    cloud.reset(&code, "Another-horse-2").await.unwrap();
    assert_eq!(cloud.reset(&code, "Another-horse-3").await.unwrap_err().0, "ExpiredCodeException");
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), wrong());
    cloud.sign_in(EMAIL, "Another-horse-2").await.unwrap();

    cloud.forgot(EMAIL).await.unwrap();
    let code = cloud.code();
    cloud.clock.advance(Duration::from_hours(1));
    assert_eq!(cloud.reset(&code, PASSWORD).await.unwrap_err().0, "ExpiredCodeException");
    cloud.forgot(EMAIL).await.unwrap();
    let code = cloud.code();
    for _ in 0..5 {
        assert_eq!(cloud.reset(other_than(&code), PASSWORD).await.unwrap_err().0, "CodeMismatchException");
    }
    assert_eq!(cloud.reset(&code, PASSWORD).await.unwrap_err().0, "LimitExceededException");
}

#[tokio::test]
async fn who_never_confirmed_an_address_gets_no_reset_code() {
    let cloud = cloud().await;
    cloud.sign_up(EMAIL, PASSWORD).await.unwrap();
    cloud.forgot(EMAIL).await.unwrap();
    assert_eq!(cloud.mail.messages(None).unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_passwords_lock_an_account_out_for_longer_and_longer() {
    let cloud = cloud().await;
    cloud.member().await;
    for _ in 0..5 {
        assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    }
    let locked = refusal("NotAuthorizedException", "Password attempts exceeded");
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
    cloud.clock.advance(Duration::from_secs(1));
    assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    cloud.clock.advance(Duration::from_secs(1));
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
    cloud.clock.advance(Duration::from_secs(1));
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_user_changes_its_own_name_and_password() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let access = tokens.access_token().unwrap();
    let update = async |name: &str, value: &str| {
        let attribute = AttributeType::builder().name(name).value(value).build().unwrap();
        let request = cloud.client.update_user_attributes().access_token(access).user_attributes(attribute);
        service_result(request.send().await).map(drop).map_err(|(code, _)| code)
    };
    assert_eq!(update("name", "Renamed").await, Ok(()));
    assert!(cloud.user(access).await.unwrap().contains(&("name".into(), "Renamed".into())));
    assert_eq!(update("name", "").await, Ok(()));
    assert!(cloud.user(access).await.unwrap().iter().all(|(name, _)| name != "name"));
    assert_eq!(update("email_verified", "true").await, Err("NotAuthorizedException".into()));
    assert_eq!(update("email", "other@example.test").await, Err("InvalidParameterException".into()));

    let change = async |previous: &str, proposed: &str| {
        let request = cloud.client.change_password().access_token(access).previous_password(previous);
        service_result(request.proposed_password(proposed).send().await).map(drop)
    };
    assert_eq!(change(PASSWORD, "short").await.unwrap_err().0, "InvalidPasswordException");
    assert_eq!(change("Wrong-horse-1", "Another-horse-2").await.unwrap_err(), wrong());
    change(PASSWORD, "Another-horse-2").await.unwrap();
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), wrong());
    for _ in 0..4 {
        assert_eq!(change(PASSWORD, "Another-horse-3").await.unwrap_err(), wrong());
    }
    assert_eq!(change("Another-horse-2", PASSWORD).await.unwrap_err().0, "LimitExceededException");
}

#[tokio::test]
async fn accounts_sessions_and_the_key_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cognito.sqlite");
    let mail = Mail::open(None, clock(), Arc::new(|_, _, _| true), ["bozor.test".to_owned()]).unwrap();
    let before = open(Some(&path), &clock(), &mail);
    let account = Account {
        username: EMAIL.into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        name: None,
        groups: vec!["admin".into()],
    };
    let sub = before.register(&account).await.unwrap();
    let cloud = Cloud { client: client(&before, "ROOT").await, cognito: before, clock: clock(), mail: mail.clone() };
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    // Leaked, so that no destructor runs, as after a kill -9.
    std::mem::forget(cloud);

    let after = open(Some(&path), &clock(), &mail);
    let claims = after.verifier(vec![]).verify(tokens.access_token().unwrap(), clock().now()).unwrap();
    assert_eq!(claims["sub"], sub.as_str());
    assert_eq!(after.register(&account).await.unwrap(), sub);
    let cloud = Cloud { client: client(&after, "ROOT").await, cognito: after, clock: clock(), mail };
    cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap();
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
}
