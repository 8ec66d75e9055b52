//! The vendor's own account.

use api::views::VendorView;
use std::collections::BTreeSet;

use api::{Answer, Caller, Idempotent, IfMatch, Json, Problem, VendorHeader, Versioned, replay_or_run};
use axum::extract::State;
use domain::text::{Email, LongText, Name, Phone};
use domain::vendor::{Permission, VendorAccount, VendorState};
use domain::{Change, Code, Currency, FieldError, Money, Refusal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{App, scoped_to_member};

pub(crate) const OWN_VENDOR: &str = "/v1/vendors/me";

/// The most characters of a vendor's description of itself: it is read with every cart.
const MAX_ABOUT_LENGTH: usize = 5_000;
/// The most shipping rates of a vendor, one per currency.
const MAX_SHIPPING_RATES: usize = 50;

/// A change of the account. A field that is absent stays; null empties a field.
///
/// Name, legal name and currency are what the operator approves: they can be changed while the application is a draft
/// or was rejected, and not after it was submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeVendor {
    /// The vendor's public name. Fixed once the application is submitted.
    #[serde(default)]
    name: Option<Name>,
    /// The vendor's own currency. Fixed once the application is submitted.
    #[serde(default)]
    currency: Option<Currency>,
    /// The name in the register of companies. Fixed once the application is submitted.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    legal_name: Change<Name>,
    /// The address for messages to the vendor.
    #[serde(default)]
    email: Option<Email>,
    /// The vendor's telephone number.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Change<Phone>,
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<LongText>)]
    about: Change<LongText>,
    /// One flat shipping rate per currency, at most 50. The vendor does not ship orders in a currency without a rate.
    #[serde(default)]
    shipping_rates: Option<Vec<Money>>,
}

impl ChangeVendor {
    /// The account after the change.
    fn applied(self, account: &VendorAccount) -> Result<VendorAccount, Refusal> {
        let mut changed = account.clone();
        changed.card.name = self.name.unwrap_or(changed.card.name);
        changed.currency = self.currency.unwrap_or(changed.currency);
        changed.legal_name = self.legal_name.applied(changed.legal_name);
        changed.email = self.email.unwrap_or(changed.email);
        changed.phone = self.phone.applied(changed.phone);
        changed.about = self.about.applied(changed.about);
        changed.shipping_rates = self.shipping_rates.unwrap_or(changed.shipping_rates);
        check_about(changed.about.as_ref())?;
        check_shipping_rates(&changed.shipping_rates)?;
        if !matches!(account.state, VendorState::Draft | VendorState::Rejected) {
            let fixed = [
                ("/name", account.card.name != changed.card.name),
                ("/legal_name", account.legal_name != changed.legal_name),
                ("/currency", account.currency != changed.currency),
            ];
            let errors: Vec<_> = fixed
                .into_iter()
                .filter(|(_, differs)| *differs)
                .map(|(pointer, _)| FieldError::new(pointer, "fixed", "cannot be changed after the submission"))
                .collect();
            if !errors.is_empty() {
                return Err(Refusal::fields(Code::WrongState, errors));
            }
            changed.check_complete()?;
        }
        Ok(changed)
    }
}

/// Refuses a description of more than [`MAX_ABOUT_LENGTH`] characters.
pub(crate) fn check_about(about: Option<&LongText>) -> Result<(), Refusal> {
    if about.is_some_and(|about| about.as_str().chars().count() > MAX_ABOUT_LENGTH) {
        return Err(Refusal::field("/about", "too_long", format!("at most {MAX_ABOUT_LENGTH} characters")));
    }
    Ok(())
}

/// Refuses rates that are not valid prices, and two rates in one currency.
pub(crate) fn check_shipping_rates(rates: &[Money]) -> Result<(), Refusal> {
    if rates.len() > MAX_SHIPPING_RATES {
        return Err(Refusal::field("/shipping_rates", "too_many", format!("at most {MAX_SHIPPING_RATES} rates")));
    }
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, rate) in rates.iter().enumerate() {
        let pointer = format!("/shipping_rates/{index}");
        if !rate.is_price() {
            errors.push(FieldError::new(pointer, "out_of_range", "must not be negative or too large"));
        } else if !seen.insert(rate.currency().as_str()) {
            errors.push(FieldError::new(pointer, "duplicate", "one rate per currency"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
}

/// Shows the vendor's own account.
///
/// The answer also says what the application still needs.
#[utoipa::path(get, path = "/v1/vendors/me", responses((status = OK, body = VendorView)))]
pub async fn show_own_vendor(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
) -> Result<Versioned<VendorView>, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::ReadShop).await?;
    Ok(Versioned { version: account.version, body: VendorView::from(&account) })
}

/// Changes the vendor's own account.
#[utoipa::path(
    patch, path = "/v1/vendors/me",
    request_body = ChangeVendor, responses((status = OK, body = VendorView))
)]
pub async fn change_own_vendor(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeVendor>>,
) -> Result<Answer, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::EditShop).await?;
    let call = scoped_to_member(call, caller.user, &account);
    replay_or_run(app.accounts.stored_response(call.as_idempotent()), async {
        IfMatch::check_if_given(expected.as_ref(), account.version)?;
        let changed = asked.applied(&account)?;
        let answer = Answer::ok(&VendorView::from(&changed))?;
        if changed != account {
            return app.save(&changed, &call, answer).await;
        }
        let answer = answer.with_version(account.version);
        app.accounts.storing(call.stored(&answer)?).store_response().await?;
        Ok(answer)
    })
    .await
}
