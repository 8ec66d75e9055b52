//! What an administrator does with somebody's account, and somebody with their own.

use super::*;

const POOL: &str = "us-east-1_Bozor0000";

impl Cloud {
    async fn admin_update(&self, changes: &[(&str, &str)]) -> Result<(), (String, String)> {
        let mut request = self.client.admin_update_user_attributes().user_pool_id(POOL).username(EMAIL);
        for (name, value) in changes {
            request = request.user_attributes(attribute(name, value));
        }
        service_result(request.send().await).map(drop)
    }

    /// The attributes of the account but its `sub` and its name, as an administrator sees them.
    async fn attributes(&self) -> Vec<(String, String)> {
        let output = self.client.admin_get_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
        let all = output.user_attributes.unwrap_or_default().into_iter();
        let pairs = all.map(|attribute| (attribute.name, attribute.value.unwrap_or_default()));
        pairs.filter(|(name, _)| !["sub", "name"].contains(&name.as_str())).collect()
    }

    async fn update_own(&self, access_token: &str, name: &str, value: &str) -> Result<(), (String, String)> {
        let request = self.client.update_user_attributes().access_token(access_token);
        service_result(request.user_attributes(attribute(name, value)).send().await).map(drop)
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn an_administrator_says_whether_an_address_is_verified_and_a_changed_one_is_not() {
    let cloud = cloud().await;
    cloud.member().await;
    assert_eq!(cloud.attributes().await, pairs(&[("email", EMAIL), ("email_verified", "true")]));
    let verify_phone = ("phone_number_verified", "true");
    assert_eq!(
        cloud.admin_update(&[verify_phone]).await.unwrap_err(),
        refusal("InvalidParameterException", "Phone Number is required to verify/un-verify a phone number")
    );
    cloud.admin_update(&[("phone_number", "+998901234567"), verify_phone]).await.unwrap();
    cloud.admin_update(&[("email", "other@example.test")]).await.unwrap();
    let changed = [
        ("email", "other@example.test"),
        ("email_verified", "false"),
        ("phone_number", "+998901234567"),
        ("phone_number_verified", "true"),
    ];
    assert_eq!(cloud.attributes().await, pairs(&changed));
    // The address that is there already can be verified by itself, and stays verified when it is written again.
    cloud.admin_update(&[("email_verified", "true")]).await.unwrap();
    cloud.admin_update(&[("email", "other@example.test"), ("phone_number", "")]).await.unwrap();
    let changed = [("email", "other@example.test"), ("email_verified", "true")];
    assert_eq!(cloud.attributes().await, pairs(&changed));
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let claims = tokens::payload(tokens.id_token().unwrap());
    assert_eq!((claims["email"].as_str(), claims["email_verified"].as_bool()), (Some(changed[0].1), Some(true)));
}

#[tokio::test]
async fn attributes_have_their_form_whoever_writes_them() {
    let cloud = cloud().await;
    cloud.member().await;
    let invalid = |message: &str| refusal("InvalidParameterException", message);
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    for number in ["998901234567", "+99890 1234567", "+", "+0998901234567", "+9989012345678901", "+99890123456a"] {
        let refused = cloud.admin_update(&[("phone_number", number)]).await.unwrap_err();
        assert_eq!(refused, invalid("Invalid phone number format."), "{number}");
        let refused = cloud.update_own(tokens.access_token().unwrap(), "phone_number", number).await.unwrap_err();
        assert_eq!(refused, invalid("Invalid phone number format."), "{number}");
        let request = cloud.client.sign_up().client_id("shop").username("new").password(PASSWORD);
        let request = request.user_attributes(attribute("email", "new@example.test"));
        let refused = service_result(request.user_attributes(attribute("phone_number", number)).send().await);
        assert_eq!(refused.unwrap_err(), invalid("Invalid phone number format."), "{number}");
    }
    assert_eq!(cloud.admin_update(&[("email", "nobody")]).await.unwrap_err().0, "InvalidParameterException");
    assert_eq!(cloud.admin_update(&[("email_verified", "yes")]).await.unwrap_err().0, "InvalidParameterException");
    assert_eq!(cloud.admin_update(&[("custom:tier", "x")]).await.unwrap_err().0, "InvalidParameterException");
    let required = invalid("Attributes did not conform to the schema: email: The attribute is required\n");
    assert_eq!(cloud.admin_update(&[("email", "")]).await.unwrap_err(), required);
    let immutable = invalid("user.birthdate: Attribute cannot be updated.\n");
    assert_eq!(cloud.admin_update(&[("birthdate", "2000-01-01")]).await.unwrap_err(), immutable);
    let immutable = invalid("user.sub: Attribute cannot be updated.\n");
    assert_eq!(cloud.admin_update(&[("sub", "another")]).await.unwrap_err(), immutable);
}

#[tokio::test]
async fn somebody_writes_their_number_but_not_that_it_is_verified() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let access = tokens.access_token().unwrap();
    cloud.admin_update(&[("phone_number", "+998901234567"), ("phone_number_verified", "true")]).await.unwrap();
    let refused = cloud.update_own(access, "phone_number_verified", "true").await.unwrap_err();
    assert_eq!(refused, refusal("NotAuthorizedException", "A client attempted to write unauthorized attribute"));
    cloud.update_own(access, "phone_number", "+998907654321").await.unwrap();
    let expected = [
        ("email", EMAIL),
        ("email_verified", "true"),
        ("phone_number", "+998907654321"),
        ("phone_number_verified", "false"),
    ];
    assert_eq!(cloud.attributes().await, pairs(&expected));
    let request = cloud.client.delete_user_attributes().access_token(access);
    request.user_attribute_names("phone_number").send().await.unwrap();
    let request = cloud.client.admin_delete_user_attributes().user_pool_id(POOL).username(EMAIL);
    request.user_attribute_names("email_verified").send().await.unwrap();
    assert_eq!(cloud.attributes().await, pairs(&[("email", EMAIL)]));
}

#[tokio::test]
async fn a_disabled_account_does_nothing_and_its_sessions_do_not_come_back_with_it() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    cloud.client.admin_disable_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
    let shown = cloud.client.admin_get_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
    assert!(!shown.enabled);
    let disabled = refusal("NotAuthorizedException", "User is disabled.");
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), disabled);
    assert_eq!(cloud.sign_in(EMAIL, "Wrong-horse-1").await.unwrap_err(), wrong());
    assert_eq!(cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap_err().0, "NotAuthorizedException");
    assert_eq!(cloud.user(tokens.access_token().unwrap()).await.unwrap_err().0, "NotAuthorizedException");

    cloud.client.admin_enable_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
    let revoked = refusal("NotAuthorizedException", "Access Token has been revoked");
    assert_eq!(cloud.user(tokens.access_token().unwrap()).await.unwrap_err(), revoked);
    cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_deleted_account_leaves_its_name_to_others_and_no_token_behind() {
    let cloud = cloud().await;
    let first = cloud.member().await;
    let request = cloud.client.admin_add_user_to_group().user_pool_id(POOL).username(EMAIL).group_name("admin");
    request.send().await.unwrap();
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    cloud.client.admin_delete_user().user_pool_id(POOL).username(&first).send().await.unwrap();
    let missing = refusal("UserNotFoundException", "User does not exist.");
    let again = service_result(cloud.client.admin_delete_user().user_pool_id(POOL).username(EMAIL).send().await);
    assert_eq!(again.map(drop).unwrap_err(), missing);
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), wrong());
    let refused = cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap_err();
    assert_eq!(refused, refusal("NotAuthorizedException", "Invalid Refresh Token"));
    assert_eq!(cloud.user(tokens.access_token().unwrap()).await.unwrap_err(), missing);

    let second = cloud.member().await;
    assert_ne!(first, second);
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert!(tokens::payload(tokens.access_token().unwrap()).get("cognito:groups").is_none());
    cloud.client.delete_user().access_token(tokens.access_token().unwrap()).send().await.unwrap();
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), wrong());
}

