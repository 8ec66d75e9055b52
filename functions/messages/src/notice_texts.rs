//! What notices say.

use domain::catalog::Product;
use domain::text::{LongText, Name};
use domain::vendor::{DocumentKind, Role, VendorAccount, VendorCard, VendorStep};
use domain::{Timestamp, VendorId};
use pages::{Texts, date, fill};
use platform::desk_page;
use platform::mail::Message;

use crate::texts::To;

/// The operator's page of a shop.
pub(crate) fn operators_page(vendor: VendorId) -> String {
    format!("/operate/vendors/{vendor}")
}

impl To<'_> {
    /// A step of a shop's application or state, with the reason while it is the last one.
    pub(crate) fn step(&self, account: &VendorAccount, step: VendorStep) -> Message {
        let t = self.t;
        let (subject, said) = match step {
            VendorStep::Submitted => (t.application_subject, t.shop_submitted),
            VendorStep::Approved => (t.shop_approved_subject, t.shop_approved),
            VendorStep::Rejected => (t.application_subject, t.shop_rejected),
            VendorStep::Suspended => (t.shop_suspended_subject, t.shop_suspended),
            VendorStep::Reinstated => (t.shop_reinstated_subject, t.shop_reinstated),
            VendorStep::Other => (t.shop_changed_subject, t.shop_changed),
        };
        let said = self.of_shop(said, &account.card.name);
        let is_last = account.history.last().is_some_and(|last| last.event == step);
        let reason = account.reason.as_ref().filter(|_| is_last).map(|reason| self.because(reason));
        let paragraphs: Vec<&str> = std::iter::once(said.as_str()).chain(reason.as_deref()).collect();
        self.message(subject, &paragraphs, &desk_page("/shop", account.card.id))
    }

    fn of_shop(&self, message: &str, shop: &Name) -> String {
        fill(message, &[("shop", shop.as_str())])
    }

    /// Somebody has accepted an invitation.
    pub(crate) fn joined(&self, shop: &VendorCard, person: Option<&str>, role: Role) -> Message {
        let person = person.unwrap_or(self.t.a_person);
        let said = [("person", person), ("shop", shop.name.as_str()), ("role", self.role(role))];
        self.message(self.t.joined_subject, &[&fill(self.t.joined, &said)], &desk_page("", shop.id))
    }

    /// A member has left.
    pub(crate) fn left(&self, shop: &VendorCard, person: &str) -> Message {
        let said = fill(self.t.left, &[("person", person), ("shop", shop.name.as_str())]);
        self.message(self.t.left_subject, &[&said], &desk_page("", shop.id))
    }

    /// A person is no member any more.
    pub(crate) fn removed(&self, shop: &Name) -> Message {
        self.message(self.t.removed_subject, &[&self.of_shop(self.t.removed, shop)], "")
    }

    /// A paper of a shop expires, or has.
    pub(crate) fn paper_expires(
        &self,
        account: &VendorAccount,
        kind: DocumentKind,
        (expires_at, step): (Timestamp, u8),
        page: &str,
    ) -> Message {
        let (t, of_pages) = (self.t, Texts::of(self.language()));
        let (subject, said) = match step {
            0..=2 => (t.paper_expires_subject, t.paper_expires),
            _ => (t.paper_expired_subject, t.paper_expired),
        };
        let kind = match kind {
            DocumentKind::Identity => of_pages.desk_paper_identity,
            DocumentKind::Registration => of_pages.desk_paper_registration,
            DocumentKind::Tax => of_pages.desk_paper_tax,
            DocumentKind::Licence => of_pages.desk_paper_licence,
            DocumentKind::Other => t.paper,
        };
        let day = date(expires_at, self.language());
        let said = fill(said, &[("shop", account.card.name.as_str()), ("date", &day), ("kind", kind)]);
        self.message(subject, &[&said, t.paper_next], page)
    }

    /// Who sells has changed after the approval: for the operator, or for the shop.
    pub(crate) fn identity_changed(&self, account: &VendorAccount, for_operator: bool) -> Message {
        let t = self.t;
        let vendor = account.card.id;
        let (next, page) = if for_operator {
            (fill(t.identity_before, &[("vendor", &vendor.to_string())]), operators_page(vendor))
        } else {
            (t.identity_seen.to_owned(), desk_page("/shop", vendor))
        };
        self.message(t.identity_subject, &[&self.of_shop(t.identity_changed, &account.card.name), &next], &page)
    }

    /// The operator hides a product.
    pub(crate) fn product_hidden(&self, product: &Product, reason: &LongText) -> Message {
        let said = fill(self.t.product_hidden, &[("product", product.title.as_str())]);
        let page = desk_page(&format!("/products/{}", product.id), product.vendor.id);
        self.message(self.t.product_hidden_subject, &[&said, &self.because(reason)], &page)
    }

    fn because(&self, reason: &LongText) -> String {
        format!("{}\n{reason}", self.t.because)
    }
}
