//! Who signs in with a second factor: the roles for which it is asked, besides those for which the deployment asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::marketplace::OperatorRole;
use crate::vendor::Role;

/// A role of a vendor's staff or of the operator's people, as the setting names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Owners of vendors.
    Owner,
    /// Managers of vendors.
    Manager,
    /// Who packs and ships for vendors.
    Fulfilment,
    /// Who does the accounts of vendors.
    Finance,
    /// The owners of the marketplace.
    OperatorOwner,
    /// The operator's support.
    OperatorSupport,
    /// Who keeps the operator's catalog.
    OperatorCatalog,
    /// Who does the operator's accounts.
    OperatorFinance,
    /// A role that only a newer release knows.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl StaffRole {
    pub const ALL: [Self; 8] = [
        Self::Owner,
        Self::Manager,
        Self::Fulfilment,
        Self::Finance,
        Self::OperatorOwner,
        Self::OperatorSupport,
        Self::OperatorCatalog,
        Self::OperatorFinance,
    ];

    /// Whether nobody has this role without a second factor where the deployment asks for one (`MfaRequired`).
    pub const fn needs_mfa(self) -> bool {
        !matches!(self, Self::Manager | Self::Fulfilment)
    }
}

impl From<Role> for StaffRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Manager => Self::Manager,
            Role::Fulfilment => Self::Fulfilment,
            Role::Finance => Self::Finance,
            Role::Other => Self::Other,
        }
    }
}

impl From<OperatorRole> for StaffRole {
    fn from(role: OperatorRole) -> Self {
        match role {
            OperatorRole::Owner => Self::OperatorOwner,
            OperatorRole::Support => Self::OperatorSupport,
            OperatorRole::Catalog => Self::OperatorCatalog,
            OperatorRole::Finance => Self::OperatorFinance,
            OperatorRole::Other => Self::Other,
        }
    }
}

/// The roles that need a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Security {
    /// Those that the operator asks of, besides those for which the deployment asks.
    pub mfa: BTreeSet<StaffRole>,
}

impl Security {
    /// Whether nobody has the role without a second factor.
    pub fn needs_mfa(&self, role: StaffRole, is_required_by_deployment: bool) -> bool {
        (is_required_by_deployment && role.needs_mfa()) || self.mfa.contains(&role)
    }

    /// All roles that need one, as they are shown.
    pub fn in_force(&self, is_required_by_deployment: bool) -> Vec<StaffRole> {
        StaffRole::ALL.into_iter().filter(|role| self.needs_mfa(*role, is_required_by_deployment)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_adds_to_what_the_deployment_asks_for_and_takes_nothing_away() {
        let none = Security::default();
        assert!(StaffRole::ALL.into_iter().all(|role| !none.needs_mfa(role, false)));
        let forced = none.in_force(true);
        assert!(forced.contains(&StaffRole::Owner) && forced.contains(&StaffRole::OperatorSupport));
        assert!(!forced.contains(&StaffRole::Manager) && !forced.contains(&StaffRole::Fulfilment));
        let managers = Security { mfa: [StaffRole::Manager].into() };
        assert_eq!(managers.in_force(false), [StaffRole::Manager]);
        assert_eq!(managers.in_force(true).len(), forced.len() + 1);
    }
}
