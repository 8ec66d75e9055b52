//! What the operator's own people are told: invitations to them, and what has changed among them.

use domain::contact::ContactPoint;
use domain::invitation::INVITATION_LIFETIME;
use domain::marketplace::OperatorRole;
use domain::notice::TeamNotice;
use domain::{Timestamp, UserId};
use platform::mail::Message;
use platform::messenger::Outgoing;

use crate::texts::Site;
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
        let name = person.as_ref().map_or("A person without an account", ContactPoint::as_str);
        let to_owners = self.site.team_changed(name, notice, team.member(user).map(|member| member.role));
        let mut told = Told::default();
        if let Some(text) = self.site.own_role_changed(notice) {
            told.add(self.tell(user, &text, by).await);
        }
        for owner in owners {
            told.add(self.tell(owner, &to_owners, by).await);
        }
        told.end()
    }
}

impl App {
    /// Tells all of the operator's people with one of these roles something.
    pub(crate) async fn tell_operators(
        &self,
        roles: &[OperatorRole],
        text: &Message,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let mut told = Told::default();
        for member in self.accounts.operators().await?.members.iter().filter(|member| roles.contains(&member.role)) {
            told.add(self.tell(member.user, text, by).await);
        }
        told.end()
    }
}

impl Site {
    /// An invitation to the operator's people. The token stands in the link, which the gateway's log leaves out.
    pub(crate) fn team_invitation(&self, role: OperatorRole, token: &str) -> Outgoing {
        let asked = format!("{} invites you to run the marketplace {}.", self.name(), as_what(role));
        let page = format!("{}/operate/invitations/{token}", self.url());
        let link = format!("Sign in with this address, or make an account with it, and answer here:\n{page}");
        let by_hand = format!("If you are asked for the token, it is:\n{token}");
        let days = INVITATION_LIFETIME.as_secs() / 86_400;
        let valid = format!("It is valid for {days} days, once. If you do not want to, there is nothing to do.");
        let mail = self.message("an invitation to the marketplace", &[&asked, &link, &by_hand, &valid]);
        Outgoing { short: Some(format!("{asked} {page}")), ..Outgoing::by_mail("", mail) }
    }

    /// What the owners are told of somebody among the operator's people.
    fn team_changed(&self, person: &str, notice: TeamNotice, role: Option<OperatorRole>) -> Message {
        let role = role.map_or("", as_what);
        let said = match notice {
            TeamNotice::Joined { .. } => format!("{person} has accepted: they run the marketplace {role}."),
            TeamNotice::RoleChanged { .. } => format!("{person} has another role: they run the marketplace {role}."),
            TeamNotice::Removed { .. } => format!("{person} does not run the marketplace any more."),
        };
        self.message("a change among the operator's people", &[&said])
    }

    /// What a person is told of themselves; nothing of what they have done themselves.
    fn own_role_changed(&self, notice: TeamNotice) -> Option<Message> {
        let said = match notice {
            TeamNotice::Joined { .. } => return None,
            TeamNotice::RoleChanged { role, .. } => format!("You run the marketplace {} now.", as_what(role)),
            TeamNotice::Removed { .. } => "You do not run the marketplace any more.".to_owned(),
        };
        Some(self.message("your role at the marketplace", &[&said]))
    }
}

/// What one of the operator's people is, behind "run the marketplace".
const fn as_what(role: OperatorRole) -> &'static str {
    match role {
        OperatorRole::Owner => "as an owner",
        OperatorRole::Support => "in support",
        OperatorRole::Catalog => "for its catalog",
        OperatorRole::Finance => "in finance",
        OperatorRole::Other => "with others",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_says_as_what_and_has_its_token_on_a_line_of_its_own() {
        let site = Site::new("Bozor", "https://shop.example/");
        let outgoing = site.team_invitation(OperatorRole::Support, "abc");
        let page = "https://shop.example/operate/invitations/abc";
        assert_eq!(outgoing.short.unwrap(), format!("Bozor invites you to run the marketplace in support. {page}"));
        let message = outgoing.mail;
        assert!(message.text.contains("Bozor invites you to run the marketplace in support."), "{}", message.text);
        assert!(message.text.contains("https://shop.example/operate/invitations/abc\n"), "{}", message.text);
        assert!(message.text.lines().any(|line| line == "abc") && !message.subject.contains("abc"));
    }
}
