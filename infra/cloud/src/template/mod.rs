//! Reads `template.yaml` into what the embedded cloud runs: tables, queues, buckets, user pool, routes, functions,
//! pipes.
//!
//! The reader is strict: a resource type, property, intrinsic function or event that it does not know is an error that
//! names its path, because what is silently ignored here would fail only after a deployment.

mod api;
mod buckets;
mod document;
mod edge;
mod functions;
mod intrinsics;
mod mail;
mod names;
mod nested;
mod permissions;
mod pipes;
mod policies;
mod queues;
mod secrets;
mod tables;
#[cfg(test)]
mod tests;
mod user_pool;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::api::{Api, Authorizer};
pub use self::functions::{EventSource, Function};
pub use self::nested::Stack;
pub use self::pipes::Pipe;

use self::document::{Document, Resource};
use self::intrinsics::Resolver;
use self::permissions::Permissions;
use crate::cognito::UserPool;
use crate::dynamodb::Table;
use crate::edge::Distribution;
use crate::iam::Statement;
use crate::mail::ConfigurationSet;
use crate::s3::Bucket;
use crate::secrets::Secret;
use crate::sns::Topic;
use crate::sqs::Queue;

/// Types of resources that are read and make nothing. Logs go to standard output here, so log groups have no meaning,
/// and there are no alarms on one machine: logged errors are on the screen.
const WITHOUT_MEANING: [&str; 4] =
    ["AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"];

/// The text of a template, with those of the templates that it nests.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    pub root: &'a str,
    /// The nested templates by the location that their stacks name as `TemplateURL`: a path from the root's folder.
    pub nested: &'a [(&'a str, &'a str)],
}

/// The stack that a template is deployed as, the base URL of its cloud, and the template's parameters that differ from
/// their defaults.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The name of the stack, the prefix of physical names.
    pub stack: String,
    /// The URL without a trailing slash: `http://localhost:3000`.
    pub base_url: String,
    /// Values of the template's parameters by name.
    pub parameters: BTreeMap<String, String>,
}

impl Site {
    /// A stack in a cloud at this URL, with every parameter at its default.
    pub fn of(stack: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self { stack: stack.into(), base_url: base_url.into(), parameters: BTreeMap::new() }
    }

    /// Sets a parameter of the template.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(parameter.to_owned(), value.into());
        self
    }
}

/// Something in the template that is wrong or not supported by this cloud.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {path}: {reason}")]
pub struct TemplateError {
    /// The path inside the template, such as `Resources.CartsTable`.
    pub path: String,
    pub reason: String,
}

impl TemplateError {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

/// Everything the embedded cloud makes from the template. Each list is in the order of the logical ids.
#[derive(Clone, Debug)]
pub struct Template {
    /// The name of the stack.
    pub stack: String,
    /// The parameters' values, lists joined with commas.
    pub parameters: BTreeMap<String, String>,
    pub tables: Vec<Table>,
    /// SQS queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    pub buckets: Vec<Bucket>,
    pub user_pool: UserPool,
    pub api: Api,
    pub functions: Vec<Function>,
    pub pipes: Vec<Pipe>,
    pub secrets: Vec<Secret>,
    /// Settings of mail.
    pub configuration_sets: Vec<ConfigurationSet>,
    pub topics: Vec<Topic>,
    pub stacks: Vec<Stack>,
    /// What stands before the API and its bucket of pictures.
    pub edge: Option<Distribution>,
}

impl Template {
    /// Parses a template and resolves its intrinsic functions (`!Ref`, `!Sub` and so on) to local names.
    pub fn parse(texts: Texts<'_>, site: &Site) -> Result<Self, TemplateError> {
        let document = Document::parse(texts.root)?;
        if document.transform.as_deref() != Some("AWS::Serverless-2016-10-31") {
            return Err(TemplateError::new("Transform", "it must be AWS::Serverless-2016-10-31"));
        }
        let resolver = Resolver::new(&document, site)?;
        let mut resources = Resources { by_type: BTreeMap::new() };
        let mut unmade = Vec::new();
        for (id, resource) in &document.resources {
            if !resolver.makes(id, resource)? {
                unmade.push(resource);
                continue;
            }
            let mut resolved = resource.clone();
            resolved.properties = resolver.resolve(&resource.properties, &format!("Resources.{id}"))?;
            resolved.name = names::physical(&site.stack, &resource.kind, id);
            resources.by_type.entry(resource.kind.clone()).or_default().push((id.clone(), resolved));
        }
        let globals = resolver.resolve(&document.globals, "Globals")?;

        let tables = tables::read(&resources.take("AWS::DynamoDB::Table"))?;
        let queues =
            queues::read(&resources.take("AWS::SQS::Queue"), &resources.take("AWS::SQS::QueuePolicy"), &site.base_url)?;
        let buckets =
            buckets::read(&resources.take("AWS::S3::Bucket"), &resources.take("AWS::S3::BucketPolicy"), &queues)?;
        let functions = resources.take("AWS::Serverless::Function");
        let permissions = Permissions::read(&resources.take("AWS::Lambda::Permission"), &functions)?;
        let user_pool = user_pool::read(
            &resources.take("AWS::Cognito::UserPool"),
            &resources.take("AWS::Cognito::UserPoolClient"),
            &resources.take("AWS::Cognito::UserPoolGroup"),
            &permissions,
        )?;
        let mail = mail::MailResources {
            sets: resources.take("AWS::SES::ConfigurationSet"),
            destinations: resources.take("AWS::SES::ConfigurationSetEventDestination"),
            topics: resources.take("AWS::SNS::Topic"),
            topic_policies: resources.take("AWS::SNS::TopicPolicy"),
            subscriptions: resources.take("AWS::SNS::Subscription"),
        };
        let (configuration_sets, topics) = mail::read(&mail, &queues)?;
        let secrets = secrets::read(&resources.take("AWS::SecretsManager::Secret"))?;
        let roles = policies::roles(&resources.take("AWS::IAM::Role"))?;
        let pipes = pipes::read(&resources.take("AWS::Pipes::Pipe"), &roles, &tables, &queues)?;
        let (functions, routes) = functions::read(
            &globals,
            &functions,
            &resources.take("AWS::Lambda::EventSourceMapping"),
            &tables,
            &queues,
        )?;
        let api = api::read(&resources.take("AWS::Serverless::HttpApi"), routes)?;
        let (stacks, edge) = nested::read(&resources.take("AWS::CloudFormation::Stack"), &unmade, texts.nested, site)?;
        for kind in WITHOUT_MEANING {
            resources.take(kind);
        }
        if let Some((kind, (id, _))) = resources.by_type.iter().find_map(|(kind, all)| Some((kind, all.first()?))) {
            return Err(TemplateError::new(format!("Resources.{id}"), format!("type {kind} is not known here")));
        }
        let (stack, parameters) = (site.stack.clone(), resolver.parameters());
        Ok(Self {
            stack,
            parameters,
            tables,
            queues,
            buckets,
            user_pool,
            api,
            functions,
            pipes,
            secrets,
            configuration_sets,
            topics,
            stacks,
            edge,
        })
    }

