//! Signing in for somebody else: `AdminInitiateAuth` and `AdminRespondToAuthChallenge`.

use super::secrets::hash;
use super::*;

const POOL: &str = "us-east-1_Bozor0000";

/// What a sign-in answers: tokens, or the name and the session of a challenge.
#[derive(Debug)]
enum Answer {
    Tokens(Box<AuthenticationResultType>),
    Challenge(ChallengeNameType, String),
}

impl Answer {
    fn tokens(self) -> AuthenticationResultType {
        let Self::Tokens(tokens) = self else { panic!("{self:?}") };
        *tokens
    }
}

impl Cloud {
    async fn admin_initiate(
        &self,
        client: &str,
        flow: AuthFlowType,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, (String, String)> {
        let mut request = self.client.admin_initiate_auth().user_pool_id(POOL).client_id(client).auth_flow(flow);
        for (name, value) in parameters {
            request = request.auth_parameters(*name, *value);
        }
        let output = service_result(request.send().await)?;
        Ok(match output.authentication_result {
            Some(tokens) => Answer::Tokens(Box::new(tokens)),
            None => Answer::Challenge(output.challenge_name.unwrap(), output.session.unwrap()),
        })
    }

    /// Signs in for somebody through the client `server`.
    async fn admin_sign_in(&self, username: &str, password: &str) -> Result<Answer, (String, String)> {
        let hash = hash(username, "server", SECRET);
        let parameters = [("USERNAME", username), ("PASSWORD", password), ("SECRET_HASH", &hash)];
        self.admin_initiate("server", AuthFlowType::AdminUserPasswordAuth, &parameters).await
    }
}

#[tokio::test]
async fn a_role_signs_somebody_in_and_refreshes_their_tokens() {
    let cloud = cloud().await;
    let sub = cloud.member().await;
    let tokens = cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap().tokens();
    assert_eq!((tokens.expires_in, tokens.token_type()), (900, Some("Bearer")));
    let claims = tokens::payload(tokens.access_token().unwrap());
    assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some(sub.as_str()), Some("server")));

    let hash = hash(EMAIL, "server", SECRET);
    let refresh = tokens.refresh_token().unwrap();
    for flow in [AuthFlowType::RefreshTokenAuth, AuthFlowType::RefreshToken] {
        let parameters = [("REFRESH_TOKEN", refresh), ("SECRET_HASH", &hash)];
        let again = cloud.admin_initiate("server", flow, &parameters).await.unwrap().tokens();
        assert_eq!(again.refresh_token(), None);
        let refreshed = tokens::payload(again.access_token().unwrap());
        assert_eq!(refreshed["origin_jti"], claims["origin_jti"]);
    }
    let parameters = [("REFRESH_TOKEN", refresh)];
    let refused = cloud.admin_initiate("server", AuthFlowType::RefreshTokenAuth, &parameters).await.unwrap_err();
    let missing = "Client server is configured with secret but SECRET_HASH was not received";
    assert_eq!(refused, refusal("NotAuthorizedException", missing));
}

#[tokio::test]
async fn each_caller_has_its_own_flows_and_a_client_only_those_it_was_given() {
    let cloud = cloud().await;
    cloud.member().await;
    let refused = async |client: &str, flow: AuthFlowType| {
        let parameters = [("USERNAME", EMAIL), ("PASSWORD", PASSWORD)];
        cloud.admin_initiate(client, flow, &parameters).await.unwrap_err()
    };
    let invalid = |message: &str| refusal("InvalidParameterException", message);
    let unsupported = invalid("Initiate Auth method not supported.");
    let not_enabled = invalid("Auth flow not enabled for this client");
    assert_eq!(refused("shop", AuthFlowType::AdminUserPasswordAuth).await, not_enabled);
    assert_eq!(refused("shop", AuthFlowType::AdminNoSrpAuth).await, not_enabled);
    assert_eq!(refused("server", AuthFlowType::UserPasswordAuth).await, unsupported);
    assert_eq!(
        refused("closed", AuthFlowType::RefreshTokenAuth).await,
        invalid("REFRESH_TOKEN flow not enabled for this client")
    );
    assert_eq!(refused("server", AuthFlowType::UserSrpAuth).await.0, "InvalidParameterException");
    assert_eq!(refused("none", AuthFlowType::AdminUserPasswordAuth).await.0, "ResourceNotFoundException");

    let begin = async |flow: AuthFlowType| {
        let request = cloud.client.initiate_auth().client_id("server").auth_flow(flow);
        let request = request.auth_parameters("USERNAME", EMAIL).auth_parameters("PASSWORD", PASSWORD);
        service_result(request.send().await).map(drop).unwrap_err()
    };
    assert_eq!(begin(AuthFlowType::AdminUserPasswordAuth).await, unsupported);
    assert_eq!(begin(AuthFlowType::AdminNoSrpAuth).await, unsupported);
    assert_eq!(
        begin(AuthFlowType::UserPasswordAuth).await,
        invalid("USER_PASSWORD_AUTH flow not enabled for this client")
    );
}

