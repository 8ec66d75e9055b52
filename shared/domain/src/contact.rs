//! How somebody is reached.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{Email, Phone, optional};

/// How a buyer is reached about an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// E-mail address: messages about the order go to it.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone number.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}
