//! Limits of items, keys, expressions and transactions
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).

use super::*;

/// The type and the message of a refusal; for a cancelled transaction also the codes of its reasons.
async fn refusal(cloud: &Cloud, operation: &str, body: Value) -> (String, String) {
    let outcome = cloud.endpoint.call(&Caller::root(), operation, body.to_string().as_bytes()).await;
    let Outcome::Answer(status, body) = outcome else { panic!("dropped") };
    if status == StatusCode::OK {
        return ("OK".to_owned(), String::new());
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let kind = body["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
    let message = ["message", "Message"].iter().find_map(|name| body[name].as_str()).unwrap_or_default();
    let reason =
        body["CancellationReasons"].as_array().into_iter().flatten().find_map(|reason| reason["Message"].as_str());
    (kind, reason.unwrap_or(message).to_owned())
}

fn item(fields: Value) -> Value {
    let mut item = key("a");
    item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    item
}

fn put(fields: Value) -> Value {
    json!({ "TableName": "Orders", "Item": item(fields) })
}

fn update(expression: &str, values: Value) -> Value {
    json!({
        "TableName": "Orders", "Key": key("a"), "UpdateExpression": expression, "ExpressionAttributeValues": values,
    })
}

fn text(length: usize) -> Value {
    json!({ "S": "x".repeat(length) })
}

const OK: &str = "OK";
const INVALID: &str = "ValidationException";

#[tokio::test]
async fn an_index_key_is_at_most_as_long_as_a_tables() {
    let cloud = Cloud::open(&[orders()]).await;
    let of = |name: &str, size: usize, limit: usize| {
        format!(
            "One or more parameter values were invalid: Size limit exceeded for Index Key {name} Actual Size: {size} \
             bytes Max Size: {limit} bytes IndexName: by_state"
        )
    };
    for (name, limit) in [("state_key", 2_048), ("state_sort", 1_024)] {
        let (fits, too_long) = (json!({ name: text(limit) }), json!({ name: text(limit + 1) }));
        let message = of(name, limit + 1, limit);
        let refused = (INVALID.to_owned(), message.clone());
        assert_eq!(refusal(&cloud, "PutItem", put(fits.clone())).await.0, OK);
        assert_eq!(refusal(&cloud, "PutItem", put(too_long.clone())).await, refused);
        let batch = |fields: &Value| json!({ "RequestItems": { "Orders": [{ "PutRequest": { "Item": item(fields.clone()) } }] } });
        assert_eq!(refusal(&cloud, "BatchWriteItem", batch(&fits)).await.0, OK);
        assert_eq!(refusal(&cloud, "BatchWriteItem", batch(&too_long)).await, refused);
        for expression in [format!("SET {name} = :v"), "SET #n=:v".to_owned(), format!("SET kept = :v, {name} = kept")]
        {
            let mut request = update(&expression, json!({ ":v": too_long[name] }));
            if expression.contains('#') {
                request["ExpressionAttributeNames"] = json!({ "#n": name });
            }
            if expression.contains("= kept") {
                // A copy of another attribute does not show in the request.
                request["UpdateExpression"] = json!(format!("SET {name} = kept"));
                request.as_object_mut().unwrap().remove("ExpressionAttributeValues");
                let kept = put(json!({ "kept": too_long[name] }));
                assert_eq!(refusal(&cloud, "PutItem", kept).await.0, OK);
            }
            assert_eq!(refusal(&cloud, "UpdateItem", request.clone()).await, refused, "{expression}");
            let transaction = json!({ "TransactItems": [
                { "Put": { "TableName": "Orders", "Item": key("other") } }, { "Update": request },
            ] });
            let cancelled = ("TransactionCanceledException".to_owned(), message.clone());
            assert_eq!(refusal(&cloud, "TransactWriteItems", transaction).await, cancelled, "{expression}");
        }
        let shorter =
            update(&format!("SET {name} = :v, extra = :long"), json!({ ":v": text(limit), ":long": text(5_000) }));
        assert_eq!(
            refusal(&cloud, "UpdateItem", shorter).await,
            (OK.to_owned(), String::new()),
            "others may be longer"
        );
    }
    let left = cloud.client("LOCALROOT").get_item().table_name("Orders").key("pk", s("other")).key("sk", s("ORDER"));
    assert!(left.send().await.unwrap().item.is_none(), "nothing of a cancelled transaction is written");
}

#[tokio::test]
async fn an_index_key_is_text_where_the_index_wants_text_and_is_not_empty() {
    let cloud = Cloud::open(&[orders()]).await;
    for (value, part) in [
        (json!({ "N": "1" }), "Type mismatch for Index Key state_key Expected: S Actual: N IndexName: by_state"),
        (json!({ "S": "" }), "empty string value"),
    ] {
        let (kind, message) = refusal(&cloud, "PutItem", put(json!({ "state_key": value }))).await;
        assert_eq!(kind, INVALID);
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_key_is_as_long_as_it_may_be_in_a_write_and_in_a_query() {
    let cloud = Cloud::open(&[orders()]).await;
    let hash =
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes";
    let range = "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size \
                 limit of 1024 bytes";
    let named = |pk: usize, sk: usize| json!({ "TableName": "Orders", "Key": { "pk": text(pk), "sk": text(sk) } });
    assert_eq!(refusal(&cloud, "GetItem", named(2_048, 1_024)).await.0, OK);
    assert_eq!(refusal(&cloud, "GetItem", named(2_049, 1)).await, (INVALID.into(), hash.into()));
    assert_eq!(refusal(&cloud, "DeleteItem", named(1, 1_025)).await, (INVALID.into(), range.into()));
    let query = |index: Option<&str>, condition: &str, first: usize, second: usize| {
        let mut query = json!({
            "TableName": "Orders", "KeyConditionExpression": condition,
            "ExpressionAttributeValues": { ":p": text(first), ":s": text(second) },
        });
        if let Some(index) = index {
            query["IndexName"] = json!(index);
        }
        query
    };
    for (index, condition) in [
        (None, "pk = :p AND sk = :s"),
        (None, "pk = :p AND begins_with(sk, :s)"),
        (Some("by_state"), "state_key = :p AND state_sort <= :s"),
        (Some("by_state"), "state_sort > :s and state_key = :p"),
    ] {
        assert_eq!(refusal(&cloud, "Query", query(index, condition, 2_048, 1_024)).await.0, OK, "{condition}");
        assert_eq!(refusal(&cloud, "Query", query(index, condition, 2_049, 1)).await.1, hash, "{condition}");
        assert_eq!(refusal(&cloud, "Query", query(index, condition, 1, 1_025)).await.1, range, "{condition}");
    }
}

/// The messages: <https://github.com/aws/aws-sdk-js/issues/3721> and
/// <https://github.com/scylladb/scylladb/blob/master/test/alternator/test_limits.py>.
#[tokio::test]
async fn an_expression_has_300_operators_a_list_100_operands_and_4096_bytes() {
    let cloud = Cloud::open(&[orders()]).await;
    let condition = |text: String| {
        let mut request = put(json!({}));
        request["ConditionExpression"] = json!(text);
        request["ExpressionAttributeValues"] = json!({ ":v": { "N": "1" } });
        request
    };
    let any = |count: usize| vec!["a<:v"; count].join(" or ");
    let (kind, message) = refusal(&cloud, "PutItem", condition(any(151))).await;
    assert_eq!(
        (kind.as_str(), message.as_str()),
        (INVALID, "Invalid ConditionExpression: The expression contains too many operators; operator count: 301")
    );
    // 299 operators: the condition is evaluated, and not met.
    assert_eq!(refusal(&cloud, "PutItem", condition(any(150))).await.0, "ConditionalCheckFailedException");
    let transaction = json!({ "TransactItems": [{ "Put": condition(any(151)) }] });
    assert_eq!(refusal(&cloud, "TransactWriteItems", transaction).await, (kind, message));

    let list = |size: usize| {
        let names: Vec<String> = (0..size).map(|at| format!(":v{at}")).collect();
        let values: serde_json::Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!({ "S": name }))).collect();
        let mut request = put(json!({}));
        request["ConditionExpression"] = json!(format!("a IN ({})", names.join(",")));
        request["ExpressionAttributeValues"] = Value::Object(values);
        request
    };
    assert_eq!(refusal(&cloud, "PutItem", list(100)).await.0, "ConditionalCheckFailedException");
    assert_eq!(
        refusal(&cloud, "PutItem", list(101)).await.1,
        "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"
    );
    let long = condition(format!("{} = :v", "a".repeat(4_092)));
    let (kind, message) = refusal(&cloud, "PutItem", long).await;
    assert_eq!(kind, INVALID);
    assert!(message.contains("Expression size has exceeded the maximum allowed size"), "{message}");
    let unused = update("SET b = :v", json!({ ":v": { "N": "1" }, ":w": { "N": "1" } }));
    assert!(refusal(&cloud, "UpdateItem", unused).await.1.contains("unused in expressions: keys: {:w}"));
}

#[tokio::test]
async fn a_transaction_is_at_most_4_mb_and_an_update_counts_with_all_of_its_item() {
    let cloud = Cloud::open(&[orders()]).await;
    let key = |at: usize| json!({ "pk": { "S": at.to_string() }, "sk": { "S": "ORDER" } });
    for at in 0..12 {
        let mut item = key(at);
        item["payload"] = text(380_000);
        assert_eq!(refusal(&cloud, "PutItem", json!({ "TableName": "Orders", "Item": item })).await.0, OK);
    }
    let touch = |at: usize| {
        json!({ "Update": {
        "TableName": "Orders", "Key": key(at), "UpdateExpression": "SET touched = :now",
        "ExpressionAttributeValues": { ":now": { "N": "1" } },
    } })
    };
    let shrink = |at: usize| {
        json!({ "Update": {
        "TableName": "Orders", "Key": key(at), "UpdateExpression": "SET payload = :now",
        "ExpressionAttributeValues": { ":now": { "N": "1" } },
    } })
    };
    let transaction = |actions: Vec<Value>| json!({ "TransactItems": actions });
    let (kind, message) = refusal(&cloud, "TransactWriteItems", transaction((0..12).map(touch).collect())).await;
    assert_eq!(kind, INVALID);
    assert!(message.contains("exceeding the 4MB limit"), "{message}");
    let reads: Vec<Value> = (0..12).map(|at| json!({ "Get": { "TableName": "Orders", "Key": key(at) } })).collect();
    assert_eq!(refusal(&cloud, "TransactGetItems", transaction(reads)).await.1, message);
    // Eleven of them are 4.18 MB, which is less than 4 MiB; and items that become small count as what they become.
    let ok = (OK.to_owned(), String::new());
    assert_eq!(refusal(&cloud, "TransactWriteItems", transaction((0..11).map(touch).collect())).await, ok);
    assert_eq!(refusal(&cloud, "TransactWriteItems", transaction((0..12).map(shrink).collect())).await, ok);
    assert_eq!(refusal(&cloud, "TransactWriteItems", transaction((0..101).map(touch).collect())).await.0, INVALID);
    let twice = transaction(vec![touch(1), touch(1)]);
    assert!(refusal(&cloud, "TransactWriteItems", twice).await.1.contains("multiple operations on one item"));
}

/// What dynoxide checks already, so that a change of it is noticed.
#[tokio::test]
async fn items_sets_numbers_and_batches_have_their_limits() {
    let cloud = Cloud::open(&[orders()]).await;
    let name_of_attribute = "n".repeat(1_000);
    // Names count: "pk" and "a", "sk" and "ORDER" are 10 bytes.
    let of_size = |size: usize| put(json!({ name_of_attribute.clone(): text(size - 1_000 - 10) }));
    assert_eq!(refusal(&cloud, "PutItem", of_size(400 * 1_024)).await.0, OK);
    let (kind, message) = refusal(&cloud, "PutItem", of_size(400 * 1_024 + 1)).await;
    assert_eq!((kind.as_str(), message.as_str()), (INVALID, "Item size has exceeded the maximum allowed size"));
    for (value, part) in [
        (json!({ "SS": [] }), "An string set  may not be empty"),
        (json!({ "N": "1".repeat(39) }), "more than 38 significant digits"),
        (json!({ "SS": ["a", "a"] }), "duplicates"),
    ] {
        let (kind, message) = refusal(&cloud, "PutItem", put(json!({ "value": value }))).await;
        assert_eq!(kind, INVALID);
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(refusal(&cloud, "PutItem", put(json!({ "value": { "N": "9".repeat(38) } }))).await.0, OK);
    let deep = |depth: usize| (0..depth).fold(json!({ "S": "x" }), |value, _| json!({ "L": [value] }));
    assert_eq!(refusal(&cloud, "PutItem", put(json!({ "value": deep(31) }))).await.0, OK);
    assert_eq!(refusal(&cloud, "PutItem", put(json!({ "value": deep(32) }))).await.0, INVALID);
    let batch = |size: usize| {
        let puts: Vec<Value> =
            (0..size).map(|at| json!({ "PutRequest": { "Item": super::key(&at.to_string()) } })).collect();
        json!({ "RequestItems": { "Orders": puts } })
    };
    assert_eq!(refusal(&cloud, "BatchWriteItem", batch(25)).await.0, OK);
    assert_eq!(refusal(&cloud, "BatchWriteItem", batch(26)).await.0, INVALID);
}
