//! What is logged as an error: what needs a person. Each such line rings the operator's alarm, so what is tried again,
//! or heals by itself, is a warning.

use std::collections::BTreeSet;

use super::house::production_sources;

/// Every line that is logged as an error, and why nobody but a person can mend it. Those about money have a metric of
/// their own.
const NEEDS_A_PERSON: [(&str, &str, Topic); 19] = [
    ("request failed", "a defect of ours: the same request fails again", Topic::Other),
    ("who placed an order does not open", "its master secret is gone, or it was changed", Topic::Other),
    ("the system gives no random numbers", "no ids can be made", Topic::Other),
    ("a rate cannot be read: nothing is sold until it is set again", "nothing is sold", Topic::Other),
    ("a due order cannot be read", "its items are damaged: it stays due for ever", Topic::Other),
    ("a message failed after its last redrive: the operator has to look at it", "it was tried for hours", Topic::Other),
    ("a vendor without an account cannot be notified", "the vendor's account is missing", Topic::Other),
    ("the operator is not told: their address is suppressed", "nobody else reads the news", Topic::Other),
    ("SES found a virus in a mail of ours and did not send it", "our mail has no attachments", Topic::Other),
    ("a request to Stripe cannot be made", "the configuration is wrong", Topic::Other),
    ("an event of Stripe cannot be read", "the provider says something that we do not know", Topic::Money),
    ("an event of Stripe has an id that is too long or not ASCII", "the provider's ids have changed", Topic::Money),
    ("a refund failed and needs a manual refund by the operator", "the buyer has not been paid back", Topic::Money),
    ("a refund succeeded after it had failed here", "it may have been given back by hand as well", Topic::Money),
    ("an order's state does not allow a provider's news", "the books of both sides differ", Topic::Money),
    ("a payment has an amount mismatch: the operator has to decide", "only the operator may decide", Topic::Money),
    ("the items of an order do not belong together", "an item is missing: it cannot be changed", Topic::Money),
    ("what is settled of an order is not known", "its amounts do not fit: no vendor is paid for it", Topic::Money),
    ("an impossible step of a payment", "the books of both sides differ", Topic::Money),
];

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Topic {
    Money,
    Other,
}

/// The message of each `error!` of a source file, and whether it says that money needs somebody.
fn errors(text: &str) -> Vec<(String, Topic)> {
    let of_call = |call: &str| {
        let call = call.split_once(");").map_or(call, |(call, _)| call);
        let message = call.rsplit('"').nth(1).unwrap_or_default().to_owned();
        (message, if call.contains("needs = \"money\"") { Topic::Money } else { Topic::Other })
    };
    text.split("tracing::error!(").skip(1).map(of_call).collect()
}

#[test]
fn only_what_needs_a_person_is_logged_as_an_error() {
    let logged: BTreeSet<(String, Topic)> = ["functions", "shared"]
        .into_iter()
        .flat_map(production_sources)
        .inspect(|(name, text)| assert!(!text.contains("Level::ERROR"), "{name} hides the level from this test"))
        .flat_map(|(_, text)| errors(&text))
        .collect();
    let known = NEEDS_A_PERSON.into_iter().map(|(message, _, topic)| (message.to_owned(), topic)).collect();
    assert_eq!(logged, known, "left: what is logged as an error; right: what is known to need a person");
}

#[test]
fn the_message_of_an_error_and_its_topic_are_read_from_the_source() {
    let source =
        "a(); tracing::error!(\n    needs = \"money\", x = %y(),\n    \"gone\"\n);\ntracing::error!(\"none\");";
    assert_eq!(errors(source), [("gone".to_owned(), Topic::Money), ("none".to_owned(), Topic::Other)]);
}
