use super::*;

const POOL: &str = "us-east-1_Bozor0000";

impl Cloud {
    async fn create(&self, action: Option<MessageActionType>) -> Result<UserStatusType, (String, String)> {
        let request = self.client.admin_create_user().user_pool_id(POOL).username(EMAIL);
        let request = request.user_attributes(attribute("email", EMAIL));
        let request = request.user_attributes(attribute("email_verified", "true"));
        service_result(request.set_message_action(action).send().await)
            .map(|output| output.user.unwrap().user_status.unwrap())
    }

    /// Signs in with a temporary password and returns the challenge's session.
    async fn begin(&self, password: &str) -> Result<String, (String, String)> {
        let request = self.client.initiate_auth().client_id("shop").auth_flow(AuthFlowType::UserPasswordAuth);
        let request = request.auth_parameters("USERNAME", EMAIL).auth_parameters("PASSWORD", password);
        let output = service_result(request.send().await)?;
        assert_eq!(output.challenge_name, Some(ChallengeNameType::NewPasswordRequired));
        Ok(output.session.unwrap())
    }

    async fn respond(&self, session: &str, password: &str) -> Result<AuthenticationResultType, (String, String)> {
        let request = self.client.respond_to_auth_challenge().client_id("shop").session(session);
        let request = request.challenge_name(ChallengeNameType::NewPasswordRequired);
        let request = request.challenge_responses("USERNAME", EMAIL).challenge_responses("NEW_PASSWORD", password);
        service_result(request.send().await).map(|output| output.authentication_result.unwrap())
    }

    async fn status(&self) -> UserStatusType {
        let request = self.client.admin_get_user().user_pool_id(POOL).username(EMAIL);
        request.send().await.unwrap().user_status.unwrap()
    }
}

