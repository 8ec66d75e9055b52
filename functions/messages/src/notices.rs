//! Notices of what was decided about a person or a shop.

use domain::contact::ContactPoint;
use domain::marketplace::OperatorRole;
use domain::notice::Notice;
use domain::vendor::{Role, VendorAccount};
use domain::{ProductId, Timestamp, UserId, VendorId};
use platform::mail::Message;

use crate::{App, DeliveryError, Told};

impl App {
    /// Sends a notice, if what it tells has come to be.
    pub(crate) async fn send_notice(
        &self,
        vendor: VendorId,
        notice: Notice,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let Some(account) = self.accounts.vendor(vendor).await? else { return Ok(()) };
        let mut told = Told::default();
        let to_owners = match notice {
            Notice::Step { step, at } => {
                let is_written = account.history.iter().any(|one| one.event == step && one.at == at);
                is_written.then(|| self.site.step(&account, step))
            }
            Notice::Joined { user } => self.joined(&account, user).await?,
            Notice::Left { user } => self.left(&account, user).await?,
            Notice::Removed { user } => return self.tell_removed(&account, user, by).await,
            Notice::ProductHidden { product, at } => self.product_hidden(&account, product, at).await?,
            Notice::PaperExpires { kind, expires_at, step } => {
                let last = account.documents.iter().rev().find(|document| document.kind == kind);
                if last.is_none_or(|document| document.expires_at != Some(expires_at)) {
                    return Ok(());
                }
                let text = self.site.paper_expires(&account, kind, expires_at, step);
                if step > 2 {
                    told.add(self.tell_operators(&[OperatorRole::Owner, OperatorRole::Catalog], &text, by).await);
                }
                Some(text)
            }
            Notice::IdentityChanged { at } => {
                if !account.identity_changes.iter().any(|change| change.at == at) {
                    return Ok(());
                }
                let to_operator = self.site.identity_changed(&account, true);
                told.add(self.tell_operators(&[OperatorRole::Owner, OperatorRole::Catalog], &to_operator, by).await);
                Some(self.site.identity_changed(&account, false))
            }
        };
        if let Some(message) = to_owners {
            told.add(self.tell_owners(vendor, &message, by).await);
        }
        told.end()
    }

    /// Tells the owners of a shop something, each at the contact that they have proven: the address of the shop is
    /// whatever somebody has entered.
    async fn tell_owners(
        &self,
        vendor: VendorId,
        message: &Message,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let mut told = Told::default();
        for member in self.accounts.members(vendor).await?.iter().filter(|member| member.role == Role::Owner) {
            told.add(self.tell(member.user, message, by).await);
        }
        told.end()
    }

    async fn joined(&self, account: &VendorAccount, user: UserId) -> Result<Option<Message>, DeliveryError> {
        let joined = self.accounts.membership(user, account.card.id).await?;
        Ok(joined.map(|joined| {
            let person = joined.contact();
            self.site.joined(&account.card.name, person.as_ref().map_or("A person", ContactPoint::as_str), joined.role)
        }))
    }

    async fn left(&self, account: &VendorAccount, user: UserId) -> Result<Option<Message>, DeliveryError> {
        if self.accounts.membership(user, account.card.id).await?.is_some() {
            return Ok(None);
        }
        let person = self.contact_of(user).await?;
        Ok(person.map(|person| self.site.left(&account.card.name, person.as_str())))
    }

    async fn tell_removed(
        &self,
        account: &VendorAccount,
        user: UserId,
        by: (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        if self.accounts.membership(user, account.card.id).await?.is_some() {
            return Ok(());
        }
        self.tell(user, &self.site.removed(&account.card.name), by).await
    }

    async fn product_hidden(
        &self,
        account: &VendorAccount,
        product: ProductId,
        at: Timestamp,
    ) -> Result<Option<Message>, DeliveryError> {
        let product = self.catalog.product_alone(product).await?;
        let Some(product) = product.filter(|product| product.vendor.id == account.card.id) else { return Ok(None) };
        let hidden = product.hidden.as_ref().filter(|hidden| hidden.at == at);
        Ok(hidden.map(|hidden| self.site.product_hidden(&product, &hidden.reason)))
    }
}
