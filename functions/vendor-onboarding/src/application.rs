//! From an idea to an application.

use api::{
    Answer, Caller, IdempotencyKeyHeader, Idempotent, IfMatch, IfMatchHeader, Json, NoBody, Now, Problem,
    ScopedRequest, VendorHeader, VendorIdHeader, replay_or_run,
};
use axum::extract::State;
use domain::text::{Email, Handle, LongText, Name, Phone};
use domain::vendor::{Membership, Permission, Role, VendorAccount, VendorCard, VendorState, VendorStep, VendorView};
use domain::{Code, Currency, Money, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::Accounts;
use utoipa::ToSchema;

use crate::profile::{OWN_VENDOR, check_about, check_shipping_rates};
use crate::{App, scoped_to_member};

/// A shop that somebody wants to open. What is left out can be filled in later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenVendor {
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

impl OpenVendor {
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
    post, path = "/v1/vendors", params(IdempotencyKeyHeader), request_body = OpenVendor,
    responses((status = CREATED, body = VendorView))
)]
pub async fn open_vendor(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<OpenVendor>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(caller.user);
    replay_or_run(app.accounts.stored_response(call.as_idempotent()), app.create_draft(asked, caller, &call, now)).await
}

impl App {
    async fn create_draft(
        &self,
        asked: OpenVendor,
        caller: Caller,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let handle = asked.handle()?;
        check_about(asked.about.as_ref())?;
        check_shipping_rates(&asked.shipping_rates)?;
        if self.accounts.memberships(caller.user).await?.len() >= Accounts::MAX_SHOPS {
            let detail = format!("a person works for at most {} shops", Accounts::MAX_SHOPS);
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        let person = self.people.with_id(caller.user).await?.ok_or_else(|| Refusal::of(Code::Unauthorized))?;
        let id = VendorId::new(now, platform::ids(now).bits());
        let account = VendorAccount {
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
        let owner = Membership { vendor: id, user: caller.user, email: person.email, role: Role::Owner, since: now };
        let answer = Answer::created(OWN_VENDOR.to_owned(), &VendorView::from(&account))?.with_version(1);
        self.accounts.storing(call.stored(&answer)?).open_vendor(&account, &owner, &self.catalog).await?;
        Ok(answer)
    }
}

/// Hands the application in, once its checklist is done.
#[utoipa::path(
    post, path = "/v1/vendors/me/submit",
    params(VendorIdHeader, IfMatchHeader, IdempotencyKeyHeader),
    responses((status = OK, body = VendorView))
)]
pub async fn submit_vendor(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::EditShop).await?;
    let call = scoped_to_member(asked.call, caller.user, &account);
    replay_or_run(app.accounts.stored_response(call.as_idempotent()), async {
        IfMatch::check_if_given(expected.as_ref(), account.version)?;
        let submitted = VendorAccount { reason: None, ..account.after(VendorStep::Submitted, caller.user, now)? };
        app.save(&submitted, &call, Answer::ok(&VendorView::from(&submitted))?).await
    })
    .await
}
