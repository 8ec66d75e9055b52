//! The operator's settings: each is shown, changed, set back to its default or to an earlier value.

use domain::settings::{Area, SettingId, SettingValue, StoredSetting};
use domain::{Call, Expected, PageRequest, Refusal, Slice, Timestamp, UserId};
use store::Backoff;
use store::settings::StoredSettings;

use crate::{Done, Error, Operator};

/// A setting as it is in force.
#[derive(Clone, Debug)]
pub struct ShownSetting {
    pub id: SettingId,
    pub value: SettingValue,
    /// Whether it has the value of the marketplace's beginning.
    pub is_default: bool,
    /// 0 as long as it was never changed.
    pub version: u64,
    /// Who changed it last, and when.
    pub changed: Option<(Option<UserId>, Timestamp)>,
}

/// What becomes of a setting.
#[derive(Clone, Debug)]
pub enum SettingChange {
    /// This value.
    To(Box<SettingValue>),
    /// The value that the marketplace began with.
    Default,
    /// What it was at this version.
    Former(u64),
}

impl ShownSetting {
    fn new(id: SettingId, value: SettingValue, stored: Option<&StoredSetting>, version: u64) -> Self {
        Self {
            id,
            value,
            is_default: stored.is_none_or(|stored| stored.value.is_none()),
            version,
            changed: stored.map(|stored| (stored.by, stored.at)),
        }
    }

    fn of(stored: &StoredSettings, id: SettingId) -> Self {
        let (value, changed) = stored.get(id);
        Self::new(id, value, changed, stored.version_of(id))
    }
}

impl Operator {
    /// The settings of an area.
    pub async fn settings_of(&self, area: Area) -> Result<Vec<ShownSetting>, Error> {
        let stored = self.settings.stored().await?;
        Ok(area.settings().map(|id| self.shown(ShownSetting::of(&stored, id))).collect())
    }

    /// A setting.
    pub async fn setting(&self, id: SettingId) -> Result<ShownSetting, Error> {
        Ok(self.shown(ShownSetting::of(&self.settings.stored().await?, id)))
    }

    /// With what the deployment asks for.
    fn shown(&self, setting: ShownSetting) -> ShownSetting {
        ShownSetting { value: self.mfa.shown(setting.id, setting.value), ..setting }
    }

    /// Changes a setting.
    pub async fn change_setting<R>(
        &self,
        (id, change): (SettingId, SettingChange),
        operator: UserId,
        expected: &Expected,
        call: Call<'_, ShownSetting, R>,
    ) -> Done<R> {
        let at = call.at();
        let work = async {
            let mut backoff = Backoff::default();
            loop {
                let loaded = self.settings.stored().await?;
                expected.check(loaded.version_of(id))?;
                let kept = loaded.changed.get(&id).map(|known| known.kept.clone()).unwrap_or_default();
                let (value, kept) = match &change {
                    SettingChange::To(value) => (Some(SettingValue::clone(value)), kept),
                    SettingChange::Default => (None, kept),
                    SettingChange::Former(version) => match self.settings.at_version(id, *version).await? {
                        Some(former) => (former.value, former.kept),
                        None => {
                            return Err(
                                Refusal::field("/version", "unknown", "the setting never had this version").into()
                            );
                        }
                    },
                };
                if let Some(value) = &value {
                    self.mfa.check(id, value)?;
                }
                let changed = StoredSetting { value, by: Some(operator), at, version: 0, kept };
                let respond = |value, written: &StoredSetting| {
                    call.answer(&self.shown(ShownSetting::new(id, value, Some(written), written.version)))
                };
                match self.settings.change(&loaded, (id, changed), respond).await {
                    // It, or another setting that it is checked with, was changed after it was read.
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.settings.once(call.request(), work).await
    }

    /// The changes of a setting, newest first.
    pub async fn setting_history(&self, id: SettingId, page: &PageRequest) -> Result<Slice<StoredSetting>, Error> {
        Ok(self.settings.history(id, page).await?)
    }
}
