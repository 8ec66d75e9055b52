//! A user pool and its clients as the template describes them.

use std::time::Duration;

use super::passwords::PasswordPolicy;
use crate::account::{ACCOUNT, REGION};

/// A user pool whose users sign in with a username of their own, in any case. Their e-mail addresses are attributes:
/// several users may have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// Such as `us-east-1_Bozor0000`.
    pub id: String,
    pub password_policy: PasswordPolicy,
    /// Whether `SignUp` is disabled and only `AdminCreateUser` creates accounts.
    pub admin_creates_only: bool,
    /// Whether `ForgotPassword` is disabled and only an administrator sets another password (`admin_only`).
    pub admin_recovers_only: bool,
    pub groups: Vec<String>,
    pub clients: Vec<UserPoolClient>,
    /// The attributes that every user has.
    pub required_attributes: Vec<String>,
    /// The attributes that are written at sign-up and never again.
    pub immutable_attributes: Vec<String>,
    /// The sender's address.
    pub mail_from: String,
    /// The SES identity through which mail is sent (`EmailSendingAccount: DEVELOPER`), and which then has to take it;
    /// `None` is Cognito's own sender.
    pub mail_identity: Option<String>,
    /// The configuration set that its mail is sent with.
    pub mail_configuration_set: Option<String>,
    pub code_subject: String,
    /// The text of a mail with a code; the code replaces `{####}`.
    pub code_message: String,
    /// The functions that it asks.
    pub triggers: Triggers,
}

impl UserPool {
    /// A pool with Cognito's defaults, without groups and clients.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            password_policy: PasswordPolicy::default(),
            admin_creates_only: false,
            admin_recovers_only: false,
            groups: Vec::new(),
            clients: Vec::new(),
            required_attributes: Vec::new(),
            immutable_attributes: Vec::new(),
            mail_from: "no-reply@verificationemail.com".into(),
            mail_identity: None,
            mail_configuration_set: None,
            code_subject: "Your verification code".into(),
            code_message: "Your confirmation code is {####}".into(),
            triggers: Triggers::default(),
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

/// A function that a pool asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its logical id.
    pub function: String,
    /// Whether the function's own policy lets this pool invoke it (`AWS::Lambda::Permission`).
    pub is_permitted: bool,
}

/// The triggers of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    /// `PreTokenGenerationConfig`, with events of version `V2_0`.
    pub pre_token: Option<Trigger>,
    pub define_challenge: Option<Trigger>,
    pub create_challenge: Option<Trigger>,
    pub verify_answer: Option<Trigger>,
}

impl Triggers {
    /// The logical ids of all functions that the pool asks.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let all = [&self.pre_token, &self.define_challenge, &self.create_challenge, &self.verify_answer];
        all.into_iter().flatten().map(|trigger| trigger.function.as_str())
    }
}

/// An app client of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPoolClient {
    pub id: String,
    /// What every unauthenticated call has to prove that it knows; `None` for a client that anybody may use.
    pub secret: Option<String>,
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
    /// The attributes it may read; `None` is every standard one.
    pub read_attributes: Option<Vec<String>>,
    /// The attributes it may write; `None` is every standard one that users may write.
    pub write_attributes: Option<Vec<String>>,
}

impl UserPoolClient {
    /// A client that signs in with passwords: access tokens of 15 minutes, refresh tokens of 30 days, and responses
    /// that hide who has an account.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: None,
            access_lifetime: Duration::from_mins(15),
            id_lifetime: Duration::from_mins(15),
            refresh_lifetime: Duration::from_hours(30 * 24),
            auth_flows: vec!["ALLOW_USER_PASSWORD_AUTH".into(), "ALLOW_REFRESH_TOKEN_AUTH".into()],
            prevents_user_existence_errors: true,
            read_attributes: None,
            write_attributes: None,
        }
    }

    /// The secret that a client with this id gets here. It is the same at every start, so it is none on any other
    /// machine either: it only has the form of Cognito's.
    pub fn local_secret(id: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, format!("the secret of {id}").as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).take(26).collect()
    }

    pub(super) fn allows(&self, flow: &str) -> bool {
        self.auth_flows.iter().any(|allowed| allowed == flow)
    }

    pub(super) fn reads(&self, attribute: &str) -> bool {
        attribute == "sub"
            || self.read_attributes.as_ref().is_none_or(|names| names.iter().any(|name| name == attribute))
    }

    pub(super) fn writes(&self, attribute: &str) -> bool {
        match &self.write_attributes {
            Some(names) => names.iter().any(|name| name == attribute),
            None => is_writable(attribute),
        }
    }
}

/// The attributes that every pool has
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html>).
const STANDARD: [&str; 18] = [
    "address",
    "birthdate",
    "email",
    "email_verified",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "website",
    "zoneinfo",
];

/// Whether the schema has an attribute. There are no custom ones here.
pub fn is_standard(attribute: &str) -> bool {
    STANDARD.contains(&attribute)
}

/// Whether a client can be allowed to write an attribute: whether an address is verified only Cognito says.
pub fn is_writable(attribute: &str) -> bool {
    is_standard(attribute) && !attribute.ends_with("_verified")
}
