//! SQS queues.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::Resource;
use super::policies::{PolicyDocument, Principal};
use super::{TemplateError, names, properties, refuse};
use crate::sqs::{Queue, Redrive};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct QueueProperties {
    #[serde(default = "default_visibility")]
    visibility_timeout: u64,
    #[serde(default = "default_retention")]
    message_retention_period: u64,
    #[serde(default)]
    delay_seconds: u64,
    #[serde(default)]
    receive_message_wait_time_seconds: u64,
    redrive_policy: Option<RedrivePolicy>,
    // Encryption has no meaning on one machine.
    #[serde(rename = "SqsManagedSseEnabled")]
    _encryption: Option<IgnoredAny>,
}

/// SQS's own default: 30 seconds.
fn default_visibility() -> u64 {
    30
}

/// SQS's own default: 4 days.
fn default_retention() -> u64 {
    345_600
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct QueuePolicyProperties {
    queues: Vec<String>,
    policy_document: Value,
}

pub(super) fn read(
    queues: &[(String, Resource)],
    policies: &[(String, Resource)],
    base_url: &str,
) -> Result<Vec<Queue>, TemplateError> {
    let mut all = queues.iter().map(|(id, resource)| queue(id, resource, base_url)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<(String, String)> = all.iter().map(|queue| (queue.arn.clone(), queue.name.clone())).collect();
    for queue in &mut all {
        if let Some(redrive) = &mut queue.redrive {
            let found = names.iter().find(|(arn, _)| *arn == redrive.dead_letters);
            let (_, name) = found.ok_or_else(|| refuse(&queue.id, "its dead-letter queue is not in the template"))?;
            redrive.dead_letters.clone_from(name);
        }
    }
    let mut with_policy = BTreeSet::new();
    for (id, resource) in policies {
        let read: QueuePolicyProperties = properties(id, &resource.properties)?;
        let document = PolicyDocument::read(id, &read.policy_document)?;
        for url in &read.queues {
            let queue = all
                .iter_mut()
                .find(|queue| queue.url == *url)
                .ok_or_else(|| refuse(id, format!("{url} is not a queue of the template")))?;
            if !with_policy.insert(url.clone()) {
                return Err(refuse(
                    id,
                    format!("{} has another policy already, which this one would replace", queue.id),
                ));
            }
            for statement in &document.statements {
                if statement.refuses_plain_http("sqs:*", &[&queue.arn]) {
                    queue.over_tls_only = true;
                    continue;
                }
                match &statement.principal {
                    Some(Principal::Service(service)) if statement.allows("sqs:SendMessage", &queue.arn) => {
                        match &statement.source {
                            Some(topic) => queue.topics.push(topic.clone()),
                            None => queue.senders.push(service.clone()),
                        }
                    }
                    _ => return Err(refuse(id, "only a service's permission to send to the queue is known here")),
                }
            }
        }
    }
    Ok(all)
}

fn queue(id: &str, resource: &Resource, base_url: &str) -> Result<Queue, TemplateError> {
    let read: QueueProperties = properties(id, &resource.properties)?;
    let name = resource.name.clone();
    let arn = names::arn(&resource.kind, &name).ok_or_else(|| refuse(id, "it has no ARN"))?;
    Ok(Queue {
        id: id.to_owned(),
        arn,
        url: names::queue_url(base_url, &name),
        name,
        visibility_timeout: Duration::from_secs(read.visibility_timeout),
        retention: Duration::from_secs(read.message_retention_period),
        delay: Duration::from_secs(read.delay_seconds),
        receive_wait: Duration::from_secs(read.receive_message_wait_time_seconds),
        redrive: read.redrive_policy.map(|redrive| Redrive {
            dead_letters: redrive.dead_letter_target_arn,
            max_receives: redrive.max_receive_count,
        }),
        senders: Vec::new(),
        topics: Vec::new(),
        over_tls_only: false,
    })
}
