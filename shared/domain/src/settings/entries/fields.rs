//! Reading the value of a setting: each field is missing, not allowed or superfluous, or within its bounds.

use std::collections::BTreeSet;
use std::time::Duration;

use super::value::{LimitValue, SettingValue};
use crate::Money;
use crate::code::{Code, FieldError, Refusal};
use crate::money::BasisPoints;
use crate::payment_kind::PaymentKind;
use crate::return_policy::{MAX_RETURN_DAYS, ReturnRules, WayBack};
use crate::settings::{CallLimits, FileLimits, Limit, PhoneMessages, StaffRole, VendorRules};

/// Reads the fields of a value, and notes each that is missing, not allowed or superfluous.
pub(super) struct Fields {
    pub(super) value: SettingValue,
    wrong: Vec<FieldError>,
}

impl Fields {
    pub(super) const fn of(value: SettingValue) -> Self {
        Self { value, wrong: Vec::new() }
    }

    pub(super) fn error(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.wrong.push(FieldError::new(pointer, code, detail));
    }

    /// The number in a field that the kind has, within its bounds.
    pub(super) fn number(&mut self, name: &str, given: Option<u32>, (least, most): (u32, u32)) -> u32 {
        match given {
            None => self.error(format!("/{name}"), "missing", "this setting has this field"),
            Some(number) if !(least..=most).contains(&number) => {
                self.error(format!("/{name}"), "out_of_range", format!("must be {least} to {most}"));
            }
            Some(_) => {}
        }
        given.unwrap_or_default()
    }

    pub(super) fn limit(&mut self, name: &str, given: Option<LimitValue>) -> Limit {
        let Some(LimitValue { most, within_s }) = given else {
            self.error(format!("/{name}"), "missing", "this setting has this field");
            return Limit::per_minute(0);
        };
        let most = self.number(&format!("{name}/most"), Some(most), MOST);
        let within = self.number(&format!("{name}/within_s"), Some(within_s), WITHIN_S);
        Limit { most, within: Duration::from_secs(u64::from(within)) }
    }

    pub(super) fn call_limits(&mut self) -> CallLimits {
        let (per_client, per_target) = (self.value.per_client.take(), self.value.per_target.take());
        CallLimits {
            per_client: self.limit("per_client", per_client),
            per_target: self.limit("per_target", per_target),
        }
    }

    pub(super) fn rate(&mut self) -> BasisPoints {
        let given = self.value.basis_points.take();
        let rate = self.number("basis_points", given, (0, 10_000));
        BasisPoints::try_from(rate).unwrap_or_default()
    }

    pub(super) fn returns(&mut self) -> ReturnRules {
        let (days, way_back) = (self.value.days.take(), self.value.way_back.take());
        let days = self.number("days", days, (0, u32::from(MAX_RETURN_DAYS)));
        if way_back.is_none_or(|way_back| way_back == WayBack::Other) {
            self.error("/way_back", "missing", "this setting has this field");
        }
        let rules = ReturnRules {
            days: u16::try_from(days).unwrap_or(MAX_RETURN_DAYS),
            way_back: way_back.unwrap_or(WayBack::Buyer),
            exceptions: std::mem::take(&mut self.value.exceptions),
        };
        self.wrong.extend(rules.check());
        rules
    }

    pub(super) fn phone_messages(&mut self) -> PhoneMessages {
        let (number, prefix) = (self.value.per_number.take(), self.value.per_prefix.take());
        let client = self.value.per_client.take();
        let (spend, order_texts) = (self.value.daily_spend.take(), self.value.order_texts.take());
        if spend.is_none() {
            self.error("/daily_spend", "missing", "this setting has this field");
        }
        if order_texts.is_none() {
            self.error("/order_texts", "missing", "this setting has this field");
        }
        let messages = PhoneMessages {
            channels: std::mem::take(&mut self.value.channels),
            prefixes: std::mem::take(&mut self.value.prefixes),
            per_client: self.limit("per_client", client),
            per_number: self.limit("per_number", number),
            per_prefix: self.limit("per_prefix", prefix),
            daily_spend: spend.unwrap_or(PhoneMessages::default().daily_spend),
            order_texts: order_texts.unwrap_or_default(),
        };
        self.wrong.extend(messages.check());
        messages
    }