#[tokio::test]
async fn signing_somebody_in_needs_the_permission_the_pool_and_the_secret() {
    let cloud = cloud().await;
    cloud.member().await;
    let desk = client(&cloud.cognito, "DESK").await;
    let initiate = async |client: &Client, pool: &str| {
        let request = client.admin_initiate_auth().user_pool_id(pool).client_id("server");
        let request = request.auth_flow(AuthFlowType::AdminUserPasswordAuth);
        let request = request.auth_parameters("USERNAME", EMAIL).auth_parameters("PASSWORD", PASSWORD);
        service_result(request.send().await).map(drop).unwrap_err()
    };
    assert_eq!(initiate(&desk, POOL).await.0, "AccessDeniedException");
    assert_eq!(initiate(&cloud.client, "us-east-1_Another00").await.0, "ResourceNotFoundException");
    let missing = "Client server is configured with secret but SECRET_HASH was not received";
    assert_eq!(initiate(&cloud.client, POOL).await, refusal("NotAuthorizedException", missing));
    let respond = desk.admin_respond_to_auth_challenge().user_pool_id(POOL).client_id("server");
    let respond = respond.challenge_name(ChallengeNameType::NewPasswordRequired).session("x".repeat(20));
    assert_eq!(service_result(respond.send().await).unwrap_err().0, "AccessDeniedException");

    // A hash under another secret, and an unknown person, who is refused like a wrong password.
    let forged = hash(EMAIL, "server", "another");
    let parameters = [("USERNAME", EMAIL), ("PASSWORD", PASSWORD), ("SECRET_HASH", forged.as_str())];
    let refused = cloud.admin_initiate("server", AuthFlowType::AdminUserPasswordAuth, &parameters).await.unwrap_err();
    assert_eq!(refused, refusal("NotAuthorizedException", "Unable to verify secret hash for client server"));
    assert_eq!(cloud.admin_sign_in("stranger", PASSWORD).await.unwrap_err(), wrong());
}

#[tokio::test]
async fn who_has_a_temporary_password_chooses_another_through_a_role() {
    let cloud = cloud().await;
    let request = cloud.client.admin_create_user().user_pool_id(POOL).username(EMAIL);
    let request = request.user_attributes(attribute("email", EMAIL)).temporary_password("Temporary-horse-1");
    request.message_action(MessageActionType::Suppress).send().await.unwrap();
    let answer = cloud.admin_sign_in(EMAIL, "Temporary-horse-1").await.unwrap();
    let Answer::Challenge(ChallengeNameType::NewPasswordRequired, session) = answer else { panic!("{answer:?}") };
    let respond = async |session: &str, password: &str, secret: &str| {
        let request = cloud.client.admin_respond_to_auth_challenge().user_pool_id(POOL).client_id("server");
        let request = request.challenge_name(ChallengeNameType::NewPasswordRequired).session(session);
        let request = request.challenge_responses("USERNAME", EMAIL).challenge_responses("NEW_PASSWORD", password);
        let request = request.challenge_responses("SECRET_HASH", hash(EMAIL, "server", secret));
        service_result(request.send().await).map(|output| output.authentication_result.unwrap())
    };
    let unverified = refusal("NotAuthorizedException", "Unable to verify secret hash for client server");
    assert_eq!(respond(&session, PASSWORD, "another").await.unwrap_err(), unverified);
    assert_eq!(respond(&session, "short", SECRET).await.unwrap_err().0, "InvalidPasswordException");
    let tokens = respond(&session, PASSWORD, SECRET).await.unwrap();
    assert!(tokens.refresh_token().is_some());
    let invalid = refusal("NotAuthorizedException", "Invalid session for the user.");
    assert_eq!(respond(&session, PASSWORD, SECRET).await.unwrap_err(), invalid);
    cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap().tokens();
}

#[tokio::test]
async fn wrong_passwords_are_counted_together_whoever_sends_them() {
    let cloud = cloud().await;
    cloud.member().await;
    for _ in 0..3 {
        assert_eq!(cloud.admin_sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    }
    for _ in 0..2 {
        assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    }
    let locked = refusal("NotAuthorizedException", "Password attempts exceeded");
    assert_eq!(cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), locked);
    cloud.clock.advance(Duration::from_secs(1));
    cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap().tokens();
}

#[tokio::test]
async fn who_has_not_confirmed_is_not_signed_in() {
    let cloud = cloud().await;
    cloud.sign_up(EMAIL, PASSWORD).await.unwrap();
    let unconfirmed = refusal("UserNotConfirmedException", "User is not confirmed.");
    assert_eq!(cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap_err(), unconfirmed);
}

#[tokio::test]
async fn a_pool_of_administrators_takes_no_sign_up_and_mails_no_reset_code() {
    let pool = UserPool { admin_creates_only: true, admin_recovers_only: true, ..pool() };
    let cloud = cloud_with(pool).await;
    let refused = refusal("NotAuthorizedException", "SignUp is not permitted for this user pool");
    assert_eq!(cloud.sign_up(EMAIL, PASSWORD).await.unwrap_err(), refused);
    let account = Account {
        username: EMAIL.into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        name: None,
        groups: Vec::new(),
    };
    cloud.cognito.register(&account).await.unwrap();
    // The same for known and unknown.
    let refused = refusal("NotAuthorizedException", "Contact administrator to reset password.");
    assert_eq!(cloud.forgot(EMAIL).await.unwrap_err(), refused);
    assert_eq!(cloud.forgot("stranger@example.test").await.unwrap_err(), refused);
    assert_eq!(cloud.reset("123456", PASSWORD).await.unwrap_err().0, "ExpiredCodeException");
    assert!(cloud.mail.messages(None).unwrap().is_empty());
    cloud.admin_sign_in(EMAIL, PASSWORD).await.unwrap().tokens();
}
