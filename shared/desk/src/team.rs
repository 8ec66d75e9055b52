//! The operator's own people: owners invite them, give them other roles and remove them, and anybody may leave.

use domain::contact::ContactPoint;
use domain::invitation::Invitation;
use domain::marketplace::{self, MARKETPLACE, OperatorMembership, OperatorPermission, OperatorRole, OperatorTeam};
use domain::notice::TeamNotice;
use domain::stored::Kept;
use domain::vendor::Role;
use domain::{Call, Code, Refusal, Timestamp, UserId};
use serde::Deserialize;
use store::Backoff;
use store::accounts::TeamChange;
use utoipa::ToSchema;

use crate::invitations::{AnswerInvitation, not_found, opened};
use crate::inviting::{Inviter, Wanted};
use crate::{Done, Error, Operator, TakeBackInvitation, Vendors};

/// The most people of the operator's: they are read in one call.
const MAX_PEOPLE: usize = 200;

/// Whom to invite to the operator's people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteOperator {
    /// The person's e-mail address or telephone number.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// What the person is to do for the marketplace.
    role: OperatorRole,
}

/// Another role of one of the operator's people.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOperator {
    /// What the person does from now on.
    role: OperatorRole,
}

/// An open invitation to the operator's people.
#[derive(Clone, Debug)]
pub struct OpenTeamInvitation {
    pub contact: ContactPoint,
    pub role: OperatorRole,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

impl Operator {
    /// The operator's people, the oldest member first.
    pub async fn team(&self, by: &marketplace::Operator) -> Result<Vec<OperatorMembership>, Error> {
        by.may(OperatorPermission::ReadMembers)?;
        let mut members = self.accounts.operators().await?.members;
        members.sort_by_key(|member| (member.since, member.user));
        Ok(members)
    }

    /// Invites a person to the operator's people. The answer is the same whether or not the contact is somebody's.
    pub async fn invite_operator<R>(
        &self,
        by: &marketplace::Operator,
        asked: &InviteOperator,
        client: &str,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        by.may(OperatorPermission::EditMembers)?;
        let wanted = Wanted {
            vendor: MARKETPLACE,
            contact: &asked.contact,
            // Of no meaning: no vendor has this id.
            role: Role::Fulfilment,
            operator_role: Some(asked.role),
            by_operator: true,
        };
        self.inviting.invite(wanted, Inviter { user: by.user, client }, call).await
    }

    /// The open invitations to the operator's people, the newest first.
    pub async fn team_invitations(
        &self,
        by: &marketplace::Operator,
        now: Timestamp,
    ) -> Result<Vec<OpenTeamInvitation>, Error> {
        by.may(OperatorPermission::ReadMembers)?;
        let persons = self.inviting.persons.value().await?;
        let mut open = Vec::new();
        for known in self.inviting.sessions.invitations(MARKETPLACE, now).await? {
            // One whose master secret is gone can be accepted by nobody.
            let (Ok(contact), Some(role)) = (opened(&known, &persons), known.operator_role) else { continue };
            open.push(OpenTeamInvitation { contact, role, at: known.at, expires_at: known.expires_at });
        }
        open.sort_by(|one, other| (other.at, &one.contact).cmp(&(one.at, &other.contact)));
        Ok(open)
    }

    /// Takes an open invitation back.
    pub async fn take_back_team_invitation<R>(
        &self,
        by: &marketplace::Operator,
        asked: &TakeBackInvitation,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        by.may(OperatorPermission::EditMembers)?;
        self.inviting.take_back(MARKETPLACE, &asked.contact, call).await
    }

