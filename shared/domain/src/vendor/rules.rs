//! What the marketplace asks of a vendor, by the country of the vendor.

use super::{DocumentKind, IdentityChange, MAX_IDENTITY_CHANGES, PublicIdentity, VendorAccount, VendorState};
use crate::code::{Code, FieldError, Refusal};
use crate::settings::VendorRules;
use crate::{Timestamp, UserId};

impl VendorAccount {
    /// Fails with `checklist_incomplete` when the identity or a paper that its country needs is missing or has expired;
    /// `errors` names each.
    pub fn check_rules(&self, rules: &VendorRules, now: Timestamp) -> Result<(), Refusal> {
        let mut missing = match &self.public_identity {
            Some(identity) => identity.missing(rules.fields(&identity.country)),
            None => vec![FieldError::new("/public_identity", "missing", "must be filled in")],
        };
        missing.extend(self.missing_papers(rules, now).into_iter().map(|kind| {
            let detail = format!("a paper of the kind {} is needed that has not expired", kind.as_str());
            FieldError::new("/documents", "missing", detail)
        }));
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::ChecklistIncomplete, missing)) }
    }

    /// The kinds of papers that are needed and of which there is none, or whose last one has expired.
    pub fn missing_papers(&self, rules: &VendorRules, now: Timestamp) -> Vec<DocumentKind> {
        let needed = rules.papers(self.public_identity.as_ref().map(|identity| &identity.country));
        let is_there = |kind: &DocumentKind| {
            let last = self.documents.iter().rev().find(|document| document.kind == *kind);
            last.is_some_and(|document| !document.has_expired(now))
        };
        needed.iter().copied().filter(|kind| !is_there(kind)).collect()
    }

    /// The account with another identity. After the approval the change is kept, and true: the operator is told.
    ///
    /// # Errors
    /// `wrong_state` while the operator looks at the application; `invalid` for what is not allowed; what is missing.
    pub fn with_identity(
        mut self,
        identity: Option<PublicIdentity>,
        rules: &VendorRules,
        (by, at): (UserId, Timestamp),
    ) -> Result<(Self, bool), Refusal> {
        if self.public_identity == identity {
            return Ok((self, false));
        }
        if self.state == VendorState::Submitted {
            let fixed = FieldError::new("/public_identity", "fixed", "the operator looks at it at the moment");
            return Err(Refusal::fields(Code::WrongState, vec![fixed]));
        }
        let wrong = identity.as_ref().map(PublicIdentity::check).unwrap_or_default();
        if !wrong.is_empty() {
            return Err(Refusal::fields(Code::Invalid, wrong));
        }
        let before = std::mem::replace(&mut self.public_identity, identity);
        if !self.state.holds_handle() {
            return Ok((self, false));
        }
        self.check_rules(rules, at)?;
        self.identity_changes.push(IdentityChange { at, by, before });
        let over = self.identity_changes.len().saturating_sub(MAX_IDENTITY_CHANGES);
        // The first stays, or what was approved could be washed out.
        self.identity_changes.drain(1..=over);
        Ok((self, true))
    }
}
