//! Several shards, read side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Keys whose records are in different shards of four: one of each.
async fn a_key_of_each_shard(endpoint: &Arc<Endpoint>) -> Vec<String> {
    let mut found = Vec::new();
    for consumer in &mut endpoint.consumers("looks", "Orders", Start::TrimHorizon).unwrap() {
        let record = consumer.next(1).unwrap().remove(0);
        found.push(record.event["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned());
    }
    endpoint.retain_consumers(&[]).unwrap();
    found
}

#[tokio::test]
async fn shards_are_read_side_by_side_and_a_poison_holds_up_only_its_own() {
    let endpoint = endpoint_with(4, None, &clock());
    for number in 0..64 {
        put(&endpoint, &format!("key_{number:02}"), "event").await;
    }
    let by_shard = a_key_of_each_shard(&endpoint).await;
    let (held, release) = (by_shard[2].clone(), Arc::new(tokio::sync::Semaphore::new(0)));
    let (sender, mut delivered) = mpsc::unbounded_channel();
    let gate = Arc::clone(&release);
    let sink = move |bodies: Vec<String>| {
        let (keys, gate, sender) = (keys(&bodies), Arc::clone(&gate), sender.clone());
        let waits = keys.contains(&held);
        async move {
            if waits {
                let _permit = gate.acquire().await.unwrap();
            }
            sender.send(keys).unwrap();
            Ok(Vec::new())
        }
    };
    let pipe = to_queue(&endpoint, source(&[]), Arc::new(sink), None, clock()).unwrap();
    let mut seen = BTreeSet::new();
    for other in [0, 1, 3] {
        while !seen.contains(&by_shard[other]) {
            seen.extend(delivered.recv().await.unwrap());
        }
    }
    assert!(!seen.contains(&by_shard[2]));
    release.add_permits(1);
    while seen.len() < 64 {
        seen.extend(delivered.recv().await.unwrap());
    }
    pipe.stop(BOUND).await;
}

#[tokio::test]
async fn the_records_of_one_key_keep_their_order_however_many_shards_are_read() {
    let endpoint = endpoint_with(4, None, &clock());
    let (sink, mut queue) = channel();
    let _pipe = to_queue(&endpoint, Source { batch_size: 3, ..source(&[]) }, sink, None, clock()).unwrap();
    for round in 0..20 {
        for key in ["a", "b", "c", "d", "e"] {
            put(&endpoint, key, &format!("{round:02}")).await;
        }
    }
    endpoint.wait_until_idle().await.unwrap();
    let mut rounds = BTreeMap::<String, Vec<String>>::new();
    while let Ok(bodies) = queue.try_recv() {
        for body in bodies {
            let record: Value = serde_json::from_str(&body).unwrap();
            let key = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned();
            let round = record["dynamodb"]["NewImage"]["kind"]["S"].as_str().unwrap().to_owned();
            rounds.entry(key).or_default().push(round);
        }
    }
    let in_order: Vec<String> = (0..20).map(|round| format!("{round:02}")).collect();
    assert_eq!(rounds.len(), 5);
    for (key, seen) in rounds {
        assert_eq!(seen, in_order, "{key}");
    }
}
