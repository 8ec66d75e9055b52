//! Transactions that overlap.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    DeleteRequest, Get, Put, PutRequest, ReturnConsumedCapacity, TransactGetItem, TransactWriteItem, Update,
    WriteRequest,
};

use super::*;

fn put(pk: &str) -> TransactWriteItem {
    let put = Put::builder().table_name("Orders").item("pk", s(pk)).item("sk", s("ORDER")).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test]
async fn a_transaction_that_overlaps_another_is_cancelled_with_the_place_of_the_conflict() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let other = cloud.endpoint.hold("Orders", &[key("b")]).unwrap();
    assert!(cloud.endpoint.hold("Orders", &[key("b")]).is_none());

    let both = || client.transact_write_items().transact_items(put("a")).transact_items(put("b")).send();
    let refused = both().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else { panic!("{refused:?}") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "TransactionConflict"]);
    drop(other);
    both().await.unwrap();
}

#[tokio::test]
async fn during_a_transaction_its_items_are_read_but_not_written() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    client.transact_write_items().transact_items(put("a")).send().await.unwrap();
    let _other = cloud.endpoint.hold("Orders", &[key("a")]).unwrap();

    let get = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).consistent_read(true);
    assert!(get.send().await.unwrap().item.is_some());
    let delete = client.delete_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).send();
    assert!(delete.await.unwrap_err().into_service_error().is_transaction_conflict_exception());
    let update = client.update_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER"));
    let update = update.update_expression("SET x = pk").send().await.unwrap_err();
    assert_eq!(update.code(), Some("TransactionConflictException"));
    let get = Get::builder().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).build().unwrap();
    let read = client.transact_get_items().transact_items(TransactGetItem::builder().get(get).build()).send().await;
    let read = read.unwrap_err().into_service_error();
    assert!(matches!(read, TransactGetItemsError::TransactionCanceledException(_)), "{read:?}");
}

#[tokio::test]
async fn of_a_batch_what_meets_a_transaction_is_left_unprocessed() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let _other = cloud.endpoint.hold("Orders", &[key("b")]).unwrap();
    let put = PutRequest::builder().item("pk", s("a")).item("sk", s("ORDER")).build().unwrap();
    let delete = DeleteRequest::builder().key("pk", s("b")).key("sk", s("ORDER")).build().unwrap();
    let requests =
        vec![WriteRequest::builder().delete_request(delete).build(), WriteRequest::builder().put_request(put).build()];
    let answer = client.batch_write_item().request_items("Orders", requests).send().await.unwrap();
    let unprocessed = answer.unprocessed_items.unwrap();
    assert!(unprocessed["Orders"].len() == 1 && unprocessed["Orders"][0].delete_request.is_some());
    let a = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).send().await.unwrap();
    assert!(a.item.is_some());
}

#[tokio::test]
async fn transactions_under_way_at_the_same_time_meet() {
    // Long enough that the second transaction arrives during the hold, however slow the machine; the test does not wait
    // for the first.
    let options = Options { hold: Duration::from_secs(3_600), ..Options::default() };
    let cloud = Cloud::with(None, Arc::new(PermitAll), options, &[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let first = client.transact_write_items().transact_items(put("a")).client_request_token("first").send();
    let first = tokio::spawn(first);
    while !cloud.endpoint.conflicts.has(
        &keys::written(
            "DeleteItem",
            &json!({ "TableName": "Orders", "Key": key("a") }),
            &read(&cloud.endpoint.schemas),
        )[0]
        .item,
    ) {
        tokio::task::yield_now().await;
    }
    let second = client.transact_write_items().transact_items(put("a")).client_request_token("second").send().await;
    assert!(second.unwrap_err().into_service_error().is_transaction_canceled_exception());
    let again = client.transact_write_items().transact_items(put("a")).client_request_token("first").send().await;
    assert!(again.unwrap_err().into_service_error().is_transaction_in_progress_exception());
    first.abort();
}

#[tokio::test]
async fn the_only_request_of_the_cloud_does_not_wait_for_others() {
    let options = Options { hold: Duration::from_secs(3_600), ..Options::default() };
    let cloud = Cloud::with(None, Arc::new(PermitAll), options, &[orders()]).await;
    cloud.usage.begin("alone", "POST /v1/checkout");
    let caller = Caller { access_key_id: ROOT.to_owned(), trace: Some("alone".to_owned()) };
    let body = json!({ "TransactItems": [{ "Delete": { "TableName": "Orders", "Key": key("a") } }] });
    let outcome = cloud.endpoint.call(&caller, "TransactWriteItems", body.to_string().as_bytes()).await;
    assert!(matches!(outcome, Outcome::Answer(StatusCode::OK, _)));
}

#[tokio::test]
async fn a_write_that_names_no_item_is_refused_for_that_and_not_for_a_conflict() {
    let cloud = Cloud::open(&[orders()]).await;
    let _other = cloud.endpoint.hold("Orders", &[key("b")]).unwrap();
    let half = json!({ "pk": { "S": "a" } });
    let transaction = json!({ "TransactItems": [
        { "Delete": { "TableName": "Orders", "Key": half } }, { "Delete": { "TableName": "Orders", "Key": key("b") } },
    ] });
    let batch = json!({ "RequestItems": { "Orders": [
        { "DeleteRequest": { "Key": half } }, { "DeleteRequest": { "Key": key("b") } },
    ] } });
    for (operation, body) in [("TransactWriteItems", transaction), ("BatchWriteItem", batch)] {
        let Outcome::Answer(status, answer) =
            cloud.endpoint.call(&Caller::root(), operation, body.to_string().as_bytes()).await
        else {
            panic!("dropped")
        };
        let answer = std::str::from_utf8(&answer).unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{operation}: {answer}");
        assert!(!answer.contains("Conflict") && answer.contains("schema"), "{operation}: {answer}");
    }
}

#[tokio::test]
async fn a_transaction_that_is_sent_again_is_carried_out_once_and_costs_a_reading() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let add = async |units: i64| {
        let update = Update::builder().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER"));
        let update = update.update_expression("ADD units :units").expression_attribute_values(":units", n(units));
        let action = TransactWriteItem::builder().update(update.build().unwrap()).build();
        let call = client.transact_write_items().transact_items(action).client_request_token("token");
        call.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await
    };
    let units = async || {
        let read = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).consistent_read(true);
        read.send().await.unwrap().item.unwrap()["units"].clone()
    };
    let first = add(2).await.unwrap().consumed_capacity.unwrap();
    assert_eq!((first[0].write_capacity_units, first[0].read_capacity_units), (Some(2.0), None));
    let again = add(2).await.unwrap().consumed_capacity.unwrap();
    assert_eq!((again[0].write_capacity_units, again[0].read_capacity_units), (None, Some(2.0)));
    let other = add(3).await.unwrap_err().into_service_error();
    assert!(other.is_idempotent_parameter_mismatch_exception(), "{other:?}");
    assert_eq!(units().await, n(2));

    cloud.clock.advance(Duration::from_secs(600));
    add(3).await.unwrap();
    assert_eq!(units().await, n(5));
}
