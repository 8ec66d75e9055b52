//! Invitations to a vendor's staff. A relation between two is made by two: an owner invites, and the person decides.
//! Until they have accepted, nothing of theirs changes.

use std::borrow::Cow;
use std::fmt;

use domain::contact::ContactPoint;
use domain::invitation::{Invitation, Invited};
use domain::legal::LegalText;
use domain::marketplace::OperatorPermission;
use domain::notice::Notice;
use domain::sealed::SealedIn;
use domain::stored::Kept;
use domain::vendor::{Member, Membership, Permission, Role, VendorAccount, VendorState};
use domain::{Call, Code, Refusal, Timestamp, UserId};
use platform::{InvitationToken, PersonsSecret};
use serde::{Deserialize, Deserializer, de};
use store::accounts::Alongside;
use store::{Accounts, Backoff};
use utoipa::ToSchema;

use crate::inviting::{Inviter, Wanted};
use crate::people::Person;
use crate::{Done, Error, Vendors};

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The person's e-mail address or telephone number.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// What the person is to do for the vendor.
    role: Role,
}

/// The invitation that is to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBackInvitation {
    /// The address or number that was invited.
    #[serde(deserialize_with = "domain::contact::kept")]
    pub(crate) contact: ContactPoint,
}

/// The answer of an invited person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerInvitation {
    /// The token from the message.
    #[schema(value_type = String)]
    token: ShownToken,
    /// The version of the agreement that the person accepts, when one is in force.
    #[serde(default)]
    #[schema(minimum = 1, nullable = false)]
    accepted_terms: Option<u32>,
}

/// 1 to 128 printable ASCII characters.
struct ShownToken(String);

impl fmt::Debug for ShownToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ShownToken(…)")
    }
}

impl<'de> Deserialize<'de> for ShownToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.into_owned()));
        }
        Err(de::Error::custom("is no token of an invitation"))
    }
}

/// An open invitation, as owners see it.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    pub contact: ContactPoint,
    pub role: Role,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// What an accepted invitation has made.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub account: VendorAccount,
    pub membership: Membership,
}

/// An invitation that is used up, taken back or over, and one that never was, answer alike.
pub(crate) fn not_found() -> Refusal {
    Refusal::because(Code::NotFound, "the invitation is over, was answered or was taken back")
}

pub(crate) fn opened(invitation: &Invitation, persons: &PersonsSecret) -> Result<ContactPoint, Error> {
    let key = PersonsSecret::key_of(&invitation.key);
    let place = SealedIn::Invitation(invitation.vendor, invitation.contact);
    let opened = persons.open(&invitation.sealed, key.as_ref(), place)?;
    let invited = serde_json::from_slice::<Invited>(&opened);
    let invited = invited.map_err(|error| Refusal::because(Code::Internal, error.to_string()))?;
    Ok(invited.contact().ok_or_else(|| Refusal::because(Code::Internal, "an invitation of nobody"))?)
}

impl Vendors {
    /// Invites a person to the vendor's staff. The answer is the same whether or not the contact is somebody's.
    pub async fn invite<R>(&self, member: &Member, asked: &Invite, client: &str, call: Call<'_, (), R>) -> Done<R> {
        member.may(Permission::EditMembers)?;
        member.is_approved()?;
        let (vendor, user) = (member.vendor(), member.membership.user);
        let wanted =
            Wanted { vendor, contact: &asked.contact, role: asked.role, operator_role: None, by_operator: false };
        self.inviting.invite(wanted, Inviter { user, client }, call).await
    }

    /// The open invitations of the vendor, the newest first.
    pub async fn invitations(&self, member: &Member, now: Timestamp) -> Result<Vec<OpenInvitation>, Error> {
        member.may_list_members()?;
        let persons = self.inviting.persons.value().await?;
        let mut open = Vec::new();
        for known in self.inviting.sessions.invitations(member.vendor(), now).await? {
            // One whose master secret is gone can be accepted by nobody.
            let Ok(contact) = opened(&known, &persons) else { continue };
            open.push(OpenInvitation { contact, role: known.role, at: known.at, expires_at: known.expires_at });
        }
        open.sort_by(|one, other| (other.at, &one.contact).cmp(&(one.at, &other.contact)));
        Ok(open)
    }

    /// Takes an open invitation back.
    pub async fn take_back_invitation<R>(
        &self,
        member: &Member,
        asked: &TakeBackInvitation,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        member.may(Permission::EditMembers)?;
        self.inviting.take_back(member.vendor(), &asked.contact, call).await
    }