    /// The statements of each role, by the logical id of the function or pipe that has it.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &[Statement])> {
        let functions = self.functions.iter().map(|function| (function.id.as_str(), function.statements.as_slice()));
        functions.chain(self.pipes.iter().map(|pipe| (pipe.id.as_str(), pipe.statements.as_slice())))
    }

    /// The table with this logical id.
    pub fn table(&self, id: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == id)
    }

    /// The queue with this logical id.
    pub fn queue(&self, id: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == id)
    }

    /// The bucket with this logical id.
    pub fn bucket(&self, id: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.id == id)
    }

    /// The function with this logical id.
    pub fn function(&self, id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == id)
    }

    /// The secret with this logical id.
    pub fn secret(&self, id: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.id == id)
    }

    /// The binaries of all functions, which are named like their packages.
    pub fn binaries(&self) -> BTreeSet<&str> {
        self.functions.iter().map(|function| function.binary.as_str()).collect()
    }
}

/// The resources of a template as they are written, by their logical ids: the type and the properties, in which an
/// intrinsic function is an object such as `{"Ref": "OrdersTable"}`.
pub fn written_resources(text: &str) -> Result<BTreeMap<String, (String, Value)>, TemplateError> {
    let resources = Document::parse(text)?.resources;
    Ok(resources.into_iter().map(|(id, resource)| (id, (resource.kind, resource.properties))).collect())
}

/// Resources by type. Each type is taken once; what is left at the end is not supported.
struct Resources {
    by_type: BTreeMap<String, Vec<(String, Resource)>>,
}

impl Resources {
    fn take(&mut self, kind: &str) -> Vec<(String, Resource)> {
        self.by_type.remove(kind).unwrap_or_default()
    }
}

/// Deserialises resolved properties into a type that refuses unknown ones.
fn properties<T: serde::de::DeserializeOwned>(id: &str, properties: &Value) -> Result<T, TemplateError> {
    T::deserialize(properties).map_err(|error| TemplateError::new(format!("Resources.{id}"), error.to_string()))
}

/// An error about the resource with this logical id.
fn refuse(id: &str, reason: impl Into<String>) -> TemplateError {
    TemplateError::new(format!("Resources.{id}"), reason)
}

/// The only resource of its type.
fn only<'a>(kind: &str, all: &'a [(String, Resource)]) -> Result<(&'a str, &'a Resource), TemplateError> {
    match all {
        [(id, resource)] => Ok((id, resource)),
        _ => Err(TemplateError::new("Resources", format!("there must be exactly one {kind}, not {}", all.len()))),
    }
}
