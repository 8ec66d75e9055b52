//! The value of a setting on the wire and as it is stored.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Money;
use crate::payment_kind::PaymentKind;
use crate::return_policy::{ReturnException, WayBack};
use crate::settings::{Limit, PhoneChannel, PhoneMessages, PrefixPrice, StaffRole, VendorRules};

/// A rate limit: at most `most` requests within a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitValue {
    /// Requests within the window.
    #[schema(minimum = 1, maximum = 10_000_000, examples(120))]
    pub most: u32,
    /// The window in seconds.
    #[schema(minimum = 1, maximum = 86_400, examples(60))]
    pub within_s: u32,
}

/// The value of a setting: exactly the fields that its kind has. `limits` have `per_client` and `per_target`, or `most`
/// with or without `within_s`, or `bytes` and `rows`; `quotas` have `most`; `deadlines` have `seconds`;
/// `payment-methods` have `offered` and `position`, but for `kinds`, which has `kinds`; `tax` and `commission` have
/// `basis_points`; `returns` have `days` and `way_back`, and may have `exceptions`; `refunds` have `allowed`, but for
/// `by-support`, which has `amounts`; `security` has `roles`, `vendors` has `vendors`; `messaging` has `channels`,
/// `prefixes`, `per_client`, `per_number`, `per_prefix`, `daily_spend` and `order_texts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingValue {
    /// For one client address, which a whole office or mobile network may share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub per_client: Option<LimitValue>,
    /// For one e-mail address, order or code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub per_target: Option<LimitValue>,
    /// How many there may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 10_000_000)]
    pub most: Option<u32>,
    /// The window in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400)]
    pub within_s: Option<u32>,
    /// The most bytes of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1024, maximum = 209_715_200)]
    pub bytes: Option<u32>,
    /// The most rows of a file, without its header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    pub rows: Option<u32>,
    /// A length of time in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 300, maximum = 15_552_000)]
    pub seconds: Option<u32>,
    /// Whether buyers may choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offered: Option<bool>,
    /// Its place among the payment methods: the lowest is offered first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 100)]
    pub position: Option<u32>,
    /// What buyers may pay with at a provider that offers several kinds: cards, and others beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<PaymentKind>,
    /// Hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 10_000, examples(1200))]
    pub basis_points: Option<u32>,
    /// For how many days after the delivery a return can be asked for; 0 when goods are not taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 365)]
    pub days: Option<u32>,
    /// Who pays for sending goods back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub way_back: Option<WayBack>,
    /// Whether it may be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed: Option<bool>,
    /// Countries and categories in which something else holds, at most 100: the one that fits most closely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ReturnException>,
    /// One amount per currency, at most 50: what may be given back of one order. Nothing in other currencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 50)]
    pub amounts: Option<Vec<Money>>,
    /// Roles that need a second factor. Those for which the deployment asks are among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub roles: Option<Vec<StaffRole>>,
    /// What vendors have to show and to prove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vendors: Option<VendorRules>,
    /// The ways to telephone numbers, in the order in which they are tried; without any nothing is sent to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<PhoneChannel>,
    /// The beginnings of the telephone numbers that messages are sent to, at most 200, each with the price of a short
    /// message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<PrefixPrice>,
    /// Messages to one telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub per_number: Option<LimitValue>,
    /// Messages to all telephone numbers of one prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub per_prefix: Option<LimitValue>,
    /// What the short messages of one day (UTC) may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub daily_spend: Option<Money>,
    /// Whether buyers without an e-mail address are told of their orders by short messages, and not only sent codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_texts: Option<bool>,
}

impl From<Limit> for LimitValue {
    fn from(limit: Limit) -> Self {
        Self { most: limit.most, within_s: u32::try_from(limit.within.as_secs()).unwrap_or(u32::MAX) }
    }
}

impl From<&PhoneMessages> for SettingValue {
    fn from(messages: &PhoneMessages) -> Self {
        Self {
            channels: messages.channels.clone(),
            prefixes: messages.prefixes.clone(),
            per_client: Some(messages.per_client.into()),
            per_number: Some(messages.per_number.into()),
            per_prefix: Some(messages.per_prefix.into()),
            daily_spend: Some(messages.daily_spend),
            order_texts: Some(messages.order_texts),
            ..Self::default()
        }
    }
}
