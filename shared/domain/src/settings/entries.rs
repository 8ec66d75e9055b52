//! Settings one by one: the operator changes an entry of an area, and all entries together are checked as a whole.

mod fields;
mod kept;
mod value;

use std::fmt;
use std::time::Duration;

use self::fields::{
    DELIVERY_S, FILE_BYTES, FILE_ROWS, Fields, MOST, POSITION, RESERVATION_S, SLOW_PAYMENT_S, STEP_S, UNPAID_ORDERS,
    WITHIN_S,
};
pub use self::kept::StoredSetting;
pub use self::value::{LimitValue, SettingValue};
use super::{CallLimits, FileLimits, Limit, Quota, Settings};
use crate::code::Refusal;
use crate::payment::ProviderName;

/// A part of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    Limits,
    Quotas,
    Deadlines,
    PaymentMethods,
    Tax,
    Commission,
    Returns,
    Refunds,
    Security,
    Vendors,
    Messaging,
}

impl Area {
    pub const ALL: [Self; 11] = [
        Self::Limits,
        Self::Quotas,
        Self::Deadlines,
        Self::PaymentMethods,
        Self::Tax,
        Self::Commission,
        Self::Returns,
        Self::Refunds,
        Self::Security,
        Self::Vendors,
        Self::Messaging,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Quotas => "quotas",
            Self::Deadlines => "deadlines",
            Self::PaymentMethods => "payment-methods",
            Self::Tax => "tax",
            Self::Commission => "commission",
            Self::Returns => "returns",
            Self::Refunds => "refunds",
            Self::Security => "security",
            Self::Vendors => "vendors",
            Self::Messaging => "messaging",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.as_str() == text)
    }

    /// The settings of the area, in the order in which they are listed.
    pub fn settings(self) -> impl Iterator<Item = SettingId> {
        SettingId::ALL.into_iter().filter(move |id| id.area() == self)
    }
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingId {
    CheckoutLimit,
    PaymentLimit,
    SignInLimit,
    MailLimit,
    CodeRequestLimit,
    InvitationLimit,
    ChangeLimit,
    WrongTokenLimit,
    UnpaidOrders,
    ImportFile,
    Quota(Quota),
    Reservation,
    Delivery,
    Acceptance,
    Shipping,
    Transit,
    ReturnAnswer,
    ReturnSending,
    SlowPayment,
    PaymentMethod(ProviderName),
    PaymentKinds,
    Tax,
    Commission,
    Returns,
    VendorRefunds,
    SupportRefunds,
    Mfa,
    VendorRules,
    PhoneMessages,
}

impl SettingId {
    pub const ALL: [Self; 37] = [
        Self::CheckoutLimit,
        Self::PaymentLimit,
        Self::SignInLimit,
        Self::MailLimit,
        Self::CodeRequestLimit,
        Self::InvitationLimit,
        Self::ChangeLimit,
        Self::WrongTokenLimit,
        Self::UnpaidOrders,
        Self::ImportFile,
        Self::Quota(Quota::Members),
        Self::Quota(Quota::Invitations),
        Self::Quota(Quota::Products),
        Self::Quota(Quota::Drafts),
        Self::Quota(Quota::Uploads),
        Self::Quota(Quota::MediaMegabytes),
        Self::Quota(Quota::Imports),
        Self::Quota(Quota::Exports),
        Self::Reservation,
        Self::Delivery,
        Self::Acceptance,
        Self::Shipping,
        Self::Transit,
        Self::ReturnAnswer,
        Self::ReturnSending,
        Self::SlowPayment,
        Self::PaymentMethod(ProviderName::Stripe),
        Self::PaymentMethod(ProviderName::CashOnDelivery),
        Self::PaymentKinds,
        Self::Tax,
        Self::Commission,
        Self::Returns,
        Self::VendorRefunds,
        Self::SupportRefunds,
        Self::Mfa,
        Self::VendorRules,
        Self::PhoneMessages,
    ];

