//! S3 buckets.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::Resource;
use super::policies::{PolicyDocument, Principal};
use super::{TemplateError, names, properties, refuse};
use crate::s3::{Bucket, CorsRule, Notification};
use crate::sqs::Queue;

/// The service whose distributions read a bucket.
const EDGE: &str = "cloudfront.amazonaws.com";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BucketProperties {
    public_access_block_configuration: PublicAccessBlock,
    cors_configuration: Option<CorsProperties>,
    notification_configuration: Option<NotificationProperties>,
    // Encryption, ownership, versions and lifecycle rules have no meaning on one machine with one account.
    #[serde(rename = "BucketEncryption")]
    _encryption: Option<IgnoredAny>,
    #[serde(rename = "OwnershipControls")]
    _ownership: Option<IgnoredAny>,
    #[serde(rename = "VersioningConfiguration")]
    _versions: Option<IgnoredAny>,
    #[serde(rename = "LifecycleConfiguration")]
    _lifecycle: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PublicAccessBlock {
    block_public_policy: bool,
    restrict_public_buckets: bool,
    // Access control lists are off, because the ownership is BucketOwnerEnforced.
    #[serde(rename = "BlockPublicAcls")]
    _block_public_acls: bool,
    #[serde(rename = "IgnorePublicAcls")]
    _ignore_public_acls: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct CorsProperties {
    cors_rules: Vec<CorsRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct NotificationProperties {
    queue_configurations: Vec<QueueConfiguration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct QueueConfiguration {
    event: CreatedEvent,
    queue: String,
    filter: Option<FilterProperties>,
}

#[derive(Deserialize)]
enum CreatedEvent {
    #[serde(rename = "s3:ObjectCreated:*")]
    Created,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FilterProperties {
    #[serde(rename = "S3Key")]
    key: KeyFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct KeyFilter {
    rules: Vec<FilterRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FilterRule {
    name: FilterEnd,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FilterEnd {
    Prefix,
    Suffix,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BucketPolicyProperties {
    bucket: String,
    policy_document: Value,
}

pub(super) fn read(
    buckets: &[(String, Resource)],
    policies: &[(String, Resource)],
    queues: &[Queue],
) -> Result<Vec<Bucket>, TemplateError> {
    let mut all = Vec::new();
    for (id, resource) in buckets {
        let (bucket, closed) = bucket(id, resource, queues)?;
        all.push((bucket, closed));
    }
    for (id, resource) in policies {
        let read: BucketPolicyProperties = properties(id, &resource.properties)?;
        let (bucket, closed) = all
            .iter_mut()
            .find(|(bucket, _)| bucket.name == read.bucket)
            .ok_or_else(|| refuse(id, format!("{} is not a bucket of the template", read.bucket)))?;
        for statement in PolicyDocument::read(id, &read.policy_document)?.statements {
            let any_object = format!("{}/any", bucket.arn);
            if statement.refuses_plain_http("s3:*", &[&bucket.arn, &any_object]) {
                bucket.over_tls_only = true;
                continue;
            }
            // A service that acts for one resource of ours, not for everybody, so it is no public policy.
            if statement.principal == Some(Principal::Service(EDGE.to_owned()))
                && statement.source.is_some()
                && statement.allows("s3:GetObject", &any_object)
            {
                bucket.edge_read = true;
                continue;
            }
            if statement.principal != Some(Principal::Anybody) || !statement.allows("s3:GetObject", &any_object) {
                return Err(refuse(
                    id,
                    "only the permission to read objects is known here, the public one or an edge's",
                ));
            }
            if *closed {
                return Err(refuse(id, "the bucket's PublicAccessBlockConfiguration forbids a public policy"));
            }
            bucket.public_read = true;
        }
    }
    Ok(all.into_iter().map(|(bucket, _)| bucket).collect())
}

/// A bucket, and whether it is closed to public policies.
fn bucket(id: &str, resource: &Resource, queues: &[Queue]) -> Result<(Bucket, bool), TemplateError> {
    let read: BucketProperties = properties(id, &resource.properties)?;
    let name = resource.name.clone();
    let arn = names::arn(&resource.kind, &name).ok_or_else(|| refuse(id, "it has no ARN"))?;
    let configurations = read.notification_configuration.map(|all| all.queue_configurations).unwrap_or_default();
    let notifications = configurations
        .into_iter()
        .map(|configuration| notification(id, configuration, queues))
        .collect::<Result<Vec<_>, _>>()?;
    let access = read.public_access_block_configuration;
    let bucket = Bucket {
        id: id.to_owned(),
        name,
        arn,
        public_read: false,
        edge_read: false,
        over_tls_only: false,
        cors: read.cors_configuration.map(|cors| cors.cors_rules).unwrap_or_default(),
        notifications,
    };
    Ok((bucket, access.block_public_policy || access.restrict_public_buckets))
}

fn notification(id: &str, read: QueueConfiguration, queues: &[Queue]) -> Result<Notification, TemplateError> {
    let CreatedEvent::Created = read.event;
    let queue = queues
        .iter()
        .find(|queue| queue.arn == read.queue)
        .ok_or_else(|| refuse(id, format!("{} is not a queue of the template", read.queue)))?;
    if !queue.senders.iter().any(|sender| sender == "s3.amazonaws.com") {
        return Err(refuse(id, format!("{} has no policy that lets S3 send to it", queue.id)));
    }
    let mut notification = Notification { queue: queue.name.clone(), prefix: String::new(), suffix: String::new() };
    for rule in read.filter.map(|filter| filter.key.rules).unwrap_or_default() {
        match rule.name {
            FilterEnd::Prefix => notification.prefix = rule.value,
            FilterEnd::Suffix => notification.suffix = rule.value,
        }
    }
    Ok(notification)
}
