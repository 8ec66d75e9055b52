//! What the operator's own people are told: invitations to them, and what has changed among them.

use domain::contact::ContactPoint;
use domain::marketplace::OperatorRole;
use domain::notice::TeamNotice;
use domain::{Timestamp, UserId};
use pages::{Texts, fill};
use platform::mail::Message;
use platform::messenger::Outgoing;

use crate::texts::{Said, To};
use crate::{App, DeliveryError, Told};

impl App {
    /// Tells a person and the owners what has changed, if it has come to be.
    pub(crate) async fn send_team_notice(
        &self,
        notice: TeamNotice,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let team = self.accounts.operators().await?;
        let (user, is_true) = match notice {
            TeamNotice::Joined { user } => (user, team.member(user).is_some()),
            TeamNotice::RoleChanged { user, role } => (user, team.member(user).is_some_and(|one| one.role == role)),
            TeamNotice::Removed { user } => (user, team.member(user).is_none()),
        };
        if !is_true {
            return Ok(());
        }
        let owners = team.members.iter().filter(|member| member.role == OperatorRole::Owner && member.user != user);
        let owners: Vec<UserId> = owners.map(|owner| owner.user).collect();
        let person = self.contact_of(user).await?;
        let person = person.as_ref().map(ContactPoint::as_str);
        let role = team.member(user).map(|member| member.role);
        let mut told = Told::default();
        // Nobody is told what they have done themselves.
        if !matches!(notice, TeamNotice::Joined { .. }) {
            told.add(self.tell(user, &|to| to.own_role_changed(notice), by).await);
        }
        for owner in owners {
            told.add(self.tell(owner, &|to| to.team_changed(person, notice, role), by).await);
        }
        told.end()
    }

    /// Tells all of the operator's people with one of these roles something.
    pub(crate) async fn tell_operators(
        &self,
        roles: &[OperatorRole],
        said: Said<'_>,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let mut told = Told::default();
        for member in self.accounts.operators().await?.members.iter().filter(|member| roles.contains(&member.role)) {
            told.add(self.tell(member.user, said, by).await);
        }
        told.end()
    }
}

impl To<'_> {
    /// An invitation to the operator's people. The token stands in the link, which the gateway's log leaves out.
    pub(crate) fn team_invitation(&self, role: OperatorRole, token: &str) -> Outgoing {
        let page = format!("{}/operate/invitations/{token}", self.url());
        let asked = fill(self.t.team_invited, &[("site", self.name()), ("role", self.operator_role(role))]);
        let draft = self.answering(self.draft().text(asked), &page, token);
        let short = fill(self.t.team_invited_short, &[("site", self.name()), ("link", &page)]);
        Outgoing { short: Some(short), ..Outgoing::by_mail("", self.finish(self.t.team_invited_subject, draft)) }
    }

    /// What the owners are told of somebody among the operator's people.
    fn team_changed(&self, person: Option<&str>, notice: TeamNotice, role: Option<OperatorRole>) -> Message {
        let t = self.t;
        let said = match notice {
            TeamNotice::Joined { .. } => t.team_joined,
            TeamNotice::RoleChanged { .. } => t.team_role,
            TeamNotice::Removed { .. } => t.team_removed,
        };
        let role = role.map_or("", |role| self.operator_role(role));
        let said = fill(said, &[("person", person.unwrap_or(t.no_account)), ("role", role)]);
        self.message(t.team_subject, &[&said], "/operate")
    }

    /// What a person is told of themselves.
    fn own_role_changed(&self, notice: TeamNotice) -> Message {
        let t = self.t;
        let said = match notice {
            TeamNotice::RoleChanged { role, .. } => fill(t.own_role, &[("role", self.operator_role(role))]),
            TeamNotice::Joined { .. } | TeamNotice::Removed { .. } => t.own_removed.to_owned(),
        };
        // Who is not among them any more sees what there is for everybody.
        let page = if matches!(notice, TeamNotice::RoleChanged { .. }) { "/operate" } else { "" };
        self.message(t.own_role_subject, &[&said], page)
    }

    /// What one of the operator's people is, behind a colon.
    fn operator_role(&self, role: OperatorRole) -> &'static str {
        let t = Texts::of(self.language());
        match role {
            OperatorRole::Owner => t.desk_role_owner,
            OperatorRole::Support => self.t.role_support,
            OperatorRole::Catalog => self.t.role_catalog,
            OperatorRole::Finance => t.desk_role_finance,
            OperatorRole::Other => self.t.role_member,
        }
    }
}

#[cfg(test)]
mod tests {
    use pages::Language;

    use super::*;
    use crate::texts::Site;

    #[test]
    fn an_invitation_says_as_what_and_has_its_token_on_a_line_of_its_own() {
        let site = Site::new("Bozor", "https://shop.example/", Language::En);
        let outgoing = site.to(None).team_invitation(OperatorRole::Support, "abc");
        let page = "https://shop.example/operate/invitations/abc";
        assert_eq!(outgoing.short.unwrap(), format!("Bozor invites you to run the marketplace. {page}"));
        let message = outgoing.mail;
        assert!(
            message.text.contains("Bozor invites you to run the marketplace. Your role: support."),
            "{}",
            message.text
        );
        assert!(message.text.contains("https://shop.example/operate/invitations/abc\n"), "{}", message.text);
        assert!(message.text.lines().any(|line| line == "abc") && !message.subject.contains("abc"));
    }
}
