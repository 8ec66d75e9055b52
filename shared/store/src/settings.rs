//! The table Settings: small versioned items, one for each setting, cached for 30 seconds in an execution environment.
//!
//! Releases before 2026-11-30 kept all settings in one item. It is read beneath the others: a setting that was changed
//! since has an item of its own.

mod cache;
mod legal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::settings::{Area, SettingId, SettingValue, Settings, StoredSetting};
use domain::{Outcome, PageRequest, Prepared, Refusal, Slice, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::cache::Cache;
use crate::idempotency::{stores_responses, transact};
use crate::item::{Attributes, Condition, delete, key, put, raw_item, readable, string, text, version};
use crate::page::List;
use crate::retry::{QueryRequest, query_all};
use crate::stored::{check_known, json_of, read, stored, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Error, retry, tolerant};

const SETTINGS: &str = "settings";
const SETTING: &str = "setting";
const SETTING_HISTORY: &str = "setting_history";
const SETTINGS_REVISION: &str = "settings_revision";

/// The keys of the items. The sort keys of the first three begin with `SETTING`, so that one query reads them.
enum Entry {
    /// `SHOP` / `SETTINGS`: all settings, as releases before 2026-11-30 stored them.
    All,
    /// `SHOP` / `SETTING#<area>/<name>`.
    One(SettingId),
    /// `SHOP` / `SETTINGS#REVISION`: written with every change, so that two changes at once are checked as a whole.
    Revision,
    /// `HISTORY#SETTINGS` / `<revision, ten digits>`: all settings, as releases before 2026-11-30 stored them, after
    /// they were split.
    Former(u64),
    /// `HISTORY#<area>/<name>` / `<version, ten digits>`.
    History(SettingId, u64),
}

impl Entry {
    fn key(&self) -> Attributes {
        match self {
            Self::All => key("SHOP", "SETTINGS"),
            Self::One(id) => key("SHOP", format!("SETTING#{id}")),
            Self::Revision => key("SHOP", "SETTINGS#REVISION"),
            Self::Former(revision) => key("HISTORY#SETTINGS", format!("{revision:010}")),
            Self::History(id, version) => key(history_of(*id), format!("{version:010}")),
        }
    }
}

/// Partition of the changes of a setting.
fn history_of(id: SettingId) -> String {
    format!("HISTORY#{id}")
}

stored! {
    SETTINGS => Settings: [];
    SETTING => StoredSetting: [];
}

/// The settings as they are stored, and what they come to.
#[derive(Clone, Debug, Default)]
pub struct StoredSettings {
    /// All in force.
    pub settings: Settings,
    /// Those that were changed.
    pub changed: BTreeMap<SettingId, StoredSetting>,
    /// The values of those that are in force: a change that this release would not accept is not.
    accepted: BTreeMap<SettingId, SettingValue>,
    /// The versions of all items, also of those that cannot be read.
    versions: BTreeMap<SettingId, u64>,
    /// The value that each setting has without an item of its own.
    base: Settings,
    /// The item that is written with every change; empty as long as nothing was changed.
    revision: Attributes,
}

impl StoredSettings {
    /// A setting's value in force, and who changed it last.
    pub fn get(&self, id: SettingId) -> (SettingValue, Option<&StoredSetting>) {
        let value = self.accepted.get(&id).cloned().unwrap_or_else(|| self.settings.value(id));
        (value, self.changed.get(&id))
    }

    /// The version of a setting's item; 0 when it has none.
    pub fn version_of(&self, id: SettingId) -> u64 {
        self.versions.get(&id).copied().unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
pub struct SettingsTable {
    client: Client,
    table: String,
    cache: Arc<Cache>,
}

stores_responses!(SettingsTable);

impl SettingsTable {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), cache: Arc::default() }
    }

    /// The shop's settings, at most 30 seconds old. When they cannot be read, the last ones that could be read stay in
    /// force: a shop whose settings somebody has broken goes on selling.
    pub async fn current(&self) -> Result<Arc<Settings>, Error> {
        match self.cache.last() {
            Some((settings, true)) => Ok(settings),
            last => self.cache.keep(self.load(last.as_ref().map(|(last, _)| last.as_ref())).await),
        }
    }

    async fn load(&self, last: Option<&Settings>) -> Result<Settings, Error> {
        Ok(in_force(&self.items(false).await?, last)?.settings)
    }

    /// All settings with their versions, read consistently.
    pub async fn stored(&self) -> Result<StoredSettings, Error> {
        in_force(&self.items(true).await?, None)
    }

    async fn items(&self, consistent: bool) -> Result<Vec<Attributes>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", "SHOP".to_owned()),
            sort_key_condition: Some((
                "begins_with(sk, :setting)".to_owned(),
                Attributes::from([(":setting".to_owned(), string("SETTING"))]),
            )),
            consistent,
            ..QueryRequest::default()
        };
        query_all(&self.client, request).await
    }

    /// Writes all settings as releases before 2026-11-30 did, if they are still at the version that was read (0 when
    /// they were never written), and returns the new version: for a shop that starts with settings of its own.
    pub async fn save(&self, settings: &Settings) -> Result<u64, Error> {
        let next = settings.version + 1;
        let written = write(Entry::All.key(), next, settings)?;
        retry::put_one(&self.client, &self.table, written, &Condition::at_version(settings.version)).await?;
        Ok(next)
    }

    /// Changes a setting, checked by itself and together with all others as they were read; a conflict when any setting
    /// has changed since. The change is kept in the setting's history. All execution environments use it within 30
    /// seconds. `respond` makes the response from the setting as it is written, with its new version.
    pub async fn change<R>(
        &self,
        loaded: &StoredSettings,
        (id, changed): (SettingId, StoredSetting),
        respond: impl FnOnce(SettingValue, &StoredSetting) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let before = loaded.version_of(id);
        let next = StoredSetting { version: before + 1, ..changed };
        let mut after = loaded.clone();
        after.accepted.remove(&id);
        after.accepted.extend(next.value.clone().map(|value| (id, value)));
        after.settings = after.base.clone();
        after.settings.set(after.accepted.clone())?;
        after.settings.check()?;
        let history = raw_item(Entry::History(id, next.version).key(), SETTING_HISTORY, next.version, json_of(&next)?);
        let written = write(Entry::One(id).key(), next.version, &next)?;
        let actions = vec![
            put(&self.table, written, &Condition::at_version(before))?,
            put(&self.table, history, &Condition::absent())?,
            self.next_revision(&loaded.revision)?,
        ];
        let response = respond(after.get(id).0, &next)?;
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, actions), response).await?)
    }

    /// The action that counts a change, if no other was counted since. What a newer release has put beside the count
    /// stays.
    fn next_revision(&self, last: &Attributes) -> Result<TransactWriteItem, Error> {
        let loaded = version(last);
        let mut next = raw_item(Entry::Revision.key(), SETTINGS_REVISION, loaded + 1, "{}".to_owned());
        next.extend(
            last.iter().filter(|(name, _)| *name != "version").map(|(name, value)| (name.clone(), value.clone())),
        );
        put(&self.table, next, &Condition::at_version(loaded))
    }

    /// Gives each setting that the common item holds an item of its own, and moves the common item into the history.
    /// Nothing that is in force changes. Returns how many settings were looked at, and how many were written.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Newer`] when something of it cannot be read, or would change: nothing is written.
    pub async fn split(&self, now: Timestamp) -> Result<(u64, u64), Error> {
        let mut backoff = Backoff::default();
        loop {
            let items = self.items(true).await?;
            let Some(all) = items.iter().find(|item| text(item, "kind") == Some(SETTINGS)) else { return Ok((0, 0)) };
            check_known(&read::<Settings>(all)?)?;
            let loaded = in_force(&items, None)?;
            let (mut after, mut actions) = (loaded.clone(), Vec::new());
            after.base = Settings::default();
            for id in SettingId::ALL {
                let (value, before) = (loaded.base.value(id), loaded.version_of(id));
                if loaded.accepted.contains_key(&id) || value == after.base.value(id) {
                    continue;
                }
                let known = loaded.changed.get(&id);
                if before > 0 && known.is_none_or(|known| known.value.is_some()) {
                    let cause = serde::de::Error::custom("a setting has a value that this release would not accept");
                    return Err(Error::Corrupt { kind: SETTING, source: cause });
                }
                let kept = known.map(|known| known.kept.clone()).unwrap_or_default();
                let next = StoredSetting { value: Some(value.clone()), by: None, at: now, version: before + 1, kept };
                let history = Entry::History(id, next.version).key();
                let history = raw_item(history, SETTING_HISTORY, next.version, json_of(&next)?);
                actions.push(put(&self.table, history, &Condition::absent())?);
                let written = write(Entry::One(id).key(), next.version, &next)?;
                actions.push(put(&self.table, written, &Condition::at_version(before))?);
                after.accepted.insert(id, value);
            }
            let written = actions.len() / 2;
            after.settings = after.base.clone();
            after.settings.set(after.accepted.clone())?;
            let changes = SettingId::ALL.into_iter().any(|id| after.settings.value(id) != loaded.settings.value(id));
            if changes || loaded.settings.rates_are_unknown {
                let cause = serde::de::Error::custom("what is in force would change");
                return Err(Error::Corrupt { kind: SETTINGS, source: cause });
            }
            let mut former = all.clone();
            former.extend(Entry::Former(version(&loaded.revision) + 1).key());
            actions.push(put(&self.table, former, &Condition::absent())?);
            actions.push(delete(&self.table, Entry::All.key(), &Condition::at_version(version(all)))?);
            actions.push(self.next_revision(&loaded.revision)?);
            match Transaction::of(Purpose::Item, actions).run(&self.client).await.map_err(Error::from) {
                // A setting was changed meanwhile.
                Err(Error::Conflict) => backoff.pause().await?,
                done => {
                    done?;
                    return Ok((u64::try_from(SettingId::ALL.len()).unwrap_or(0), u64::try_from(written).unwrap_or(0)));
                }
            }
        }
    }

    /// The changes of a setting, newest first.
    pub async fn history(&self, id: SettingId, page: &PageRequest) -> Result<Slice<StoredSetting>, Error> {
        let query = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", history_of(id)),
            newest_first: true,
            ..QueryRequest::default()
        };
        let position = |last: &Attributes| text(last, "sk")?.parse::<i64>().ok();
        let key = |version: &i64| Entry::History(id, u64::try_from(*version).unwrap_or(0)).key();
        let list = List { query, variant: String::new(), position: &position, key: &key };
        list.page(&self.client, page, |found| read(found)).await
    }

    /// A setting as it was at a version.
    pub async fn at_version(&self, id: SettingId, version: u64) -> Result<Option<StoredSetting>, Error> {
        let found = retry::get(&self.client, &self.table, Entry::History(id, version).key(), true).await?;
        found.as_ref().map(read).transpose()
    }
}

