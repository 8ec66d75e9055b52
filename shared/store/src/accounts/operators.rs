//! The operator's own people: a membership each, and an item that is written with every change of them, so that two
//! changes at once never leave the marketplace without an owner.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::invitation::Invitation;
use domain::marketplace::{Operator, OperatorMembership, OperatorRole, OperatorTeam};
use domain::mfa::Proof;
use domain::settings::Security;
use domain::stored::Kept;
use domain::{Code, Outcome, Prepared, Refusal, Timestamp, UserId};

use super::{Accounts, Entry, OPERATOR_TEAM};
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, delete, put, raw_item, readable, string, text, version};
use crate::retry::{QueryRequest, get, query_all};
use crate::stored::{read, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Error, Sessions};

/// A change of the operator's people.
#[derive(Clone, Copy, Debug)]
pub enum TeamChange<'a> {
    /// Adds a person, or gives them another role, by an invitation that this uses up.
    Accept(&'a OperatorMembership, &'a Sessions, &'a Invitation),
    /// Gives a person another role.
    Change(&'a OperatorMembership),
    /// Ends a membership.
    Remove(&'a OperatorMembership),
}

/// Who asks for something of the operator's, and how they came in.
#[derive(Clone, Copy, Debug)]
pub struct CameIn {
    pub user: UserId,
    /// When they signed in.
    pub at: Timestamp,
    pub now: Timestamp,
    /// Whether the deployment asks for a second factor.
    pub mfa_required: bool,
}

impl Accounts {
    /// One of the operator's people, by their membership.
    ///
    /// # Errors
    /// `forbidden` for everybody else; `mfa_required`, when a second factor is needed that was not shown.
    pub async fn operator_who_came_in(&self, by: CameIn, security: &Security) -> Result<Operator, Error> {
        match self.operator(by.user).await? {
            Some(member) => self.proven_operator(by, member.role, security).await,
            None => Err(Refusal::of(Code::Forbidden).into()),
        }
    }

    /// [`Self::operator_who_came_in`] for a caller of the group `admin`, who becomes the first owner as long as there
    /// never was one. The group by itself opens nothing.
    ///
    /// # Errors
    /// As the other.
    pub async fn first_operator_who_came_in(&self, by: CameIn, security: &Security) -> Result<Operator, Error> {
        if self.operator(by.user).await?.is_none() && self.operators().await?.version == 0 {
            // Who has to show a second factor first makes themselves no owner before.
            self.proven_operator(by, OperatorRole::Owner, security).await?;
            let (user, role) = (by.user, OperatorRole::Owner);
            let kept = Kept::default();
            let first = OperatorMembership { user, email: None, phone: None, role, since: by.now, version: 0, kept };
            if self.make_first_operator(&first).await? {
                tracing::info!(user.id = %user, "the marketplace has its first owner");
            }
        }
        self.operator_who_came_in(by, security).await
    }

    async fn proven_operator(&self, by: CameIn, role: OperatorRole, security: &Security) -> Result<Operator, Error> {
        let mfa_since = self.mfa(by.user).await?.and_then(|mfa| mfa.since);
        let is_required = security.needs_mfa(role.into(), by.mfa_required);
        let proof = Proof { signed_in_at: by.at, now: by.now, mfa_since, is_required };
        proof.check()?;
        Ok(Operator { user: by.user, role, proof })
    }

    /// A person's membership of the marketplace, read consistently.
    pub async fn operator(&self, user: UserId) -> Result<Option<OperatorMembership>, Error> {
        let found = get(&self.client, &self.table, Entry::Operator(user).key(), true).await?;
        found.as_ref().map(read).transpose()
    }

    /// The operator's people with the version of their list, read consistently.
    pub async fn operators(&self) -> Result<OperatorTeam, Error> {
        let prefix = Attributes::from([(":prefix".to_owned(), string("OPERATOR"))]);
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", "MARKETPLACE".to_owned()),
            sort_key_condition: Some(("begins_with(sk, :prefix)".to_owned(), prefix)),
            consistent: true,
            ..QueryRequest::default()
        };
        let mut team = OperatorTeam::default();
        for found in query_all(&self.client, request).await? {
            if text(&found, "kind") == Some(OPERATOR_TEAM) {
                team.version = version(&found);
            } else {
                team.members.extend(readable(read(&found), &found)?);
            }
        }
        Ok(team)
    }

    /// Makes the first owner. False when there is or was one already.
    pub async fn make_first_operator(&self, first: &OperatorMembership) -> Result<bool, Error> {
        let written = write(Entry::Operator(first.user).key(), 1, first)?;
        let actions = vec![put(&self.table, written, &Condition::absent())?, self.next_team(0)?];
        match Transaction::of(Purpose::Item, actions).run(&self.client).await.map_err(Error::from) {
            Err(Error::Conflict) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Writes a change of the operator's people, if nobody has changed them since they were read.
    pub async fn change_operators<R>(
        &self,
        loaded: &OperatorTeam,
        change: TeamChange<'_>,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let written = |member: &OperatorMembership| -> Result<TransactWriteItem, Error> {
            let item = write(Entry::Operator(member.user).key(), member.version + 1, member)?;
            put(&self.table, item, &Condition::at_version(member.version))
        };
        let mut actions = vec![self.next_team(loaded.version)?];
        match change {
            TeamChange::Accept(member, sessions, invitation) => {
                actions.push(written(member)?);
                actions.push(sessions.end_invitation_action(invitation)?);
            }
            TeamChange::Change(member) => actions.push(written(member)?),
            TeamChange::Remove(member) => {
                let gone = Entry::Operator(member.user).key();
                actions.push(delete(&self.table, gone, &Condition::at_version(member.version))?);
            }
        }
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, actions), response).await?)
    }

    /// The action that counts a change of the operator's people.
    fn next_team(&self, loaded: u64) -> Result<TransactWriteItem, Error> {
        let item = raw_item(Entry::OperatorTeam.key(), OPERATOR_TEAM, loaded + 1, "{}".to_owned());
        put(&self.table, item, &Condition::at_version(loaded))
    }
}
