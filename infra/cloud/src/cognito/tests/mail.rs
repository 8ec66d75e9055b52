//! Mail of a pool, which is sent through the account's SES.

use super::*;
use crate::mail::{Account as MailAccount, Sending};

#[tokio::test]
async fn a_code_that_ses_does_not_take_is_an_error_and_can_be_sent_again() {
    let cloud = cloud().await;
    cloud.mail.set_verified("bozor.test", false);
    let forbidden = refusal(
        "InvalidEmailRoleAccessPolicyException",
        "Cognito received the following error from Amazon SES when attempting to send email: Email address is not \
         verified. The following identities failed the check in region US-EAST-1: codes@bozor.test",
    );
    assert_eq!(cloud.sign_up(EMAIL, PASSWORD).await, Err(forbidden));
    cloud.mail.set_verified("bozor.test", true);
    // The account is there.
    assert_eq!(cloud.sign_up(EMAIL, PASSWORD).await.unwrap_err().0, "UsernameExistsException");
    let resend = async || {
        let request = cloud.client.resend_confirmation_code().client_id("shop").username(EMAIL);
        service_result(request.send().await).map(drop)
    };
    let undelivered = refusal("CodeDeliveryFailureException", "Invalid email provided/Unable to send the email");
    cloud.mail.set_account(MailAccount { sending: Sending::Paused, ..cloud.mail.account() });
    assert_eq!(resend().await, Err(undelivered));
    cloud.mail.set_account(MailAccount { sending: Sending::Enabled, ..cloud.mail.account() });
    resend().await.unwrap();
    cloud.confirm(&cloud.code()).await.unwrap();
}

#[tokio::test]
async fn no_code_goes_to_an_address_that_ses_does_not_know() {
    let cloud = cloud().await;
    for address in ["жанна@example.test", "buyer@почта.рф"] {
        assert_eq!(cloud.sign_up(address, PASSWORD).await.unwrap_err().0, "CodeDeliveryFailureException", "{address}");
    }
    assert!(cloud.mail.messages(None).unwrap().is_empty());
}

#[tokio::test]
async fn a_name_that_is_no_username_is_refused_before_anybody_is_looked_up() {
    let cloud = cloud().await;
    let long = format!("{}@example.test", "a".repeat(116));
    let constraint = "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have \
                      length less than or equal to 128";
    let too_long = || refusal("InvalidParameterException", constraint);
    assert_eq!(cloud.sign_up(&long, PASSWORD).await, Err(too_long()));
    assert_eq!(cloud.sign_in(&long, PASSWORD).await.map(drop), Err(too_long()));
    assert_eq!(cloud.forgot(&long).await, Err(too_long()));
    let request = cloud.client.admin_get_user().user_pool_id("us-east-1_Bozor0000").username(&long);
    assert_eq!(service_result(request.send().await).map(drop), Err(too_long()));
}
