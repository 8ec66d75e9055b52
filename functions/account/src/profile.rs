//! The profile of the signed-in person, with their memberships.

use api::{Answer, Caller, Idempotent, Json, Problem};
use axum::extract::State;
use domain::contact::PhoneNumber;
use domain::text::{Email, Handle, Name};
use domain::vendor::{Role, VendorState};
use domain::{UserId, VendorId};
use serde::Serialize;
use shop::{ChangeMe, Me, MfaView, MyVendor};
use utoipa::ToSchema;

use crate::App;

/// The profile of the signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    id: UserId,
    /// The e-mail address with which the person signs in.
    #[schema(required = true)]
    email: Option<Email>,
    /// The telephone number with which the person signs in.
    #[schema(required = true)]
    phone: Option<PhoneNumber>,
    /// The person's name for display.
    #[schema(required = true)]
    name: Option<Name>,
    /// The language of mail to the person, as a BCP 47 tag.
    #[schema(required = true, examples("uz"))]
    language: Option<String>,
    /// The person's groups in the user pool, such as `admin`.
    groups: Vec<String>,
    /// The vendors that the person works for.
    memberships: Vec<MembershipView>,
    /// The authenticator app, once its codes are needed to sign in.
    #[schema(required = true)]
    mfa: Option<MfaView>,
}

/// The person's role at one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// The vendor's id, as the header `Vendor-Id` takes it.
    vendor_id: VendorId,
    /// The handle in the address of the vendor's shop page.
    handle: Handle,
    /// The vendor's name.
    name: Name,
    /// The vendor's state; only an `approved` one sells.
    state: VendorState,
    /// The person's role, which decides what they may do for the vendor.
    role: Role,
}

/// Shows the profile of the signed-in person.
#[utoipa::path(get, path = "/v1/me", responses((status = OK, body = MeView)))]
pub async fn show_my_profile(State(people): State<App>, person: Caller) -> Result<Json<MeView>, Problem> {
    let me = people.me(person.user).await?;
    Ok(Json(MeView::new(&me, &person)))
}

/// Changes the profile of the signed-in person.
#[utoipa::path(patch, path = "/v1/me", request_body = ChangeMe, responses((status = OK, body = MeView)))]
pub async fn change_my_profile(
    State(people): State<App>,
    person: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeMe>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(person.user);
    let changed = |me: &Me| Answer::ok(&MeView::new(me, &person));
    Answer::of(people.change_profile(person.user, &asked, call.responding(&changed)).await?)
}

impl MeView {
    fn new(me: &Me, person: &Caller) -> Self {
        Self {
            id: me.id,
            email: me.email.clone(),
            phone: me.phone.clone(),
            name: me.name.clone(),
            language: me.language.clone(),
            groups: person.groups.iter().cloned().collect(),
            memberships: me.vendors.iter().map(MembershipView::from).collect(),
            mfa: me.mfa,
        }
    }
}

impl From<&MyVendor> for MembershipView {
    fn from(MyVendor { account, role }: &MyVendor) -> Self {
        Self {
            vendor_id: account.card.id,
            handle: account.card.handle.clone(),
            name: account.card.name.clone(),
            state: account.state,
            role: *role,
        }
    }
}
