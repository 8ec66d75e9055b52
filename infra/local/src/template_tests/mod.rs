//! What the embedded cloud reads in Bozor's template, and what it refuses there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cloud::dynamodb::Table;
use cloud::iam::{Effect, Roles};
use cloud::secrets::SecretValue;
use cloud::sqs::Mapping;
use cloud::template::{EventSource, Site, Template, TemplateError, Texts};
use serde_json::json;

use crate::site;

mod alarms;
mod edge;
mod mail;
mod nested;
mod released;
mod tables;

fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap()
}

fn parse(text: &str, site: &Site) -> Result<Template, TemplateError> {
    let (alarms, edge) = (nested::file("infra/observability.yaml"), nested::file("infra/edge.yaml"));
    let nested: &[(&str, &str)] = &[("infra/observability.yaml", &alarms), ("infra/edge.yaml", &edge)];
    Template::parse(Texts { root: text, nested }, site)
}

fn template() -> Template {
    parse(&text(), &site("http://localhost:3000")).unwrap()
}

/// The error after replacing `from` in the template's text by `to`, once.
fn broken(from: &str, to: &str) -> TemplateError {
    let text = text();
    assert!(text.contains(from), "the template no longer has {from:?}");
    parse(&text.replacen(from, to, 1), &site("http://localhost:3000")).unwrap_err()
}

#[test]
fn every_queue_that_is_consumed_gives_up_into_another() {
    let template = template();
    let queue = template.queue("OrderEventsQueue").unwrap();
    assert_eq!(queue.url, "http://localhost:3000/_aws/sqs/000000000000/bozor-OrderEventsQueue");
    assert_eq!(queue.arn, "arn:aws:sqs:us-east-1:000000000000:bozor-OrderEventsQueue");
    for function in &template.functions {
        for source in &function.sources {
            let dead_letters = match source {
                EventSource::Queue(Mapping { queue, .. }) => {
                    let queue = template.queues.iter().find(|other| other.name == *queue).unwrap();
                    queue.redrive.as_ref().map(|redrive| &redrive.dead_letters)
                }
                EventSource::Stream { dead_letters, .. } => dead_letters.as_ref(),
                EventSource::Schedule { .. } => continue,
            };
            assert!(template.queues.iter().any(|queue| Some(&queue.name) == dead_letters), "{}", function.id);
        }
    }
}

#[test]
fn the_projections_get_shards_of_stock_and_no_stored_responses() {
    let template = template();
    let projections = template.function("ProjectionsFunction").unwrap();
    let [EventSource::Stream { source, .. }] = projections.sources.as_slice() else { panic!("one stream") };
    let passes =
        |pk: &str| source.filter.passes(&json!({"eventName": "MODIFY", "dynamodb": {"Keys": {"pk": {"S": pk}}}}));
    assert!(passes("STOCK#var_1#000") && !passes("KEY#0a1b"));
}

#[test]
fn every_route_has_a_function_and_only_public_ones_have_no_authorizer() {
    let template = template();
    assert!(template.api.routes.len() > 60);
    for route in &template.api.routes {
        assert!(template.function(&route.function).is_some(), "{}", route.key());
        assert_eq!(route.authorizer, !route.scopes.is_empty(), "{}", route.key());
        if route.authorizer {
            assert_eq!(route.scopes, ["bozor/api"]);
        }
        let guarded = ["/v1/vendor/", "/v1/admin/", "/v1/me", "/v1/vendors/me", "/v1/invitations/"];
        if guarded.iter().any(|prefix| route.path.starts_with(prefix)) {
            assert!(route.authorizer, "{} would be open to everybody", route.key());
        }
    }
    let public = |key: &str| !template.api.routes.iter().find(|route| route.key() == key).unwrap().authorizer;
    for key in ["GET /v1/products", "POST /v1/checkout", "POST /v1/webhooks/{provider}", "POST /v1/auth/sign-in"] {
        assert!(public(key), "{key}");
    }
    for key in ["POST /v1/vendors", "POST /v1/carts/{id}/claim", "POST /v1/auth/sign-out"] {
        assert!(!public(key), "{key}");
    }
}

