mod user_pool;

use serde_json::json;

use super::*;

/// A small deployment: a pool, an API with one function, a table with its stream and a queue.
const SMALL: &str = include_str!("small.yaml");

fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::parse(Texts { root: text, nested: &[] }, &Site::of("small", "http://localhost:4000"))
}

#[test]
fn a_template_becomes_its_resources_with_local_names() {
    let template = parse(SMALL).unwrap();
    let function = template.function("HelloFunction").unwrap();
    assert_eq!((function.binary.as_str(), function.memory), ("hello", 128));
    assert_eq!(function.environment["NOTES_TABLE"], template.table("NotesTable").unwrap().name);
    assert_eq!(function.environment["JOBS_QUEUE_URL"], template.queue("JobsQueue").unwrap().url);
    let routes: Vec<String> = template.api.routes.iter().map(crate::gateway::Route::key).collect();
    assert_eq!(routes, ["GET /hello/{name}"]);
    let roles = crate::iam::Roles::of(&template.stack, template.roles());
    let key = crate::iam::Roles::key_of("HelloFunction");
    assert!(roles.allows(&key, "dynamodb:GetItem", &template.table("NotesTable").unwrap().arn()));
    assert!(!roles.allows(&key, "dynamodb:PutItem", &template.table("NotesTable").unwrap().arn()));
}

#[test]
fn what_is_not_known_is_refused_with_its_path() {
    let recovery = |enabled: &str, days: u8| {
        let recovery = format!("{{PointInTimeRecoveryEnabled: {enabled}, RecoveryPeriodInDays: {days}}}");
        format!("BillingMode: PAY_PER_REQUEST\n      PointInTimeRecoverySpecification: {recovery}")
    };
    assert!(parse(&SMALL.replacen("BillingMode: PAY_PER_REQUEST", &recovery("true", 7), 1)).is_ok());
    for (from, to, path) in [
        ("VisibilityTimeout: 60", "FifoQueue: true", "Resources.JobsQueue"),
        ("!Ref NotesTable", "!Ref NoTable", "Resources.HelloFunction"),
        ("MemorySize: 128", "Memory: 128", "Resources.HelloFunction"),
        ("BillingMode: PAY_PER_REQUEST", "BillingMode: PROVISIONED", "Resources.NotesTable"),
        ("BillingMode: PAY_PER_REQUEST", recovery("true", 36).as_str(), "Resources.NotesTable"),
        ("BillingMode: PAY_PER_REQUEST", recovery("true", 0).as_str(), "Resources.NotesTable"),
        ("BillingMode: PAY_PER_REQUEST", recovery("false", 7).as_str(), "Resources.NotesTable"),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let refused = parse(&SMALL.replacen(from, to, 1)).unwrap_err();
        assert!(refused.path.starts_with(path), "{refused}");
    }
}

#[test]
fn a_pipe_lets_pass_what_its_filter_names() {
    let pipe = parse(SMALL).unwrap().pipes.pop().unwrap();
    assert!(pipe.source.filter.passes(&json!({"eventName": "INSERT"})));
    assert!(!pipe.source.filter.passes(&json!({"eventName": "REMOVE"})));
}