    /// Gives one of the operator's people another role. The last owner stays one.
    pub async fn change_operator<R>(
        &self,
        by: &marketplace::Operator,
        user: UserId,
        asked: ChangeOperator,
        call: Call<'_, OperatorMembership, R>,
    ) -> Done<R> {
        by.may(OperatorPermission::EditMembers)?;
        let work = async {
            let mut backoff = Backoff::default();
            let mut is_told = false;
            loop {
                let team = self.accounts.operators().await?;
                let known = team.member(user).ok_or_else(|| Refusal::of(Code::NotFound))?;
                if known.role == asked.role {
                    return Ok(self.accounts.answer(call, known).await?);
                }
                if known.role == OperatorRole::Owner {
                    team.check_another_owner(user)?;
                }
                check_inviter_is_owner(&team, by.user)?;
                if !std::mem::replace(&mut is_told, true) {
                    self.inviting.notify_team(TeamNotice::RoleChanged { user, role: asked.role }).await?;
                }
                let changed = OperatorMembership { role: asked.role, ..known.clone() };
                let response = call.answer(&changed)?;
                match self.accounts.change_operators(&team, TeamChange::Change(&changed), response).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }

    /// Removes one of the operator's people, or the caller themselves. The last owner stays.
    pub async fn remove_operator<R>(&self, by: &marketplace::Operator, user: UserId, call: Call<'_, (), R>) -> Done<R> {
        if by.user != user {
            by.may(OperatorPermission::EditMembers)?;
        }
        let work = async {
            let mut backoff = Backoff::default();
            let mut is_told = false;
            loop {
                let team = self.accounts.operators().await?;
                let known = team.member(user).ok_or_else(|| Refusal::of(Code::NotFound))?;
                if known.role == OperatorRole::Owner {
                    team.check_another_owner(user)?;
                }
                if by.user != user {
                    check_inviter_is_owner(&team, by.user)?;
                }
                if !std::mem::replace(&mut is_told, true) {
                    self.inviting.notify_team(TeamNotice::Removed { user }).await?;
                }
                let response = call.answer(&())?;
                match self.accounts.change_operators(&team, TeamChange::Remove(known), response).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }
}

/// Refuses what somebody does who was an owner when the request began and is none any more: two owners who remove each
/// other at once must not both succeed.
fn check_inviter_is_owner(team: &OperatorTeam, user: UserId) -> Result<(), Refusal> {
    match team.member(user) {
        Some(member) if member.role == OperatorRole::Owner => Ok(()),
        _ => Err(Refusal::of(Code::Forbidden)),
    }
}

impl Vendors {
    /// Accepts an invitation to the operator's people, as the person who is signed in with the contact that was
    /// invited.
    pub async fn join_marketplace<R>(
        &self,
        by: Inviter<'_>,
        asked: &AnswerInvitation,
        call: Call<'_, OperatorMembership, R>,
    ) -> Done<R> {
        let now = call.at();
        let work = async {
            let mut backoff = Backoff::default();
            let (person, token) = self.answering(by, asked, now).await?;
            if token.vendor != MARKETPLACE {
                return Err(not_found().into());
            }
            let mut is_told = false;
            loop {
                // The people are read first: whatever changes of them after this makes the write fail.
                let team = self.accounts.operators().await?;
                let (invitation, invited) = self.answered(&person, &token, now).await?;
                let joined = joined(&team, &invitation, (person.user, &invited), now)?;
                if !std::mem::replace(&mut is_told, true) {
                    self.inviting.notify_team(TeamNotice::Joined { user: person.user }).await?;
                }
                let change = TeamChange::Accept(&joined, &self.inviting.sessions, &invitation);
                match self.accounts.change_operators(&team, change, call.answer(&joined)?).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }
}

/// The membership that an invitation makes, if who made it is still an owner.
fn joined(
    team: &OperatorTeam,
    invitation: &Invitation,
    (user, invited): (UserId, &ContactPoint),
    now: Timestamp,
) -> Result<OperatorMembership, Refusal> {
    let role = invitation.operator_role.ok_or_else(not_found)?;
    let (email, phone) = (invited.email().cloned(), invited.phone().cloned());
    if check_inviter_is_owner(team, invitation.by).is_err() {
        return Err(not_found());
    }
    if let Some(known) = team.member(user) {
        if known.role == OperatorRole::Owner && role != OperatorRole::Owner {
            team.check_another_owner(user)?;
        }
        return Ok(OperatorMembership { role, email, phone, ..known.clone() });
    }
    if team.members.len() >= MAX_PEOPLE {
        return Err(Refusal::because(Code::LimitReached, format!("the marketplace has at most {MAX_PEOPLE} people")));
    }
    Ok(OperatorMembership { user, email, phone, role, since: now, version: 0, kept: Kept::default() })
}