/// What the stored items come to. A setting that cannot be read, or that this release would not accept, keeps its last
/// good value; one that was never good counts as unchanged, but for the rates: nothing is sold at a tax or a commission
/// that was guessed, while everything else goes on. Settings of a newer release are passed over.
fn in_force(items: &[Attributes], last: Option<&Settings>) -> Result<StoredSettings, Error> {
    let mut found = StoredSettings::default();
    let mut unknown_rates = BTreeSet::new();
    if let Some(all) = items.iter().find(|item| text(item, "kind") == Some(SETTINGS)) {
        found.base = match read::<Settings>(all) {
            Err(Error::Corrupt { .. }) => area_by_area(all, last),
            settings => settings?,
        };
        if found.base.rates_are_unknown {
            unknown_rates.extend([SettingId::Tax, SettingId::Commission]);
        }
    }
    for item in items {
        match text(item, "kind") {
            Some(SETTINGS_REVISION) => found.revision = item.clone(),
            Some(SETTING) => {
                let name =
                    text(item, "sk").and_then(|sk| sk.strip_prefix("SETTING#")).and_then(|id| id.split_once('/'));
                let Some(id) = name.and_then(|(area, name)| SettingId::parse(area, name)) else { continue };
                let stored = readable(read::<StoredSetting>(item), item)?;
                let accepted = stored.as_ref().and_then(|stored| stored.value.clone());
                let is_bad = match (&stored, &accepted) {
                    (None, _) => true,
                    (Some(_), Some(value)) => Settings::default().set([(id, value.clone())]).is_err(),
                    (Some(_), None) => false,
                };
                if is_bad {
                    tracing::warn!(setting = %id, "a setting is not as this release knows it");
                    let is_rate = matches!(id.area(), Area::Tax | Area::Commission);
                    // Rates that were not known are no good ones to keep.
                    match last.filter(|last| !is_rate || !last.rates_are_unknown) {
                        Some(last) => {
                            found.accepted.insert(id, last.value(id));
                            unknown_rates.remove(&id);
                        }
                        None if is_rate => drop(unknown_rates.insert(id)),
                        None => {}
                    }
                } else if let Some(value) = accepted {
                    found.accepted.insert(id, value);
                    unknown_rates.remove(&id);
                }
                found.versions.insert(id, version(item));
                found.changed.extend(stored.map(|stored| (id, stored)));
            }
            _ => {}
        }
    }
    found.settings = found.base.clone();
    found.settings.set(found.accepted.clone())?;
    found.settings.legal = legal::in_force_of(items)?;
    found.settings.rates_are_unknown = !unknown_rates.is_empty();
    if found.settings.rates_are_unknown {
        tracing::error!(settings = ?unknown_rates, "a rate cannot be read: nothing is sold until it is set again");
    }
    Ok(found)
}

