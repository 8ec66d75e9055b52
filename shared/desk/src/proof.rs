//! How a member or the operator came in: what they may do depends on their second factor.

use domain::marketplace::Operator;
use domain::mfa::Proof;
use domain::settings::{Security, SettingId, SettingValue};
use domain::vendor::Member;
use domain::{Refusal, Timestamp, UserId, VendorId};
use platform::{Config, Fatal};
use store::accounts::CameIn;
use store::{Accounts, SettingsTable};

use crate::Error;

/// Who is signed in, since when, and when they ask for something.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub user: UserId,
    pub at: Timestamp,
    pub now: Timestamp,
}

/// Whether operators, owners and finance need a second factor.
#[derive(Clone, Debug)]
pub struct MfaPolicy {
    is_required: bool,
    settings: SettingsTable,
}

impl MfaPolicy {
    /// Reads it from the configuration, and for which roles it is asked besides from the settings.
    ///
    /// # Errors
    /// `MFA_REQUIRED` is missing, or neither `true` nor `false`.
    pub fn new(config: &Config, settings: SettingsTable) -> Result<Self, Fatal> {
        Ok(Self { is_required: config.required_bool("MFA_REQUIRED")?, settings })
    }

    /// A membership, with how its member came in. What they may do without a second factor is asked when they do it.
    pub(crate) async fn member(
        &self,
        accounts: &Accounts,
        by: Arrival,
        named: Option<VendorId>,
    ) -> Result<Member, Error> {
        let (settings, member, mfa) =
            tokio::join!(self.settings.current(), accounts.member(by.user, named), accounts.mfa(by.user));
        let (member, mfa) = (member?, mfa?);
        let settings = settings?;
        let is_required = settings.security.needs_mfa(member.membership.role.into(), self.is_required);
        let terms_due = settings.legal.due(member.membership.accepted_terms, by.now);
        let mfa_since = mfa.and_then(|mfa| mfa.since);
        Ok(Member { proof: Proof { signed_in_at: by.at, now: by.now, mfa_since, is_required }, terms_due, ..member })
    }

    /// One of the operator's people, as they came in. Whoever `may_be_first` becomes the first owner while there never
    /// was one.
    ///
    /// # Errors
    /// `forbidden` for everybody else; `mfa_required`, when a second factor is needed that was not shown.
    pub(crate) async fn operator(
        &self,
        accounts: &Accounts,
        by: Arrival,
        may_be_first: bool,
    ) -> Result<Operator, Error> {
        let settings = self.settings.current().await?;
        let by = CameIn { user: by.user, at: by.at, now: by.now, mfa_required: self.is_required };
        Ok(if may_be_first {
            accounts.first_operator_who_came_in(by, &settings.security).await?
        } else {
            accounts.operator_who_came_in(by, &settings.security).await?
        })
    }

    /// A value of the setting as it is in force: what the deployment asks for is always in it.
    pub(crate) fn shown(&self, id: SettingId, value: SettingValue) -> SettingValue {
        let Some(roles) = value.roles.as_ref().filter(|_| id == SettingId::Mfa) else { return value };
        let security = Security { mfa: roles.iter().copied().collect() };
        SettingValue { roles: Some(security.in_force(self.is_required)), ..value }
    }

    /// Refuses to take a role out of the setting for which the deployment asks.
    pub(crate) fn check(&self, id: SettingId, value: &SettingValue) -> Result<(), Refusal> {
        let Some(roles) = value.roles.as_ref().filter(|_| id == SettingId::Mfa) else { return Ok(()) };
        let forced = Security::default().in_force(self.is_required);
        match forced.iter().find(|role| !roles.contains(role)) {
            None => Ok(()),
            Some(_) => {
                let detail = "operators, owners and finance need one as long as MfaRequired is true";
                Err(Refusal::field("/roles", "required", detail))
            }
        }
    }
}
