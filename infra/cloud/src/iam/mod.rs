//! The roles of functions and pipes, evaluated as IAM does.

mod dynamodb;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::ACCOUNT;

pub use self::dynamodb::{Unreadable, dynamodb_needs};

/// The prefix of access key ids; the logical id of a function or pipe follows.
pub const KEY_PREFIX: &str = "LOCAL";
/// The access key id that is allowed everything, for the embedded cloud's own calls and for tests.
pub const ROOT_KEY: &str = "LOCALROOT";

/// The effect of a statement on the calls that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allows the call, unless another statement denies it.
    Allow,
    /// Denies the call, whatever other statements allow.
    Deny,
}

/// One statement of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The logical id of the function or pipe that has the role.
    pub role: String,
    /// Its name, unique within the role.
    pub sid: String,
    pub effect: Effect,
    /// Actions such as `dynamodb:GetItem`; `*` matches any number of characters and `?` exactly one.
    pub actions: Vec<String>,
    /// ARNs, with the same wildcards.
    pub resources: Vec<String>,
}

impl Statement {
    /// Whether the statement matches this action on this resource.
    pub fn is_about(&self, action: &str, resource: &str) -> bool {
        self.actions.iter().any(|pattern| matches_action(pattern, action))
            && self.resources.iter().any(|pattern| matches_resource(pattern, resource))
    }
}

/// The statements of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// In the order of the template.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Whether a statement allows the action on the resource and none denies it.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        self.deciding(action, resource).is_ok()
    }

    /// The statement that allows a call, or why it is denied.
    fn deciding(&self, action: &str, resource: &str) -> Result<&Statement, Refusal> {
        let mut allowing = None;
        for statement in self.statements.iter().filter(|statement| statement.is_about(action, resource)) {
            match statement.effect {
                Effect::Deny => return Err(Refusal::Denied),
                Effect::Allow => allowing = allowing.or(Some(statement)),
            }
        }
        allowing.ok_or(Refusal::NotAllowed)
    }
}

/// An action on a resource that a call needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Such as `dynamodb:GetItem`.
    pub action: String,
    /// An ARN.
    pub resource: String,
}

impl Need {
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into() }
    }
}

/// Why a call was denied. Displays as AWS's message, which the endpoints return with `AccessDeniedException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenied {
    /// The name of the stack that the role belongs to.
    stack: String,
    /// The role that called; `None` for an unknown access key.
    pub role: Option<String>,
    /// The permission that it lacks.
    pub need: Need,
    refusal: Refusal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Denied,
    NotAllowed,
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(role) = &self.role else {
            return formatter.write_str("The security token included in the request is invalid.");
        };
        let (stack, Need { action, resource }) = (&self.stack, &self.need);
        write!(
            formatter,
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/{stack}-{role}Role/{stack}-{role} is not authorized to perform: \
             {action} on resource: {resource} "
        )?;
        match self.refusal {
            Refusal::Denied => formatter.write_str("with an explicit deny in an identity-based policy"),
            Refusal::NotAllowed => write!(formatter, "because no identity-based policy allows the {action} action"),
        }
    }
}

impl std::error::Error for AccessDenied {}

/// A call that a statement allowed: role, Sid and action.
pub type Exercised = (String, String, String);

/// The roles of all functions and pipes, by access key id. Clones share the record of exercised permissions.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    stack: String,
    by_id: BTreeMap<String, Policy>,
    exercised: Arc<Mutex<BTreeSet<Exercised>>>,
}

