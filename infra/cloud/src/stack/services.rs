//! The embedded services, configured by the template.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::data_directory::DataDirectory;
use super::deployment::{Deployment, Options, Surroundings, ThirdParty};
use super::start::StartError;
use crate::account::REGION;
use crate::clock::Clock;
use crate::cognito::Cognito;
use crate::dynamodb::{self, Endpoint, Permit};
use crate::edge::Edge;
use crate::faults::Faults;
use crate::iam::{Roles, dynamodb_needs};
use crate::mail::Mail;
use crate::s3::{self, Buckets};
use crate::secrets::Secrets;
use crate::sns::Topics;
use crate::sqs::Queues;
use crate::template::{self, Template};
use crate::usage::Usage;

/// The secret of every access key: only the signatures of presigned URLs are checked.
pub(super) const SECRET_KEY: &str = "local-secret-access-key";

/// The embedded services that functions call.
pub struct Services {
    /// `http://localhost:<port>`, without a trailing slash.
    pub base_url: String,
    pub template: Template,
    pub clock: Clock,
    pub faults: Faults,
    /// Round trips and capacity units of each route.
    pub usage: Usage,
    /// The roles of functions and pipes.
    pub roles: Roles,
    pub dynamodb: Arc<Endpoint>,
    pub queues: Queues,
    pub buckets: Buckets,
    pub cognito: Cognito,
    pub secrets: Secrets,
    /// What stands before the gateway and the bucket of pictures, if the template has it.
    pub(super) edge: Option<Edge>,
    /// SES, with the mail that was sent.
    pub mail: Mail,
    /// The third parties' sandboxes.
    pub(super) third_parties: Vec<Arc<dyn ThirdParty>>,
    /// The environment variables that name third parties, with their URLs here.
    third_party_urls: BTreeMap<&'static str, String>,
    pub(super) data_directory: DataDirectory,
    ready: AtomicBool,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Services").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Checks calls to DynamoDB against the roles.
struct TablePermit(Roles);

impl Permit for TablePermit {
    fn denied(&self, access_key_id: &str, operation: &str, body: &Value) -> Option<String> {
        match dynamodb_needs(operation, body) {
            Ok(needs) => self.0.check(access_key_id, &needs).err().map(|denied| denied.to_string()),
            Err(unreadable) => Some(unreadable.to_string()),
        }
    }
}

/// The edge of the template, with the values of its secrets.
fn edge_of(template: &Template, secrets: &Secrets, clock: &Clock) -> Option<Edge> {
    let mut distribution = template.edge.clone()?;
    for (_, value) in distribution.origins.iter_mut().flat_map(|origin| &mut origin.headers) {
        *value = secrets.resolved(value);
    }
    Some(Edge::new(distribution, clock.clone()))
}

impl Services {
    pub(super) fn open(
        options: &Options,
        deployment: &dyn Deployment,
        address: SocketAddr,
    ) -> Result<Self, StartError> {
        let data_directory = DataDirectory::open(options.data.as_deref())?;
        let clock = options.clock.clone();
        clock.advance(data_directory.clock_offset());
        let base_url = format!("http://localhost:{}", address.port());
        let template = Template::parse(deployment.template(), &deployment.site(&base_url))?;
        let roles = Roles::of(&template.stack, template.roles());
        let roles = match &options.removed_statement {
            Some((function, sid)) => roles.without(function, sid),
            None => roles,
        };
        let (faults, usage) = (Faults::default(), Usage::default());
        let permit = {
            let roles = roles.clone();
            Arc::new(move |key: &str, action: &str, resource: &str| roles.allows(key, action, resource))
                as crate::sqs::Permit
        };
        let file = |name: &str| data_directory.file(name);
        let endpoint_options = dynamodb::Options {
            history_from_start: options.history_from_start,
            rate_limit_prefix: deployment.rate_limit_prefix(),
            shards: options.stream_shards,
            ..dynamodb::Options::default()
        };
        let dynamodb = Endpoint::open(
            file("dynamodb.sqlite").as_deref(),
            Arc::new(TablePermit(roles.clone())),
            faults.clone(),
            usage.clone(),
            clock.clone(),
            endpoint_options,
        )
        .map_err(|error| StartError::service("DynamoDB")(&error))?;
        dynamodb.create_tables(&template.tables).map_err(|error| StartError::service("DynamoDB")(&error))?;
        let queues = Queues::open(
            file("sqs.sqlite").as_deref(),
            clock.clone(),
            Arc::clone(&permit),
            faults.clone(),
            &format!("{base_url}/_aws/sqs"),
        )
        .map_err(|error| StartError::service("SQS")(&error))?;
        queues.create(template.queues.clone()).map_err(|error| StartError::service("SQS")(&error))?;
        let identity = template.user_pool.mail_identity.clone();
        let mail = Mail::open(file("mail.sqlite").as_deref(), clock.clone(), Arc::clone(&permit), identity)
            .map_err(|error| StartError::service("SES")(&error))?
            .with_configuration_sets(
                template.configuration_sets.clone(),
                Topics::new(template.topics.clone(), queues.clone()),
            );
        let cognito = Cognito::open(
            file("cognito.sqlite").as_deref(),
            clock.clone(),
            mail.clone(),
            Arc::clone(&permit),
            options.hashing.clone(),
            template.user_pool.clone(),
        )?;
        let buckets = open_buckets(file("s3").as_deref(), &template, &queues, &permit, &clock, &faults)?;
        let secrets = Secrets::new(&template.secrets, |id| deployment.secret(id), clock.clone(), permit);
        let edge = edge_of(&template, &secrets, &clock);
        let third_parties = deployment
            .third_parties(&Surroundings { clock: &clock, faults: &faults, file: &file })
            .map_err(|error| StartError::service("a third party's sandbox")(&error))?;
        let third_party_urls = deployment
            .third_party_urls()
            .into_iter()
            .map(|(variable, prefix)| (variable, format!("{}{prefix}", on_loopback(&base_url))))
            .collect();
        Ok(Self {
            base_url,
            template,
            clock,
            faults,
            usage,
            roles,
            dynamodb: Arc::new(dynamodb),
            queues,
            buckets,
            cognito,
            secrets,
            edge,
            mail,
            third_parties,
            third_party_urls,
            data_directory,
            ready: AtomicBool::new(false),
        })
    }

