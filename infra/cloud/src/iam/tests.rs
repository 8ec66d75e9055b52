use serde_json::json;

use super::*;

const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/bozor-Orders";

fn statement(sid: &str, effect: Effect, actions: &[&str], resources: &[&str]) -> Statement {
    Statement {
        role: "CartFunction".to_owned(),
        sid: sid.to_owned(),
        effect,
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
        resources: resources.iter().map(|&resource| resource.to_owned()).collect(),
    }
}

fn roles(statements: Vec<Statement>) -> Roles {
    let by_id = BTreeMap::from([("CartFunction".to_owned(), Policy { statements })]);
    Roles { stack: "bozor".to_owned(), by_id, exercised: Arc::default() }
}

#[test]
fn wildcards_stand_for_any_characters() {
    let cases = [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("a*c", "abbc", true),
        ("a*c", "abbcd", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*?", "", false),
        ("*?", "a", true),
        ("**a", "bca", true),
        ("a", "A", false),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
    }
}

#[test]
fn an_action_has_no_case_and_a_resource_has() {
    assert!(matches_action("dynamodb:getitem", "dynamodb:GetItem"));
    assert!(!matches_action("dynamodb:Get", "dynamodb:GetItem"));
    assert!(!matches_resource("arn:aws:s3:::Media/*", "arn:aws:s3:::media/a"));
    assert!(matches_resource("arn:aws:s3:::media/*", "arn:aws:s3:::media/a/b:c"));
}

#[test]
fn a_wildcard_stays_in_its_part_of_an_arn() {
    assert!(!matches_resource("arn:aws:dynamodb:*:table/a", TABLE));
    assert!(matches_resource("arn:aws:dynamodb:*:*:table/bozor-Orders", TABLE));
    assert!(!matches_resource(TABLE, &format!("{TABLE}/index/by_due")));
    assert!(matches_resource(&format!("{TABLE}*"), &format!("{TABLE}/index/by_due")));
}

#[test]
fn what_is_not_allowed_is_refused_and_a_deny_outweighs_an_allow() {
    let allow = statement("Read", Effect::Allow, &["dynamodb:GetItem", "dynamodb:Query"], &[TABLE]);
    let deny = statement("NoQuery", Effect::Deny, &["dynamodb:Q*"], &["*"]);
    let reads = Policy { statements: vec![allow.clone()] };
    assert!(reads.allows("dynamodb:GetItem", TABLE));
    assert!(reads.allows("dynamodb:Query", TABLE));
    assert!(!reads.allows("dynamodb:PutItem", TABLE));
    assert!(!reads.allows("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:000000000000:table/other"));
    for statements in [vec![allow.clone(), deny.clone()], vec![deny, allow]] {
        let both = Policy { statements };
        assert!(both.allows("dynamodb:GetItem", TABLE));
        assert!(!both.allows("dynamodb:Query", TABLE));
    }
    assert!(!Policy::default().allows("dynamodb:GetItem", TABLE));
}

#[test]
fn a_caller_is_known_by_its_access_key() {
    let roles = roles(vec![statement("Read", Effect::Allow, &["dynamodb:GetItem"], &[TABLE])]);
    assert!(roles.allows(&Roles::key_of("CartFunction"), "dynamodb:GetItem", TABLE));
    assert!(!roles.allows(&Roles::key_of("CartFunction"), "dynamodb:PutItem", TABLE));
    assert!(!roles.allows(&Roles::key_of("OtherFunction"), "dynamodb:GetItem", TABLE));
    assert!(!roles.allows("CartFunction", "dynamodb:GetItem", TABLE));
    assert!(roles.allows(ROOT_KEY, "dynamodb:DeleteTable", TABLE));
    assert!(roles.check("AKIASTRANGER", &[]).is_err());
    assert!(roles.check("LOCALCartFunction", &[]).is_ok());
}

#[test]
fn a_refusal_says_who_lacked_what_as_aws_does() {
    let roles = roles(vec![statement("None", Effect::Deny, &["dynamodb:Scan"], &["*"])]);
    let refused = |action| roles.check("LOCALCartFunction", &[Need::new(action, TABLE)]).unwrap_err().to_string();
    let user = "User: arn:aws:sts::000000000000:assumed-role/bozor-CartFunctionRole/bozor-CartFunction";
    assert_eq!(
        refused("dynamodb:GetItem"),
        format!(
            "{user} is not authorized to perform: dynamodb:GetItem on resource: {TABLE} because no identity-based \
             policy allows the dynamodb:GetItem action"
        )
    );
    assert_eq!(
        refused("dynamodb:Scan"),
        format!(
            "{user} is not authorized to perform: dynamodb:Scan on resource: {TABLE} with an explicit deny in an \
             identity-based policy"
        )
    );
    let stranger = roles.check("AKIA", &[Need::new("dynamodb:GetItem", TABLE)]).unwrap_err();
    assert_eq!(stranger.to_string(), "The security token included in the request is invalid.");
}

#[test]
fn every_need_must_be_covered() {
    let roles = roles(vec![statement("Read", Effect::Allow, &["dynamodb:GetItem"], &[TABLE])]);
    let needs = [Need::new("dynamodb:GetItem", TABLE), Need::new("dynamodb:PutItem", TABLE)];
    assert_eq!(roles.check("LOCALCartFunction", &needs).unwrap_err().need, needs[1]);
}

#[test]
fn a_statement_can_be_taken_away_and_use_is_recorded() {
    let roles = roles(vec![
        statement("Read", Effect::Allow, &["dynamodb:GetItem"], &[TABLE]),
        statement("Write", Effect::Allow, &["dynamodb:PutItem"], &[TABLE]),
    ]);
    let less = roles.without("CartFunction", "Write");
    assert!(!less.allows("LOCALCartFunction", "dynamodb:PutItem", TABLE));
    assert!(less.allows("LOCALCartFunction", "dynamodb:GetItem", TABLE));
    assert!(roles.exercised().is_empty(), "the copy has a record of its own");
    assert!(roles.clone().allows("LOCALCartFunction", "dynamodb:PutItem", TABLE));
    let call = ("CartFunction".to_owned(), "Write".to_owned(), "dynamodb:PutItem".to_owned());
    assert_eq!(roles.exercised(), BTreeSet::from([call]));
}

fn needs(operation: &str, request: &serde_json::Value) -> Vec<(String, String)> {
    let shorten = |need: Need| (need.action, need.resource.rsplit_once(":table/").unwrap().1.to_owned());
    dynamodb_needs(operation, request).unwrap().into_iter().map(shorten).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(action, resource)| (format!("dynamodb:{action}"), resource.to_owned())).collect()
}

