//! Who sells: what buyers can see of a vendor, as laws on distance selling ask for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::address::Country;
use crate::code::FieldError;
use crate::text::{Line, Name, Phone};
use crate::{Timestamp, UserId};

/// The most licences of a vendor.
pub const MAX_LICENCES: usize = 20;
/// The most changes after the approval that are kept: the first, which is what was approved, and the last ones.
pub const MAX_IDENTITY_CHANGES: usize = 20;
/// How long an identity may be as JSON, in bytes: it lies in the account with those before it, and on every page of the
/// shop and its products.
const MAX_IDENTITY_BYTES: usize = 8_192;

/// What kind of person sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorKind {
    /// A private person.
    Individual,
    /// A person who trades in their own name.
    SoleTrader,
    /// A company.
    Company,
    /// A kind that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A permission of an authority, which some goods need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// What it allows.
    #[schema(examples("Retail of medicines"))]
    pub name: Line,
    /// Its number.
    pub number: Line,
    /// Who has given it.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub authority: Option<Line>,
}

/// Who sells. Shown to everybody on the pages of the shop and of its products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicIdentity {
    /// The name in the register, or of the person.
    pub legal_name: Name,
    /// What kind of person sells.
    pub kind: VendorKind,
    /// The country whose law holds for the vendor.
    pub country: Country,
    /// Number of the tax-payer.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tax_id: Option<Line>,
    /// Whether the vendor pays value-added tax.
    #[serde(default)]
    pub vat_payer: bool,
    /// Number in the register of companies or traders.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub register_no: Option<Line>,
    /// The postal address on one line.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<Line>,
    /// Where buyers can call.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<Phone>,
    /// Licences, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub licences: Vec<Licence>,
}

/// A change of the identity after the approval: what it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityChange {
    /// When it was changed.
    pub at: Timestamp,
    /// The member who changed it.
    pub by: UserId,
    /// What it was until then; null when there was none.
    #[schema(required = true)]
    pub before: Option<PublicIdentity>,
}

/// A field of the identity that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityField {
    TaxId,
    RegisterNo,
    Address,
    Phone,
    Licences,
    /// A field that only a newer release knows: not asked for.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl IdentityField {
    /// The field's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TaxId => "tax_id",
            Self::RegisterNo => "register_no",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Licences => "licences",
            Self::Other => "other",
        }
    }
}

impl PublicIdentity {
    /// Whether a field is filled in.
    const fn has(&self, field: IdentityField) -> bool {
        match field {
            IdentityField::TaxId => self.tax_id.is_some(),
            IdentityField::RegisterNo => self.register_no.is_some(),
            IdentityField::Address => self.address.is_some(),
            IdentityField::Phone => self.phone.is_some(),
            IdentityField::Licences => !self.licences.is_empty(),
            IdentityField::Other => true,
        }
    }

    /// What is missing of these fields.
    pub fn missing(&self, fields: &[IdentityField]) -> Vec<FieldError> {
        let missing = fields.iter().filter(|field| !self.has(**field));
        missing
            .map(|field| {
                FieldError::new(format!("/public_identity/{}", field.as_str()), "missing", "must be filled in")
            })
            .collect()
    }

    /// What is not allowed in it.
    pub fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if self.licences.len() > MAX_LICENCES {
            let detail = format!("at most {MAX_LICENCES} licences");
            wrong.push(FieldError::new("/public_identity/licences", "too_many", detail));
        }
        if self.kind == VendorKind::Other {
            wrong.push(FieldError::new("/public_identity/kind", "unknown", "is no kind of vendor"));
        }
        if serde_json::to_vec(self).is_ok_and(|json| json.len() > MAX_IDENTITY_BYTES) {
            let detail = format!("must be at most {MAX_IDENTITY_BYTES} bytes as a whole: shorten the licences");
            wrong.push(FieldError::new("/public_identity", "too_long", detail));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_and_not_filled_in_is_named() {
        let identity: PublicIdentity = serde_json::from_value(serde_json::json!({
            "legal_name": "Silk LLC", "kind": "company", "country": "UZ", "tax_id": "301234567", "phone": null,
        }))
        .unwrap();
        assert!(identity.check().is_empty() && !identity.vat_payer);
        let missing = identity.missing(&[IdentityField::TaxId, IdentityField::Phone, IdentityField::Licences]);
        let pointers: Vec<&str> = missing.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/public_identity/phone", "/public_identity/licences"]);
        assert!(serde_json::from_str::<VendorKind>("\"other\"").is_err());
        let licence = || serde_json::from_value(serde_json::json!({"name": "x".repeat(250), "number": "1"})).unwrap();
        let few = PublicIdentity { licences: (0..20).map(|_| licence()).collect(), ..identity.clone() };
        assert!(few.check().is_empty());
        let wide = || serde_json::from_value(serde_json::json!({"name": "\u{1f4dc}".repeat(250), "number": "1"}));
        let many = PublicIdentity { licences: (0..20).map(|_| wide().unwrap()).collect(), ..identity };
        assert_eq!(many.check()[0].code, "too_long");
    }
}
