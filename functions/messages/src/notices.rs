//! Notices of what was decided about a person or a shop.

use domain::contact::ContactPoint;
use domain::marketplace::OperatorRole;
use domain::notice::Notice;
use domain::vendor::Role;
use domain::{Timestamp, VendorId};

use platform::desk_page;

use crate::notice_texts::operators_page;
use crate::texts::{Said, To};
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
        let (mut told, shop) = (Told::default(), &account.card);
        let operators = [OperatorRole::Owner, OperatorRole::Catalog];
        match notice {
            Notice::Step { step, at } => {
                if account.history.iter().any(|one| one.event == step && one.at == at) {
                    told.add(self.tell_owners(vendor, &|to| to.step(&account, step), by).await);
                }
            }
            Notice::Joined { user } => {
                if let Some(joined) = self.accounts.membership(user, vendor).await? {
                    let contact = joined.contact();
                    let person = contact.as_ref().map(ContactPoint::as_str);
                    told.add(self.tell_owners(vendor, &|to| to.joined(shop, person, joined.role), by).await);
                }
            }
            Notice::Left { user } => {
                let is_gone = self.accounts.membership(user, vendor).await?.is_none();
                if let (true, Some(person)) = (is_gone, self.contact_of(user).await?) {
                    told.add(self.tell_owners(vendor, &|to| to.left(shop, person.as_str()), by).await);
                }
            }
            Notice::Removed { user } => {
                if self.accounts.membership(user, vendor).await?.is_none() {
                    told.add(self.tell(user, &|to| to.removed(&shop.name), by).await);
                }
            }
            Notice::ProductHidden { product, at } => {
                let product = self.catalog.product_alone(product).await?;
                let product = product.filter(|product| product.vendor.id == vendor);
                let hidden = product.as_ref().and_then(|product| Some((product, product.hidden.as_ref()?)));
                if let Some((product, hidden)) = hidden.filter(|(_, hidden)| hidden.at == at) {
                    told.add(self.tell_owners(vendor, &|to| to.product_hidden(product, &hidden.reason), by).await);
                }
            }
            Notice::PaperExpires { kind, expires_at, step } => {
                let last = account.documents.iter().rev().find(|document| document.kind == kind);
                if last.is_none_or(|document| document.expires_at != Some(expires_at)) {
                    return Ok(());
                }
                let said = |to: &To<'_>, page: &str| to.paper_expires(&account, kind, (expires_at, step), page);
                if step > 2 {
                    let page = operators_page(vendor);
                    let said: Said<'_> = &|to| said(to, &page);
                    told.add(self.tell_operators(&operators, said, by).await);
                }
                let page = desk_page("/shop/documents", vendor);
                let said: Said<'_> = &|to| said(to, &page);
                told.add(self.tell_owners(vendor, said, by).await);
            }
            Notice::IdentityChanged { at } => {
                if !account.identity_changes.iter().any(|change| change.at == at) {
                    return Ok(());
                }
                told.add(self.tell_operators(&operators, &|to| to.identity_changed(&account, true), by).await);
                told.add(self.tell_owners(vendor, &|to| to.identity_changed(&account, false), by).await);
            }
        }
        told.end()
    }

    /// Tells the owners of a shop something, each at the contact that they have proven: the address of the shop is
    /// whatever somebody has entered.
    async fn tell_owners(&self, vendor: VendorId, said: Said<'_>, by: (&str, Timestamp)) -> Result<(), DeliveryError> {
        let mut told = Told::default();
        for member in self.accounts.members(vendor).await?.iter().filter(|member| member.role == Role::Owner) {
            told.add(self.tell(member.user, said, by).await);
        }
        told.end()
    }
}
