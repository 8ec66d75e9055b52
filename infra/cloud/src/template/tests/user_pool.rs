//! What a user pool's resources become, and what of them is refused.

use super::*;

const RECOVERY: &str = "      UsernameConfiguration: {CaseSensitive: false}\n";

/// The small template with some texts replaced, each of which is there.
fn with(changes: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let mut text = SMALL.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    parse(&text)
}

/// The small template with a line more in its pool.
fn with_pool(line: &str) -> Result<Template, TemplateError> {
    with(&[(RECOVERY, &format!("{RECOVERY}      {line}\n"))])
}

#[test]
fn a_pool_can_be_filled_and_recovered_by_administrators_only() {
    let open = parse(SMALL).unwrap().user_pool;
    assert_eq!((open.admin_creates_only, open.admin_recovers_only), (false, false));
    let closed = with(&[
        ("AllowAdminCreateUserOnly: false", "AllowAdminCreateUserOnly: true"),
        (
            "      Schema: [{Name: email, AttributeDataType: String, Required: true, Mutable: true}]\n",
            "      AccountRecoverySetting: {RecoveryMechanisms: [{Name: admin_only, Priority: 1}]}\n",
        ),
        (
            "ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]",
            "ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]",
        ),
    ]);
    let closed = closed.unwrap().user_pool;
    assert_eq!((closed.admin_creates_only, closed.admin_recovers_only), (true, true));
    assert_eq!(closed.required_attributes, Vec::<String>::new());
    assert_eq!(closed.clients[0].auth_flows, ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    let by_mail = with_pool("AccountRecoverySetting: {RecoveryMechanisms: [{Name: verified_email, Priority: 1}]}");
    assert!(!by_mail.unwrap().user_pool.admin_recovers_only);
}

#[test]
fn a_pool_that_cognito_would_not_make_or_that_is_not_known_here_is_refused() {
    let both = "{Name: admin_only, Priority: 1}, {Name: verified_email, Priority: 2}";
    for line in [
        &format!("AccountRecoverySetting: {{RecoveryMechanisms: [{both}]}}"),
        "AccountRecoverySetting: {RecoveryMechanisms: [{Name: verified_phone_number, Priority: 1}]}",
        "AliasAttributes: [email]",
        "UsernameAttributes: [phone_number]",
        "MfaConfiguration: OPTIONAL",
    ] {
        let refused = with_pool(line).unwrap_err();
        assert_eq!(refused.path, "Resources.Pool", "{line}: {refused}");
    }
    let flow = with(&[("ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH")]).unwrap_err();
    assert_eq!(flow.path, "Resources.PoolClient");
}

const TRIGGERS: &str = "      UserPoolTier: ESSENTIALS
      LambdaConfig:
        PreTokenGenerationConfig: {LambdaArn: !GetAtt HelloFunction.Arn, LambdaVersion: V2_0}
        DefineAuthChallenge: !GetAtt HelloFunction.Arn
";
const PERMISSION: &str = "  MayInvoke:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref HelloFunction
      Principal: cognito-idp.amazonaws.com
      SourceArn: !GetAtt Pool.Arn

";

/// The small template with triggers in its pool and a resource more, both with a text replaced.
fn with_triggers(from: &str, to: &str, resource: &str) -> Result<Template, TemplateError> {
    let changed = |text: &str| text.replacen(from, to, 1);
    with(&[
        (RECOVERY, &format!("{RECOVERY}{}", changed(TRIGGERS))),
        ("  PoolClient:\n", &format!("{}  PoolClient:\n", changed(resource))),
    ])
}

#[test]
fn a_pool_asks_the_functions_that_let_it() {
    use crate::cognito::{Trigger, Triggers};
    let triggers = |resource: &str| with_triggers("V2_0", "V2_0", resource).unwrap().user_pool.triggers;
    let hello = |is_permitted: bool| Some(Trigger { function: "HelloFunction".into(), is_permitted });
    let expected = |is_permitted: bool| Triggers {
        pre_token: hello(is_permitted),
        define_challenge: hello(is_permitted),
        ..Triggers::default()
    };
    assert_eq!(triggers(PERMISSION), expected(true));
    assert_eq!(triggers(""), expected(false));
    let by_arn = PERMISSION.replace("!Ref HelloFunction", "!GetAtt HelloFunction.Arn");
    assert_eq!(triggers(&by_arn), expected(true));
    let of_another = PERMISSION.replace("!GetAtt Pool.Arn", "arn:aws:cognito-idp:us-east-1:000000000000:userpool/x");
    assert_eq!(triggers(&of_another), expected(false));
    assert_eq!(parse(SMALL).unwrap().user_pool.triggers, Triggers::default());
}

#[test]
fn triggers_that_cognito_would_not_take_or_that_are_not_known_here_are_refused() {
    for (from, to, path) in [
        ("UserPoolTier: ESSENTIALS", "UserAttributeUpdateSettings: {}", "Resources.Pool"),
        ("ESSENTIALS", "LITE", "Resources.Pool"),
        ("V2_0", "V1_0", "Resources.Pool"),
        ("DefineAuthChallenge", "PreSignUp", "Resources.Pool"),
        ("DefineAuthChallenge: !GetAtt HelloFunction.Arn", "DefineAuthChallenge: arn:aws:lambda:x", "Resources.Pool"),
        ("      SourceArn: !GetAtt Pool.Arn\n", "", "Resources.MayInvoke"),
        ("cognito-idp.amazonaws.com", "\"*\"", "Resources.MayInvoke"),
        ("lambda:InvokeFunction", "lambda:*", "Resources.MayInvoke"),
        ("!Ref HelloFunction", "another", "Resources.MayInvoke"),
    ] {
        let refused = with_triggers(from, to, PERMISSION).unwrap_err();
        assert_eq!(refused.path, path, "{from}: {refused}");
    }
}