#[test]
fn the_api_checks_the_tokens_of_the_pool_and_its_client() {
    let template = template();
    let authorizer = &template.api.authorizer;
    assert_eq!(authorizer.header, "authorization");
    assert_eq!(authorizer.issuer, template.user_pool.issuer());
    assert_eq!(authorizer.audience, [template.user_pool.clients[0].id.as_str()]);
    assert_eq!(template.user_pool.clients[0].access_lifetime, Duration::from_secs(900));
    assert_eq!(template.user_pool.groups, ["admin"]);
    assert!(template.user_pool.clients[0].prevents_user_existence_errors);
    assert!(template.api.cors.headers.iter().any(|header| header == "idempotency-key"));
}

#[test]
fn each_function_is_a_package_of_its_own() {
    let template = template();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    let packages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(template.binaries(), packages.iter().map(String::as_str).collect());
}

#[test]
fn a_function_sees_what_the_template_gives_it_and_nothing_else() {
    let template = template();
    let catalog = template.function("CatalogFunction").unwrap();
    let expected = BTreeMap::from(
        [
            ("CATALOG_TABLE", "bozor-CatalogTable"),
            ("MAIN_CURRENCY", "USD"),
            ("MEDIA_BASE_URL", "https://bozor-mediabucket.s3.us-east-1.amazonaws.com"),
            ("LOG_LEVEL", "info"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let named: BTreeMap<String, String> = catalog
        .environment
        .iter()
        .filter(|(name, _)| expected.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert_eq!(named, expected);
    let site = site("http://localhost:1").with("MediaUrl", "http://localhost:1/media").with("MainCurrency", "UZS");
    let elsewhere = parse(&text(), &site).unwrap();
    let catalog = elsewhere.function("CatalogFunction").unwrap();
    assert_eq!(catalog.environment["MEDIA_BASE_URL"], "http://localhost:1/media");
    assert_eq!(catalog.environment["MAIN_CURRENCY"], "UZS");
}

#[test]
fn a_statement_names_its_actions_and_resources() {
    let template = template();
    let roles = Roles::of(&template.stack, template.roles());
    assert!(roles.statements().count() > 40);
    for statement in roles.statements() {
        assert_eq!(statement.effect, Effect::Allow);
        for action in &statement.actions {
            assert!(!action.contains('*'), "{} {}", statement.role, statement.sid);
        }
        for resource in &statement.resources {
            let objects_of_a_bucket = resource.starts_with("arn:aws:s3:::bozor-") && resource.ends_with("bucket/*");
            // IAM knows no resource for this one.
            let of_the_account = statement.actions == ["ses:DeleteSuppressedDestination"] && resource == "*";
            let named = !resource.contains('*') || objects_of_a_bucket || of_the_account;
            assert!(named, "{} {}", statement.role, statement.sid);
        }
    }
}

#[test]
fn a_function_may_use_every_table_queue_and_secret_that_its_environment_names() {
    let template = template();
    for function in &template.functions {
        let names_it = |arn: &str| {
            function.statements.iter().any(|statement| statement.resources.iter().any(|named| named.starts_with(arn)))
        };
        for value in function.environment.values() {
            let table = template.tables.iter().find(|table| table.name == *value).map(Table::arn);
            let queue = template.queues.iter().find(|queue| queue.url == *value).map(|queue| queue.arn.clone());
            let bucket = template.buckets.iter().find(|bucket| bucket.name == *value).map(|bucket| bucket.arn.clone());
            let secret = template.secrets.iter().find(|secret| secret.arn == *value).map(|secret| secret.arn.clone());
            for arn in [table, queue, bucket, secret].into_iter().flatten() {
                assert!(names_it(&arn), "{} is given {value} and may do nothing with it", function.id);
            }
        }
    }
}

#[test]
fn the_pipe_lets_new_events_pass_and_nothing_else() {
    let template = template();
    let [pipe] = template.pipes.as_slice() else { panic!("one pipe, not {}", template.pipes.len()) };
    assert_eq!((pipe.source.table.as_str(), pipe.queue.as_str()), ("bozor-OrdersTable", "bozor-OrderEventsQueue"));
    assert_eq!(pipe.dead_letters.as_deref(), Some("bozor-OrderEventsPipeDeadLetters"));
    assert_eq!((pipe.source.bisect, pipe.source.batch_size), (true, 10));
    assert_eq!((pipe.source.retries, pipe.source.max_age), (Some(5), Some(Duration::from_hours(24))));
    let record = |name: &str, kind: &str| json!({"eventName": name, "dynamodb": {"NewImage": {"kind": {"S": kind}}}});
    assert!(pipe.source.filter.passes(&record("INSERT", "event")));
    assert!(!pipe.source.filter.passes(&record("MODIFY", "event")));
    assert!(!pipe.source.filter.passes(&record("INSERT", "order")));
    assert!(!pipe.source.filter.passes(&json!({"eventName": "REMOVE", "dynamodb": {}})));
    let roles = Roles::of(&template.stack, template.roles());
    let key = Roles::key_of(&pipe.id);
    assert!(roles.allows(&key, "sqs:SendMessage", &template.queue("OrderEventsQueue").unwrap().arn));
}

#[test]
fn uploads_notify_the_queues_of_imports_and_of_pictures() {
    let template = template();
    let imports = template.bucket("ImportsBucket").unwrap();
    let [notification] = imports.notifications.as_slice() else { panic!("one notification") };
    assert_eq!(notification.queue, "bozor-ImportsQueue");
    for (id, key) in [("UploadsBucket", "ven_1/med_1"), ("MediaBucket", "med_1")] {
        let [of_pictures] = template.bucket(id).unwrap().notifications.as_slice() else { panic!("one notification") };
        assert!(of_pictures.queue == "bozor-PicturesQueue" && of_pictures.is_for(key));
        assert_eq!(
            of_pictures.is_for("m/mzxw6ytboi2dmnzq.jpg"),
            id == "UploadsBucket",
            "what we write asks for no work"
        );
    }
    assert!(notification.is_for("imports/a.csv") && !notification.is_for("exports/a.csv"));
    let public: Vec<&str> =
        template.buckets.iter().filter(|bucket| bucket.public_read).map(|bucket| bucket.id.as_str()).collect();
    assert_eq!(public, ["MediaBucket"]);
}

#[test]
fn queues_and_buckets_are_called_over_tls_only() {
    let template = template();
    for queue in &template.queues {
        assert!(queue.over_tls_only, "{} can be called over plain HTTP", queue.id);
    }
    for bucket in &template.buckets {
        assert!(bucket.over_tls_only, "{} can be called over plain HTTP", bucket.id);
    }
}

/// The resources of a type as they are written, by their logical ids.
fn written<'a>(text: &'a str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let (_, resources) = text.split_once("\nResources:\n").unwrap();
    let blocks = resources.split("\n\n").filter(|block| block.contains(&format!("    Type: {kind}\n")));
    let named = |block: &'a str| {
        let id = block.lines().find_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        (id.unwrap(), block)
    };
    blocks.map(named).collect()
}

/// Neither this reader nor cfn-lint knows what a first deployment leaves behind when it fails.
#[test]
fn what_holds_data_outlives_the_stack_but_not_its_failed_first_deployment() {
    let text = text();
    let kinds = [
        ("AWS::DynamoDB::Table", 8, "DeletionProtectionEnabled: !Ref Protect\n"),
        ("AWS::S3::Bucket", 4, "\n"),
        ("AWS::Cognito::UserPool", 1, "DeletionProtection: !If [IsProtected, ACTIVE, INACTIVE]\n"),
        ("AWS::SecretsManager::Secret", 6, "\n"),
    ];
    for (kind, count, protection) in kinds {
        // What the edge shows opens nothing that is stored.
        let resources: Vec<_> = written(&text, kind).into_iter().filter(|(id, _)| *id != "EdgeSecret").collect();
        assert_eq!(resources.len(), count, "{kind}");
        for (id, block) in resources {
            let kept = "    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n";
            assert!(block.contains(kept) && block.contains(protection), "{id}:\n{block}");
        }
    }
    let names = |kind: &str, name: &str| written(&text, kind).into_iter().any(|(_, block)| block.contains(name));
    assert!(!names("AWS::DynamoDB::Table", "TableName:") && !names("AWS::S3::Bucket", "BucketName:"));
}

/// The ARNs of the queues that a function consumes.
fn consumed<'a>(template: &'a Template, function: &'a cloud::template::Function) -> Vec<&'a str> {
    let arn = |name: &String| template.queues.iter().find(|queue| queue.name == *name).unwrap().arn.as_str();
    let queues = function.sources.iter().filter_map(|source| match source {
        EventSource::Queue(mapping) => Some(arn(&mapping.queue)),
        _ => None,
    });
    queues.collect()
}

/// Lambda stops a job whose messages to itself have gone round about 16 times, unless it is told not to.
#[test]
fn a_function_may_go_round_if_it_sends_to_a_queue_that_it_consumes_and_only_then() {
    let template = template();
    let mut rounds = Vec::new();
    for function in &template.functions {
        let own = consumed(&template, function);
        let sends = |statement: &cloud::iam::Statement| {
            statement.effect == Effect::Allow
                && statement.actions.iter().any(|action| action == "sqs:SendMessage")
                && statement.resources.iter().any(|resource| own.contains(&resource.as_str()))
        };
        assert_eq!(function.may_recurse, function.statements.iter().any(sends), "{}", function.id);
        rounds.extend(function.may_recurse.then_some(function.id.as_str()));
    }
    assert_eq!(rounds, ["FollowUpFunction", "ImportsFunction", "MediaFunction"]);
}

#[test]
fn each_queue_has_one_consumer_whose_concurrency_is_limited_unless_the_operator_waits_for_it() {
    let template = template();
    let mut consumers: BTreeMap<&str, usize> = BTreeMap::new();
    for function in &template.functions {
        for source in &function.sources {
            let EventSource::Queue(Mapping { queue, max_concurrency, .. }) = source else { continue };
            *consumers.entry(queue).or_default() += 1;
            let expected = if queue == "bozor-FollowUpsQueue" { None } else { Some(2) };
            assert_eq!(*max_concurrency, expected, "{queue}");
        }
    }
    assert!(consumers.len() == 8 && consumers.values().all(|count| *count == 1), "{consumers:?}");
}

#[test]
fn a_scheduled_run_that_failed_is_not_repeated() {
    for function in template().functions {
        let is_scheduled = function.sources.iter().any(|source| matches!(source, EventSource::Schedule { .. }));
        assert!(!is_scheduled || function.async_retries == 0, "{}: the next run does what is left", function.id);
    }
}

#[test]
fn housekeeping_stops_before_it_is_stopped() {
    let timeout = template().function("HousekeepingFunction").unwrap().timeout;
    assert!(timeout < Duration::from_secs(60), "the next run would begin");
    assert!(timeout.saturating_sub(housekeeping::BUDGET) >= Duration::from_secs(12), "one order may take that long");
}

#[test]
fn housekeeping_runs_each_minute() {
    let every = Duration::from_secs(60);
    assert_eq!(template().function("HousekeepingFunction").unwrap().sources, [EventSource::Schedule { every }]);
}

#[test]
fn secrets_have_the_form_that_functions_read() {
    let template = template();
    for id in ["OrderTokenSecret", "PersonsSecret"] {
        let SecretValue::Generated { template: rest, key, length } = &template.secret(id).unwrap().value else {
            panic!("{id} is generated")
        };
        assert_eq!((rest.as_str(), key.as_str(), *length), (r#"{"previous":null}"#, "current", 64), "{id}");
    }
    // A deployment would overwrite a value that stands in the template.
    let put_by_hand: Vec<&str> = template
        .secrets
        .iter()
        .filter(|secret| secret.value == SecretValue::Missing)
        .map(|secret| &*secret.id)
        .collect();
    assert_eq!(put_by_hand, ["SmsGatewaySecret", "StripeSecret", "TelegramGatewaySecret"]);
    assert!(!text().contains(" SecretString:"));
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let cases = [
        ("      BillingMode: PAY_PER_REQUEST", "      BillingMode: PROVISIONED", "Resources.CatalogTable"),
        (
            "      BillingMode: PAY_PER_REQUEST",
            "      Colour: blue\n      BillingMode: PAY_PER_REQUEST",
            "Resources.CatalogTable",
        ),
        (
            "ImportsQueuePolicy:\n    Type: AWS::SQS::QueuePolicy",
            "ImportsQueuePolicy:\n    Type: AWS::Kinesis::Stream",
            "Resources.ImportsBucket",
        ),
        ("\nResources:\n", "\nResources:\n  Line: {Type: AWS::Kinesis::Stream}\n", "Resources.Line"),
        ("!Ref CatalogTable", "!Ref CatalogsTable", "Resources.CatalogFunction"),
        ("!Ref CatalogTable", "!ImportValue CatalogTable", "YAML"),
        ("Method: GET, Path: \"/v1/products\"", "Method: EVERY, Path: \"/v1/products\"", "Resources.CatalogFunction"),
        ("Path: \"/v1/products\"", "Path: \"/v1/{all+}\"", "Resources.CatalogFunction"),
        ("/v1/products/{handle}", "/v1/products", "Resources.CatalogFunction"),
        ("rate(1 minute)", "cron(0 0 * * ? *)", "Resources.HousekeepingFunction"),
        ("[dynamodb:GetItem, dynamodb:Query]", "dynamodb:*", "Resources.CatalogFunction"),
        ("\"eventName\":[\"INSERT\"]", "\"eventName\":[{\"suffix\":\"RT\"}]", "Resources.OrderEventsPipe"),
        ("StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST", "Resources.ProjectionsFromStock"),
        ("BatchSize: 10\n", "BatchSize: 11\n", "Resources.OrderEventsPipe"),
        ("AUTOMATIC_BISECT", "NEVER", "Resources.OrderEventsPipe"),
        (
            "MaximumRecordAgeInSeconds: 86400\n          On",
            "MaximumRecordAgeInSeconds: 59\n          On",
            "Resources.OrderEventsPipe",
        ),
        (
            "MaximumRecordAgeInSeconds: 86400\n      F",
            "MaximumRecordAgeInSeconds: 604801\n      F",
            "Resources.ProjectionsFromStock",
        ),
        ("UserPoolTier: ESSENTIALS", "UsernameAttributes: [email]", "Resources.People"),
        ("UserPoolTier: ESSENTIALS", "AliasAttributes: [email]", "Resources.People"),
        ("Binary: catalog}", "Binary: cart}", "Resources"),
        ("\"aws:SecureTransport\": \"false\"", "\"aws:SecureTransport\": \"true\"", "Resources.QueuesOverTls"),
        ("        - !Ref OrderEventsQueue\n", "        - !Ref ImportsQueue\n", "Resources.QueuesOverTls"),
        ("POST /v1/webhooks/{provider}\": {Throttling", "POST /v1/hooks\": {Throttling", "Resources.Api"),
        (
            "BlockPublicPolicy: !If [HasPicturesAtEdge, true, false]",
            "BlockPublicPolicy: true",
            "Resources.MediaBucketPolicy",
        ),
        ("    Condition: HasEdge\n", "    Condition: HasHedge\n", "Resources.EdgeSecret"),
    ];
    for (from, to, path) in cases {
        let error = broken(from, to);
        assert!(error.path.starts_with(path), "{to}: {error}");
    }
}

#[test]
fn a_parameter_takes_only_what_it_allows() {
    let with = |name: &str, value: &str| parse(&text(), &site("http://localhost").with(name, value));
    assert_eq!(with("CorsOrigins", "https://a.test, https://b.test").unwrap().api.cors.origins.len(), 2);
    assert_eq!(with("ThrottleRate", "7").unwrap().api.throttles.default.rate_per_second, 7);
    assert_eq!(with("Architecture", "mips").unwrap_err().path, "Parameters.Architecture");
    assert_eq!(with("ThrottleRate", "many").unwrap_err().path, "Parameters.ThrottleRate");
    assert_eq!(with("LogLevel", "error").unwrap_err().path, "Parameters.LogLevel");
    assert_eq!(with("Unheard", "of").unwrap_err().path, "Parameters.Unheard");
}

#[test]
fn what_cannot_work_for_everybody_has_no_default() {
    let needed: Vec<&str> = ["CorsOrigins", "MailFrom", "MailIdentity", "OperatorEmail", "StoreUrl"].into();
    let all = site("http://localhost:3000");
    // The demo shop names its help besides, which others may do without.
    let with_default = ["HelpPhone", "HelpTelegram"];
    let given = all.parameters.keys().map(String::as_str).filter(|name| !with_default.contains(name));
    assert_eq!(given.collect::<Vec<_>>(), needed);
    for name in needed {
        let mut some = all.clone();
        some.parameters.remove(name);
        let error = parse(&text(), &some).unwrap_err();
        assert_eq!(error.path, format!("Parameters.{name}"));
        assert_eq!(error.reason, "it has no default and no value was given");
    }
}

#[test]
fn a_pool_mails_under_any_name_of_a_shop_and_its_client_reads_and_writes_what_the_template_says() {
    for name in ["Bozor", "Bozor, Inc. <best>", "Бозор"] {
        let site = site("http://localhost:3000").with("ShopName", name);
        let pool = parse(&text(), &site).unwrap().user_pool;
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, name);
        assert_eq!(pool.mail_from, format!("=?UTF-8?B?{encoded}?= <shop@bozor.test>"));
        assert_eq!(pool.mail_identity.as_deref(), Some("bozor.test"));
        assert!(pool.required_attributes.is_empty() && pool.immutable_attributes.is_empty());
        assert!(pool.clients[0].secret.is_some());
        assert_eq!(pool.clients[0].read_attributes.as_deref().unwrap(), ["email", "email_verified", "name"]);
        assert_eq!(pool.clients[0].write_attributes.as_deref().unwrap(), ["email", "name"]);
    }
    let from = "From: !Sub [\"=?UTF-8?B?${Name}?= <${MailFrom}>\", {Name: {\"Fn::Base64\": !Ref ShopName}}]";
    for sender in ["Bozor, Inc. <shop@bozor.test>", "Бозор <shop@bozor.test>"] {
        let refused = broken(from, &format!("From: \"{sender}\""));
        assert_eq!(refused.reason, "Provided From email address is invalid");
    }
    let writable = "WriteAttributes: [email, name]";
    for names in ["[email, email_verified]", "[email, tier]"] {
        let refused = broken(writable, &format!("WriteAttributes: {names}"));
        assert_eq!(refused.reason, "Invalid write attributes specified while creating a client", "{names}");
    }
    let refused = broken("ReadAttributes: [email, email_verified, name]", "ReadAttributes: [email, tier]");
    assert_eq!(refused.reason, "Invalid read attributes specified while creating a client");
}