    /// Accepts an invitation, as the person who is signed in with the contact that was invited.
    pub async fn accept_invitation<R>(
        &self,
        by: Inviter<'_>,
        asked: &AnswerInvitation,
        call: Call<'_, Accepted, R>,
    ) -> Done<R> {
        let now = call.at();
        let work = async {
            let mut backoff = Backoff::default();
            let (person, token) = self.answering(by, asked, now).await?;
            let accepted_terms = self.inviting.settings.accepted(LegalText::Agreement, asked.accepted_terms).await?;
            let mut is_told = false;
            loop {
                // The account is read first: whatever changes of its members after this makes the write fail.
                let account = self.accounts.vendor(token.vendor).await?.ok_or_else(not_found)?;
                let (invitation, invited) = self.answered(&person, &token, now).await?;
                let admitted = self.admitted(&account, &invitation, person.user, now).await?;
                let membership = Membership { accepted_terms, ..admitted.invited_by(&invited) };
                if !std::mem::replace(&mut is_told, true) {
                    self.inviting.notify(token.vendor, Notice::Joined { user: person.user }).await?;
                }
                let accepted = Accepted { account: account.clone(), membership };
                let change = Alongside::Accept(&accepted.membership, &self.inviting.sessions, &invitation);
                let respond = |_: &VendorAccount| call.answer(&accepted);
                match self.accounts.save_vendor(&account, Some(change), &self.catalog, respond).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }

    /// Declines an invitation.
    pub async fn decline_invitation<R>(
        &self,
        by: Inviter<'_>,
        asked: &AnswerInvitation,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        let now = call.at();
        let work = async {
            let mut backoff = Backoff::default();
            let (person, token) = self.answering(by, asked, now).await?;
            loop {
                let (invitation, _) = self.answered(&person, &token, now).await?;
                let response = call.answer(&())?;
                match self.accounts.end_invitation(&self.inviting.sessions, &invitation, response).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }

    /// Who answers, and the token that they show.
    pub(crate) async fn answering(
        &self,
        by: Inviter<'_>,
        asked: &AnswerInvitation,
        now: Timestamp,
    ) -> Result<(Person, InvitationToken), Error> {
        let (settings, persons) = self.inviting.known().await?;
        self.inviting.count_answer(&settings, &persons, by.client, now).await?;
        let token = InvitationToken::parse(&asked.token.0).ok_or_else(not_found)?;
        let person = self.people.with_id(by.user).await?.ok_or_else(|| Refusal::of(Code::Unauthorized))?;
        Ok((person, token))
    }

    /// The invitation that a token opens, if the person is the invited one, with the contact that was invited.
    pub(crate) async fn answered(
        &self,
        person: &Person,
        token: &InvitationToken,
        now: Timestamp,
    ) -> Result<(Invitation, ContactPoint), Error> {
        let known = self.inviting.sessions.invitation(token.vendor, token.contact).await?;
        let invitation = known.filter(|known| known.opens_with(&token.hash(), now)).ok_or_else(not_found)?;
        let invited = opened(&invitation, &*self.inviting.persons.value().await?)?;
        if !person.proven.contains(&invited) {
            let detail = "another address or number was invited: sign in with that one";
            return Err(Refusal::because(Code::Forbidden, detail).into());
        }
        Ok((invitation, invited))
    }

    /// The membership that an invitation makes, if both sides may still have it.
    async fn admitted(
        &self,
        account: &VendorAccount,
        invitation: &Invitation,
        user: UserId,
        now: Timestamp,
    ) -> Result<Membership, Error> {
        let vendor = account.card.id;
        if invitation.by_operator {
            // Nor has one of the operator's people who has left a shop to give away.
            let inviter = self.accounts.operator(invitation.by).await?;
            if inviter.is_none_or(|inviter| !inviter.role.allows(OperatorPermission::InviteVendorOwners)) {
                return Err(not_found().into());
            }
        } else {
            if account.state != VendorState::Approved {
                return Err(Refusal::because(Code::WrongState, "the vendor takes nobody in at the moment").into());
            }
            // Whoever is an owner no more has no successor of their own choice.
            let inviter = self.accounts.membership(invitation.by, vendor).await?;
            if inviter.is_none_or(|inviter| inviter.role != Role::Owner) {
                return Err(not_found().into());
            }
        }
        // Read by its key: a list passes over what it cannot read, and that must not be written over.
        if let Some(known) = self.accounts.membership(user, vendor).await? {
            if known.role == Role::Owner && invitation.role != Role::Owner {
                self.check_another_owner(account, known.user).await?;
            }
            return Ok(Membership { role: invitation.role, ..known });
        }
        let most = usize::try_from(self.inviting.settings.current().await?.quotas.members).unwrap_or(usize::MAX);
        let is_full = self.accounts.members(vendor).await?.len() >= most;
        if is_full || self.accounts.memberships(user).await?.len() >= Accounts::MAX_SHOPS {
            let detail = "the vendor has the most members that are allowed, or you the most vendors";
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        let (role, kept) = (invitation.role, Kept::default());
        Ok(Membership { vendor, user, email: None, phone: None, role, since: now, accepted_terms: None, kept })
    }
}