impl Roles {
    /// The roles of a stack's functions and pipes: the logical id of each, and its statements.
    pub fn of<'a>(stack: &str, roles: impl IntoIterator<Item = (&'a str, &'a [Statement])>) -> Self {
        let policy =
            |(id, statements): (&str, &[Statement])| (id.to_owned(), Policy { statements: statements.to_vec() });
        let by_id = roles.into_iter().map(policy).collect();
        Self { stack: stack.to_owned(), by_id, exercised: Arc::default() }
    }

    /// The access key id of a function or pipe by its logical id.
    pub fn key_of(id: &str) -> String {
        format!("{KEY_PREFIX}{id}")
    }

    /// The policy of an access key id; `None` for the root key and for unknown keys.
    pub fn policy(&self, access_key_id: &str) -> Option<&Policy> {
        self.by_id.get(access_key_id.strip_prefix(KEY_PREFIX)?)
    }

    /// Whether an access key id is the root key or that of a function or pipe.
    pub fn knows(&self, access_key_id: &str) -> bool {
        access_key_id == ROOT_KEY || self.policy(access_key_id).is_some()
    }

    /// Checks all needs, and fails on the first that the caller's role does not cover. Records what was allowed.
    pub fn check(&self, access_key_id: &str, needs: &[Need]) -> Result<(), AccessDenied> {
        if access_key_id == ROOT_KEY {
            return Ok(());
        }
        let role = access_key_id.strip_prefix(KEY_PREFIX).filter(|id| self.by_id.contains_key(*id));
        let denied =
            |need, refusal| AccessDenied { stack: self.stack.clone(), role: role.map(str::to_owned), need, refusal };
        for need in needs {
            let policy = self.policy(access_key_id);
            let decided =
                policy.map_or(Err(Refusal::NotAllowed), |policy| policy.deciding(&need.action, &need.resource));
            match decided {
                Ok(statement) => {
                    let call = (statement.role.clone(), statement.sid.clone(), need.action.clone());
                    self.exercised.lock().unwrap_or_else(PoisonError::into_inner).insert(call);
                }
                Err(refusal) => {
                    return Err(denied(need.clone(), refusal));
                }
            }
        }
        // A call without needs still requires a known access key.
        match role {
            Some(_) => Ok(()),
            None => Err(denied(Need::new("", ""), Refusal::NotAllowed)),
        }
    }

    /// Whether the caller's role allows one action on one resource.
    pub fn allows(&self, access_key_id: &str, action: &str, resource: &str) -> bool {
        self.check(access_key_id, &[Need::new(action, resource)]).is_ok()
    }

    /// The same roles without one statement, for a test that shows that something then fails.
    #[must_use]
    pub fn without(&self, id: &str, sid: &str) -> Self {
        let mut by_id = self.by_id.clone();
        if let Some(policy) = by_id.get_mut(id) {
            policy.statements.retain(|statement| statement.sid != sid);
        }
        Self { stack: self.stack.clone(), by_id, exercised: Arc::default() }
    }

    /// All statements, role by role.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.by_id.values().flat_map(|policy| &policy.statements)
    }

    /// The permissions used so far. A statement or action that a full run does not use grants too much.
    pub fn exercised(&self) -> BTreeSet<Exercised> {
        self.exercised.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a pattern matches an action, ignoring case.
pub fn matches_action(pattern: &str, action: &str) -> bool {
    matches(pattern.to_ascii_lowercase().as_bytes(), action.to_ascii_lowercase().as_bytes())
}

/// Whether a pattern matches an ARN. A wildcard does not match across the five colons that separate an ARN's parts.
pub fn matches_resource(pattern: &str, resource: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut patterns = pattern.splitn(6, ':');
    let mut parts = resource.splitn(6, ':');
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

/// `*` matches any number of characters, also none, and `?` exactly one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, text);
    // Where to continue when the characters after the last star turn out not to match.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest.split_first(), left.split_first()) {
            (Some((b'*', after)), _) => {
                retry = Some((after, left));
                rest = after;
            }
            (Some((character, after)), Some((found, following))) if *character == b'?' || character == found => {
                (rest, left) = (after, following);
            }
            (None, None) => return true,
            _ => match retry.and_then(|(after, from)| Some((after, from.split_first()?.1))) {
                Some((after, from)) => {
                    retry = Some((after, from));
                    (rest, left) = (after, from);
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
