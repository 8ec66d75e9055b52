//! What survives a restart, and the indexes that keep storage fast.

use super::*;

fn put(endpoint: &Endpoint, table: &str, item: Value) -> impl Future<Output = Outcome> {
    let body = json!({ "TableName": table, "Item": item }).to_string();
    async move { endpoint.call(&Caller::root(), "PutItem", body.as_bytes()).await }
}

fn endpoint(path: Option<&Path>) -> Arc<Endpoint> {
    Arc::new(
        Endpoint::open(
            path,
            Arc::new(PermitAll),
            Faults::default(),
            Usage::default(),
            Clock::frozen(Timestamp::from_millis(0)),
            Options::default(),
        )
        .unwrap(),
    )
}

async fn exists(endpoint: &Endpoint, table: &str, pk: &str) -> bool {
    let body = json!({ "TableName": table, "Key": key(pk) }).to_string();
    let Outcome::Answer(_, answer) = endpoint.call(&Caller::root(), "GetItem", body.as_bytes()).await else { panic!() };
    serde_json::from_slice::<Value>(&answer).unwrap().get("Item").is_some()
}

#[tokio::test]
async fn items_and_checkpoints_survive_a_restart_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    {
        let endpoint = endpoint(Some(&path));
        endpoint.create_tables(&[orders()]).unwrap();
        put(&endpoint, "Orders", key("a")).await;
        put(&endpoint, "Orders", key("b")).await;
        let mut consumer = endpoint.consumer("pipe", "Orders", Start::TrimHorizon).unwrap();
        let first = consumer.next(1).unwrap();
        consumer.commit(first[0].position).unwrap();
    }
    let endpoint = endpoint(Some(&path));
    // Schemas are loaded before the template is applied again, so that conflicts are detected from the first call.
    assert!(endpoint.hold("Orders", &[key("a")]).is_some_and(|hold| format!("{hold:?}").contains("Orders")));
    endpoint.create_tables(&[orders()]).unwrap();
    assert!(exists(&endpoint, "Orders", "a").await);
    let mut consumer = endpoint.consumer("pipe", "Orders", Start::TrimHorizon).unwrap();
    let next = consumer.next(10).unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].event["dynamodb"]["NewImage"], key("b"));
}

#[tokio::test]
async fn a_changed_template_changes_indexes_and_streams_and_keeps_items() {
    let endpoint = endpoint(None);
    endpoint.create_tables(&[orders()]).unwrap();
    let mut item = key("a");
    item["buyer_key"] = json!({ "S": "B" });
    put(&endpoint, "Orders", item).await;
    let by_buyer = Index {
        name: "by_buyer".to_owned(),
        key: Key { hash: Attribute::text("buyer_key"), range: None },
        projection: Projection::KeysOnly,
    };
    let changed = Table { indexes: vec![by_buyer], stream: None, ..orders() };
    endpoint.create_tables(std::slice::from_ref(&changed)).unwrap();
    endpoint.create_tables(&[changed]).unwrap();
    let query = json!({
        "TableName": "Orders", "IndexName": "by_buyer", "KeyConditionExpression": "buyer_key = :b",
        "ExpressionAttributeValues": { ":b": { "S": "B" } },
    });
    let Outcome::Answer(_, answer) = endpoint.call(&Caller::root(), "Query", query.to_string().as_bytes()).await else {
        panic!()
    };
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["Count"], 1);
    assert!(!read(&endpoint.schemas)["Orders"].streamed);

    let other_key = Table { key: Key { hash: Attribute::text("id"), ..orders().key }, ..orders() };
    assert!(matches!(endpoint.create_tables(&[other_key]), Err(OpenError::OtherKey(table)) if table == "Orders"));
}