/// The areas of an item of which at least one cannot be read, each by itself: a bad area keeps its last good value. One
/// that was never good has its default, but for the rates: nothing is sold at a tax or a commission that was guessed.
fn area_by_area(found: &Attributes, last: Option<&Settings>) -> Settings {
    let areas = serde_json::from_str::<Map<String, Value>>(text(found, "data").unwrap_or_default());
    let is_readable = areas.is_ok();
    let (areas, fallback) = (areas.unwrap_or_default(), last.cloned().unwrap_or_default());
    let rates = area(&areas, "rates");
    let is_good = is_readable && rates.is_ok();
    let rates_are_unknown = !is_good && last.is_none_or(|last| last.rates_are_unknown);
    Settings {
        rates: rates.ok().flatten().unwrap_or(if is_good { Settings::default().rates } else { fallback.rates }),
        deadlines: area(&areas, "deadlines").ok().flatten().unwrap_or(fallback.deadlines),
        providers: area(&areas, "providers").ok().flatten().unwrap_or(fallback.providers),
        kinds: area(&areas, "kinds").ok().flatten().unwrap_or(fallback.kinds),
        limits: area(&areas, "limits").ok().flatten().unwrap_or(fallback.limits),
        quotas: area(&areas, "quotas").ok().flatten().unwrap_or(fallback.quotas),
        returns: area(&areas, "returns").ok().flatten().unwrap_or(fallback.returns),
        vendor_refunds: area(&areas, "vendor_refunds").ok().flatten().unwrap_or(fallback.vendor_refunds),
        support_refunds: area(&areas, "support_refunds").ok().flatten().unwrap_or(fallback.support_refunds),
        security: area(&areas, "security").ok().flatten().unwrap_or(fallback.security),
        vendors: area(&areas, "vendors").ok().flatten().unwrap_or(fallback.vendors),
        legal: fallback.legal,
        phone_messages: area(&areas, "phone_messages").ok().flatten().unwrap_or(fallback.phone_messages),
        version: version(found),
        rates_are_unknown,
        kept: fallback.kept,
    }
}

