//! What is written to people about their account: plain text in short sentences.

use domain::OrderId;
use domain::invitation::INVITATION_LIFETIME;
use domain::proof::{AccountChange, CODE_LIFETIME, CodePurpose, OrderText};
use domain::text::Name;
use domain::vendor::Role;
use platform::mail::Message;
use platform::messenger::Outgoing;

/// The marketplace's name, and the base URL of its pages.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    name: String,
    url: String,
}

impl Site {
    pub(crate) fn new(name: &str, url: &str) -> Self {
        let name = name.split(char::is_control).collect::<Vec<_>>().join(" ");
        Self { name, url: url.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn message(&self, subject: &str, paragraphs: &[&str]) -> Message {
        let mut text = "Hello,\n\n".to_owned();
        for paragraph in paragraphs {
            text.push_str(paragraph);
            text.push_str("\n\n");
        }
        text.push_str(&self.name);
        text.push('\n');
        Message { subject: format!("{}: {subject}", self.name), text }
    }

    /// A code, on a line of its own; or behind its sentence in a short message, which phones look for it in.
    pub(crate) fn code(&self, purpose: CodePurpose, code: &str) -> Outgoing {
        let (subject, asked) = match purpose {
            CodePurpose::SignUp => ("your code", "With this code you make your account:"),
            CodePurpose::ResetPassword => ("your code for another password", "With this code you choose a password:"),
            CodePurpose::ChangeContact => {
                ("your code for another contact", "With this code your account is reached here from now on:")
            }
            CodePurpose::SignIn | CodePurpose::FormerContact | CodePurpose::Other => {
                ("your code to sign in", "With this code you sign in:")
            }
        };
        let minutes = CODE_LIFETIME.as_secs() / 60;
        let valid = format!("It is valid for {minutes} minutes from the first mail with it.");
        let warning = "Nobody of ours will ever ask you for it. If you have not asked for it, there is nothing to do.";
        let short = format!("{}: your code is {code}, for {minutes} minutes. Tell it nobody.", self.name);
        Outgoing {
            short: Some(short),
            code: Some(code.to_owned()),
            ..Outgoing::by_mail("", self.message(subject, &[asked, code, &valid, warning]))
        }
    }

    /// What a buyer without an e-mail address is told of an order, in one short text. It names nothing that was bought.
    pub(crate) fn order_text(&self, text: OrderText, order: OrderId, token: &str, code: Option<&str>) -> String {
        let (name, number, link) = (&self.name, order.number(), platform::order_link(&self.url, order, token));
        let said = match text {
            OrderText::Code => {
                let code = code.unwrap_or_default();
                return format!("{name}: {code} is the code that confirms your order {number}. {link}");
            }
            OrderText::Placed => "is placed",
            OrderText::Shipped => "is on its way",
            OrderText::Cancelled => "or a part of it was cancelled",
            OrderText::Expired => "has ended, as it was not paid or confirmed in time",
            OrderText::Refunded => "is refunded, in part or in full",
            OrderText::News => "has news",
        };
        format!("{name}: your order {number} {said}. {link}")
    }

    /// An invitation to a vendor's staff. The token stands in the link, which the gateway's log leaves out, and alone
    /// for who enters it by hand.
    pub(crate) fn invitation(&self, shop: &Name, role: Role, token: &str) -> Outgoing {
        let asked = format!("The shop \u{201c}{shop}\u{201d} invites you to work for it {}.", as_what(role));
        let page = format!("{}/desk/invitations/{token}", self.url);
        let link = format!("Sign in with this address, or make an account with it, and answer here:\n{page}");
        let by_hand = format!("If you are asked for the token, it is:\n{token}");
        let days = INVITATION_LIFETIME.as_secs() / 86_400;
        let valid = format!("It is valid for {days} days, once. If you do not want to, there is nothing to do.");
        let mail = self.message("an invitation to a shop", &[&asked, &link, &by_hand, &valid]);
        let short = format!("{}: a shop invites you to work for it {}. {page}", self.name, as_what(role));
        Outgoing { short: Some(short), ..Outgoing::by_mail("", mail) }
    }

    /// What has changed in somebody's account; nothing for a change that only a newer release knows.
    pub(crate) fn account_changed(&self, change: AccountChange) -> Option<Outgoing> {
        let (subject, changed) = match change {
            AccountChange::PasswordChanged => ("another password", "Another password was chosen for your account."),
            AccountChange::ContactChanged => (
                "another address or number",
                "Another address or telephone number was entered for your account. You sign in with it from now on.",
            ),
            AccountChange::MfaSetUp => {
                ("authenticator app set up", "An authenticator app was set up for your account.")
            }
            AccountChange::MfaRemoved => {
                ("authenticator app gone", "The authenticator app of your account was taken away.")
            }
            AccountChange::PapersReplaced => {
                let text = "New codes on paper were made for your account. Those before work no more.";
                return Some(self.told("new codes on paper", &[text, &self.if_not_you()], text));
            }
            AccountChange::MfaRecovered => (
                "code on paper used",
                "A code on paper was used for your account, and its authenticator app was taken away. Set one up again.",
            ),
            AccountChange::Other => return None,
        };
        let signed_out = "Whoever was signed in has been signed out.";
        Some(self.told(subject, &[changed, signed_out, &self.if_not_you()], changed))
    }

    /// A message whose short form says this and where to go.
    fn told(&self, subject: &str, paragraphs: &[&str], short: &str) -> Outgoing {
        let short = format!("{}: {short} {}", self.name, self.url);
        Outgoing { short: Some(short), ..Outgoing::by_mail("", self.message(subject, paragraphs)) }
    }

    fn if_not_you(&self) -> String {
        format!(
            "If it was not you, choose another password at once with \u{201c}forgot password\u{201d}. That also takes away \
             an app that was set up in the last three days:\n{}",
            self.url
        )
    }

    /// To a contact with which nobody signs in any more.
    pub(crate) fn former_contact(&self) -> Outgoing {
        let said = "Your account has another address or telephone number now, and you do not sign in with this one.";
        let otherwise = format!("If it was not you, write to us at once, from here:\n{}", self.url);
        self.told("another address or number", &[said, &otherwise], said)
    }

    /// Somebody who is signed in wants to be reached at a contact that has an account.
    pub(crate) fn contact_is_taken(&self) -> Outgoing {
        self.told(
            "you have an account",
            &[
                "Somebody wants to use your address or number for another account. It has one already, so nothing was \
                 changed.",
                "If it was you, sign in with it, or enter another one.",
            ],
            "your number has an account already, so it was not entered for another one.",
        )
    }

    /// Somebody wants to make an account for a contact that has one.
    pub(crate) fn account_exists(&self) -> Outgoing {
        let where_to = format!("Sign in, or choose another password, at\n{}", self.url);
        self.told(
            "you have an account",
            &[
                "Somebody wants to make an account with your address or number, which has one already.",
                &where_to,
                "If it was not you, there is nothing to do.",
            ],
            "you have an account already. Sign in with a code.",
        )
    }
}

/// What a member is, behind "works for it".
pub(crate) const fn as_what(role: Role) -> &'static str {
    match role {
        Role::Owner => "as an owner",
        Role::Manager => "as a manager",
        Role::Fulfilment => "in fulfilment",
        Role::Finance => "in finance",
        Role::Other => "as a member",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_alone_on_its_line_and_in_no_subject() {
        let site = Site::new("Bozor\r\nBcc: x", "https://shop.example/");
        for purpose in
            [CodePurpose::SignUp, CodePurpose::SignIn, CodePurpose::ResetPassword, CodePurpose::ChangeContact]
        {
            let outgoing = site.code(purpose, "048151");
            let short = outgoing.short.unwrap();
            assert_eq!(short, "Bozor  Bcc: x: your code is 048151, for 15 minutes. Tell it nobody.");
            assert_eq!(outgoing.code.as_deref(), Some("048151"));
            let message = outgoing.mail;
            assert!(message.text.lines().any(|line| line == "048151"), "{}", message.text);
            assert!(!message.subject.contains("048151") && !message.subject.contains('\n'), "{}", message.subject);
        }
        let invitation = site.invitation(&Name::parse("Silk & Co").unwrap(), Role::Owner, "abc");
        assert!(invitation.short.unwrap().ends_with("as an owner. https://shop.example/desk/invitations/abc"));
        let invitation = invitation.mail;
        assert!(invitation.text.contains("https://shop.example/desk/invitations/abc\n"), "{}", invitation.text);
        assert!(invitation.text.contains("\u{201c}Silk & Co\u{201d} invites you to work for it as an owner."));
        assert!(invitation.text.lines().any(|line| line == "abc") && !invitation.subject.contains("Silk"));
        let exists = site.account_exists().mail;
        assert!(exists.text.contains("https://shop.example\n") && !exists.text.contains("048151"), "{}", exists.text);
    }

    #[test]
    fn a_short_message_of_an_order_names_it_and_its_page_and_nothing_else() {
        let site = Site::new("Bozor", "https://shop.example/");
        let order = OrderId::from_bits(1);
        let of = |text, code| site.order_text(text, order, "t0ken", code);
        let (number, page) = (order.number(), format!("https://shop.example/r/{order}.t0ken"));
        assert_eq!(of(OrderText::Shipped, None), format!("Bozor: your order {number} is on its way. {page}"));
        let code = of(OrderText::Code, Some("048151"));
        assert_eq!(code, format!("Bozor: 048151 is the code that confirms your order {number}. {page}"));
    }
}
