//! The template against the one that was released: what an update would replace or refuse.
//!
//! `infra/released.yaml` is `template.yaml` as the last release left it. A resource that holds data, or that somebody
//! addresses, keeps its id, its type and what CloudFormation cannot change in place.

use std::collections::{BTreeMap, BTreeSet};

use cloud::template::written_resources;
use serde_json::Value;

use super::nested::file;

/// The types of resources that keep their ids, and the properties whose change replaces the resource, as its schema
/// says (`createOnlyProperties`). Of a user pool the schema says nothing, but an update is refused
/// (<https://github.com/aws-amplify/amplify-cli/issues/4227>). Another stream of a table has another ARN, which
/// replaces whoever reads it, and another way to generate a secret generates another secret.
const KEPT: [(&str, &[&str]); 19] = [
    ("AWS::Cognito::UserPool", &["AliasAttributes", "Schema", "UsernameAttributes", "UsernameConfiguration"]),
    ("AWS::Cognito::UserPoolClient", &["GenerateSecret", "UserPoolId"]),
    ("AWS::Cognito::UserPoolGroup", &["GroupName", "UserPoolId"]),
    ("AWS::DynamoDB::Table", &["ImportSourceSpecification", "KeySchema", "StreamSpecification", "TableName"]),
    ("AWS::IAM::Role", &["Path", "RoleName"]),
    ("AWS::Lambda::EventSourceMapping", &["EventSourceArn", "StartingPosition"]),
    ("AWS::Logs::LogGroup", &["LogGroupName"]),
    ("AWS::Pipes::Pipe", &["Name", "Source"]),
    ("AWS::S3::Bucket", &["BucketName"]),
    ("AWS::S3::BucketPolicy", &["Bucket"]),
    ("AWS::SES::ConfigurationSet", &["Name"]),
    ("AWS::SES::ConfigurationSetEventDestination", &["ConfigurationSetName"]),
    ("AWS::SNS::Subscription", &["Endpoint", "Protocol", "TopicArn"]),
    ("AWS::SNS::Topic", &["FifoTopic", "TopicName"]),
    ("AWS::SQS::Queue", &["FifoQueue", "QueueName"]),
    ("AWS::SQS::QueuePolicy", &[]),
    ("AWS::SecretsManager::Secret", &["GenerateSecretString", "Name", "SecretString"]),
    ("AWS::Serverless::Function", &["FunctionName", "PackageType"]),
    ("AWS::Serverless::HttpApi", &[]),
];

/// The changes that a release makes on purpose: the id, the property (or `Type`, or nothing for a resource that is
/// gone), and why. They go when `infra/released.yaml` is that release.
const ON_PURPOSE: [(&str, &str, &str); 0] = [];

type Resources = BTreeMap<String, (String, Value)>;

fn resources(name: &str) -> Resources {
    written_resources(&file(name)).unwrap()
}

/// What an update from `released` would replace, refuse or leave behind: ids with the property that changed.
fn breaches(released: &Resources, now: &Resources) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (id, (kind, before)) in released {
        let Some((_, properties)) = KEPT.iter().find(|(kept, _)| kept == kind) else { continue };
        let Some((kind_now, after)) = now.get(id) else {
            found.insert((id.clone(), String::new()));
            continue;
        };
        if kind_now != kind {
            found.insert((id.clone(), "Type".to_owned()));
        }
        let changed = properties.iter().filter(|name| before[**name] != after[**name]);
        found.extend(changed.map(|name| (id.clone(), (*name).to_owned())));
    }
    found
}

#[test]
fn nothing_that_holds_data_or_is_addressed_is_replaced_but_on_purpose() {
    let found = breaches(&resources("infra/released.yaml"), &resources("template.yaml"));
    let meant = ON_PURPOSE.into_iter().map(|(id, property, _)| (id.to_owned(), property.to_owned())).collect();
    assert_eq!(found, meant, "left: what an update would replace; right: what ON_PURPOSE names");
}

#[test]
fn a_replacing_change_is_found() {
    let released = resources("template.yaml");
    let text = file("template.yaml");
    for (from, to, id, property) in [
        ("  OrdersTable:\n", "  PurchasesTable:\n", "OrdersTable", ""),
        ("UserPoolTier: ESSENTIALS", "AliasAttributes: [email]", "People", "AliasAttributes"),
        ("GenerateSecret: true", "GenerateSecret: false", "PeopleClient", "GenerateSecret"),
        ("PasswordLength: 64", "PasswordLength: 65", "OrderTokenSecret", "GenerateSecretString"),
        ("StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY", "StockTable", "StreamSpecification"),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = written_resources(&text.replacen(from, to, 1)).unwrap();
        let expected = BTreeSet::from([(id.to_owned(), property.to_owned())]);
        assert_eq!(breaches(&released, &changed), expected, "{from}");
    }
}

/// API Gateway refuses settings of a route that it does not have, and CloudFormation changes routes and their stage in
/// no order that suits both (<https://github.com/aws/serverless-application-model/issues/1939>).
#[test]
fn a_route_comes_before_its_settings_and_goes_after_them() {
    let settings = |resources: &Resources| -> BTreeSet<String> {
        let all = resources.values().filter_map(|(_, resource)| resource["RouteSettings"].as_object());
        all.flat_map(|settings| settings.keys().cloned()).collect()
    };
    let routes = |resources: &Resources| -> BTreeSet<String> {
        let events = resources.values().filter_map(|(_, resource)| resource["Events"].as_object());
        let routes = events.flat_map(|events| events.values()).map(|event| event["Properties"].clone());
        routes
            .filter_map(|route| {
                Some(format!("{} {}", route["Method"].as_str()?.to_uppercase(), route["Path"].as_str()?))
            })
            .collect()
    };
    let (before, now) = (resources("infra/released.yaml"), resources("template.yaml"));
    assert!(settings(&now).len() > 10 && routes(&now).len() > 50, "{} routes", routes(&now).len());
    for (of, with) in [(&before, &now), (&now, &before)] {
        let unknown: Vec<_> = settings(of).difference(&routes(with)).cloned().collect();
        assert!(unknown.is_empty(), "two deployments: {unknown:?}");
    }
}

/// Tables whose indexes come one at a time by a parameter, see
/// `a_stack_comes_from_the_indexes_of_before_to_those_of_now_one_at_a_time`.
const IN_STEPS: [&str; 1] = ["OrdersTable"];

/// CloudFormation makes or deletes one index of a table per update.
#[test]
fn a_table_gets_or_loses_one_index_at_a_time() {
    let indexes = |resource: &Value| -> BTreeSet<String> {
        let all = resource["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        all.iter().map(ToString::to_string).collect()
    };
    let now = resources("template.yaml");
    for (id, (kind, before)) in resources("infra/released.yaml") {
        let (true, Some((_, after))) = (kind == "AWS::DynamoDB::Table", now.get(&id)) else { continue };
        if IN_STEPS.contains(&id.as_str()) {
            continue;
        }
        let changes = indexes(&before).symmetric_difference(&indexes(after)).count();
        assert!(changes <= 1, "{id}: deploy one change of an index, then the next");
    }
}

#[test]
fn every_output_of_the_release_is_still_there() {
    let outputs = |name: &str| -> BTreeSet<String> {
        let text = file(name);
        let (_, outputs) = text.split_once("\nOutputs:\n").unwrap();
        outputs.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':')).map(str::to_owned).collect()
    };
    let (before, now) = (outputs("infra/released.yaml"), outputs("template.yaml"));
    assert!(before.len() >= 7 && before.is_subset(&now), "{:?}", before.difference(&now).collect::<Vec<_>>());
}
