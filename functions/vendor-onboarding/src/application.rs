//! Opening a vendor as a draft, and submitting the application.

use api::views::VendorView;
use api::{
    Answer, Caller, Idempotent, IfMatch, Json, NoBody, Now, Problem, ScopedRequest, VendorHeader, replay_or_run,
};
use axum::extract::State;
use domain::text::{Email, Handle, LongText, Name, Phone};
use domain::vendor::{Membership, Permission, Role, VendorAccount, VendorCard, VendorState, VendorStep};
use domain::{Code, Currency, Money, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::Accounts;
use utoipa::ToSchema;

use crate::profile::{OWN_VENDOR, check_about, check_shipping_rates};
use crate::{App, scoped_to_member};

/// A vendor that is to be opened. Optional fields can be filled in later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenVendor {
    /// The name in the address of the vendor's page; by default made from the name. It cannot be changed later.
    #[serde(default, deserialize_with = "domain::text::optional")]
    handle: Option<Handle>,
    /// The vendor's public name.
    name: Name,
    /// The vendor's own currency: that of its prices and payouts.
    currency: Currency,
    /// The address for messages to the vendor; by default the applicant's own.
    #[serde(default, deserialize_with = "domain::text::optional")]
    email: Option<Email>,
    /// The vendor's telephone number.
    #[serde(default, deserialize_with = "domain::text::optional")]
    phone: Option<Phone>,
    /// The name in the register of companies.
    #[serde(default, deserialize_with = "domain::text::optional")]
    legal_name: Option<Name>,
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default, deserialize_with = "domain::text::optional")]
    about: Option<LongText>,
    /// One flat shipping rate per currency, at most 50.
    #[serde(default)]
    shipping_rates: Vec<Money>,
}

impl OpenVendor {
    /// The handle, or one made from the name. `me` is reserved for the path of the caller's own vendor.
    fn handle(&self) -> Result<Handle, Refusal> {
        let handle = self.handle.clone().or_else(|| Handle::suggested_by(self.name.as_str()));
        match handle {
            Some(handle) if handle.as_str() == "me" => {
                Err(Refusal::field("/handle", "reserved", "is reserved: choose another"))
            }
            Some(handle) => Ok(handle),
            None => Err(Refusal::field("/handle", "missing", "none can be made from the name: choose one")),
        }
    }
}

/// Opens a vendor as a draft, with the caller as its owner.
#[utoipa::path(
    post, path = "/v1/vendors", request_body = OpenVendor,
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
            let detail = format!("a person is a member of at most {} vendors", Accounts::MAX_SHOPS);
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

/// Submits the vendor's application, if it is complete.
#[utoipa::path(
    post, path = "/v1/vendors/me/submit",
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
