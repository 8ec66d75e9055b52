//! The shop's own file.

use std::collections::BTreeSet;

use api::{
    Answer, Buyer, IfMatch, IfMatchHeader, Json, KeyHeader, Keyed, Problem, VendorHeader, VendorIdHeader, Versioned,
    once,
};
use axum::extract::State;
use domain::text::{Email, LongText, Name, Phone};
use domain::vendor::{Permission, VendorFile, VendorState, VendorView};
use domain::{Change, Code, Currency, FieldError, Money, Refusal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{App, of_member};

/// Where one's own shop is.
pub(crate) const OWN_SHOP: &str = "/v1/vendors/me";

/// The most characters of what a shop says of itself: it is read with every cart.
const LONGEST_ABOUT: usize = 5_000;
/// The most currencies that a shop delivers in.
const MOST_RATES: usize = 50;

/// What is to change; what is not named stays, and null empties a field.
///
/// Name, legal name and currency are what the operator approves: they can be changed while the application is a draft or
/// was turned down, and not after it was submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeShop {
    /// The name of the shop. Until it is submitted.
    #[serde(default)]
    name: Option<Name>,
    /// The shop's own currency. Until it is submitted.
    #[serde(default)]
    currency: Option<Currency>,
    /// The name in the register of companies. Until it is submitted.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    legal_name: Change<Name>,
    /// Where news for the shop goes.
    #[serde(default)]
    email: Option<Email>,
    /// Telephone number.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Change<Phone>,
    /// A few words about the shop, as plain text.
    #[serde(default)]
    #[schema(value_type = Option<LongText>)]
    about: Change<LongText>,
    /// One flat rate for delivery per currency. Without one in a currency, the shop does not deliver in it.
    #[serde(default)]
    shipping_rates: Option<Vec<Money>>,
}

impl ChangeShop {
    /// The file after the change.
    fn applied(self, file: &VendorFile) -> Result<VendorFile, Refusal> {
        let mut changed = file.clone();
        changed.card.name = self.name.unwrap_or(changed.card.name);
        changed.currency = self.currency.unwrap_or(changed.currency);
        changed.legal_name = self.legal_name.applied(changed.legal_name);
        changed.email = self.email.unwrap_or(changed.email);
        changed.phone = self.phone.applied(changed.phone);
        changed.about = self.about.applied(changed.about);
        changed.shipping_rates = self.shipping_rates.unwrap_or(changed.shipping_rates);
        check_about(changed.about.as_ref())?;
        check_shipping_rates(&changed.shipping_rates)?;
        if !matches!(file.state, VendorState::Draft | VendorState::Rejected) {
            let fixed = [
                ("/name", file.card.name != changed.card.name),
                ("/legal_name", file.legal_name != changed.legal_name),
                ("/currency", file.currency != changed.currency),
            ];
            let errors: Vec<_> = fixed
                .into_iter()
                .filter(|(_, differs)| *differs)
                .map(|(pointer, _)| FieldError::new(pointer, "fixed", "cannot be changed once it was submitted"))
                .collect();
            if !errors.is_empty() {
                return Err(Refusal::fields(Code::WrongState, errors));
            }
            changed.check_complete()?;
        }
        Ok(changed)
    }
}

/// Refuses a description that is too long to be read with every cart.
pub(crate) fn check_about(about: Option<&LongText>) -> Result<(), Refusal> {
    if about.is_some_and(|about| about.as_str().chars().count() > LONGEST_ABOUT) {
        return Err(Refusal::field("/about", "too_long", format!("at most {LONGEST_ABOUT} characters")));
    }
    Ok(())
}

/// Refuses rates that are no prices, and two in one currency.
pub(crate) fn check_shipping_rates(rates: &[Money]) -> Result<(), Refusal> {
    if rates.len() > MOST_RATES {
        return Err(Refusal::field("/shipping_rates", "too_many", format!("at most {MOST_RATES} rates")));
    }
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, rate) in rates.iter().enumerate() {
        let pointer = format!("/shipping_rates/{index}");
        if !rate.is_price() {
            errors.push(FieldError::new(pointer, "out_of_range", "must not be negative or beyond all measure"));
        } else if !seen.insert(rate.currency().as_str()) {
            errors.push(FieldError::new(pointer, "duplicate", "one rate per currency"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
}

/// Shows the shop's own file, and what its application still needs.
#[utoipa::path(get, path = "/v1/vendors/me", params(VendorIdHeader), responses((status = OK, body = VendorView)))]
pub async fn show_own_shop(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
) -> Result<Versioned<VendorView>, Problem> {
    let file = app.file(buyer.user, named, Permission::ReadShop).await?;
    Ok(Versioned { version: file.version, body: VendorView::from(&file) })
}

/// Changes the shop's own file.
#[utoipa::path(
    patch, path = "/v1/vendors/me",
    params(VendorIdHeader, IfMatchHeader, KeyHeader),
    request_body = ChangeShop, responses((status = OK, body = VendorView))
)]
pub async fn change_own_shop(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    expected: Option<IfMatch>,
    Keyed { body: Json(asked), call }: Keyed<Json<ChangeShop>>,
) -> Result<Answer, Problem> {
    let file = app.file(buyer.user, named, Permission::EditShop).await?;
    let call = of_member(call, buyer.user, &file);
    once(app.accounts.kept(call.named()), async {
        IfMatch::check_if_given(expected.as_ref(), file.version)?;
        let changed = asked.applied(&file)?;
        let answer = Answer::ok(&VendorView::from(&changed))?;
        if changed != file {
            return app.save(&changed, &call, answer).await;
        }
        let answer = answer.with_version(file.version);
        app.accounts.keeping(call.keeps(&answer)?).keep().await?;
        Ok(answer)
    })
    .await
}
