//! SES configuration sets, and the SNS topics that hand their events to queues.

use serde::Deserialize;

use super::document::Resource;
use super::policies::{PolicyDocument, Principal};
use super::{TemplateError, names, properties, refuse};
use crate::mail::{ConfigurationSet, Destination};
use crate::sns::Topic;
use crate::sqs::Queue;

/// The types of resources that are read here.
pub(super) struct MailResources {
    pub sets: Vec<(String, Resource)>,
    pub destinations: Vec<(String, Resource)>,
    pub topics: Vec<(String, Resource)>,
    pub topic_policies: Vec<(String, Resource)>,
    pub subscriptions: Vec<(String, Resource)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SetProperties {
    suppression_options: SuppressionOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SuppressionOptions {
    suppressed_reasons: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Reason {
    Bounce,
    Complaint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DestinationProperties {
    configuration_set_name: String,
    event_destination: EventDestination,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EventDestination {
    #[serde(rename = "Name")]
    _name: Option<String>,
    enabled: bool,
    matching_event_types: Vec<EventType>,
    sns_destination: SnsDestination,
}

/// The types of events that are known here, in the words that the CDK writes into templates; the API has them in
/// capitals (<https://app.unpkg.com/aws-cdk-lib@2.160.0/files/aws-ses/lib/configuration-set-event-destination.js>).
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum EventType {
    Bounce,
    Complaint,
    /// SES found a virus; nothing is sent here that has one.
    Reject,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnsDestination {
    #[serde(rename = "TopicARN")]
    topic: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicProperties {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TopicPolicyProperties {
    topics: Vec<String>,
    policy_document: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SubscriptionProperties {
    topic_arn: String,
    protocol: String,
    endpoint: String,
    #[serde(default)]
    raw_message_delivery: bool,
}

pub(super) fn read(
    resources: &MailResources,
    queues: &[Queue],
) -> Result<(Vec<ConfigurationSet>, Vec<Topic>), TemplateError> {
    let mut topics =
        resources.topics.iter().map(|(id, resource)| topic(id, resource)).collect::<Result<Vec<_>, _>>()?;
    for (id, resource) in &resources.topic_policies {
        let read: TopicPolicyProperties = properties(id, &resource.properties)?;
        let document = PolicyDocument::read(id, &read.policy_document)?;
        for arn in &read.topics {
            apply(id, &document, topic_of(id, &mut topics, arn)?)?;
        }
    }
    for (id, resource) in &resources.subscriptions {
        let read: SubscriptionProperties = properties(id, &resource.properties)?;
        subscribe(id, &read, topic_of(id, &mut topics, &read.topic_arn)?, queues)?;
    }
    let mut sets = resources.sets.iter().map(|(id, resource)| set(id, resource)).collect::<Result<Vec<_>, _>>()?;
    for (id, resource) in &resources.destinations {
        let read: DestinationProperties = properties(id, &resource.properties)?;
        let target = sets.iter_mut().find(|set| set.name == read.configuration_set_name);
        let target =
            target.ok_or_else(|| refuse(id, format!("{} is no configuration set", read.configuration_set_name)))?;
        let event_destination = read.event_destination;
        let topic = topic_of(id, &mut topics, &event_destination.sns_destination.topic)?;
        // SES publishes a trial message when the destination is made.
        if !topic.publishers.iter().any(|publisher| publisher == "ses.amazonaws.com") {
            return Err(refuse(id, format!("the policy of {} does not let SES publish", topic.id)));
        }
        if event_destination.enabled {
            let events = event_destination.matching_event_types.iter().map(|event| event.name().to_owned());
            target.destinations.push(Destination { events: events.collect(), topic: topic.arn.clone() });
        }
    }
    Ok((sets, topics))
}

impl EventType {
    const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "BOUNCE",
            Self::Complaint => "COMPLAINT",
            Self::Reject => "REJECT",
        }
    }
}

fn topic(id: &str, resource: &Resource) -> Result<Topic, TemplateError> {
    if !resource.properties.is_null() {
        let TopicProperties {} = properties(id, &resource.properties)?;
    }
    let arn = names::arn(&resource.kind, &resource.name);
    let arn = arn.ok_or_else(|| refuse(id, "it has no ARN"))?;
    Ok(Topic { id: id.to_owned(), arn, publishers: Vec::new(), over_tls_only: false, queues: Vec::new() })
}

fn topic_of<'a>(id: &str, topics: &'a mut [Topic], arn: &str) -> Result<&'a mut Topic, TemplateError> {
    let found = topics.iter_mut().find(|topic| topic.arn == arn);
    found.ok_or_else(|| refuse(id, format!("{arn} is not a topic of the template")))
}

fn apply(id: &str, document: &PolicyDocument, topic: &mut Topic) -> Result<(), TemplateError> {
    for statement in &document.statements {
        if statement.refuses_plain_http("sns:Publish", &[&topic.arn]) {
            topic.over_tls_only = true;
            continue;
        }
        match &statement.principal {
            Some(Principal::Service(service)) if statement.allows("sns:Publish", &topic.arn) => {
                topic.publishers.push(service.clone());
            }
            _ => return Err(refuse(id, "only a service's permission to publish to the topic is known here")),
        }
    }
    Ok(())
}

fn subscribe(
    id: &str,
    read: &SubscriptionProperties,
    topic: &mut Topic,
    queues: &[Queue],
) -> Result<(), TemplateError> {
    if read.protocol != "sqs" || !read.raw_message_delivery {
        return Err(refuse(id, "only queues subscribe here, to raw messages"));
    }
    let queue = queues.iter().find(|queue| queue.arn == read.endpoint);
    let queue = queue.ok_or_else(|| refuse(id, format!("{} is not a queue of the template", read.endpoint)))?;
    if !queue.topics.contains(&topic.arn) {
        return Err(refuse(id, format!("the policy of {} does not let {} send", queue.id, topic.id)));
    }
    topic.queues.push(queue.name.clone());
    Ok(())
}

fn set(id: &str, resource: &Resource) -> Result<ConfigurationSet, TemplateError> {
    let read: SetProperties = properties(id, &resource.properties)?;
    let reasons = read.suppression_options.suppressed_reasons.iter().map(|reason| match reason {
        Reason::Bounce => "BOUNCE".to_owned(),
        Reason::Complaint => "COMPLAINT".to_owned(),
    });
    Ok(ConfigurationSet {
        id: id.to_owned(),
        name: resource.name.clone(),
        suppressed_reasons: reasons.collect(),
        destinations: Vec::new(),
    })
}
