//! From an idea to an application.

use api::{
    Answer, Buyer, Call, IfMatch, IfMatchHeader, Json, KeyHeader, Keyed, NoBody, Now, Problem, VendorHeader,
    VendorIdHeader, once,
};
use axum::extract::State;
use domain::text::{Email, Handle, LongText, Name, Phone};
use domain::vendor::{Membership, Permission, Role, VendorCard, VendorEvent, VendorFile, VendorState, VendorView};
use domain::{Code, Currency, Money, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::Accounts;
use utoipa::ToSchema;

use crate::profile::{OWN_SHOP, check_about, check_shipping_rates};
use crate::{App, of_member};

/// A shop that somebody wants to open. What is left out can be filled in later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// The name in the address of the shop page; made from the name when nothing is said. It stays.
    #[serde(default)]
    handle: Option<Handle>,
    /// The name of the shop.
    name: Name,
    /// The shop's own currency: that of its prices and payouts.
    currency: Currency,
    /// Where news for the shop goes; the applicant's own address when nothing is said.
    #[serde(default)]
    email: Option<Email>,
    /// Telephone number.
    #[serde(default)]
    phone: Option<Phone>,
    /// The name in the register of companies.
    #[serde(default)]
    legal_name: Option<Name>,
    /// A few words about the shop, as plain text.
    #[serde(default)]
    about: Option<LongText>,
    /// One flat rate for delivery per currency.
    #[serde(default)]
    shipping_rates: Vec<Money>,
}

impl Apply {
    /// The handle, or the one that the name suggests. `me` stands for one's own shop in addresses.
    fn handle(&self) -> Result<Handle, Refusal> {
        let handle = self.handle.clone().or_else(|| Handle::suggested_by(self.name.as_str()));
        match handle {
            Some(handle) if handle.as_str() == "me" => {
                Err(Refusal::field("/handle", "reserved", "cannot be had: choose another"))
            }
            Some(handle) => Ok(handle),
            None => Err(Refusal::field("/handle", "missing", "the name suggests none: choose one")),
        }
    }
}

/// Opens a shop as a draft, with the applicant as its owner.
#[utoipa::path(
    post, path = "/v1/vendors", params(KeyHeader), request_body = Apply,
    responses((status = CREATED, body = VendorView))
)]
pub async fn apply(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    Keyed { body: Json(asked), call }: Keyed<Json<Apply>>,
) -> Result<Answer, Problem> {
    let call = call.of(buyer.user);
    once(app.accounts.kept(call.named()), app.open_shop(asked, buyer, &call, now)).await
}

impl App {
    async fn open_shop(&self, asked: Apply, buyer: Buyer, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let handle = asked.handle()?;
        check_about(asked.about.as_ref())?;
        check_shipping_rates(&asked.shipping_rates)?;
        if self.accounts.memberships(buyer.user).await?.len() >= Accounts::MOST_SHOPS {
            let detail = format!("a person works for at most {} shops", Accounts::MOST_SHOPS);
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        let person = self.people.with_id(buyer.user).await?.ok_or_else(|| Refusal::of(Code::Unauthorized))?;
        let id = VendorId::new(now, platform::mint(now).bits());
        let file = VendorFile {
            card: VendorCard { id, handle, name: asked.name },
            state: VendorState::Draft,
            currency: asked.currency,
            email: asked.email.unwrap_or_else(|| person.email.clone()),
            phone: asked.phone,
            legal_name: asked.legal_name,
            about: asked.about,
            shipping_rates: asked.shipping_rates,
            documents: Vec::new(),
            reason: None,
            history: Vec::new(),
            created_at: now,
            version: 0,
        };
        let owner = Membership { vendor: id, user: buyer.user, email: person.email, role: Role::Owner, since: now };
        let answer = Answer::created(OWN_SHOP.to_owned(), &VendorView::from(&file))?.with_version(1);
        self.accounts.keeping(call.keeps(&answer)?).open_vendor(&file, &owner, &self.catalog).await?;
        Ok(answer)
    }
}

/// Hands the application in, once its checklist is done.
#[utoipa::path(
    post, path = "/v1/vendors/me/submit",
    params(VendorIdHeader, IfMatchHeader, KeyHeader),
    responses((status = OK, body = VendorView))
)]
pub async fn submit_application(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    expected: Option<IfMatch>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let file = app.file(buyer.user, named, Permission::EditShop).await?;
    let call = of_member(asked.call, buyer.user, &file);
    once(app.accounts.kept(call.named()), async {
        IfMatch::check_if_given(expected.as_ref(), file.version)?;
        let submitted = VendorFile { reason: None, ..file.after(VendorEvent::Submitted, buyer.user, now)? };
        app.save(&submitted, &call, Answer::ok(&VendorView::from(&submitted))?).await
    })
    .await
}
