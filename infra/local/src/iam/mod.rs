//! Who may do what: the roles of functions and pipes, evaluated as IAM does.

mod dynamodb;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::template::{ACCOUNT, STACK, Template};

pub use self::dynamodb::{Unreadable, dynamodb_needs};

/// What access key ids of this cloud begin with; the logical id of a function or pipe follows.
pub const KEY_PREFIX: &str = "LOCAL";
/// The access key id that may do everything: the cloud's own work, and tests.
pub const ROOT_KEY: &str = "LOCALROOT";

/// What a statement does to a call that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Permits it, unless another statement forbids it.
    Allow,
    /// Forbids it, whatever others say.
    Deny,
}

/// One statement of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The logical id of the function or pipe whose role it is in.
    pub role: String,
    /// Its name inside the role.
    pub sid: String,
    /// What it does.
    pub effect: Effect,
    /// Actions such as `dynamodb:GetItem`; `*` and `?` stand for any characters and any character.
    pub actions: Vec<String>,
    /// ARNs, with the same wildcards.
    pub resources: Vec<String>,
}

impl Statement {
    /// Whether the statement is about this action on this resource.
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

    /// The statement that allows a call, or why it is refused.
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
    /// The action, such as `dynamodb:GetItem`.
    pub action: String,
    /// The ARN.
    pub resource: String,
}

impl Need {
    /// An action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into() }
    }
}

/// Why a call was refused, in the words of AWS; the endpoints answer `AccessDeniedException` with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenied {
    /// The role that called; `None` for an access key of nobody here.
    pub role: Option<String>,
    /// What it lacked.
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
        let Need { action, resource } = &self.need;
        write!(
            formatter,
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/{STACK}-{role}Role/{STACK}-{role} is not authorized to perform: \
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

/// The roles of all functions and pipes, found by access key id. Clones share the record of what was exercised.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    by_id: BTreeMap<String, Policy>,
    exercised: Arc<Mutex<BTreeSet<Exercised>>>,
}

impl Roles {
    /// The roles that a template declares.
    pub fn of(template: &Template) -> Self {
        let functions = template.functions.iter().map(|function| (&function.id, &function.statements));
        let pipes = template.pipes.iter().map(|pipe| (&pipe.id, &pipe.statements));
        let by_id = functions
            .chain(pipes)
            .map(|(id, statements)| (id.clone(), Policy { statements: statements.clone() }))
            .collect();
        Self { by_id, exercised: Arc::default() }
    }

    /// The access key id of a function or pipe by its logical id.
    pub fn key_of(id: &str) -> String {
        format!("{KEY_PREFIX}{id}")
    }

    /// The policy behind an access key id; `None` for the root key and for keys of nobody here.
    pub fn policy(&self, access_key_id: &str) -> Option<&Policy> {
        self.by_id.get(access_key_id.strip_prefix(KEY_PREFIX)?)
    }

    /// Whether an access key id is somebody's here.
    pub fn knows(&self, access_key_id: &str) -> bool {
        access_key_id == ROOT_KEY || self.policy(access_key_id).is_some()
    }

    /// Refuses the first need that the caller's role does not cover.
    pub fn check(&self, access_key_id: &str, needs: &[Need]) -> Result<(), AccessDenied> {
        if access_key_id == ROOT_KEY {
            return Ok(());
        }
        let role = access_key_id.strip_prefix(KEY_PREFIX).filter(|id| self.by_id.contains_key(*id));
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
                    return Err(AccessDenied { role: role.map(str::to_owned), need: need.clone(), refusal });
                }
            }
        }
        // A call without needs still has to come from somebody.
        match role {
            Some(_) => Ok(()),
            None => Err(AccessDenied { role: None, need: Need::new("", ""), refusal: Refusal::NotAllowed }),
        }
    }

    /// Whether the caller may do one thing.
    pub fn allows(&self, access_key_id: &str, action: &str, resource: &str) -> bool {
        self.check(access_key_id, &[Need::new(action, resource)]).is_ok()
    }

    /// The same roles without one statement, for the test that something then fails.
    #[must_use]
    pub fn without(&self, id: &str, sid: &str) -> Self {
        let mut by_id = self.by_id.clone();
        if let Some(policy) = by_id.get_mut(id) {
            policy.statements.retain(|statement| statement.sid != sid);
        }
        Self { by_id, exercised: Arc::default() }
    }

    /// All statements, role by role.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.by_id.values().flat_map(|policy| &policy.statements)
    }

    /// What was used of the roles so far. A statement or action that a full run leaves out is too much.
    pub fn exercised(&self) -> BTreeSet<Exercised> {
        self.exercised.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a pattern covers an action. Actions have no case.
pub fn matches_action(pattern: &str, action: &str) -> bool {
    matches(pattern.to_ascii_lowercase().as_bytes(), action.to_ascii_lowercase().as_bytes())
}

/// Whether a pattern covers an ARN. A wildcard does not reach over the colons of an ARN's first five parts.
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

/// `*` stands for any characters, also none, and `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, text);
    // Where to go on when the characters after the last star do not fit after all.
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
