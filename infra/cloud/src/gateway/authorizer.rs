//! The JWT authorizer: a token is checked before the function sees the request.

use std::fmt;
use std::sync::Arc;

use crate::time::Timestamp;
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::answer::Refusal;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The token is not from our pool and client, or is expired or not yet valid: 401.
    Unauthorized,
    /// The token is valid but lacks a scope that the route asks for: 403.
    Forbidden,
}

/// Checks a token's signature, issuer, audience and times, and returns its claims.
pub type Verifier = Arc<dyn Fn(&str, Timestamp) -> Result<Map<String, Value>, Denied> + Send + Sync>;

#[derive(Clone)]
pub struct Authorizer {
    pub verify: Verifier,
    /// A token must have one of these scopes; empty asks for none.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authorizer").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// A caller whose token was accepted.
#[derive(Debug)]
pub(super) struct Caller {
    /// The token's claims, each as the string that the gateway passes on.
    pub(super) claims: Map<String, Value>,
    /// The token's scopes, if the route asks for one.
    pub(super) scopes: Option<Vec<String>>,
}

impl Authorizer {
    pub(super) fn check(&self, headers: &HeaderMap, now: Timestamp) -> Result<Caller, Refusal> {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // API Gateway accepts a token with or without the scheme `Bearer`.
        let token = match sent.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => sent.trim(),
        };
        if token.is_empty() {
            return Err(Refusal::Unauthorized);
        }
        let claims = (self.verify)(token, now).map_err(|denied| match denied {
            Denied::Unauthorized => Refusal::Unauthorized,
            Denied::Forbidden => Refusal::Forbidden,
        })?;
        let scopes = if self.scopes.is_empty() { None } else { Some(self.scopes_of(&claims)?) };
        Ok(Caller {
            claims: claims.into_iter().map(|(name, value)| (name, Value::String(text_of(&value)))).collect(),
            scopes,
        })
    }

    fn scopes_of(&self, claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
        let carried = claims.get("scope").or_else(|| claims.get("scp")).and_then(Value::as_str).unwrap_or_default();
        let carried: Vec<String> = carried.split_whitespace().map(str::to_owned).collect();
        if carried.iter().any(|scope| self.scopes.contains(scope)) { Ok(carried) } else { Err(Refusal::Forbidden) }
    }
}

/// A claim as API Gateway writes it: lists as `[admin vendor]`.
fn text_of(claim: &Value) -> String {
    match claim {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text_of).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
