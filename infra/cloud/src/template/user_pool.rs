//! The Cognito user pool, its client and its groups.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cognito::{PasswordPolicy, Triggers, UserPool, UserPoolClient, is_standard, is_writable};
use crate::mail::is_sender_of_a_pool;

use super::document::Resource;
use super::permissions::Permissions;
use super::{TemplateError, only, properties, refuse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PoolProperties {
    // What people sign in with cannot be changed later, so it must not be an address.
    username_attributes: Option<IgnoredAny>,
    alias_attributes: Option<IgnoredAny>,
    username_configuration: CaseSensitivity,
    auto_verified_attributes: Vec<String>,
    admin_create_user_config: SignUp,
    policies: Policies,
    verification_message_template: VerificationMessage,
    email_configuration: EmailProperties,
    account_recovery_setting: Option<Recovery>,
    user_pool_tier: Option<Tier>,
    lambda_config: Option<LambdaConfig>,
    // Deletion protection and address changes are not modelled here.
    #[serde(rename = "DeletionProtection")]
    _deletion_protection: Option<IgnoredAny>,
    #[serde(rename = "UserAttributeUpdateSettings")]
    _updates: Option<IgnoredAny>,
    #[serde(default)]
    schema: Vec<SchemaAttribute>,
}

/// What is paid for each person, and with it what a pool can do.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Tier {
    Lite,
    Essentials,
    Plus,
}

