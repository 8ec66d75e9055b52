//! A user pool and its clients as the template describes them.

use std::time::Duration;

use super::passwords::PasswordPolicy;
use crate::account::{ACCOUNT, REGION};

/// A user pool whose users sign in with their e-mail address, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// Such as `us-east-1_Bozor0000`.
    pub id: String,
    pub password_policy: PasswordPolicy,
    /// Whether `SignUp` is disabled and only `AdminCreateUser` creates accounts.
    pub admin_creates_only: bool,
    pub groups: Vec<String>,
    pub clients: Vec<ClientSpec>,
    /// The sender's address.
    pub mail_from: String,
    pub code_subject: String,
    /// The text of a mail with a code; the code replaces `{####}`.
    pub code_message: String,
}

impl PoolSpec {
    /// A pool with Cognito's defaults, without groups and clients.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            password_policy: PasswordPolicy::default(),
            admin_creates_only: false,
            groups: Vec::new(),
            clients: Vec::new(),
            mail_from: "no-reply@verificationemail.com".into(),
            code_subject: "Your verification code".into(),
            code_message: "Your confirmation code is {####}".into(),
        }
    }

    pub fn arn(&self) -> String {
        Self::arn_of(&self.id)
    }

    /// The claim `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("https://cognito-idp.{REGION}.amazonaws.com/{}", self.id)
    }

    pub(super) fn arn_of(id: &str) -> String {
        format!("arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{id}")
    }
}

/// An app client of a pool, without a client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSpec {
    pub id: String,
    /// How long access tokens are valid.
    pub access_lifetime: Duration,
    /// How long ID tokens are valid.
    pub id_lifetime: Duration,
    /// How long refresh tokens are valid.
    pub refresh_lifetime: Duration,
    /// The flows it may use, as in `ExplicitAuthFlows`.
    pub auth_flows: Vec<String>,
    /// Whether responses hide who has an account.
    pub prevents_user_existence_errors: bool,
    /// The attributes it may read; all when empty.
    pub read_attributes: Vec<String>,
    /// The attributes it may write; all when empty.
    pub write_attributes: Vec<String>,
}

impl ClientSpec {
    /// A client that signs in with passwords: access tokens of 15 minutes, refresh tokens of 30 days, and responses
    /// that hide who has an account.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            access_lifetime: Duration::from_mins(15),
            id_lifetime: Duration::from_mins(15),
            refresh_lifetime: Duration::from_hours(30 * 24),
            auth_flows: vec!["ALLOW_USER_PASSWORD_AUTH".into(), "ALLOW_REFRESH_TOKEN_AUTH".into()],
            prevents_user_existence_errors: true,
            read_attributes: Vec::new(),
            write_attributes: Vec::new(),
        }
    }

    pub(super) fn allows(&self, flow: &str) -> bool {
        self.auth_flows.iter().any(|allowed| allowed == flow)
    }

    pub(super) fn reads(&self, attribute: &str) -> bool {
        attribute == "sub"
            || self.read_attributes.is_empty()
            || self.read_attributes.iter().any(|name| name == attribute)
    }

    pub(super) fn writes(&self, attribute: &str) -> bool {
        self.write_attributes.is_empty() || self.write_attributes.iter().any(|name| name == attribute)
    }
}
