//! Which attributes a client may read and write.

use super::*;

const UNAUTHORIZED: &str = "A client attempted to write unauthorized attribute";

impl Cloud {
    async fn sign_up_with(&self, client: &str, name: &str, value: &str) -> Result<(), (String, String)> {
        let request = self.client.sign_up().client_id(client).username("new").password(PASSWORD);
        let request = request.user_attributes(attribute("email", "new@example.test"));
        service_result(request.user_attributes(attribute(name, value)).send().await).map(drop)
    }

    async fn update(&self, access_token: &str, name: &str, value: &str) -> Result<(), (String, String)> {
        let attribute = AttributeType::builder().name(name).value(value).build().unwrap();
        let request = self.client.update_user_attributes().access_token(access_token).user_attributes(attribute);
        service_result(request.send().await).map(drop)
    }

    async fn tokens_for(&self, client: &str) -> AuthenticationResultType {
        let request = self.client.initiate_auth().client_id(client).auth_flow(AuthFlowType::UserPasswordAuth);
        let request = request.auth_parameters("USERNAME", EMAIL).auth_parameters("PASSWORD", PASSWORD);
        request.send().await.unwrap().authentication_result.unwrap()
    }
}

#[tokio::test]
async fn a_client_writes_at_sign_up_what_it_may_write() {
    let cloud = cloud().await;
    let unauthorized = || refusal("NotAuthorizedException", UNAUTHORIZED);
    for (client, name) in [
        // Whether an address is verified, an id, and what the schema does not have is for no client to write.
        ("shop", "email_verified"),
        ("shop", "phone_number_verified"),
        ("shop", "sub"),
        ("shop", "custom:tier"),
        ("shop", "vendor"),
        ("narrow", "name"),
    ] {
        assert_eq!(cloud.sign_up_with(client, name, "true").await, Err(unauthorized()), "{client} {name}");
    }
    assert!(cloud.mail.messages(None).unwrap().is_empty());
    cloud.sign_up_with("narrow", "nickname", "B").await.unwrap();
}

#[tokio::test]
async fn a_client_changes_what_it_may_write_and_reads_what_it_may_read() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.tokens_for("narrow").await;
    let access = tokens.access_token().unwrap();
    let unauthorized = || Err(refusal("NotAuthorizedException", UNAUTHORIZED));
    for name in ["name", "email_verified", "sub", "custom:tier"] {
        assert_eq!(cloud.update(access, name, "x").await, unauthorized(), "{name}");
    }
    cloud.update(access, "nickname", "B").await.unwrap();

    let seen = cloud.user(access).await.unwrap();
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["sub", "email", "name"], "neither email_verified nor the nickname that it wrote");
    let claims = tokens::payload(cloud.tokens_for("narrow").await.id_token().unwrap());
    assert_eq!((claims["email"].as_str(), claims["name"].as_str()), (Some(EMAIL), Some("Buyer")));
    assert!(claims.get("email_verified").is_none() && claims.get("nickname").is_none(), "{claims}");
    let claims = tokens::payload(cloud.tokens_for("shop").await.id_token().unwrap());
    assert_eq!((claims["email_verified"].as_bool(), claims["nickname"].as_str()), (Some(true), Some("B")));
}

#[tokio::test]
async fn a_required_attribute_stays_and_an_immutable_one_is_written_at_sign_up_only() {
    let cloud = cloud().await;
    cloud.member().await;
    let tokens = cloud.tokens_for("shop").await;
    let access = tokens.access_token().unwrap();
    let required = "Attributes did not conform to the schema: email: The attribute is required\n";
    assert_eq!(cloud.update(access, "email", "").await, Err(refusal("InvalidParameterException", required)));
    let immutable = "user.birthdate: Attribute cannot be updated.\n";
    let updated = cloud.update(access, "birthdate", "2000-01-01").await;
    assert_eq!(updated, Err(refusal("InvalidParameterException", immutable)));
    cloud.sign_up_with("shop", "birthdate", "2000-01-01").await.unwrap();
}

#[tokio::test]
async fn an_administrator_writes_any_attribute_of_the_schema_and_no_other() {
    let cloud = cloud().await;
    let create = async |name: &str| {
        let request = cloud.client.admin_create_user().user_pool_id("us-east-1_Bozor0000").username(EMAIL);
        let request = request.user_attributes(attribute("email", EMAIL)).user_attributes(attribute(name, "true"));
        service_result(request.send().await).map(drop)
    };
    let unknown = "Attributes did not conform to the schema: custom:tier: Attribute does not exist in the schema.";
    assert_eq!(create("custom:tier").await, Err(refusal("InvalidParameterException", unknown)));
    assert_eq!(create("email_verified").await, Ok(()));
}
