//! Addresses that nothing is mailed to.

use std::collections::BTreeSet;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::DisplayErrorContext;
use domain::suppression::{Lifted, Suppression};
use domain::text::Email;
use domain::{Call, Code, Coded, PageRequest, Refusal, Slice, Timestamp, UserId};

use crate::{Done, Error, Operator};

/// SES did not take an address off its list.
#[derive(Debug, thiserror::Error)]
#[error("SES cannot take an address off its suppression list: {0}")]
pub struct NotLifted(String);

impl Coded for NotLifted {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl Operator {
    /// The suppressed addresses, newest first; only this one if it is given.
    pub async fn suppressions(&self, email: Option<&Email>, page: &PageRequest) -> Result<Slice<Suppression>, Error> {
        let Some(email) = email else { return Ok(self.accounts.suppressions(page).await?) };
        if page.cursor.is_some() {
            // An address finds one page at most, so no cursor is valid.
            return Err(Refusal::of(Code::InvalidCursor).into());
        }
        Ok(Slice { items: self.accounts.suppression(email).await?.into_iter().collect(), next: None })
    }

    /// Which of these addresses are suppressed.
    pub async fn suppressed_among<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a Email>,
    ) -> Result<BTreeSet<Email>, Error> {
        Ok(self.accounts.suppressed_among(emails).await?)
    }

    /// Lets mail go to an address again, from here and through SES, whose own list also holds back the codes that
    /// Cognito mails.
    pub async fn lift_suppression<R>(
        &self,
        email: &Email,
        (by, at): (UserId, Timestamp),
        call: Call<'_, (), R>,
    ) -> Done<R> {
        let work = async {
            // First, so that a crash in between leaves an address that can be lifted again. Its list may have the
            // address alone, when it was a code of Cognito's that bounced.
            let was_listed = take_off_the_list(&self.ses, email).await?;
            if self.accounts.suppression(email).await?.is_none() {
                if was_listed {
                    return Ok(self.accounts.answer(call, &()).await?);
                }
                return Err(Refusal::of(Code::NotFound).into());
            }
            Ok::<_, Error>(self.accounts.lift_suppression(email, Lifted { at, by }, call.answer(&())?).await?)
        };
        self.accounts.once(call.request(), work).await
    }
}

/// Takes an address off SES's own list. Returns whether it was there.
async fn take_off_the_list(ses: &Client, email: &Email) -> Result<bool, NotLifted> {
    match ses.delete_suppressed_destination().email_address(email.as_str()).send().await {
        Ok(_) => Ok(true),
        // It never was on that list: SES puts no address on it that others' mail bounced off.
        Err(error) if error.as_service_error().is_some_and(|refused| refused.is_not_found_exception()) => Ok(false),
        Err(error) => Err(NotLifted(DisplayErrorContext(error).to_string())),
    }
}
