//! Texts of the operator: they publish them, and members accept the agreement.

use std::collections::BTreeMap;

use domain::legal::{LegalText, LegalVersion};
use domain::text::LongText;
use domain::vendor::{Member, Membership, VendorAccount};
use domain::{Call, Outcome, PageRequest, Slice, UserId};
use serde::Deserialize;
use store::Backoff;
use store::accounts::Alongside;
use utoipa::ToSchema;

use crate::{Done, Error, Operator, Vendors};

/// Versions of a text in one answer: those of the longest texts are 5 MB then, and a function answers with at most 6.
const MOST_VERSIONS: u16 = 20;

/// A new version of a text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishLegal {
    /// The text by the tag of its language, in at most 8: 1 to 30,000 characters each, and together at most
    /// 240,000 bytes.
    texts: BTreeMap<String, LongText>,
    /// For how many days members may go on with what they have agreed to before; buyers are asked at once.
    #[serde(default)]
    #[schema(maximum = 365)]
    grace_days: u16,
}

/// The version of the agreement that a member accepts.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptTerms {
    /// The number of the version in force.
    #[schema(minimum = 1)]
    version: u32,
}

impl Operator {
    /// Puts a new version of a text in force.
    pub async fn publish_legal<R>(
        &self,
        legal: LegalText,
        asked: PublishLegal,
        by: UserId,
        call: Call<'_, LegalVersion, R>,
    ) -> Done<R> {
        let at = call.at();
        let work = async {
            let last = self.settings.legal_in_force(legal).await?;
            let next = LegalVersion::new(last.as_ref(), asked.texts, asked.grace_days, (by, at))?;
            let response = call.answer(&next)?;
            Ok::<_, Error>(self.settings.publish_legal(legal, last.as_ref(), &next, response).await?)
        };
        self.settings.once(call.request(), work).await
    }

    /// The last version of a text.
    pub async fn last_legal(&self, legal: LegalText) -> Result<Option<LegalVersion>, Error> {
        Ok(self.settings.last_legal(legal).await?)
    }

    /// The versions of a text, newest first.
    pub async fn legal_versions(&self, legal: LegalText, page: &PageRequest) -> Result<Slice<LegalVersion>, Error> {
        // Of the longest versions, more would be too much for one answer of a function.
        let page = PageRequest { limit: page.limit.min(MOST_VERSIONS), ..page.clone() };
        Ok(self.settings.legal_versions(legal, &page).await?)
    }
}

impl Vendors {
    /// The last version of the agreement that members accept, if there is one.
    pub async fn agreement(&self) -> Result<Option<LegalVersion>, Error> {
        Ok(self.inviting.settings.last_legal(LegalText::Agreement).await?)
    }

    /// Keeps that a member has accepted the agreement in force.
    pub async fn accept_terms<R>(&self, member: &Member, asked: AcceptTerms, call: Call<'_, Membership, R>) -> Done<R> {
        member.proof.check()?;
        let work = async {
            let accepted = self.inviting.settings.accepted(LegalText::Agreement, Some(asked.version)).await?;
            let mut backoff = Backoff::default();
            loop {
                let Member { membership, account, .. } = self.again(member).await?;
                if membership.accepted_terms == accepted && call.request().is_none() {
                    // Nothing changes: a write would only be in the way of other changes of members.
                    return Ok(Outcome::Done(call.answer(&membership)?.0));
                }
                let membership = Membership { accepted_terms: accepted, ..membership };
                let respond = |_: &VendorAccount| call.answer(&membership);
                let change = Some(Alongside::Member(&membership));
                match self.accounts.save_vendor(&account, change, &self.catalog, respond).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }
}
