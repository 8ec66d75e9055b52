//! Mail in the template: what comes back reaches the queue, and what would keep it from that is refused.

use super::{broken, template};

#[test]
fn bounces_and_complaints_of_all_mail_reach_their_queue() {
    let template = template();
    let [set] = template.configuration_sets.as_slice() else { panic!("one set") };
    let sender = template.function("OrderEventsFunction").unwrap();
    assert_eq!(sender.environment["MAIL_CONFIGURATION_SET"], set.name);
    assert_eq!(set.suppressed_reasons, ["BOUNCE", "COMPLAINT"]);
    let [destination] = set.destinations.as_slice() else { panic!("one destination") };
    assert_eq!(destination.events, ["BOUNCE", "COMPLAINT", "REJECT"]);
    let [topic] = template.topics.as_slice() else { panic!("one topic") };
    assert_eq!(destination.topic, topic.arn);
    assert_eq!(topic.queues, [template.queue("MailFeedbackQueue").unwrap().name.as_str()]);
    assert!(topic.over_tls_only);
}

#[test]
fn what_would_keep_feedback_from_its_queue_is_refused() {
    for (from, to, path, reason) in [
        (
            "Principal: {Service: ses.amazonaws.com}",
            "Principal: {Service: s3.amazonaws.com}",
            "MailFeedback",
            "let SES publish",
        ),
        (
            "Principal: {Service: sns.amazonaws.com}",
            "Principal: \"*\"",
            "MailFeedbackQueuePolicy",
            "conditions known here",
        ),
        ("RawMessageDelivery: true", "RawMessageDelivery: false", "MailFeedbackToQueue", "raw messages"),
        (
            "Endpoint: !GetAtt MailFeedbackQueue.Arn",
            "Endpoint: !GetAtt ExportsQueue.Arn",
            "MailFeedbackToQueue",
            "does not let",
        ),
        ("MatchingEventTypes: [bounce,", "MatchingEventTypes: [bounced,", "MailFeedback", "bounced"),
        (
            "ConfigurationSetName: !Ref MailSettings",
            "ConfigurationSetName: other",
            "MailFeedback",
            "no configuration set",
        ),
        (
            "Action: [ses:DeleteSuppressedDestination]",
            "Action: [ses:SendEmail]",
            "AdminFunction",
            "more than named actions",
        ),
    ] {
        let error = broken(from, to);
        assert_eq!(error.path, format!("Resources.{path}"), "{from}: {error}");
        assert!(error.reason.contains(reason), "{from}: {error}");
    }
}