#[tokio::test]
async fn an_account_made_by_an_administrator_chooses_its_password_at_the_first_sign_in() {
    let cloud = cloud().await;
    assert_eq!(cloud.create(None).await.unwrap(), UserStatusType::ForceChangePassword);
    assert_eq!(cloud.create(None).await.unwrap_err().0, "UsernameExistsException");
    let temporary = cloud.code();
    assert_eq!(cloud.forgot(EMAIL).await.unwrap_err().0, "NotAuthorizedException");

    let session = cloud.begin(&temporary).await.unwrap();
    assert_eq!(cloud.respond(&session, "short").await.unwrap_err().0, "InvalidPasswordException");
    let invalid = refusal("NotAuthorizedException", "Invalid session for the user.");
    assert_eq!(cloud.respond("nonsense", PASSWORD).await.unwrap_err(), invalid);
    let tokens = cloud.respond(&session, PASSWORD).await.unwrap();
    cloud.user(tokens.access_token().unwrap()).await.unwrap();
    assert_eq!(cloud.respond(&session, PASSWORD).await.unwrap_err(), invalid);
    assert_eq!(cloud.status().await, UserStatusType::Confirmed);
    assert_eq!(cloud.create(Some(MessageActionType::Resend)).await.unwrap_err().0, "UnsupportedUserStateException");
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_temporary_password_and_the_step_behind_it_grow_too_old() {
    let cloud = cloud().await;
    cloud.create(None).await.unwrap();
    let session = cloud.begin(&cloud.code()).await.unwrap();
    cloud.clock.advance(Duration::from_mins(3));
    assert_eq!(cloud.respond(&session, PASSWORD).await.unwrap_err().0, "NotAuthorizedException");

    cloud.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(
        cloud.begin(&cloud.code()).await.unwrap_err(),
        refusal("NotAuthorizedException", "Temporary password has expired and must be reset by an administrator.")
    );
    cloud.create(Some(MessageActionType::Resend)).await.unwrap();
    let session = cloud.begin(&cloud.code()).await.unwrap();
    cloud.respond(&session, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_administrator_sets_passwords_and_confirms_accounts() {
    let cloud = cloud().await;
    assert_eq!(cloud.create(Some(MessageActionType::Suppress)).await.unwrap(), UserStatusType::ForceChangePassword);
    assert!(cloud.mail.messages(None).unwrap().is_empty());
    let set = async |password: &str, permanent: bool| {
        let request = cloud.client.admin_set_user_password().user_pool_id(POOL).username(EMAIL).password(password);
        service_result(request.permanent(permanent).send().await).map(drop)
    };
    assert_eq!(set("short", true).await.unwrap_err().0, "InvalidPasswordException");
    set(PASSWORD, true).await.unwrap();
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    set("Another-horse-2", false).await.unwrap();
    cloud.begin("Another-horse-2").await.unwrap();

    let confirm = async |username: &str| {
        let request = cloud.client.admin_confirm_sign_up().user_pool_id(POOL).username(username);
        service_result(request.send().await).map(drop).map_err(|(code, _)| code)
    };
    cloud.sign_up("second@example.test", PASSWORD).await.unwrap();
    assert_eq!(confirm("second@example.test").await, Ok(()));
    cloud.sign_in("second@example.test", PASSWORD).await.unwrap();
    assert_eq!(confirm("second@example.test").await, Err("NotAuthorizedException".into()));
    assert_eq!(confirm("nobody@example.test").await, Err("UserNotFoundException".into()));
}

#[tokio::test]
async fn groups_are_those_of_the_pool() {
    let cloud = cloud().await;
    let sub = cloud.member().await;
    let add = async |username: &str, group: &str| {
        let request = cloud.client.admin_add_user_to_group().user_pool_id(POOL).username(username).group_name(group);
        service_result(request.send().await).map(drop).map_err(|(code, _)| code)
    };
    let groups = async || {
        let output = cloud.client.admin_list_groups_for_user().user_pool_id(POOL).username(&sub).send().await.unwrap();
        output.groups.unwrap().into_iter().filter_map(|group| group.group_name).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(add(&sub, "admin").await, Ok(()));
    }
    assert_eq!(add(EMAIL, "support").await, Ok(()));
    assert_eq!(add(EMAIL, "nothing").await, Err("ResourceNotFoundException".into()));
    assert_eq!(add("nobody@example.test", "admin").await, Err("UserNotFoundException".into()));
    assert_eq!(groups().await, ["admin", "support"]);
    let remove = cloud.client.admin_remove_user_from_group().user_pool_id(POOL).username(EMAIL).group_name("admin");
    remove.send().await.unwrap();
    assert_eq!(groups().await, ["support"]);
}

#[tokio::test]
async fn users_are_listed_in_pages_and_found_by_address() {
    let cloud = cloud().await;
    for number in 0..5 {
        cloud.sign_up(&format!("user-{number}@example.test"), PASSWORD).await.unwrap();
    }
    cloud.member().await;
    let list = async |filter: Option<&str>, limit: i32, token: Option<String>| {
        let request = cloud.client.list_users().user_pool_id(POOL).limit(limit).set_pagination_token(token);
        let output = service_result(request.set_filter(filter.map(str::to_owned)).send().await)?;
        let emails = output.users.unwrap().into_iter().map(|user| {
            let email = user.attributes.unwrap().into_iter().find(|attribute| attribute.name == "email");
            email.unwrap().value.unwrap()
        });
        Ok::<_, (String, String)>((emails.collect::<Vec<_>>(), output.pagination_token))
    };
    assert_eq!(list(Some("email = \"BUYER@example.test\""), 60, None).await, Ok((vec![EMAIL.to_owned()], None)));
    assert_eq!(list(Some("email = \"nobody@example.test\""), 60, None).await, Ok((vec![], None)));
    assert_eq!(list(Some("email ^= \"user-\""), 60, None).await.unwrap().0.len(), 5);
    assert_eq!(list(Some("cognito:user_status = \"CONFIRMED\""), 60, None).await.unwrap().0, [EMAIL]);

    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = list(None, 4, token).await.unwrap();
        seen.push(page.len());
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, [4, 2]);
    for (filter, limit) in [(Some("email"), 60), (Some("email = x"), 60), (Some("gender = \"x\""), 60), (None, 61)] {
        assert_eq!(list(filter, limit, None).await.unwrap_err().0, "InvalidParameterException");
    }
}

#[tokio::test]
async fn administration_needs_permission_and_the_pool_while_sign_in_needs_none() {
    let cloud = cloud().await;
    cloud.member().await;
    let desk = client(&cloud.cognito, "DESK").await;
    let get = async |pool: &str, username: &str| {
        let request = desk.admin_get_user().user_pool_id(pool).username(username);
        service_result(request.send().await).map(drop).map_err(|(code, _)| code)
    };
    assert_eq!(get(POOL, EMAIL).await, Ok(()));
    assert_eq!(get(POOL, "nobody@example.test").await, Err("UserNotFoundException".into()));
    assert_eq!(get("us-east-1_Another00", EMAIL).await, Err("AccessDeniedException".into()));
    let denied =
        service_result(desk.admin_user_global_sign_out().user_pool_id(POOL).username(EMAIL).send().await).unwrap_err();
    assert_eq!(denied.0, "AccessDeniedException");
    let denied = service_result(desk.list_users().user_pool_id(POOL).send().await).unwrap_err();
    assert_eq!(denied.0, "AccessDeniedException");
    let other =
        service_result(cloud.client.admin_get_user().user_pool_id("us-east-1_Another00").username(EMAIL).send().await);
    assert_eq!(other.unwrap_err().0, "ResourceNotFoundException");

    let nobody = Cloud { client: client(&cloud.cognito, "NOBODY").await, ..cloud };
    let tokens = nobody.sign_in(EMAIL, PASSWORD).await.unwrap();
    nobody.user(tokens.access_token().unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_account_from_the_start_is_made_once() {
    let cloud = cloud().await;
    let account = Account {
        username: EMAIL.into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        name: Some("Buyer".into()),
        groups: vec!["admin".into()],
    };
    let sub = cloud.cognito.register(&account).await.unwrap();
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let again = Account { password: "Another-horse-2".into(), groups: vec!["support".into()], ..account.clone() };
    assert_eq!(cloud.cognito.register(&again).await.unwrap(), sub);
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let claims = cloud.cognito.verifier(vec![]).verify(tokens.access_token().unwrap(), cloud.clock.now()).unwrap();
    assert_eq!(claims["cognito:groups"], serde_json::json!(["admin", "support"]));
    assert!(cloud.mail.messages(None).unwrap().is_empty());

    for refused in [
        Account { groups: vec!["nothing".into()], ..account.clone() },
        Account { username: "no name".into(), ..account.clone() },
        Account { username: "new".into(), email: "nobody".into(), ..account.clone() },
        Account { username: "new".into(), password: "short".into(), ..account },
    ] {
        assert!(matches!(cloud.cognito.register(&refused).await, Err(PoolError::Refused(_))));
    }
}
