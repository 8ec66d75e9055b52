//! Texts of the operator, as buyers see them, and what else pages say of what the operator promises.

use domain::legal::{LegalText, LegalVersion};
use domain::return_policy::ReturnRules;
use platform::{Config, Fatal};
use store::SettingsTable;

use crate::Error;
use crate::checkout::Checkout;

/// The texts and rules that pages show to everybody.
#[derive(Clone, Debug)]
pub struct ShownTexts {
    settings: SettingsTable,
}

impl ShownTexts {
    /// Builds the client. It connects with the first of them that is asked for.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { settings: SettingsTable::new(config.dynamodb()?, config.required("SETTINGS_TABLE")?) })
    }

    /// The last version of a text.
    pub async fn last(&self, text: LegalText) -> Result<Option<LegalVersion>, Error> {
        Ok(self.settings.last_legal(text).await?)
    }

    /// What is promised about returns, at most 30 seconds old.
    pub async fn return_rules(&self) -> Result<ReturnRules, Error> {
        Ok(self.settings.current().await?.returns.clone())
    }
}

impl Checkout {
    /// The version of the public offer that a buyer has accepted, if it is the one in force.
    pub(crate) async fn accepted_offer(&self, accepted: Option<u32>) -> Result<Option<u32>, Error> {
        Ok(self.guests.settings.accepted(LegalText::Offer, accepted).await?)
    }

    /// The last version of a text that people agree to.
    pub async fn legal(&self, text: LegalText) -> Result<Option<LegalVersion>, Error> {
        Ok(self.guests.settings.last_legal(text).await?)
    }
}