#[test]
fn a_call_about_one_item_needs_its_own_action_on_the_table() {
    for operation in ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"] {
        assert_eq!(needs(operation, &json!({"TableName": "carts"})), pairs(&[(operation, "carts")]));
        let by_arn = json!({"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/carts"});
        assert_eq!(needs(operation, &by_arn), pairs(&[(operation, "carts")]));
    }
}

#[test]
fn a_query_of_an_index_needs_the_index_and_not_the_table() {
    let request = json!({"TableName": "orders", "IndexName": "by_due"});
    assert_eq!(needs("Query", &request), pairs(&[("Query", "orders/index/by_due")]));
    assert_eq!(needs("Scan", &request), pairs(&[("Scan", "orders/index/by_due")]));
}

#[test]
fn a_batch_needs_its_action_on_each_table() {
    let request = json!({"RequestItems": {"b": {}, "a": {}}});
    assert_eq!(needs("BatchGetItem", &request), pairs(&[("BatchGetItem", "a"), ("BatchGetItem", "b")]));
    assert_eq!(needs("BatchWriteItem", &request), pairs(&[("BatchWriteItem", "a"), ("BatchWriteItem", "b")]));
}

#[test]
fn a_transaction_needs_the_action_of_each_of_its_parts_once() {
    let request = json!({"TransactItems": [
        {"Put": {"TableName": "orders"}},
        {"Put": {"TableName": "orders"}},
        {"Update": {"TableName": "stock"}, "Delete": null},
        {"Delete": {"TableName": "carts"}},
        {"ConditionCheck": {"TableName": "catalog"}},
    ]});
    let expected =
        [("ConditionCheckItem", "catalog"), ("DeleteItem", "carts"), ("PutItem", "orders"), ("UpdateItem", "stock")];
    assert_eq!(needs("TransactWriteItems", &request), pairs(&expected));
    let request = json!({"TransactItems": [{"Get": {"TableName": "orders"}}]});
    assert_eq!(needs("TransactGetItems", &request), pairs(&[("GetItem", "orders")]));
}

#[test]
fn a_request_that_cannot_be_read_is_refused() {
    let unreadable = [
        ("GetItem", json!({})),
        ("GetItem", json!({"TableName": 1})),
        ("Query", json!({"TableName": "a", "IndexName": 1})),
        ("BatchGetItem", json!({"TableName": "a"})),
        ("TransactWriteItems", json!({"TransactItems": [{}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Get": {"TableName": "a"}}]})),
        ("TransactGetItems", json!({"TransactItems": [{"Put": {"TableName": "a"}}]})),
        ("ExecuteStatement", json!({"Statement": "SELECT * FROM \"a\""})),
    ];
    for (operation, request) in unreadable {
        assert!(dynamodb_needs(operation, &request).is_err(), "{operation} {request}");
    }
}