    pub const fn area(self) -> Area {
        match self {
            Self::CheckoutLimit
            | Self::PaymentLimit
            | Self::SignInLimit
            | Self::MailLimit
            | Self::CodeRequestLimit
            | Self::InvitationLimit
            | Self::ChangeLimit
            | Self::WrongTokenLimit
            | Self::UnpaidOrders
            | Self::ImportFile => Area::Limits,
            Self::Quota(_) => Area::Quotas,
            Self::Reservation
            | Self::Delivery
            | Self::Acceptance
            | Self::Shipping
            | Self::Transit
            | Self::ReturnAnswer
            | Self::ReturnSending
            | Self::SlowPayment => Area::Deadlines,
            Self::PaymentMethod(_) | Self::PaymentKinds => Area::PaymentMethods,
            Self::Tax => Area::Tax,
            Self::Commission => Area::Commission,
            Self::Returns => Area::Returns,
            Self::VendorRefunds | Self::SupportRefunds => Area::Refunds,
            Self::Mfa => Area::Security,
            Self::VendorRules => Area::Vendors,
            Self::PhoneMessages => Area::Messaging,
        }
    }

    /// Its name within its area.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckoutLimit => "checkout",
            Self::PaymentLimit => "payment",
            Self::SignInLimit => "sign-in",
            Self::MailLimit => "mail",
            Self::CodeRequestLimit => "code-request",
            Self::InvitationLimit => "invitation",
            Self::ChangeLimit => "change",
            Self::WrongTokenLimit => "wrong-token",
            Self::UnpaidOrders => "unpaid-orders",
            Self::ImportFile => "import-file",
            Self::Quota(quota) => quota.as_str(),
            Self::Reservation => "reservation",
            Self::Delivery => "delivery",
            Self::Acceptance => "acceptance",
            Self::Shipping => "shipping",
            Self::Transit => "transit",
            Self::ReturnAnswer => "return-answer",
            Self::ReturnSending => "return-sending",
            Self::SlowPayment => "slow-payment",
            Self::PaymentKinds => "kinds",
            Self::PaymentMethod(provider) => provider.as_str(),
            Self::Tax | Self::Commission | Self::Returns => "default",
            Self::VendorRefunds => "by-vendors",
            Self::SupportRefunds => "by-support",
            Self::Mfa => "mfa",
            Self::VendorRules => "rules",
            Self::PhoneMessages => "phone",
        }
    }

    pub fn parse(area: &str, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.area().as_str() == area && id.name() == name)
    }
}

impl fmt::Display for SettingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.area().as_str(), self.name())
    }
}