/// One area; nothing when it is not set.
fn area<T: DeserializeOwned>(areas: &Map<String, Value>, name: &str) -> Result<Option<T>, serde_json::Error> {
    let Some(value) = areas.get(name) else { return Ok(None) };
    let read = tolerant::parse(&value.to_string(), None);
    if let Err(cause) = &read {
        tracing::warn!(area = name, cause = %cause, "an area of the settings cannot be read");
    }
    Ok(Some(read?.0))
}

#[cfg(test)]
mod tests {
    use domain::order::Deadlines;
    use domain::payment::ProviderName;

    use super::*;
    use crate::item::{number, string};

    fn stored(data: &str) -> Attributes {
        Attributes::from([("data".to_owned(), string(data)), ("version".to_owned(), number(7))])
    }

    fn areas(data: &str, last: Option<&Settings>) -> Result<Settings, Error> {
        match read::<Settings>(&stored(data)) {
            Err(Error::Corrupt { .. }) => Ok(area_by_area(&stored(data), last)),
            settings => settings,
        }
    }

    #[test]
    fn a_bad_area_keeps_its_last_good_value_and_spoils_no_other() {
        let good = areas(r#"{"limits": {"unpaid_orders": 5}, "providers": ["stripe"]}"#, None).unwrap();
        let data = r#"{"limits": {"unpaid_orders": "many"}, "providers": ["cash_on_delivery"], "deadlines": 7}"#;
        let read = areas(data, Some(&good)).unwrap();
        assert_eq!(read.limits, good.limits);
        assert_eq!(read.providers, [ProviderName::CashOnDelivery]);
        assert_eq!((read.deadlines, read.version), (Deadlines::default(), 7));
    }

    #[test]
    fn a_provider_of_a_newer_release_is_not_offered_and_spoils_nothing() {
        let read = areas(r#"{"providers": ["stripe", "tomorrow_pay"], "tomorrow": {}}"#, None).unwrap();
        assert_eq!(read.providers, [ProviderName::Stripe, ProviderName::Other]);
    }

    fn entry(id: SettingId, data: &str) -> Attributes {
        let mut item = Entry::One(id).key();
        item.extend(stored(data));
        item.insert("kind".to_owned(), string(SETTING));
        item
    }

    #[test]
    fn a_setting_of_its_own_stands_above_the_common_item_and_a_bad_one_keeps_its_last_good_value() {
        let mut all = stored(r#"{"limits": {"unpaid_orders": 5}, "rates": {"tax": 700}}"#);
        all.insert("kind".to_owned(), string(SETTINGS));
        let by = r#""by": "018f4e9e-0000-7000-8000-000000000001", "at": "2026-11-30T00:00:00Z""#;
        let set = |value: &str| format!("{{\"value\": {value}, {by}}}");
        let items = [
            all,
            entry(SettingId::UnpaidOrders, &set(r#"{"most": 7}"#)),
            entry(SettingId::Tax, &format!("{{{by}}}")),
            entry(SettingId::Commission, &set(r#"{"basis_points": 1000, "tomorrow": 1}"#)),
        ];
        let read = in_force(&items, None).unwrap();
        assert_eq!(read.settings.limits.unpaid_orders, 7);
        assert_eq!(u32::from(read.settings.rates.tax), 700, "set back to what it is without");
        assert_eq!(u32::from(read.settings.rates.commission), 1_000);
        let broken = [entry(SettingId::UnpaidOrders, &set(r#"{"most": 0}"#)), entry(SettingId::Reservation, "7")];
        let kept = in_force(&broken, Some(&read.settings)).unwrap();
        assert_eq!(kept.settings.limits.unpaid_orders, 7);
        let unset = in_force(&broken, None).unwrap();
        assert_eq!((&unset.settings, unset.version_of(SettingId::Reservation)), (&Settings::default(), 7));
        let no_rate = [entry(SettingId::Tax, &set(r#"{"basis_points": 99999}"#))];
        assert!(in_force(&no_rate, None).unwrap().settings.known_rates().is_err(), "nothing is sold, all else goes on");
        assert_eq!(u32::from(in_force(&no_rate, Some(&read.settings)).unwrap().settings.rates.tax), 700);
    }

    #[test]
    fn rates_are_never_guessed() {
        let data = r#"{"rates": {"tax": 99999}}"#;
        assert!(areas(data, None).unwrap().known_rates().is_err());
        let last = areas(r#"{"rates": {"tax": 1200}}"#, None).unwrap();
        assert_eq!(areas(data, Some(&last)).unwrap().rates, last.rates);
        for data in ["7", ""] {
            assert!(areas(data, None).unwrap().known_rates().is_err());
            assert_eq!(areas(data, Some(&last)).unwrap().known_rates(), Ok(last.rates));
        }
    }

    #[test]
    fn rates_that_were_unknown_do_not_become_the_last_good_ones() {
        let by = r#""by": "018f4e9e-0000-7000-8000-000000000001", "at": "2026-11-30T00:00:00Z""#;
        let bad = [entry(SettingId::Tax, &format!(r#"{{"value": {{"basis_points": 99999}}, {by}}}"#))];
        let first = in_force(&bad, None).unwrap().settings;
        let second = in_force(&bad, Some(&first)).unwrap().settings;
        assert!(first.known_rates().is_err() && second.known_rates().is_err());
        let broken = areas("7", None).unwrap();
        assert!(areas("7", Some(&broken)).unwrap().known_rates().is_err());
        // Setting both anew makes them known, whatever lies beneath.
        let mut all = stored("7");
        all.insert("kind".to_owned(), string(SETTINGS));
        let rate = |id, rate: u32| entry(id, &format!(r#"{{"value": {{"basis_points": {rate}}}, {by}}}"#));
        let mended = [all, rate(SettingId::Tax, 1_200), rate(SettingId::Commission, 500)];
        let mended = in_force(&mended, None).unwrap().settings;
        assert_eq!(mended.known_rates().map(|rates| u32::from(rates.tax)), Ok(1_200));
    }
}
