//! What is halved, retried and given up.

use super::*;

#[tokio::test]
async fn a_poison_record_buries_itself_and_not_its_batch() {
    let endpoint = endpoint();
    for key in ["a", "b", "poison", "d", "e", "f"] {
        put(&endpoint, key, "event").await;
    }
    let numbers: Vec<Value> = {
        let mut consumer = endpoint.consumers("looks", "Orders", Start::TrimHorizon).unwrap().remove(0);
        let records = consumer.next(10).unwrap();
        endpoint.retain_consumers(&[]).unwrap();
        records.iter().map(|record| record.event["dynamodb"]["SequenceNumber"].clone()).collect()
    };
    let (sink, mut queue) = refusing(&["poison"]);
    let (dead_letter_queue, mut dead_letters) = channel();
    let pipe = to_queue(&endpoint, source(&[]), sink, Some(dead_letter_queue), clock()).unwrap();
    let mut delivered = Vec::new();
    while delivered.len() < 5 {
        delivered.extend(queue.recv().await.unwrap());
    }
    assert_eq!(delivered, ["a", "b", "d", "e", "f"]);
    endpoint.wait_until_idle().await.unwrap();
    pipe.stop(BOUND).await;
    let message: Value = serde_json::from_str(&dead_letters.try_recv().unwrap()[0]).unwrap();
    assert!(dead_letters.try_recv().is_err(), "one record is one dead letter");
    let batch = &message["DDBStreamBatchInfo"];
    assert_eq!((&batch["startSequenceNumber"], &batch["endSequenceNumber"]), (&numbers[2], &numbers[2]));
    assert_eq!(batch["batchSize"], 1);
}

#[tokio::test]
async fn what_a_queue_took_of_a_batch_is_not_sent_again() {
    let endpoint = endpoint();
    for key in ["a", "b", "c", "d"] {
        put(&endpoint, key, "event").await;
    }
    let (sender, mut batches) = mpsc::unbounded_channel();
    let sink = move |bodies: Vec<String>| {
        // Of the whole batch the second and the last entry fail, as entries of `SendMessageBatch` do.
        let refused = if bodies.len() == 4 { vec![1, 3] } else { Vec::new() };
        sender.send(keys(&bodies)).unwrap();
        async move { Ok(refused) }
    };
    let pipe = to_queue(&endpoint, source(&[]), Arc::new(sink), None, clock()).unwrap();
    assert_eq!(batches.recv().await.unwrap(), ["a", "b", "c", "d"]);
    assert_eq!(batches.recv().await.unwrap(), ["b", "d"]);
    endpoint.wait_until_idle().await.unwrap();
    pipe.stop(BOUND).await;
    assert!(batches.try_recv().is_err());
}

#[tokio::test]
async fn a_batch_is_halved_whatever_its_retries_and_only_a_record_alone_uses_them_up() {
    let endpoint = endpoint();
    for key in ["a", "b", "c", "d"] {
        put(&endpoint, key, "stock").await;
    }
    let (handler, mut invoked) = failing_on(&["a", "b", "c", "d"]);
    let (dead_letter_queue, mut dead_letters) = channel();
    let mapping = Source { retries: Some(0), ..source(&[]) };
    let running = to_function(&endpoint, mapping, handler, Some(dead_letter_queue), clock()).unwrap();
    endpoint.wait_until_idle().await.unwrap();
    running.stop(BOUND).await;
    let mut calls = Vec::new();
    while let Ok(keys) = invoked.try_recv() {
        calls.push(keys.join(""));
    }
    assert_eq!(calls, ["abcd", "ab", "a", "b", "cd", "c", "d"]);
    assert_eq!(dead_letters.len(), 4);
    let given_up: Value = serde_json::from_str(&dead_letters.recv().await.unwrap()[0]).unwrap();
    // The form is that of https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(fields(&given_up), "DDBStreamBatchInfo requestContext responseContext timestamp version");
    assert_eq!(fields(&given_up["requestContext"]), "approximateInvokeCount condition functionArn requestId");
    assert_eq!(
        fields(&given_up["DDBStreamBatchInfo"]),
        "approximateArrivalOfFirstRecord approximateArrivalOfLastRecord batchSize endSequenceNumber shardId \
         startSequenceNumber streamArn"
    );
    assert_eq!(given_up["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"], "1970-01-01T00:00:01Z");
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_up_by_the_clouds_clock() {
    let clock = clock();
    let endpoint = endpoint_with(1, None, &clock);
    for key in ["old", "older"] {
        put(&endpoint, key, "event").await;
    }
    clock.advance(Duration::from_secs(3_601));
    put(&endpoint, "new", "event").await;
    let (sink, mut queue) = channel();
    let (dead_letter_queue, mut dead_letters) = channel();
    let hourly = Source { max_age: Some(Duration::from_secs(3_600)), ..source(&[]) };
    let pipe = to_queue(&endpoint, hourly, sink, Some(dead_letter_queue), clock.clone()).unwrap();
    assert_eq!(keys(&queue.recv().await.unwrap()), ["new"]);
    let message: Value = serde_json::from_str(&dead_letters.recv().await.unwrap()[0]).unwrap();
    assert_eq!(message["context"]["condition"], "RecordAgeExceeded");
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 2);
    pipe.stop(BOUND).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_grows_too_old_while_it_is_retried() {
    let clock = clock();
    let endpoint = endpoint_with(1, None, &clock);
    put(&endpoint, "a", "event").await;
    let (time, attempts) = (clock.clone(), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&attempts);
    let sink = move |_: Vec<String>| {
        *counted.lock().unwrap() += 1;
        time.advance(Duration::from_secs(40));
        async { Err::<Vec<usize>, _>("down".to_owned()) }
    };
    let (dead_letter_queue, mut dead_letters) = channel();
    let minute = Source { max_age: Some(Duration::from_secs(60)), retries: None, ..source(&[]) };
    let pipe = to_queue(&endpoint, minute, Arc::new(sink), Some(dead_letter_queue), clock).unwrap();
    let message: Value = serde_json::from_str(&dead_letters.recv().await.unwrap()[0]).unwrap();
    assert_eq!(message["context"]["condition"], "RecordAgeExceeded");
    assert_eq!(*attempts.lock().unwrap(), 2);
    pipe.stop(BOUND).await;
}

#[tokio::test]
async fn records_do_not_age_while_the_cloud_is_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    put(&endpoint_with(4, Some(&path), &clock()), "a", "event").await;
    let monday = clock();
    monday.advance(Duration::from_hours(72));
    let endpoint = endpoint_with(4, Some(&path), &monday);
    let (sink, mut queue) = channel();
    let daily = Source { max_age: Some(Duration::from_hours(24)), ..source(&[]) };
    let _pipe = to_queue(&endpoint, daily, sink, None, monday).unwrap();
    assert_eq!(keys(&queue.recv().await.unwrap()), ["a"]);
}