#[tokio::test]
async fn the_streams_order_is_found_by_an_index_and_never_by_reading_the_stream() {
    let endpoint = endpoint(None);
    let state = endpoint.state();
    let sqlite = state.engine.database.connection();
    // These statements are copies of dynoxide's. If its tables change, they fail or no longer use the index.
    for statement in [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'Orders'",
        "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
             FROM _stream_records
             WHERE table_name = 'Orders' AND shard_id = 's' AND CAST(sequence_number AS INTEGER) > 5
             ORDER BY CAST(sequence_number AS INTEGER) ASC
             LIMIT 10",
    ] {
        let plan: Vec<String> = sqlite
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap()
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH") && step.contains("bozor_stream_order")), "{plan:?}");
    }
    assert!(
        include_str!("../../../../../Cargo.toml").contains(r#"dynoxide-rs = { version = "=3.2.0""#),
        "another dynoxide: compare its statements on _stream_records with those above"
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_at_that_moment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let endpoint = endpoint(Some(&path));
    endpoint.create_tables(&[orders()]).unwrap();
    let mut consumer = endpoint.consumer("pipe", "Orders", Start::TrimHorizon).unwrap();
    for pk in ["a", "b", "c"] {
        put(&endpoint, "Orders", key(pk)).await;
    }
    let first = consumer.next(1).unwrap().remove(0).position;
    consumer.commit(first).unwrap();
    // The files as a kill -9 leaves them: connections open, the WAL not merged.
    let killed = directory.path().join("killed.sqlite");
    for end in ["", "-wal"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(&path), name(&killed)).unwrap();
    }
    let again = self::endpoint(Some(&killed));
    for pk in ["a", "b", "c"] {
        assert!(exists(&again, "Orders", pk).await, "{pk}");
    }
    let mut consumer = again.consumer("pipe", "Orders", Start::TrimHorizon).unwrap();
    assert_eq!(consumer.next(10).unwrap().len(), 2);
}

#[tokio::test]
async fn a_stream_keeps_only_what_its_slowest_consumer_still_needs() {
    let endpoint = endpoint(None);
    endpoint.create_tables(&[orders()]).unwrap();
    let mut fast = endpoint.consumer("fast", "Orders", Start::Latest).unwrap();
    let mut slow = endpoint.consumer("slow", "Orders", Start::TrimHorizon).unwrap();
    for pk in ["a", "b", "c", "d"] {
        put(&endpoint, "Orders", key(pk)).await;
    }
    let all = fast.next(10).unwrap();
    fast.commit(all[3].position).unwrap();
    assert_eq!(endpoint.stream_length("Orders").unwrap(), 4);
    slow.commit(all[1].position).unwrap();
    assert_eq!(endpoint.stream_length("Orders").unwrap(), 2);
    assert_eq!(slow.next(10).unwrap()[0].position, all[2].position);
    endpoint.retain_consumers(&["fast"]).unwrap();
    fast.commit(all[3].position).unwrap();
    assert_eq!(endpoint.stream_length("Orders").unwrap(), 1, "the next record is numbered from the last one");
    assert!(fast.next(10).unwrap().is_empty());
    put(&endpoint, "Orders", key("e")).await;
    assert!(fast.next(10).unwrap()[0].position > all[3].position);
}

#[tokio::test]
async fn a_record_has_the_form_that_lambda_and_pipes_deliver() {
    let endpoint = endpoint(None);
    endpoint.create_tables(&[orders()]).unwrap();
    put(&endpoint, "Orders", key("a")).await;
    let mut consumer = endpoint.consumer("pipe", "Orders", Start::TrimHorizon).unwrap();
    let record = consumer.next(10).unwrap().remove(0).event;
    assert_eq!(record["eventSourceARN"], consumer.stream_arn().unwrap());
    assert!(consumer.stream_arn().unwrap().starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/"));
    let typed: aws_lambda_events::dynamodb::EventRecord = serde_json::from_value(record.clone()).unwrap();
    assert_eq!((typed.event_name.as_str(), typed.aws_region.as_str()), ("INSERT", "us-east-1"));
    let parts: Vec<&str> = record["dynamodb"].as_object().unwrap().keys().map(String::as_str).collect();
    for part in ["ApproximateCreationDateTime", "Keys", "NewImage", "SequenceNumber", "SizeBytes", "StreamViewType"] {
        assert!(parts.contains(&part), "{part} of {parts:?}");
    }
}

#[tokio::test]
async fn items_expire_two_days_late() {
    let endpoint = endpoint(None);
    endpoint.create_tables(&[carts()]).unwrap();
    for (pk, expires) in [("old", 1_000), ("newer", 1_001)] {
        let mut item = key(pk);
        item["expires_at_s"] = json!({ "N": expires.to_string() });
        put(&endpoint, "Carts", item).await;
    }
    put(&endpoint, "Carts", key("forever")).await;
    let at = Timestamp::from_millis(1_001_000);
    assert_eq!(endpoint.delete_expired(at).unwrap(), 0);
    assert!(exists(&endpoint, "Carts", "old").await, "a read returns it until it is deleted");
    assert_eq!(endpoint.delete_expired(at + TTL_DELAY).unwrap(), 1);
    assert!(!exists(&endpoint, "Carts", "old").await && exists(&endpoint, "Carts", "newer").await);
    assert_eq!(endpoint.delete_expired(at + TTL_DELAY + Duration::from_secs(1)).unwrap(), 1);
    assert!(exists(&endpoint, "Carts", "forever").await);
}
