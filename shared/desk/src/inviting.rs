//! Making invitations, by an owner or by the operator. Nobody looks whether the invited contact is somebody's: the same
//! calls are made for both, and only who reads the message can accept.

use std::sync::Arc;

use domain::contact::ContactPoint;
use domain::invitation::{INVITATION_LIFETIME, Invitation, Invited};
use domain::marketplace::OperatorRole;
use domain::notice::{Notice, TeamNotice};
use domain::proof::MessageJob;
use domain::sealed::SealedIn;
use domain::settings::{Limit, Settings};
use domain::stored::Kept;
use domain::vendor::Role;
use domain::{Call, Code, Identifier, LookUp, Refusal, Timestamp, UserId, VendorId};
use platform::{Config, Fatal, InvitationToken, JobQueue, PersonsSecret, Secret};
use store::rate_limits::Target;
use store::{Accounts, Backoff, RateLimits, Sessions, SettingsTable};

use crate::{Done, Error};

/// What quotas of a day are counted within.
pub(crate) const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Who makes an invitation, and the network address that the call comes from.
#[derive(Clone, Copy, Debug)]
pub struct Inviter<'a> {
    pub user: UserId,
    pub client: &'a str,
}

/// What invitations are made and counted with.
#[derive(Clone, Debug)]
pub(crate) struct Inviting {
    accounts: Accounts,
    pub(crate) sessions: Sessions,
    pub(crate) settings: SettingsTable,
    pub(crate) persons: Arc<Secret<PersonsSecret>>,
    messages: JobQueue,
    rate_limits: RateLimits,
}

/// Whom to invite, and as what.
pub(crate) struct Wanted<'a> {
    pub(crate) vendor: VendorId,
    pub(crate) contact: &'a ContactPoint,
    pub(crate) role: Role,
    pub(crate) operator_role: Option<OperatorRole>,
    pub(crate) by_operator: bool,
}

impl Inviting {
    pub(crate) fn new(
        config: &Config,
        (accounts, sessions): (Accounts, Sessions),
        (settings, rate_limits): (SettingsTable, RateLimits),
    ) -> Result<Self, Fatal> {
        Ok(Self {
            accounts,
            sessions,
            settings,
            rate_limits,
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            messages: JobQueue::new(config, "MESSAGES_QUEUE_URL")?,
        })
    }

    /// Side by side: of both, only the first call of a sandbox waits.
    pub(crate) async fn known(&self) -> Result<(Arc<Settings>, Arc<PersonsSecret>), Error> {
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        Ok((settings?, persons?))
    }

    /// Has a notice sent of what is about to be written.
    pub(crate) async fn notify(&self, vendor: VendorId, notice: Notice) -> Result<(), Error> {
        Ok(self.messages.send_notice(vendor, notice).await?)
    }

    /// Counts a call of a list of routes for the person.
    pub(crate) async fn count_change(&self, list: &str, user: UserId, now: Timestamp) -> Result<(), Error> {
        Ok(self.rate_limits.count_change(list, Target::Person(user), &self.settings, now).await?)
    }

    /// Has the operator's people told of what is about to be written.
    pub(crate) async fn notify_team(&self, notice: TeamNotice) -> Result<(), Error> {
        Ok(self.messages.send_team_notice(notice).await?)
    }

    /// Counts an answer to an invitation for its client.
    pub(crate) async fn count_answer(
        &self,
        settings: &Settings,
        persons: &PersonsSecret,
        client: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let client = Target::Client(persons.look_up(Identifier::Client(client)));
        let limit = settings.limits.invitation.per_client;
        Ok(self.rate_limits.count_one("invitation-answer", client, limit, now).await?)
    }

    /// Counts an invitation for its client and its address, and one of a shop's own for the shop.
    async fn count(
        &self,
        (settings, persons): (&Settings, &PersonsSecret),
        wanted: &Wanted<'_>,
        client: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let client = persons.look_up(Identifier::Client(client));
        let contact = Target::Contact(persons.look_up(wanted.contact));
        let limits = settings.limits.invitation;
        if !wanted.by_operator {
            let quota = Limit { most: settings.quotas.invitations, within: DAY };
            let shop = Target::Vendor(wanted.vendor);
            self.rate_limits.count_one("invitation", shop, quota, now).await?;
        }
        Ok(self.rate_limits.count("invitation", client, contact, limits, now).await?)
    }

    /// Keeps an invitation, in the place of an earlier one of the same address, and has it mailed.
    pub(crate) async fn invite<R>(&self, wanted: Wanted<'_>, by: Inviter<'_>, call: Call<'_, (), R>) -> Done<R> {
        let (settings, persons) = self.known().await?;
        // Of a prefix to which nothing is sent at all, which says nothing about whose number it is.
        settings.phone_messages.check_reaches(wanted.contact, "/contact")?;
        let (vendor, contact) = (wanted.vendor, persons.look_up(wanted.contact));
        let work = async {
            self.count((&settings, &persons), &wanted, by.client, call.at()).await?;
            let new = new_invitation(&wanted, contact, &persons, (by.user, call.at()))?;
            let mut backoff = Backoff::default();
            loop {
                let known = self.sessions.invitation(vendor, contact).await?;
                let version = known.map_or(0, |known| known.version);
                let invitation = Invitation { version, ..new.clone() };
                match self.accounts.invite(&self.sessions, &invitation, call.answer(&())?).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        let done = self.accounts.once(call.request(), work).await?;
        // After a replay too: the first call may have ended here, and what was mailed is not mailed again.
        self.messages.send_message(&MessageJob::Invitation { vendor, contact }).await?;
        Ok(done)
    }

    /// Ends an open invitation.
    pub(crate) async fn take_back<R>(
        &self,
        vendor: VendorId,
        contact: &ContactPoint,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        let now = call.at();
        let work = async {
            let persons = self.persons.value().await?;
            for contact in persons.look_ups(contact) {
                let mut backoff = Backoff::default();
                while let Some(known) = self.sessions.invitation(vendor, contact).await?
                    && known.is_open(now)
                {
                    // It is being mailed at this moment, for instance, which is noted in it.
                    match self.accounts.end_invitation(&self.sessions, &known, call.answer(&())?).await {
                        Err(store::Error::Conflict) => backoff.pause().await?,
                        done => return Ok::<_, Error>(done?),
                    }
                }
            }
            Err(Refusal::of(Code::NotFound).into())
        };
        self.accounts.once(call.request(), work).await
    }
}

fn new_invitation(
    wanted: &Wanted<'_>,
    contact: LookUp,
    persons: &PersonsSecret,
    (by, at): (UserId, Timestamp),
) -> Result<Invitation, Error> {
    let vendor = wanted.vendor;
    let invited = serde_json::to_vec(&Invited::new(wanted.contact));
    let invited = invited.map_err(|error| Refusal::because(Code::Internal, error.to_string()))?;
    let key = PersonsSecret::new_key()?;
    Ok(Invitation {
        vendor,
        contact,
        key: PersonsSecret::text_of(&key),
        sealed: persons.seal(&invited, &key, SealedIn::Invitation(vendor, contact))?,
        hash: InvitationToken::new(vendor, contact, persons, &key).hash(),
        role: wanted.role,
        operator_role: wanted.operator_role,
        by,
        by_operator: wanted.by_operator,
        at,
        expires_at: at + INVITATION_LIFETIME,
        sent: false,
        version: 0,
        kept: Kept::default(),
    })
}
