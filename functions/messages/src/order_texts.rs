//! Short messages about an order to a buyer who gave a telephone number alone.

use domain::contact::ContactPoint;
use domain::order::Person;
use domain::proof::OrderText;
use domain::{EventId, OrderId, Timestamp};
use platform::messenger::Outgoing;

use crate::phones::Weight;
use crate::{App, DeliveryError};

impl App {
    /// Tells a buyer of their order as it stands. A copy of the message has the event's id too, by which the gateway
    /// knows it.
    pub(crate) async fn send_order_text(
        &self,
        id: OrderId,
        event: EventId,
        text: OrderText,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        if text != OrderText::Code && !self.settings.current().await?.phone_messages.order_texts {
            tracing::info!(order.id = %id, event.id = %event, "a buyer is not told: numbers are sent codes only");
            return Ok(());
        }
        let Some((mut order, key)) = self.orders.load_with_key(id, None).await? else { return Ok(()) };
        self.persons.value().await?.open_person(&mut order, key.as_ref())?;
        // Nobody can be told whose data was erased.
        let contact = order.person.as_ref().and_then(Person::contact_point);
        let Some(ContactPoint::Phone(number)) = contact else { return Ok(()) };
        let secret = self.token_secret.value().await?;
        let code = match (text, order.order.confirmation) {
            (OrderText::Code, Some(awaited)) => Some(secret.confirmation_code(id, awaited.number)),
            // It was confirmed, or has ended.
            (OrderText::Code, None) => return Ok(()),
            _ => None,
        };
        let to = self.site.to(order.order.language.as_deref());
        let short = to.order_text(text, id, &secret.order_token(id), code.as_deref());
        let mail = to.finish(to.t.text_subject, to.draft().text(&short));
        let message = Outgoing { id: event.to_string(), mail, short: Some(short), code };
        self.send_to_phone(&number, &message, (Weight::Usual, now)).await
    }
}