#[tokio::test]
async fn a_password_set_by_an_administrator_changes_the_status_and_no_session() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.sign_in(EMAIL, PASSWORD).await.unwrap();
    let set = async |password: &str, permanent: bool| {
        let request = cloud.client.admin_set_user_password().user_pool_id(POOL).username(EMAIL).password(password);
        request.permanent(permanent).send().await.unwrap();
        let shown = cloud.client.admin_get_user().user_pool_id(POOL).username(EMAIL).send().await.unwrap();
        shown.user_status.unwrap()
    };
    assert_eq!(set("Another-horse-2", false).await, UserStatusType::ForceChangePassword);
    assert_eq!(set("Another-horse-3", true).await, UserStatusType::Confirmed);
    assert_eq!(cloud.sign_in(EMAIL, PASSWORD).await.unwrap_err(), wrong());
    cloud.refresh(tokens.refresh_token().unwrap()).await.unwrap();
    cloud.user(tokens.access_token().unwrap()).await.unwrap();
}

#[tokio::test]
async fn each_administration_call_wants_its_own_permission() {
    let cloud = cloud().await;
    cloud.member().await;
    let desk = client(&cloud.cognito, "DESK").await;
    let codes = [
        service_result(desk.admin_delete_user().user_pool_id(POOL).username(EMAIL).send().await).map(drop),
        service_result(desk.admin_disable_user().user_pool_id(POOL).username(EMAIL).send().await).map(drop),
        service_result(desk.admin_enable_user().user_pool_id(POOL).username(EMAIL).send().await).map(drop),
        service_result(
            desk.admin_update_user_attributes()
                .user_pool_id(POOL)
                .username(EMAIL)
                .user_attributes(attribute("name", "x"))
                .send()
                .await,
        )
        .map(drop),
        service_result(
            desk.admin_delete_user_attributes()
                .user_pool_id(POOL)
                .username(EMAIL)
                .user_attribute_names("name")
                .send()
                .await,
        )
        .map(drop),
        service_result(
            desk.admin_set_user_password().user_pool_id(POOL).username(EMAIL).password(PASSWORD).send().await,
        )
        .map(drop),
    ];
    for answered in codes {
        assert_eq!(answered.unwrap_err().0, "AccessDeniedException");
    }
}
