//! What is written to people about their account, in their language.

use domain::OrderId;
use domain::invitation::INVITATION_LIFETIME;
use domain::proof::{AccountChange, CODE_LIFETIME, CodePurpose, OrderText};
use domain::text::Name;
use domain::vendor::Role;
use pages::mail::{self, Draft, MailTexts};
use pages::{Language, Texts, fill};
use platform::mail::Message;
use platform::messenger::Outgoing;

/// The marketplace's name, the base URL of its pages, and the language of whoever has told none.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    name: String,
    url: String,
    main_language: Language,
}

/// What is told to several people, each in their language.
pub(crate) type Said<'a> = &'a (dyn Fn(&To<'_>) -> Message + Send + Sync);

/// A site that writes in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To<'a> {
    site: &'a Site,
    language: Language,
    pub(crate) t: &'static MailTexts,
}

impl Site {
    pub(crate) fn new(name: &str, url: &str, main_language: Language) -> Self {
        let name = name.split(char::is_control).collect::<Vec<_>>().join(" ");
        Self { name, url: url.trim_end_matches('/').to_owned(), main_language }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The site in the language of somebody who has told this one; in the main one when it is unknown.
    pub(crate) fn to(&self, tag: Option<&str>) -> To<'_> {
        let language = tag.and_then(Language::from_tag).unwrap_or(self.main_language);
        To { site: self, language, t: MailTexts::of(language) }
    }
}

impl To<'_> {
    pub(crate) fn draft(&self) -> Draft {
        Draft::new(self.language)
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn name(&self) -> &str {
        &self.site.name
    }

    pub(crate) fn url(&self) -> &str {
        &self.site.url
    }

    pub(crate) fn finish(&self, subject: &str, draft: Draft) -> Message {
        let mail::Mail { subject, text, html } =
            draft.finish(&format!("{}: {subject}", self.site.name), &self.site.name);
        Message { subject, text, html }
    }

    /// A message of plain paragraphs that leads to this page of the desk.
    pub(crate) fn message(&self, subject: &str, paragraphs: &[&str], page: &str) -> Message {
        let draft = paragraphs.iter().fold(self.draft(), |draft, paragraph| draft.text(*paragraph));
        self.finish(subject, draft.link(self.t.open_here, format!("{}{page}", self.url())))
    }

    /// A page that everybody has, in the language of the message.
    fn page(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.url(), self.language.code())
    }

    /// A code, on a line of its own; or behind its sentence in a short message, which phones look for it in.
    pub(crate) fn code(&self, purpose: CodePurpose, code: &str) -> Outgoing {
        let t = self.t;
        let (subject, asked) = match purpose {
            CodePurpose::SignUp => (t.code_subject, t.code_sign_up),
            CodePurpose::ResetPassword => (t.code_reset_subject, t.code_reset),
            CodePurpose::ChangeContact => (t.code_contact_subject, t.code_contact),
            CodePurpose::SignIn | CodePurpose::FormerContact | CodePurpose::Other => {
                (t.code_sign_in_subject, t.code_sign_in)
            }
        };
        let minutes = (CODE_LIFETIME.as_secs() / 60).to_string();
        let valid = fill(t.code_valid, &[("minutes", &minutes)]);
        let short = fill(t.code_short, &[("site", self.name()), ("code", code), ("minutes", &minutes)]);
        let draft = self.draft().text(asked).code(code).text(valid).text(t.code_warning);
        Outgoing {
            short: Some(short),
            code: Some(code.to_owned()),
            ..Outgoing::by_mail("", self.finish(subject, draft))
        }
    }

    /// What a buyer without an e-mail address is told of an order, in one short text. It names nothing that was bought.
    pub(crate) fn order_text(&self, text: OrderText, order: OrderId, token: &str, code: Option<&str>) -> String {
        let t = self.t;
        let said = match text {
            OrderText::Code => t.text_code,
            OrderText::Placed => t.text_placed,
            OrderText::Shipped => t.text_shipped,
            OrderText::Cancelled => t.text_cancelled,
            OrderText::Expired => t.text_expired,
            OrderText::Refunded => t.text_refunded,
            OrderText::News => t.text_news,
        };
        let (number, link) = (order.number(), platform::order_link(self.url(), order, token));
        let code = code.unwrap_or_default();
        fill(said, &[("site", self.name()), ("number", &number), ("link", &link), ("code", code)])
    }

    /// The pieces that every invitation ends with.
    pub(crate) fn answering(&self, draft: Draft, page: &str, token: &str) -> Draft {
        let days = (INVITATION_LIFETIME.as_secs() / 86_400).to_string();
        draft
            .link(self.t.invited_link, page)
            .text(self.t.invited_token)
            .code(token)
            .text(fill(self.t.invited_valid, &[("days", &days)]))
    }

    /// An invitation to a vendor's staff. The token stands in the link, which the gateway's log leaves out, and alone
    /// for who enters it by hand.
    pub(crate) fn invitation(&self, shop: &Name, role: Role, token: &str) -> Outgoing {
        let page = format!("{}/desk/invitations/{token}", self.url());
        let asked = fill(self.t.invited, &[("shop", shop.as_str()), ("role", self.role(role))]);
        let draft = self.answering(self.draft().text(asked), &page, token);
        let short = fill(self.t.invited_short, &[("site", self.name()), ("link", &page)]);
        Outgoing { short: Some(short), ..Outgoing::by_mail("", self.finish(self.t.invited_subject, draft)) }
    }

    /// What has changed in somebody's account; nothing for a change that only a newer release knows.
    pub(crate) fn account_changed(&self, change: AccountChange) -> Option<Outgoing> {
        let t = self.t;
        let (subject, changed) = match change {
            AccountChange::PasswordChanged => (t.password_subject, t.password_changed),
            AccountChange::ContactChanged => (t.contact_subject, t.contact_changed),
            AccountChange::MfaSetUp => (t.mfa_set_up_subject, t.mfa_set_up),
            AccountChange::MfaRemoved => (t.mfa_removed_subject, t.mfa_removed),
            AccountChange::PapersReplaced => (t.papers_subject, t.papers_replaced),
            AccountChange::MfaRecovered => (t.mfa_recovered_subject, t.mfa_recovered),
            AccountChange::Other => return None,
        };
        let draft = self.draft().text(changed);
        let draft = if change == AccountChange::PapersReplaced { draft } else { draft.text(t.signed_out) };
        let page = self.page("reset");
        Some(self.told(subject, draft.link(t.not_you, page.as_str()), (changed, &page)))
    }

    /// A message whose short form says this and where to go.
    fn told(&self, subject: &str, draft: Draft, (short, page): (&str, &str)) -> Outgoing {
        let short = format!("{}: {short} {page}", self.name());
        Outgoing { short: Some(short), ..Outgoing::by_mail("", self.finish(subject, draft)) }
    }

    /// To a contact with which nobody signs in any more.
    pub(crate) fn former_contact(&self) -> Outgoing {
        let t = self.t;
        // Who cannot sign in any more finds at the foot of each page whom to ask.
        let draft = self.draft().text(t.former_contact).link(t.former_otherwise, self.url());
        self.told(t.contact_subject, draft, (t.former_contact, self.url()))
    }

    /// Somebody who is signed in wants to be reached at a contact that has an account.
    pub(crate) fn contact_is_taken(&self) -> Outgoing {
        let t = self.t;
        let (draft, page) = (self.draft().text(t.contact_taken).text(t.contact_taken_you), self.page("sign-in"));
        let draft = draft.link(t.account_exists_link, page.as_str());
        self.told(t.account_subject, draft, (t.contact_taken_short, &page))
    }

    /// Somebody wants to make an account for a contact that has one.
    pub(crate) fn account_exists(&self) -> Outgoing {
        let t = self.t;
        let (draft, page) = (self.draft().text(t.account_exists), self.page("sign-in"));
        let draft = draft.link(t.account_exists_link, page.as_str()).text(t.account_exists_not_you);
        self.told(t.account_subject, draft, (t.account_exists_short, &page))
    }

    /// What a member is, behind a colon.
    pub(crate) fn role(&self, role: Role) -> &'static str {
        let t = Texts::of(self.language);
        match role {
            Role::Owner => t.desk_role_owner,
            Role::Manager => t.desk_role_manager,
            Role::Fulfilment => t.desk_role_fulfilment,
            Role::Finance => t.desk_role_finance,
            Role::Other => self.t.role_member,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_alone_on_its_line_and_in_no_subject() {
        let site = Site::new("Bozor\r\nBcc: x", "https://shop.example/", Language::En);
        for purpose in
            [CodePurpose::SignUp, CodePurpose::SignIn, CodePurpose::ResetPassword, CodePurpose::ChangeContact]
        {
            let outgoing = site.to(None).code(purpose, "048151");
            let short = outgoing.short.unwrap();
            assert_eq!(short, "Bozor  Bcc: x: your code is 048151, for 15 minutes. Tell it nobody.");
            assert_eq!(outgoing.code.as_deref(), Some("048151"));
            let message = outgoing.mail;
            assert!(message.text.lines().any(|line| line == "048151"), "{}", message.text);
            assert!(!message.subject.contains("048151") && !message.subject.contains('\n'), "{}", message.subject);
        }
        let invitation = site.to(None).invitation(&Name::parse("Silk & Co").unwrap(), Role::Owner, "abc");
        assert!(invitation.short.unwrap().ends_with("work for it. https://shop.example/desk/invitations/abc"));
        let invitation = invitation.mail;
        assert!(invitation.text.contains("https://shop.example/desk/invitations/abc\n"), "{}", invitation.text);
        assert!(invitation.text.contains("\u{201c}Silk & Co\u{201d} invites you to work for it. Your role: Owner."));
        assert!(invitation.text.lines().any(|line| line == "abc") && !invitation.subject.contains("Silk"));
        let exists = site.to(None).account_exists().mail;
        assert!(
            exists.text.contains("https://shop.example/en/sign-in\n") && !exists.text.contains("048151"),
            "{}",
            exists.text
        );
    }

    #[test]
    fn a_short_message_of_an_order_names_it_and_its_page_and_nothing_else() {
        let site = Site::new("Bozor", "https://shop.example/", Language::En);
        let order = OrderId::from_bits(1);
        let of = |text, code| site.to(None).order_text(text, order, "t0ken", code);
        let (number, page) = (order.number(), format!("https://shop.example/r/{order}.t0ken"));
        assert_eq!(of(OrderText::Shipped, None), format!("Bozor: your order {number} is on its way. {page}"));
        let code = of(OrderText::Code, Some("048151"));
        assert_eq!(code, format!("Bozor: 048151 is the code that confirms your order {number}. {page}"));
    }
}
