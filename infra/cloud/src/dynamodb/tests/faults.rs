//! Injected faults.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, Put, TransactWriteItem};

use super::*;
use crate::faults::Fault;

async fn put(
    client: &Client,
    state: &str,
) -> Result<(), SdkError<aws_sdk_dynamodb::operation::put_item::PutItemError>> {
    let put = client.put_item().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER"));
    put.item("state_key", s(state)).item("state_sort", s("a")).send().await.map(drop)
}

async fn state(client: &Client, consistent: bool) -> Option<AttributeValue> {
    let get = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER"));
    let item = get.consistent_read(consistent).send().await.unwrap().item;
    item.and_then(|mut item| item.remove("state_key"))
}

#[tokio::test]
async fn before_loses_the_call_and_after_loses_only_the_answer() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    cloud.faults.add(Fault::nth("dynamodb", "PutItem", 1, Kind::Before));
    cloud.faults.add(Fault::nth("dynamodb", "PutItem", 2, Kind::After));

    let before = put(&client, "first").await.unwrap_err();
    assert!(matches!(before, SdkError::DispatchFailure(_)), "{before:?}");
    assert_eq!(state(&client, true).await, None);

    let after = put(&client, "second").await.unwrap_err();
    assert!(matches!(after, SdkError::DispatchFailure(_)), "{after:?}");
    assert_eq!(state(&client, true).await, Some(s("second")));

    put(&client, "third").await.unwrap();
    assert_eq!(cloud.usage.snapshot()["function OrdersFunction"].operations["PutItem"], 3);
}

#[tokio::test]
async fn a_client_that_repeats_gets_over_lost_and_throttled_calls() {
    for kind in [Kind::Before, Kind::After, Kind::Throttle] {
        let cloud = Cloud::open(&[orders()]).await;
        let client = cloud.client_with("LOCALOrdersFunction", Some("token"), RetryConfig::standard());
        cloud.faults.add(Fault::nth("dynamodb", "TransactWriteItems", 1, kind));
        let put = Put::builder().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER"));
        let put = put.condition_expression("attribute_not_exists(pk)").build().unwrap();
        let item = TransactWriteItem::builder().put(put).build();
        let answer = client.transact_write_items().transact_items(item).send().await;
        if kind == Kind::Throttle {
            // The SDK does not read the reasons of a cancelled transaction, so retrying is up to the caller.
            let refused = answer.unwrap_err().into_service_error();
            let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ThrottlingError"));
        } else {
            // After the fault `after`, the SDK's retry carries the same token and gets the stored response.
            answer.unwrap();
        }
        assert_eq!(cloud.faults.triggered().len(), 1);
    }
}

#[tokio::test]
async fn conflicts_and_throttling_come_in_the_form_of_each_operation() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    cloud.faults.add(Fault::nth("dynamodb", "PutItem", 1, Kind::Conflict));
    cloud.faults.add(Fault::nth("dynamodb", "PutItem", 2, Kind::Throttle));
    assert_eq!(put(&client, "x").await.unwrap_err().code(), Some("TransactionConflictException"));
    assert_eq!(put(&client, "x").await.unwrap_err().code(), Some("ThrottlingException"));
    assert_eq!(state(&client, true).await, None);
    put(&client, "x").await.unwrap();

    // A plain read cannot conflict, so it succeeds.
    cloud.faults.add(Fault::nth("dynamodb", "GetItem", 1, Kind::Conflict));
    assert_eq!(state(&client, true).await, Some(s("x")));

    cloud.faults.add(Fault::nth("dynamodb", "BatchGetItem", 1, Kind::Throttle));
    let keys = ["z", "a"].map(|pk| HashMap::from([("pk".into(), s(pk)), ("sk".into(), s("ORDER"))]));
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).build().unwrap();
    let batch = client.batch_get_item().request_items("Orders", keys).send().await.unwrap();
    let rest = batch.unprocessed_keys.unwrap();
    assert_eq!(rest["Orders"].keys()[0]["pk"], s("a"));
    let rest = client.batch_get_item().set_request_items(Some(rest)).send().await.unwrap();
    assert_eq!(rest.responses.unwrap()["Orders"].len(), 1);
}

