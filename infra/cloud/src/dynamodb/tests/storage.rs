//! What survives a restart, and the indexes that keep storage fast.

use super::*;
use crate::dynamodb::records::RECORDS_AFTER;

fn put(endpoint: &Endpoint, table: &str, item: Value) -> impl Future<Output = Outcome> {
    let body = json!({ "TableName": table, "Item": item }).to_string();
    async move { endpoint.call(&Caller::root(), "PutItem", body.as_bytes()).await }
}

/// An endpoint whose streams have one shard each.
fn endpoint(path: Option<&Path>) -> Arc<Endpoint> {
    endpoint_with(1, path)
}

fn endpoint_with(shards: usize, path: Option<&Path>) -> Arc<Endpoint> {
    Arc::new(
        Endpoint::open(
            path,
            Arc::new(PermitAll),
            Faults::default(),
            Usage::default(),
            Clock::frozen(Timestamp::from_millis(0)),
            Options { shards, ..Options::default() },
        )
        .unwrap(),
    )
}

/// The consumer of the only shard.
fn consumer(endpoint: &Arc<Endpoint>, name: &str, start: Start) -> Consumer {
    let mut all = endpoint.consumers(name, "Orders", start).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The keys of all records that the consumers of this name have not committed, and how many each shard has.
fn unread(endpoint: &Arc<Endpoint>, name: &str) -> (Vec<String>, Vec<usize>) {
    let (mut keys, mut sizes) = (Vec::new(), Vec::new());
    for consumer in &mut endpoint.consumers(name, "Orders", Start::TrimHorizon).unwrap() {
        let records = consumer.next(1_000).unwrap();
        sizes.push(records.len());
        keys.extend(records.iter().map(|one| one.event["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned()));
    }
    keys.sort();
    (keys, sizes)
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
        let mut consumer = self::consumer(&endpoint, "pipe", Start::TrimHorizon);
        let first = consumer.next(1).unwrap();
        consumer.commit(first[0].position).unwrap();
    }
    let endpoint = endpoint(Some(&path));
    // Schemas are loaded before the template is applied again, so that conflicts are detected from the first call.
    assert!(endpoint.hold("Orders", &[key("a")]).is_some_and(|hold| format!("{hold:?}").contains("Orders")));
    endpoint.create_tables(&[orders()]).unwrap();
    assert!(exists(&endpoint, "Orders", "a").await);
    let mut consumer = self::consumer(&endpoint, "pipe", Start::TrimHorizon);
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
    // The first statement is a copy of dynoxide's. If its tables change, it fails or no longer uses the index.
    for (statement, index) in [
        (
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'Orders'",
            "bozor_stream_order",
        ),
        (&RECORDS_AFTER.replace("?1", "'Orders'").replace("?2", "5"), "bozor_stream_order"),
    ] {
        let plan: Vec<String> = sqlite
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap()
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH") && step.contains(index)), "{plan:?}");
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
    let mut consumer = self::consumer(&endpoint, "pipe", Start::TrimHorizon);
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
    let mut consumer = self::consumer(&again, "pipe", Start::TrimHorizon);
    assert_eq!(consumer.next(10).unwrap().len(), 2);
}

#[tokio::test]
async fn a_stream_keeps_only_what_its_slowest_consumer_still_needs() {
    let endpoint = endpoint(None);
    endpoint.create_tables(&[orders()]).unwrap();
    let mut fast = consumer(&endpoint, "fast", Start::Latest);
    let mut slow = consumer(&endpoint, "slow", Start::TrimHorizon);
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
    let mut consumer = self::consumer(&endpoint, "pipe", Start::TrimHorizon);
    let record = consumer.next(10).unwrap().remove(0).event;
    assert_eq!(record["eventSourceARN"], consumer.stream_arn());
    assert!(consumer.stream_arn().starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/"));
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

#[tokio::test]
async fn the_positions_of_the_first_release_are_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let written: Vec<String> = (0..20).map(|number| format!("key_{number:02}")).collect();
    {
        let endpoint = endpoint(Some(&path));
        endpoint.create_tables(&[orders()]).unwrap();
        for pk in &written {
            put(&endpoint, "Orders", key(pk)).await;
        }
        let read = consumer(&endpoint, "pipe", Start::TrimHorizon).next(12).unwrap()[11].position;
        drop(endpoint);
        // The file as release 0.1.0 left it: one shard, named as dynoxide names it, and one position.
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        sqlite
            .execute_batch(&format!(
                "DROP TABLE bozor_positions;
                 CREATE TABLE bozor_checkpoints (
                     consumer TEXT PRIMARY KEY, table_name TEXT NOT NULL, position INTEGER NOT NULL
                 ) WITHOUT ROWID;
                 INSERT INTO bozor_checkpoints VALUES ('pipe', 'Orders', {read});"
            ))
            .unwrap();
    }
    let endpoint = endpoint_with(4, Some(&path));
    endpoint.create_tables(&[orders()]).unwrap();
    let (keys, sizes) = unread(&endpoint, "pipe");
    assert_eq!(keys, written[12..]);
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    put(&endpoint, "Orders", key("later")).await;
    assert_eq!(unread(&endpoint, "pipe").0.len(), 9);
}

#[tokio::test]
async fn a_file_of_a_release_that_stored_the_shard_of_each_record_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let left = {
        let endpoint = endpoint_with(4, Some(&path));
        endpoint.create_tables(&[orders()]).unwrap();
        for number in 0..12 {
            put(&endpoint, "Orders", key(&format!("key_{number:02}"))).await;
        }
        let mut consumers = endpoint.consumers("pipe", "Orders", Start::TrimHorizon).unwrap();
        let last = consumers[1].next(20).unwrap().pop().unwrap().position;
        consumers[1].commit(last).unwrap();
        unread(&endpoint, "pipe").0
    };
    assert!((1..12).contains(&left.len()), "{left:?}");
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    sqlite
        .execute_batch(
            "CREATE INDEX bozor_shard_order
                 ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
             CREATE TRIGGER \"bozor_shard_of_Orders\" AFTER INSERT ON _stream_records WHEN NEW.table_name = 'Orders'
             BEGIN UPDATE _stream_records SET shard_id = 'shardId-00000000000000000003-00000004' WHERE id = NEW.id; END;",
        )
        .unwrap();
    drop(sqlite);
    let endpoint = endpoint_with(4, Some(&path));
    endpoint.create_tables(&[orders()]).unwrap();
    assert_eq!(unread(&endpoint, "pipe").0, left);
    let state = endpoint.state();
    let of_ours = "SELECT name FROM sqlite_master WHERE name LIKE 'bozor\\_shard%' ESCAPE '\\'";
    let rest = state.engine.database.connection().query_row(of_ours, [], |row| row.get::<_, String>(0));
    assert!(rest.is_err(), "{rest:?}");
}

#[tokio::test]
async fn each_shard_continues_at_its_own_position_and_another_number_of_shards_loses_and_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let left = {
        let endpoint = endpoint_with(4, Some(&path));
        endpoint.create_tables(&[orders()]).unwrap();
        for number in 0..20 {
            put(&endpoint, "Orders", key(&format!("key_{number:02}"))).await;
        }
        // One shard is read to its end, one not at all, and the others partly.
        for (consumer, count) in
            endpoint.consumers("pipe", "Orders", Start::TrimHorizon).unwrap().iter_mut().zip([9, 0, 1, 2])
        {
            let records = consumer.next(20).unwrap();
            let read = count.min(records.len());
            if read > 0 {
                consumer.commit(records[read - 1].position).unwrap();
            }
        }
        unread(&endpoint, "pipe").0
    };
    assert!((5..20).contains(&left.len()), "{left:?}");
    for shards in [4, 1, 7, 4] {
        let endpoint = endpoint_with(shards, Some(&path));
        endpoint.create_tables(&[orders()]).unwrap();
        let (keys, sizes) = unread(&endpoint, "pipe");
        assert_eq!((keys, sizes.len()), (left.clone(), shards));
    }
    let two = endpoint_with(2, Some(&path));
    for consumer in &mut two.consumers("pipe", "Orders", Start::TrimHorizon).unwrap() {
        if let Some(last) = consumer.next(1_000).unwrap().last() {
            consumer.commit(last.position).unwrap();
        }
    }
    drop(two);
    let all_read = endpoint_with(3, Some(&path));
    assert_eq!(unread(&all_read, "pipe").0, Vec::<String>::new());
}

#[tokio::test]
async fn a_record_has_the_time_of_the_clouds_clock() {
    let clock = Clock::frozen(Timestamp::from_millis(1_800_000_000_000));
    let options = Options { shards: 1, ..Options::default() };
    let (faults, usage) = (Faults::default(), Usage::default());
    let endpoint = Endpoint::open(None, Arc::new(PermitAll), faults, usage, clock.clone(), options).unwrap();
    let endpoint = Arc::new(endpoint);
    endpoint.create_tables(&[orders()]).unwrap();
    put(&endpoint, "Orders", key("a")).await;
    clock.advance(Duration::from_secs(90));
    put(&endpoint, "Orders", key("b")).await;
    let records = consumer(&endpoint, "pipe", Start::TrimHorizon).next(10).unwrap();
    let times: Vec<f64> =
        records.iter().map(|one| one.event["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap()).collect();
    assert_eq!(times, [1_800_000_000.0, 1_800_000_090.0]);
}