/// The ARNs of the functions that a pool asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct LambdaConfig {
    pre_token_generation_config: Option<VersionedLambda>,
    define_auth_challenge: Option<String>,
    create_auth_challenge: Option<String>,
    verify_auth_challenge_response: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VersionedLambda {
    lambda_arn: String,
    lambda_version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SchemaAttribute {
    name: String,
    #[serde(default)]
    required: bool,
    mutable: bool,
    #[serde(rename = "AttributeDataType")]
    _kind: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct CaseSensitivity {
    case_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SignUp {
    allow_admin_create_user_only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Recovery {
    recovery_mechanisms: Vec<RecoveryMechanism>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RecoveryMechanism {
    name: RecoveryName,
    #[serde(rename = "Priority")]
    _priority: u8,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum RecoveryName {
    AdminOnly,
    VerifiedEmail,
}

/// Cognito's own names; [`PasswordPolicy`] is what they mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PasswordProperties {
    minimum_length: usize,
    require_lowercase: bool,
    require_uppercase: bool,
    require_numbers: bool,
    require_symbols: bool,
    temporary_password_validity_days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Policies {
    password_policy: PasswordProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VerificationMessage {
    default_email_option: EmailOption,
    email_subject: String,
    email_message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum EmailOption {
    ConfirmWithCode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EmailProperties {
    from: String,
    email_sending_account: EmailSendingAccount,
    source_arn: String,
    configuration_set: Option<String>,
}

/// Whose SES sends a pool's mail. Cognito's own sends 50 messages a day.
#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum EmailSendingAccount {
    Developer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ClientProperties {
    user_pool_id: String,
    generate_secret: bool,
    explicit_auth_flows: Vec<String>,
    prevent_user_existence_errors: Existence,
    enable_token_revocation: bool,
    access_token_validity: u64,
    id_token_validity: u64,
    refresh_token_validity: u64,
    token_validity_units: Units,
    read_attributes: Option<Vec<String>>,
    write_attributes: Option<Vec<String>>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Existence {
    Enabled,
    Legacy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Units {
    access_token: Unit,
    id_token: Unit,
    refresh_token: Unit,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    fn times(self, count: u64) -> Duration {
        let seconds = match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        };
        Duration::from_secs(count.saturating_mul(seconds))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct GroupProperties {
    user_pool_id: String,
    group_name: String,
    #[serde(rename = "Description")]
    _description: Option<String>,
}

pub(super) fn read(
    pools: &[(String, Resource)],
    clients: &[(String, Resource)],
    groups: &[(String, Resource)],
    permissions: &Permissions,
) -> Result<UserPool, TemplateError> {
    let (id, resource) = only("AWS::Cognito::UserPool", pools)?;
    let read: PoolProperties = properties(id, &resource.properties)?;
    let EmailOption::ConfirmWithCode = read.verification_message_template.default_email_option;
    if read.username_attributes.is_some() || read.alias_attributes.is_some() {
        return Err(refuse(id, "only a pool whose people sign in with a username is known here, not with an address"));
    }
    if read.auto_verified_attributes != ["email"] {
        return Err(refuse(id, "an e-mail address must be verified"));
    }
    if read.username_configuration.case_sensitive {
        return Err(refuse(id, "only case-insensitive names are known here"));
    }
    let recovery = read.account_recovery_setting.map(|setting| setting.recovery_mechanisms).unwrap_or_default();
    let admin_recovers_only = recovery.iter().any(|mechanism| mechanism.name == RecoveryName::AdminOnly);
    // https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-recover-a-user-account.html
    if admin_recovers_only && recovery.len() > 1 {
        return Err(refuse(id, "admin_only cannot be used with another recovery mechanism"));
    }
    let EmailSendingAccount::Developer = read.email_configuration.email_sending_account;
    if !is_sender_of_a_pool(&read.email_configuration.from) {
        return Err(refuse(id, "Provided From email address is invalid"));
    }
    let Some((_, mail_identity)) = read.email_configuration.source_arn.split_once(":identity/") else {
        return Err(refuse(id, "the SourceArn of its mail is not that of an SES identity"));
    };
    if let Some(unknown) = read.schema.iter().find(|attribute| !is_standard(&attribute.name)) {
        return Err(refuse(id, format!("the attribute {} is not known here", unknown.name)));
    }
    let named = |which: fn(&SchemaAttribute) -> bool| -> Vec<String> {
        read.schema.iter().filter(|attribute| which(attribute)).map(|attribute| attribute.name.clone()).collect()
    };
    let required_attributes = named(|attribute| attribute.required);
    let immutable_attributes = named(|attribute| !attribute.mutable);
    let pool = resource.name.clone();
    let groups = groups.iter().map(|(id, group)| group_name(id, group, &pool)).collect::<Result<Vec<_>, _>>()?;
    let triggers = match read.lambda_config {
        Some(config) => triggers(id, config, read.user_pool_tier, &UserPool::new(&pool).arn(), permissions)?,
        None => Triggers::default(),
    };
    let password = read.policies.password_policy;
    Ok(UserPool {
        clients: vec![client(clients, &pool, &required_attributes)?],
        password_policy: PasswordPolicy {
            minimum_length: password.minimum_length,
            lowercase: password.require_lowercase,
            uppercase: password.require_uppercase,
            numbers: password.require_numbers,
            symbols: password.require_symbols,
            temporary_validity: Duration::from_secs(password.temporary_password_validity_days.saturating_mul(86_400)),
        },
        admin_creates_only: read.admin_create_user_config.allow_admin_create_user_only,
        admin_recovers_only,
        code_subject: read.verification_message_template.email_subject,
        code_message: read.verification_message_template.email_message,
        mail_from: read.email_configuration.from,
        mail_identity: Some(mail_identity.to_owned()),
        mail_configuration_set: read.email_configuration.configuration_set,
        required_attributes,
        immutable_attributes,
        groups,
        triggers,
        id: pool,
    })
}

fn triggers(
    id: &str,
    config: LambdaConfig,
    tier: Option<Tier>,
    pool: &str,
    permissions: &Permissions,
) -> Result<Triggers, TemplateError> {
    let trigger = |arn: Option<&String>| arn.map(|arn| permissions.trigger(id, arn, pool)).transpose();
    if let Some(before) = &config.pre_token_generation_config {
        if before.lambda_version != "V2_0" {
            return Err(refuse(id, format!("events of version {} are not known here", before.lambda_version)));
        }
        // https://docs.aws.amazon.com/cognito/latest/developerguide/feature-plans-features-essentials.html
        if !matches!(tier, Some(Tier::Essentials | Tier::Plus)) {
            return Err(refuse(id, "access tokens are customized with UserPoolTier ESSENTIALS or PLUS only"));
        }
    }
    Ok(Triggers {
        pre_token: trigger(config.pre_token_generation_config.as_ref().map(|before| &before.lambda_arn))?,
        define_challenge: trigger(config.define_auth_challenge.as_ref())?,
        create_challenge: trigger(config.create_auth_challenge.as_ref())?,
        verify_answer: trigger(config.verify_auth_challenge_response.as_ref())?,
    })
}

fn group_name(id: &str, resource: &Resource, pool: &str) -> Result<String, TemplateError> {
    let group: GroupProperties = properties(id, &resource.properties)?;
    if group.user_pool_id == pool { Ok(group.group_name) } else { Err(refuse(id, "the group is of another pool")) }
}

fn client(
    clients: &[(String, Resource)],
    pool: &str,
    required_attributes: &[String],
) -> Result<UserPoolClient, TemplateError> {
    let (id, resource) = only("AWS::Cognito::UserPoolClient", clients)?;
    let read: ClientProperties = properties(id, &resource.properties)?;
    if read.user_pool_id != pool {
        return Err(refuse(id, "the client is of another pool"));
    }
    let known =
        ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
    if let Some(flow) = read.explicit_auth_flows.iter().find(|flow| !known.contains(&flow.as_str())) {
        return Err(refuse(id, format!("the flow {flow} is not known here")));
    }
    // Cognito creates no such client (https://github.com/aws/aws-cdk/issues/20760,
    // https://github.com/aws/aws-cdk/issues/2608): what it may write has to exist, to be writable, and to hold all that
    // is required.
    if read.read_attributes.iter().flatten().any(|name| !is_standard(name)) {
        return Err(refuse(id, "Invalid read attributes specified while creating a client"));
    }
    if let Some(names) = &read.write_attributes
        && (names.iter().any(|name| !is_writable(name)) || required_attributes.iter().any(|name| !names.contains(name)))
    {
        return Err(refuse(id, "Invalid write attributes specified while creating a client"));
    }
    if !read.enable_token_revocation {
        return Err(refuse(id, "a client whose tokens cannot be revoked is not known here"));
    }
    let name = resource.name.clone();
    Ok(UserPoolClient {
        secret: read.generate_secret.then(|| UserPoolClient::local_secret(&name)),
        id: name,
        access_lifetime: read.token_validity_units.access_token.times(read.access_token_validity),
        id_lifetime: read.token_validity_units.id_token.times(read.id_token_validity),
        refresh_lifetime: read.token_validity_units.refresh_token.times(read.refresh_token_validity),
        auth_flows: read.explicit_auth_flows,
        prevents_user_existence_errors: read.prevent_user_existence_errors == Existence::Enabled,
        read_attributes: read.read_attributes,
        write_attributes: read.write_attributes,
    })
}
