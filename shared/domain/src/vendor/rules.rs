//! What the marketplace asks of a vendor, by the country of the vendor.

use super::{DocumentKind, IdentityChange, MAX_IDENTITY_CHANGES, PublicIdentity, VendorAccount, VendorState};
use crate::code::{Code, FieldError, Refusal};
use crate::settings::VendorRules;
use crate::{Timestamp, UserId};

impl VendorAccount {
    /// Fails with `checklist_incomplete` when the identity or a paper that its country needs is missing; `errors` names
    /// each.
    pub fn check_rules(&self, rules: &VendorRules) -> Result<(), Refusal> {
        let mut missing = match &self.public_identity {
            Some(identity) => identity.missing(rules.fields(&identity.country)),
            None => vec![FieldError::new("/public_identity", "missing", "must be filled in")],
        };
        missing.extend(self.missing_papers(rules).into_iter().map(|kind| {
            FieldError::new("/documents", "missing", format!("a paper of the kind {} is needed", kind.as_str()))
        }));
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::ChecklistIncomplete, missing)) }
    }

    /// The kinds of papers that are needed and of which there is none.
    pub fn missing_papers(&self, rules: &VendorRules) -> Vec<DocumentKind> {
        let needed = rules.papers(self.public_identity.as_ref().map(|identity| &identity.country));
        let is_there = |kind: &DocumentKind| self.documents.iter().any(|document| document.kind == *kind);
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
        self.check_rules(rules)?;
        self.identity_changes.push(IdentityChange { at, by, before });
        let over = self.identity_changes.len().saturating_sub(MAX_IDENTITY_CHANGES);
        self.identity_changes.drain(..over);
        Ok((self, true))
    }
}
