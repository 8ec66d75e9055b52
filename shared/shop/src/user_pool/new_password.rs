//! The user pool's own challenge for people whom an administrator has made: their password is for once.

use aws_sdk_cognitoidentityprovider::types::{AuthenticationResultType, ChallengeNameType};
use store::accounts::Username;

use super::{UserPool, UserPoolError, user_pool_error};
use crate::credentials::Password;

impl UserPool {
    /// Answers the challenge with another password, and signs the person in. `Refused` when its time is over.
    pub(crate) async fn choose_password(
        &self,
        username: &Username,
        session: &str,
        password: &Password,
    ) -> Result<AuthenticationResultType, UserPoolError> {
        let call = self.client.admin_respond_to_auth_challenge().user_pool_id(&self.pool_id).client_id(&self.client_id);
        let call = call.challenge_name(ChallengeNameType::NewPasswordRequired).session(session);
        let call = call.challenge_responses("USERNAME", username.as_str());
        let call = call.challenge_responses("NEW_PASSWORD", password.as_str());
        let call = call.challenge_responses("SECRET_HASH", self.hash(username).await?);
        let answered = call.send().await.map_err(user_pool_error)?;
        answered.authentication_result.ok_or(UserPoolError::Refused)
    }
}