    /// The base URL for SDK clients. Its host is an IP address, because the SDK would prefix a host name with the
    /// bucket's.
    pub(super) fn endpoint_base(&self) -> String {
        on_loopback(&self.base_url)
    }

    /// The path of a file in the data directory; `None` for a cloud in memory.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.data_directory.file(name)
    }

    /// Marks the cloud as ready.
    pub(super) fn ready(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    /// The environment of a function: the template's variables, those that Lambda sets, and the local endpoints.
    pub fn environment(&self, function: &template::Function) -> BTreeMap<String, String> {
        let mut variables = function.environment.clone();
        for value in variables.values_mut() {
            *value = self.secrets.resolved(value);
        }
        let endpoint_base = self.endpoint_base();
        for (name, value) in [
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", Roles::key_of(&function.id)),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_SESSION_TOKEN", format!("local-session-of-{}", function.id)),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("{endpoint_base}/_aws/dynamodb")),
            ("AWS_ENDPOINT_URL_SQS", format!("{endpoint_base}/_aws/sqs")),
            ("AWS_ENDPOINT_URL_SESV2", format!("{endpoint_base}/_aws/ses")),
            ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", format!("{endpoint_base}/_aws/cognito")),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("{endpoint_base}/_aws/secrets")),
            ("AWS_ENDPOINT_URL_S3", s3::endpoint(&format!("{endpoint_base}/_aws/s3"))),
        ] {
            variables.insert(name.to_owned(), value);
        }
        for (name, url) in &self.third_party_urls {
            if let Some(value) = variables.get_mut(*name) {
                value.clone_from(url);
            }
        }
        variables
    }
}

/// The URL with an IP address as its host.
fn on_loopback(base_url: &str) -> String {
    base_url.replace("localhost", "127.0.0.1")
}

fn open_buckets(
    root: Option<&Path>,
    template: &Template,
    queues: &Queues,
    permit: &crate::sqs::Permit,
    clock: &Clock,
    faults: &Faults,
) -> Result<Buckets, StartError> {
    let settings = s3::Settings {
        prefix: "/_aws/s3".to_owned(),
        secret: SECRET_KEY.to_owned(),
        permit: Arc::clone(permit),
        clock: clock.clone(),
        faults: faults.clone(),
        notify: notifier(queues),
    };
    Buckets::open(root, template.buckets.clone(), settings).map_err(|error| StartError::service("S3")(&error))
}

/// Sends a bucket's notifications to its queue.
fn notifier(queues: &Queues) -> s3::Notify {
    let queues = queues.clone();
    Arc::new(move |queue: &str, event: String| {
        let sent = queues.send(queue, &event, &crate::sqs::MessageAttributes::default());
        sent.map(drop).map_err(|error| error.to_string())
    })
}
