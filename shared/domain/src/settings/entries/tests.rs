//! Laws of the settings.

use proptest::prelude::*;

use super::*;
use crate::payment_kind::PaymentKind;
use crate::return_policy::WayBack;
use crate::settings::{PhoneChannel, VendorRules};

fn limit(most: u32) -> Option<LimitValue> {
    Some(LimitValue { most, within_s: 60 })
}

#[test]
fn every_setting_has_a_name_of_its_own_and_is_found_by_it() {
    for id in SettingId::ALL {
        assert_eq!(SettingId::parse(id.area().as_str(), id.name()), Some(id));
    }
    assert_eq!(Area::ALL.into_iter().flat_map(Area::settings).count(), SettingId::ALL.len());
    assert_eq!(SettingId::parse("limits", "delivery"), None);
}

#[test]
fn what_is_in_force_can_be_set_again_and_changes_nothing() {
    let mut settings = Settings { providers: vec![ProviderName::CashOnDelivery], ..Settings::default() };
    let before = settings.clone();
    settings.set(SettingId::ALL.map(|id| (id, before.value(id)))).unwrap();
    assert_eq!(settings, before);
}

#[test]
fn each_kind_has_its_fields_and_no_others() {
    let complete = SettingValue {
        per_client: limit(1),
        per_target: limit(1),
        most: Some(1),
        within_s: Some(1),
        bytes: Some(2048),
        rows: Some(1),
        seconds: Some(86_400),
        offered: Some(true),
        position: Some(1),
        kinds: vec![PaymentKind::Card],
        basis_points: Some(1),
        days: Some(1),
        way_back: Some(WayBack::Buyer),
        allowed: Some(true),
        exceptions: Vec::new(),
        amounts: Some(Vec::new()),
        roles: Some(Vec::new()),
        vendors: Some(VendorRules::default()),
        channels: vec![PhoneChannel::Sms],
        prefixes: Vec::new(),
        per_number: limit(1),
        per_prefix: limit(1),
        daily_spend: Some(crate::examples::usd(1)),
        order_texts: Some(true),
    };
    for id in SettingId::ALL {
        let mut settings = Settings::default();
        assert!(settings.set([(id, complete.clone())]).is_err(), "{id} takes everything");
        assert!(settings.set([(id, SettingValue::default())]).is_err(), "{id} takes nothing");
        assert_eq!(settings, Settings::default(), "a refused value changes nothing");
    }
}

#[test]
fn payment_methods_are_offered_by_their_positions_and_the_last_one_stays() {
    let method = |offered, position| SettingValue {
        offered: Some(offered),
        position: Some(position),
        ..SettingValue::default()
    };
    let card = SettingId::PaymentMethod(ProviderName::Stripe);
    let cash = SettingId::PaymentMethod(ProviderName::CashOnDelivery);
    let mut settings = Settings::default();
    settings.set([(card, method(true, 9)), (cash, method(true, 3))]).unwrap();
    assert_eq!(settings.providers, [ProviderName::CashOnDelivery, ProviderName::Stripe]);
    let mut one = Settings::default();
    assert_eq!(one.providers, [ProviderName::Stripe, ProviderName::CashOnDelivery]);
    one.set([(card, method(true, 2))]).unwrap();
    assert_eq!(one.providers, [ProviderName::CashOnDelivery, ProviderName::Stripe], "the other one moves up");
    assert_eq!(one.value(cash), method(true, 1));
    settings.set([(cash, method(false, 3))]).unwrap();
    assert_eq!((settings.providers.as_slice(), settings.check()), (&[ProviderName::Stripe][..], Ok(())));
    settings.set([(card, method(false, 1))]).unwrap();
    assert!(settings.check().is_err());
}

proptest! {
    #[test]
    fn no_accepted_value_is_changed_by_being_kept(
        most in any::<u32>(), bytes in 0..300_000_000_u32, within_s in any::<u32>(), seconds in any::<u32>(), position in 0_u32..200,
        basis_points in 0_u32..20_000,
    ) {
        let none = SettingValue::default;
        let both = Some(LimitValue { most, within_s });
        for (id, value) in [
            (SettingId::MailLimit, SettingValue { per_client: both, per_target: both, ..none() }),
            (SettingId::WrongTokenLimit, SettingValue { most: Some(most), within_s: Some(within_s), ..none() }),
            (SettingId::UnpaidOrders, SettingValue { most: Some(most), ..none() }),
            (SettingId::ImportFile, SettingValue { bytes: Some(bytes), rows: Some(most), ..none() }),
            (SettingId::Delivery, SettingValue { seconds: Some(seconds), ..none() }),
            (SettingId::Reservation, SettingValue { seconds: Some(seconds), ..none() }),
            (SettingId::Tax, SettingValue { basis_points: Some(basis_points), ..none() }),
            (SettingId::PaymentMethod(ProviderName::Stripe), SettingValue {
                offered: Some(true), position: Some(position), ..none()
            }),
        ] {
            let mut settings = Settings::default();
            if settings.set([(id, value.clone())]).is_ok() && !matches!(id, SettingId::PaymentMethod(_)) {
                prop_assert_eq!(settings.value(id), value);
            }
        }
    }
}