    pub(super) fn kinds(&mut self) -> Vec<PaymentKind> {
        let mut kinds = std::mem::take(&mut self.value.kinds);
        kinds.sort_unstable();
        kinds.dedup();
        if !kinds.contains(&PaymentKind::Card) {
            self.error("/kinds", "missing", "cards are among them: nothing else takes every currency");
        }
        kinds
    }

    /// One amount per currency.
    pub(super) fn amounts(&mut self) -> Vec<Money> {
        let Some(mut amounts) = self.value.amounts.take() else {
            self.error("/amounts", "missing", "this setting has this field");
            return Vec::new();
        };
        let mut seen = BTreeSet::new();
        for (index, amount) in amounts.iter().enumerate() {
            if !amount.is_total() {
                self.error(format!("/amounts/{index}"), "out_of_range", "must not be negative or too large");
            } else if !seen.insert(amount.currency().as_str()) {
                self.error(format!("/amounts/{index}"), "duplicate", "one amount per currency");
            }
        }
        if amounts.len() > MAX_AMOUNTS {
            self.error("/amounts", "too_many", format!("at most {MAX_AMOUNTS} amounts"));
        }
        amounts.sort_by_key(|amount| amount.currency().as_str());
        amounts
    }

    /// Roles of staff, each once.
    pub(super) fn roles(&mut self) -> BTreeSet<StaffRole> {
        let Some(roles) = self.value.roles.take() else {
            self.error("/roles", "missing", "this setting has this field");
            return BTreeSet::new();
        };
        if roles.contains(&StaffRole::Other) {
            self.error("/roles", "unknown", "is no role");
        }
        roles.into_iter().collect()
    }

    pub(super) fn vendor_rules(&mut self) -> VendorRules {
        let Some(rules) = self.value.vendors.take() else {
            self.error("/vendors", "missing", "this setting has this field");
            return VendorRules::default();
        };
        self.wrong.extend(rules.check());
        rules
    }

    pub(super) fn duration(&mut self, bounds: (u32, u32)) -> Duration {
        Duration::from_secs(u64::from(self.seconds(bounds)))
    }

    pub(super) fn seconds(&mut self, bounds: (u32, u32)) -> u32 {
        let given = self.value.seconds.take();
        self.number("seconds", given, bounds)
    }

    /// Refuses the fields that are left, because nobody has taken them.
    pub(super) fn finish(mut self) -> Result<(), Refusal> {
        let left = serde_json::to_value(&self.value).unwrap_or_default();
        for name in left.as_object().into_iter().flatten().map(|(name, _)| name) {
            self.error(format!("/{name}"), "unknown", "this setting does not have this field");
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, self.wrong)) }
    }
}

pub(super) const MOST: (u32, u32) = (1, 10_000_000);
pub(super) const WITHIN_S: (u32, u32) = (1, 86_400);
/// The most unpaid orders of one e-mail address: they are a set in one item.
pub(super) const UNPAID_ORDERS: (u32, u32) = (1, 50);
/// A file has at least a header and a row.
pub(super) const FILE_BYTES: (u32, u32) = (1024, FileLimits::MOST.bytes);
pub(super) const FILE_ROWS: (u32, u32) = (1, FileLimits::MOST.rows);
/// From five minutes to a week.
pub(super) const RESERVATION_S: (u32, u32) = (300, 604_800);
/// From a day to half a year.
pub(super) const DELIVERY_S: (u32, u32) = (86_400, 15_552_000);
/// A step of a vendor order or a return: from an hour to a quarter of a year.
pub(super) const STEP_S: (u32, u32) = (3_600, 7_776_000);
/// From a day to two months.
pub(super) const SLOW_PAYMENT_S: (u32, u32) = (86_400, 5_184_000);
pub(super) const POSITION: (u32, u32) = (1, 100);
/// The most amounts: one per currency.
const MAX_AMOUNTS: usize = 50;
