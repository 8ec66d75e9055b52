//! Policy statements of roles, queues and buckets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::Resource;
use super::{TemplateError, names, properties, refuse};
use crate::iam::{self, Effect, Statement};

/// A policy with all its statements, of any principal.
pub(super) struct PolicyDocument {
    pub statements: Vec<PolicyStatement>,
}

pub(super) struct PolicyStatement {
    pub sid: Option<String>,
    pub principal: Option<Principal>,
    /// The ARN of the only resource, such as a topic, for which the service may act.
    pub source: Option<String>,
    effect: Effect,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Whether it is only about calls over plain HTTP.
    of_plain_http: bool,
}

/// The principal of a statement of a queue's, bucket's or trust policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Principal {
    Anybody,
    Service(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DocumentProperties {
    #[serde(rename = "Version")]
    _version: Option<String>,
    statement: Vec<StatementProperties>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StatementProperties {
    sid: Option<String>,
    effect: EffectProperty,
    principal: Option<PrincipalProperty>,
    action: OneOrMany,
    resource: Option<OneOrMany>,
    condition: Option<ConditionProperties>,
}

#[derive(Deserialize)]
enum EffectProperty {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PrincipalProperty {
    Anybody(String),
    Service(ServiceProperty),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ServiceProperty {
    service: String,
}

/// The conditions that are supported: a service acts for this account, which holds for every service here, or for one
/// resource; and a call came over plain HTTP, which holds for none, because the loopback stands for an encrypted
/// connection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionProperties {
    #[serde(rename = "StringEquals")]
    equals: Option<SourceAccount>,
    #[serde(rename = "ArnEquals")]
    source: Option<SourceArn>,
    #[serde(rename = "Bool")]
    transport: Option<Transport>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transport {
    #[serde(rename = "aws:SecureTransport")]
    is_secure: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceAccount {
    #[serde(rename = "aws:SourceAccount")]
    account: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceArn {
    #[serde(rename = "aws:SourceArn")]
    arn: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl PolicyDocument {
    pub(super) fn read(id: &str, document: &Value) -> Result<Self, TemplateError> {
        let read: DocumentProperties = properties(id, document)?;
        let statements = read
            .statement
            .into_iter()
            .map(|statement| PolicyStatement::read(id, statement))
            .collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

impl PolicyStatement {
    fn read(id: &str, read: StatementProperties) -> Result<Self, TemplateError> {
        let principal = match read.principal {
            None => None,
            Some(PrincipalProperty::Anybody(star)) if star == "*" => Some(Principal::Anybody),
            Some(PrincipalProperty::Service(service)) => Some(Principal::Service(service.service)),
            Some(PrincipalProperty::Anybody(other)) => {
                return Err(refuse(id, format!("principal {other} is not known here")));
            }
        };
        let (source, of_plain_http) = match (read.condition, &read.effect, &principal) {
            (None, ..) => (None, false),
            (
                Some(ConditionProperties { equals: Some(source), source: None, transport: None }),
                EffectProperty::Allow,
                Some(Principal::Service(_)),
            ) if source.account == crate::account::ACCOUNT => (None, false),
            (
                Some(ConditionProperties { equals: None, source: Some(source), transport: None }),
                EffectProperty::Allow,
                Some(Principal::Service(_)),
            ) => (Some(source.arn), false),
            (
                Some(ConditionProperties { equals: None, source: None, transport: Some(transport) }),
                EffectProperty::Deny,
                Some(Principal::Anybody),
            ) if transport.is_secure == "false" => (None, true),
            (Some(_), ..) => {
                let known = "the conditions known here are a service's aws:SourceAccount or aws:SourceArn, and that nobody \
                             may call without aws:SecureTransport";
                return Err(refuse(id, known));
            }
        };
        Ok(Self {
            sid: read.sid,
            principal,
            source,
            effect: match read.effect {
                EffectProperty::Allow => Effect::Allow,
                EffectProperty::Deny => Effect::Deny,
            },
            actions: read.action.into_list(),
            resources: read.resource.map(OneOrMany::into_list).unwrap_or_default(),
            of_plain_http,
        })
    }

    /// Whether this statement refuses everything that comes to these resources over plain HTTP.
    pub(super) fn refuses_plain_http(&self, actions: &str, resources: &[&str]) -> bool {
        let is_for = |resource: &&str| self.resources.iter().any(|pattern| iam::matches_resource(pattern, resource));
        self.of_plain_http && self.actions == [actions] && resources.iter().all(is_for)
    }

    /// Whether this statement by itself allows an action on a resource.
    pub(super) fn allows(&self, action: &str, resource: &str) -> bool {
        self.effect == Effect::Allow
            && self.actions.iter().any(|pattern| iam::matches_action(pattern, action))
            && self.resources.iter().any(|pattern| iam::matches_resource(pattern, resource))
    }
}

/// Actions that IAM checks against no resource, so a statement for them has to name all
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html>).
const WITHOUT_RESOURCE: [&str; 1] = ["ses:DeleteSuppressedDestination"];

/// The statements of a role from its inline policies. Each needs a Sid of its own, by which a test removes it, and none
/// may allow wildcard actions or all resources.
pub(super) fn statements(id: &str, policies: &[Value]) -> Result<Vec<Statement>, TemplateError> {
    let mut all: Vec<Statement> = Vec::new();
    for policy in policies {
        if let Some(name) = policy.as_str() {
            return Err(refuse(id, format!("policy {name}: only inline statements are known here")));
        }
        for statement in PolicyDocument::read(id, policy)?.statements {
            let sid = statement.sid.ok_or_else(|| refuse(id, "a statement has no Sid"))?;
            if all.iter().any(|other| other.sid == sid) {
                return Err(refuse(id, format!("two statements are called {sid}")));
            }
            if statement.principal.is_some() {
                return Err(refuse(id, format!("{sid}: a role's statement has no principal")));
            }
            if statement.resources.is_empty() {
                return Err(refuse(id, format!("{sid} names no resource")));
            }
            let has_resource = statement.actions.iter().any(|action| !WITHOUT_RESOURCE.contains(&action.as_str()));
            let too_much = statement.actions.iter().any(|action| action.contains('*'))
                || (has_resource && statement.resources.iter().any(|resource| resource == "*"));
            if too_much && statement.effect == Effect::Allow {
                return Err(refuse(id, format!("{sid} allows more than named actions on named resources")));
            }
            all.push(Statement {
                role: id.to_owned(),
                sid,
                effect: statement.effect,
                actions: statement.actions,
                resources: statement.resources,
            });
        }
    }
    Ok(all)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RoleProperties {
    assume_role_policy_document: Value,
    policies: Vec<RolePolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RolePolicy {
    #[serde(rename = "PolicyName")]
    _name: IgnoredAny,
    policy_document: Value,
}

/// A role that is a resource of the template.
pub(super) struct Role {
    /// The service that may assume it.
    pub service: String,
    pub statements: Vec<Statement>,
}

/// The roles that are resources of the template, by their ARNs.
pub(super) fn roles(resources: &[(String, Resource)]) -> Result<BTreeMap<String, Role>, TemplateError> {
    let mut roles = BTreeMap::new();
    for (id, resource) in resources {
        let read: RoleProperties = properties(id, &resource.properties)?;
        let trust = PolicyDocument::read(id, &read.assume_role_policy_document)?;
        let service = match trust.statements.as_slice() {
            [PolicyStatement { principal: Some(Principal::Service(service)), .. }] => service.clone(),
            _ => return Err(refuse(id, "a role must be for exactly one service")),
        };
        let documents: Vec<Value> = read.policies.into_iter().map(|policy| policy.policy_document).collect();
        let arn = names::arn(&resource.kind, &resource.name).ok_or_else(|| refuse(id, "it has no ARN"))?;
        roles.insert(arn, Role { service, statements: statements(id, &documents)? });
    }
    Ok(roles)
}
