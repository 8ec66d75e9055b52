//! Texts that buyers agree to.

use domain::legal::{LegalText, LegalVersion};

use crate::Error;
use crate::checkout::Checkout;

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
