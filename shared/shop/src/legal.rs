//! Texts of the operator, as buyers see them.

use domain::legal::{LegalText, LegalVersion};
use platform::{Config, Fatal};
use store::SettingsTable;

use crate::Error;
use crate::checkout::Checkout;

/// The texts that pages show to everybody.
#[derive(Clone, Debug)]
pub struct ShownTexts {
    settings: SettingsTable,
}

impl ShownTexts {
    /// Builds the client. It connects with the first text that is asked for: few visitors read them.
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
