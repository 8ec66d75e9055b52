//! Messages to telephone numbers: by the first channel that reaches one, within what the operator allows.
//!
//! Whoever asked for the message was answered long before: nothing here shows in an answer.

use std::time::Duration;

use domain::Timestamp;
use domain::contact::{ContactPoint, PhoneNumber};
use domain::settings::{Limit, PhoneChannel, PhoneMessages, PrefixPrice};
use platform::messenger::{Messenger, Outgoing, Unsent};
use store::Error;
use store::rate_limits::Target;

use crate::{App, DeliveryError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TO_NUMBER: &str = "to-number";
const TO_PREFIX: &str = "to-prefix";

/// In how many parts a short message goes, each of which costs its price: of 160 ASCII characters or 70 of any,
/// and a little less each once there are several (3GPP TS 23.040).
fn parts_of(short: &str) -> u32 {
    let (characters, alone, each) =
        if short.is_ascii() { (short.len(), 160, 153) } else { (short.encode_utf16().count(), 70, 67) };
    if characters <= alone { 1 } else { u32::try_from(characters.div_ceil(each)).unwrap_or(u32::MAX) }
}

/// What one message counts for.
type Count = (&'static str, Target, (u32, Limit));

/// What a message is to its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The first one with a code, or what has changed in their account: it comes also where others have used up the
    /// messages to the number.
    Needed,
    /// One of those that are counted for the number.
    Usual,
}

impl App {
    pub(crate) async fn send_to_phone(
        &self,
        number: &PhoneNumber,
        message: &Outgoing,
        (weight, now): (Weight, Timestamp),
    ) -> Result<(), DeliveryError> {
        let settings = self.settings.current().await?;
        let settings = &settings.phone_messages;
        let Some(prefix) = settings.prefix_of(number) else {
            tracing::warn!("a message is not sent: nothing is sent to numbers like this one");
            return Ok(());
        };
        let look_up = self.persons.value().await?.look_up(number);
        let counts: [Count; 2] = [
            (TO_NUMBER, Target::Contact(look_up), (1, settings.per_number)),
            (TO_PREFIX, Target::Prefix(digits_of(prefix)), (1, settings.per_prefix)),
        ];
        // The number's own count comes first.
        let counts = counts.get(usize::from(weight == Weight::Needed)..).unwrap_or_default();
        for &(call, target, count) in counts {
            match self.rate_limits.spend(call, target, count, now).await {
                Ok(()) => {}
                Err(Error::TooMany { .. }) if call == TO_NUMBER => {
                    tracing::warn!("a message is not sent: its number has had as many as it may");
                    return Ok(());
                }
                Err(Error::TooMany { .. }) => {
                    let prefix = prefix.prefix.as_str();
                    tracing::warn!(phone.prefix = prefix, "messages to one prefix have reached their limit");
                    return Ok(());
                }
                Err(unknown) => return Err(unknown.into()),
            }
        }
        let sent = self.by_any_channel(number, message, (prefix, settings), now).await;
        if sent.is_err() {
            // The next try is counted again.
            for &(call, target, count) in counts {
                self.rate_limits.uncount(call, target, count, now).await;
            }
        }
        sent
    }

    async fn by_any_channel(
        &self,
        number: &PhoneNumber,
        message: &Outgoing,
        (prefix, settings): (&PrefixPrice, &PhoneMessages),
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let to = ContactPoint::Phone(number.clone());
        let mut later = None;
        for channel in &settings.channels {
            let sent = match (channel, &self.telegram) {
                (PhoneChannel::Telegram, Some(telegram)) => telegram.send(&to, message).await,
                (PhoneChannel::Sms, _) => self.by_sms(&to, message, (prefix, settings), now).await,
                (PhoneChannel::Telegram, None) => Err(Unsent::NotHere("Telegram Gateway is not set up".to_owned())),
                (PhoneChannel::Other, _) => continue,
            };
            match sent {
                Ok(()) => {
                    tracing::info!(phone.channel = ?channel, "a message was sent to a telephone number");
                    return Ok(());
                }
                Err(Unsent::NotHere(reason)) => {
                    tracing::info!(phone.channel = ?channel, reason, "a channel does not carry a message");
                }
                Err(Unsent::Later(reason)) => {
                    tracing::warn!(phone.channel = ?channel, reason, "a channel did not take a message");
                    later = Some(reason);
                }
            }
        }
        match later {
            Some(reason) => Err(DeliveryError::Unsent(reason)),
            None => {
                tracing::warn!("a message is not sent: no channel carries it to its number");
                Ok(())
            }
        }
    }

    /// A short message, as long as the day's are within what they may cost.
    async fn by_sms(
        &self,
        to: &ContactPoint,
        message: &Outgoing,
        (prefix, settings): (&PrefixPrice, &PhoneMessages),
        now: Timestamp,
    ) -> Result<(), Unsent> {
        let Some(sms) = &self.sms else { return Err(Unsent::NotHere("no SMS gateway is set up".to_owned())) };
        let Some(short) = &message.short else { return Err(Unsent::NotHere("it has no short form".to_owned())) };
        // Amounts in two currencies never add up.
        let call = format!("sms-spend-{}", settings.daily_spend.currency());
        let limit = Limit { most: u32::try_from(settings.daily_spend.minor()).unwrap_or(0), within: DAY };
        let price = u32::try_from(prefix.price.minor()).unwrap_or(u32::MAX);
        let price = (price.saturating_mul(parts_of(short)), limit);
        match self.rate_limits.spend(&call, Target::All, price, now).await {
            Ok(()) => {}
            Err(Error::TooMany { .. }) => {
                tracing::warn!("short messages have cost what they may on one day");
                return Err(Unsent::NotHere("the spend of the day is reached".to_owned()));
            }
            Err(unknown) => return Err(Unsent::Later(unknown.to_string())),
        }
        let sent = sms.send(to, message).await;
        if sent.is_err() {
            self.rate_limits.uncount(&call, Target::All, price, now).await;
        }
        sent
    }
}

/// At most seven digits.
fn digits_of(prefix: &PrefixPrice) -> u32 {
    prefix.prefix.as_str().trim_start_matches('+').parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_costs_each_of_its_parts() {
        for (character, length, parts) in
            [("x", 1, 1), ("x", 160, 1), ("x", 161, 2), ("x", 307, 3), ("\u{416}", 70, 1), ("\u{416}", 71, 2)]
        {
            assert_eq!(parts_of(&character.repeat(length)), parts, "{length} of {character}");
        }
    }
}
