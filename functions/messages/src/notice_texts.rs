//! What notices say.

use domain::Timestamp;
use domain::catalog::Product;
use domain::text::{LongText, Name};
use domain::vendor::{DocumentKind, Role, VendorAccount, VendorStep};
use platform::mail::Message;

use crate::texts::{Site, as_what};

impl Site {
    /// A step of a shop's application or state, with the reason while it is the last one.
    pub(crate) fn step(&self, account: &VendorAccount, step: VendorStep) -> Message {
        let shop = &account.card.name;
        let (subject, said) = match step {
            VendorStep::Submitted => ("your application", "was submitted. We look at it and write to you."),
            VendorStep::Approved => ("your shop is approved", "is approved: what you publish is on sale."),
            VendorStep::Rejected => ("your application", "was rejected. You may mend it and submit it again."),
            VendorStep::Suspended => {
                ("your shop is suspended", "is suspended: its products are hidden. Ship and deliver what was ordered.")
            }
            VendorStep::Reinstated => ("your shop is open again", "is reinstated: its products are on sale again."),
            VendorStep::Other => ("your shop", "has changed its state."),
        };
        let said = format!("The shop \u{201c}{shop}\u{201d} {said}");
        let is_last = account.history.last().is_some_and(|last| last.event == step);
        let reason = account.reason.as_ref().filter(|_| is_last).map(because);
        let paragraphs: Vec<&str> = std::iter::once(said.as_str()).chain(reason.as_deref()).collect();
        self.message(subject, &paragraphs)
    }

    /// Somebody has accepted an invitation.
    pub(crate) fn joined(&self, shop: &Name, person: &str, role: Role) -> Message {
        let said = format!("{person} has accepted: they work for the shop \u{201c}{shop}\u{201d} {}.", as_what(role));
        self.message("a member has joined", &[&said])
    }

    /// A member has left.
    pub(crate) fn left(&self, shop: &Name, person: &str) -> Message {
        let said = format!("{person} has left the shop \u{201c}{shop}\u{201d}.");
        self.message("a member has left", &[&said])
    }

    /// A person is no member any more.
    pub(crate) fn removed(&self, shop: &Name) -> Message {
        let said = format!("You do not work for the shop \u{201c}{shop}\u{201d} any more: an owner has removed you.");
        self.message("you were removed from a shop", &[&said])
    }

    /// A paper of a shop expires, or has.
    pub(crate) fn paper_expires(
        &self,
        account: &VendorAccount,
        kind: DocumentKind,
        expires_at: Timestamp,
        step: u8,
    ) -> Message {
        let shop = &account.card.name;
        let (subject, said) = match step {
            0..=2 => ("a paper expires", format!("expires on {expires_at}")),
            _ => ("a paper has expired", format!("has expired on {expires_at}")),
        };
        let kind = match kind {
            DocumentKind::Identity => "paper of identity",
            DocumentKind::Registration => "registration",
            DocumentKind::Tax => "tax registration",
            DocumentKind::Licence => "licence",
            DocumentKind::Other => "paper",
        };
        let said = format!("The {kind} of the shop \u{201c}{shop}\u{201d} {said}.");
        self.message(subject, &[&said, "Please upload the next one."])
    }

    /// Who sells has changed after the approval: for the operator, or for the shop.
    pub(crate) fn identity_changed(&self, account: &VendorAccount, for_operator: bool) -> Message {
        let shop = &account.card.name;
        let said = format!("The shop \u{201c}{shop}\u{201d} has changed what it says of who sells.");
        let next = if for_operator {
            format!("What it was before stands in the account of the vendor {}.", account.card.id)
        } else {
            "Buyers see it from now on, and the marketplace was told. If it was not you, write to us.".to_owned()
        };
        self.message("who sells has changed", &[&said, &next])
    }

    /// The operator hides a product.
    pub(crate) fn product_hidden(&self, product: &Product, reason: &LongText) -> Message {
        let said = format!("Buyers do not see \u{201c}{}\u{201d} any more, and it cannot be published.", product.title);
        self.message("a product is hidden", &[&said, &because(reason)])
    }
}

fn because(reason: &LongText) -> String {
    format!("The reason:\n{reason}")
}