#[tokio::test]
async fn a_slow_call_is_carried_out_later() {
    let options = Options { slow: Duration::from_millis(20), ..Options::default() };
    let cloud = Cloud::with(None, Arc::new(PermitAll), options, &[orders()]).await;
    cloud.faults.add(Fault::nth("dynamodb", "DescribeTable", 1, Kind::Slow));
    let began = std::time::Instant::now();
    let outcome = cloud.endpoint.call(&Caller::root(), "DescribeTable", br#"{"TableName":"Orders"}"#).await;
    assert!(matches!(outcome, Outcome::Answer(StatusCode::OK, _)));
    assert!(began.elapsed() >= options.slow);
}

#[tokio::test]
async fn a_stale_read_sees_what_was_before_the_last_write() {
    let cloud = Cloud::open(&[orders(), carts()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let stale = |operation: &str| cloud.faults.add(Fault::nth("dynamodb", operation, 1, Kind::Stale));
    put(&client, "open").await.unwrap();
    put(&client, "paid").await.unwrap();
    // A write to another table does not count as the last write to this one.
    client.put_item().table_name("Carts").item("pk", s("c")).item("sk", s("CART")).send().await.unwrap();

    stale("GetItem");
    assert_eq!(state(&client, false).await, Some(s("open")));
    assert_eq!(state(&client, false).await, Some(s("paid")));
    stale("GetItem");
    assert_eq!(state(&client, true).await, Some(s("paid")), "a consistent read is never stale");

    let count = async |state: &str| {
        let query =
            client.query().table_name("Orders").index_name("by_state").key_condition_expression("state_key = :s");
        query.expression_attribute_values(":s", s(state)).send().await.unwrap().count
    };
    stale("Query");
    assert_eq!(count("open").await, 1);
    assert_eq!(count("open").await, 0);
    stale("Query");
    assert_eq!(count("paid").await, 0);
    assert_eq!(count("paid").await, 1);
}

#[tokio::test]
async fn a_torn_query_misses_one_item_of_the_last_transaction_and_only_once() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let write = async |state: &str| {
        let one = |sk: &str| {
            let put = Put::builder().table_name("Orders").item("pk", s("a")).item("sk", s(sk)).item("state", s(state));
            TransactWriteItem::builder().put(put.build().unwrap()).build()
        };
        let items = ["HISTORY", "ORDER", "VENDOR"].map(one).to_vec();
        client.transact_write_items().set_transact_items(Some(items)).send().await.unwrap();
    };
    write("old").await;
    write("new").await;
    // What is written alone afterwards, or elsewhere, is no transaction that the query could meet.
    client.put_item().table_name("Orders").item("pk", s("b")).item("sk", s("EVENT")).send().await.unwrap();
    let read = async || {
        let query = client.query().table_name("Orders").key_condition_expression("pk = :pk").consistent_read(true);
        let found = query.expression_attribute_values(":pk", s("a")).send().await.unwrap();
        let states = found.items().iter().map(|item| item["state"].as_s().unwrap().clone());
        states.collect::<Vec<_>>().join(" ")
    };
    for (item, seen) in [(1, "old new new"), (2, "new old new"), (3, "new new old"), (4, "new new new")] {
        cloud.faults.add(Fault { item, ..Fault::nth("dynamodb", "Query", 1, Kind::Torn) });
        assert_eq!((read().await, read().await), (seen.to_owned(), "new new new".to_owned()));
    }
}

#[tokio::test]
async fn a_stale_read_of_a_new_item_does_not_find_it() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    put(&client, "open").await.unwrap();
    cloud.faults.add(Fault::nth("dynamodb", "BatchGetItem", 1, Kind::Stale));
    let batch = async || {
        let key = HashMap::from([("pk".into(), s("a")), ("sk".into(), s("ORDER"))]);
        let keys = KeysAndAttributes::builder().keys(key).build().unwrap();
        client.batch_get_item().request_items("Orders", keys).send().await.unwrap().responses.unwrap()["Orders"].len()
    };
    assert_eq!((batch().await, batch().await), (0, 1));
}
