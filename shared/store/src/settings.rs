//! The table Settings: small versioned items, cached for 30 seconds in an execution environment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use domain::settings::Settings;
use tokio::time::Instant;

use crate::item::{Attributes, Condition, body, item, key, version};
use crate::{Error, retry};

/// How long an execution environment uses the settings that it has read.
const MAX_AGE: Duration = Duration::from_secs(30);

const SETTINGS: &str = "settings";

/// Key: `SHOP` / `SETTINGS`.
fn settings_key() -> Attributes {
    key("SHOP", "SETTINGS")
}

#[derive(Clone, Debug)]
pub struct SettingsTable {
    client: Client,
    table: String,
    cached: Arc<Mutex<Option<Cached>>>,
}

/// When the settings were read, and the settings.
type Cached = (Instant, Arc<Settings>);

impl SettingsTable {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), cached: Arc::default() }
    }

    /// The shop's settings, at most 30 seconds old.
    pub async fn current(&self) -> Result<Arc<Settings>, Error> {
        {
            let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((read_at, settings)) = cached.as_ref()
                && read_at.elapsed() < MAX_AGE
            {
                return Ok(Arc::clone(settings));
            }
        }
        let found = retry::get(&self.client, &self.table, settings_key(), false).await?;
        let settings = Arc::new(match found {
            Some(found) => Settings { version: version(&found), ..body(&found, SETTINGS)? },
            None => Settings::default(),
        });
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        *cached = Some((Instant::now(), Arc::clone(&settings)));
        Ok(settings)
    }

    /// Writes the settings if they are still at the version that was read (0 when they were never written), and returns
    /// the new version. All execution environments use them within 30 seconds.
    pub async fn save(&self, settings: &Settings) -> Result<u64, Error> {
        let next = settings.version + 1;
        let written = item(settings_key(), SETTINGS, next, settings)?;
        retry::put_one(&self.client, &self.table, written, &Condition::at_version(settings.version)).await?;
        Ok(next)
    }
}