impl Settings {
    /// The value of a setting as it is in force.
    pub fn value(&self, id: SettingId) -> SettingValue {
        let none = SettingValue::default;
        let calls = |limits: CallLimits| SettingValue {
            per_client: Some(limits.per_client.into()),
            per_target: Some(limits.per_target.into()),
            ..none()
        };
        let seconds = |duration: Duration| SettingValue {
            seconds: Some(u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)),
            ..none()
        };
        let whole = |seconds: u32| SettingValue { seconds: Some(seconds), ..none() };
        match id {
            SettingId::CheckoutLimit => calls(self.limits.checkout),
            SettingId::PaymentLimit => calls(self.limits.payment),
            SettingId::SignInLimit => calls(self.limits.sign_in),
            SettingId::MailLimit => calls(self.limits.mail),
            SettingId::CodeRequestLimit => calls(self.limits.code_request),
            SettingId::InvitationLimit => calls(self.limits.invitation),
            SettingId::ChangeLimit => calls(self.limits.change),
            SettingId::Quota(quota) => SettingValue { most: Some(self.quotas.of(quota)), ..none() },
            SettingId::WrongTokenLimit => {
                let LimitValue { most, within_s } = self.limits.wrong_token.into();
                SettingValue { most: Some(most), within_s: Some(within_s), ..none() }
            }
            SettingId::UnpaidOrders => SettingValue { most: Some(self.limits.unpaid_orders), ..none() },
            SettingId::ImportFile => {
                let FileLimits { bytes, rows } = self.limits.import;
                SettingValue { bytes: Some(bytes), rows: Some(rows), ..none() }
            }
            SettingId::Reservation => seconds(self.deadlines.reservation),
            SettingId::Delivery => seconds(self.deadlines.delivery),
            SettingId::Acceptance => whole(self.deadlines.fulfilment.acceptance_s),
            SettingId::Shipping => whole(self.deadlines.fulfilment.shipping_s),
            SettingId::Transit => whole(self.deadlines.fulfilment.transit_s),
            SettingId::ReturnAnswer => whole(self.deadlines.fulfilment.return_answer_s),
            SettingId::ReturnSending => whole(self.deadlines.fulfilment.return_sending_s),
            SettingId::SlowPayment => seconds(self.deadlines.slow_payment),
            SettingId::PaymentKinds => SettingValue { kinds: self.kinds.clone(), ..none() },
            SettingId::PaymentMethod(provider) => {
                let place = self.providers.iter().position(|offered| *offered == provider);
                let last = ProviderName::ALL.iter().position(|known| *known == provider).unwrap_or_default();
                let position = place.unwrap_or(last).saturating_add(1);
                SettingValue {
                    offered: Some(place.is_some()),
                    position: Some(u32::try_from(position).unwrap_or(u32::MAX)),
                    ..none()
                }
            }
            SettingId::Tax => SettingValue { basis_points: Some(self.rates.tax.into()), ..none() },
            SettingId::Commission => SettingValue { basis_points: Some(self.rates.commission.into()), ..none() },
            SettingId::VendorRefunds => SettingValue { allowed: Some(self.vendor_refunds), ..none() },
            SettingId::SupportRefunds => SettingValue { amounts: Some(self.support_refunds.clone()), ..none() },
            SettingId::VendorRules => SettingValue { vendors: Some(self.vendors.clone()), ..none() },
            SettingId::Mfa => SettingValue { roles: Some(self.security.mfa.iter().copied().collect()), ..none() },
            SettingId::PhoneMessages => SettingValue::from(&self.phone_messages),
            SettingId::Returns => SettingValue {
                days: Some(u32::from(self.returns.days)),
                way_back: Some(self.returns.way_back),
                exceptions: self.returns.exceptions.clone(),
                ..none()
            },
        }
    }

    /// Sets values, each of them checked by itself. Payment methods are put in order by their positions, equal ones by
    /// their names; those without one stay in their order on the places that are left.
    ///
    /// # Errors
    /// A value lacks a field, has one that is not allowed, or one that its kind does not have.
    pub fn set(&mut self, values: impl IntoIterator<Item = (SettingId, SettingValue)>) -> Result<(), Refusal> {
        let mut methods = Vec::new();
        for (id, value) in values {
            if let Some(method) = self.set_one(id, value)? {
                methods.push(method);
            }
        }
        if !methods.is_empty() {
            let taken: Vec<u32> = methods.iter().map(|method| method.0).collect();
            let mut free = (1..).filter(|position| !taken.contains(position));
            for provider in self.providers.drain(..) {
                if methods.iter().all(|(_, _, known)| *known != provider) {
                    methods.push((free.next().unwrap_or(u32::MAX), true, provider));
                }
            }
            methods.sort_by_key(|(position, _, provider)| (*position, *provider));
            self.providers = methods.into_iter().filter(|method| method.1).map(|method| method.2).collect();
        }
        Ok(())
    }

    fn set_one(&mut self, id: SettingId, value: SettingValue) -> Result<Option<(u32, bool, ProviderName)>, Refusal> {
        let mut fields = Fields::of(value);
        let mut next = self.clone();
        let mut method = None;
        match id {
            SettingId::CheckoutLimit => next.limits.checkout = fields.call_limits(),
            SettingId::PaymentLimit => next.limits.payment = fields.call_limits(),
            SettingId::SignInLimit => next.limits.sign_in = fields.call_limits(),
            SettingId::MailLimit => next.limits.mail = fields.call_limits(),
            SettingId::CodeRequestLimit => next.limits.code_request = fields.call_limits(),
            SettingId::InvitationLimit => next.limits.invitation = fields.call_limits(),
            SettingId::ChangeLimit => next.limits.change = fields.call_limits(),
            SettingId::Quota(quota) => {
                let most = fields.value.most.take();
                next.quotas.set(quota, fields.number("most", most, quota.bounds()));
            }
            SettingId::WrongTokenLimit => {
                let (most, within) = (fields.value.most.take(), fields.value.within_s.take());
                let (most, within) = (fields.number("most", most, MOST), fields.number("within_s", within, WITHIN_S));
                next.limits.wrong_token = Limit { most, within: Duration::from_secs(u64::from(within)) };
            }
            SettingId::UnpaidOrders => {
                let most = fields.value.most.take();
                next.limits.unpaid_orders = fields.number("most", most, UNPAID_ORDERS);
            }
            SettingId::ImportFile => {
                let (bytes, rows) = (fields.value.bytes.take(), fields.value.rows.take());
                let (bytes, rows) = (fields.number("bytes", bytes, FILE_BYTES), fields.number("rows", rows, FILE_ROWS));
                next.limits.import = FileLimits { bytes, rows };
            }
            SettingId::Reservation => next.deadlines.reservation = fields.duration(RESERVATION_S),
            SettingId::Delivery => next.deadlines.delivery = fields.duration(DELIVERY_S),
            SettingId::Acceptance => next.deadlines.fulfilment.acceptance_s = fields.seconds(STEP_S),
            SettingId::Shipping => next.deadlines.fulfilment.shipping_s = fields.seconds(STEP_S),
            SettingId::Transit => next.deadlines.fulfilment.transit_s = fields.seconds(STEP_S),
            SettingId::ReturnAnswer => next.deadlines.fulfilment.return_answer_s = fields.seconds(STEP_S),
            SettingId::ReturnSending => next.deadlines.fulfilment.return_sending_s = fields.seconds(STEP_S),
            SettingId::SlowPayment => next.deadlines.slow_payment = fields.duration(SLOW_PAYMENT_S),
            SettingId::PaymentKinds => next.kinds = fields.kinds(),
            SettingId::PaymentMethod(provider) => {
                let (offered, position) = (fields.value.offered.take(), fields.value.position.take());
                let position = fields.number("position", position, POSITION);
                if offered.is_none() {
                    fields.error("/offered", "missing", "this setting has this field");
                }
                method = Some((position, offered.unwrap_or_default(), provider));
            }
            SettingId::Tax => next.rates.tax = fields.rate(),
            SettingId::Commission => next.rates.commission = fields.rate(),
            SettingId::Returns => next.returns = fields.returns(),
            SettingId::PhoneMessages => next.phone_messages = fields.phone_messages(),
            SettingId::VendorRefunds => {
                let allowed = fields.value.allowed.take();
                if allowed.is_none() {
                    fields.error("/allowed", "missing", "this setting has this field");
                }
                next.vendor_refunds = allowed.unwrap_or_default();
            }
            SettingId::SupportRefunds => next.support_refunds = fields.amounts(),
            SettingId::VendorRules => next.vendors = fields.vendor_rules(),
            SettingId::Mfa => next.security.mfa = fields.roles(),
        }
        fields.finish()?;
        *self = next;
        Ok(method)
    }

    /// Checks the settings as a whole.
    ///
    /// # Errors
    /// Nothing could be paid with.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.providers.iter().all(|provider| *provider == ProviderName::Other) {
            return Err(Refusal::field("/offered", "last_one", "at least one payment method must be offered"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
