//! Conditions, transactions, indexes, errors, counted cost.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValue, TransactWriteItem, Update,
};

use super::*;

#[tokio::test]
async fn a_condition_that_fails_refuses_the_write() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let put = || {
        let put = client.put_item().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER"));
        put.condition_expression("attribute_not_exists(pk)").send()
    };
    put().await.unwrap();
    let refused = put().await.unwrap_err().into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused:?}");
}

#[tokio::test]
async fn a_transaction_writes_all_or_nothing_and_gives_its_reasons() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    let put = Put::builder().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER")).build().unwrap();
    let check = ConditionCheck::builder()
        .table_name("Orders")
        .key("pk", s("missing"))
        .key("sk", s("ORDER"))
        .condition_expression("attribute_exists(pk)")
        .build()
        .unwrap();
    let refused = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().condition_check(check).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else { panic!("{refused:?}") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    let left = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).send().await.unwrap();
    assert!(left.item.is_none());
}

#[tokio::test]
async fn an_unreadable_request_an_unknown_operation_and_a_bad_key_are_refused() {
    let cloud = Cloud::open(&[orders()]).await;
    let call =
        async |operation: &str, body: &str| cloud.endpoint.call(&Caller::root(), operation, body.as_bytes()).await;
    let type_of = |outcome: Outcome| {
        let Outcome::Answer(status, body) = outcome else { panic!("dropped") };
        assert_eq!(status, StatusCode::BAD_REQUEST);
        serde_json::from_slice::<Value>(&body).unwrap()["__type"]
            .as_str()
            .unwrap()
            .rsplit('#')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(type_of(call("GetItem", "{").await), "SerializationException");
    assert_eq!(type_of(call("GetItem", "[]").await), "SerializationException");
    assert_eq!(type_of(call("ExecuteStatement", "{}").await), "UnknownOperationException");
    assert_eq!(type_of(call("GetItem", "{}").await), "ValidationException");
    let missing = r#"{"TableName":"Missing","Key":{"pk":{"S":"a"}}}"#;
    assert_eq!(type_of(call("GetItem", missing).await), "ResourceNotFoundException");
    let short = r#"{"TableName":"Orders","Key":{"pk":{"S":"a"}}}"#;
    assert_eq!(type_of(call("GetItem", short).await), "ValidationException");
}

struct OnlyReads;

impl Permit for OnlyReads {
    fn denied(&self, access_key_id: &str, operation: &str, body: &Value) -> Option<String> {
        assert_eq!((access_key_id, &body["TableName"]), ("LOCALCatalogFunction", &Value::from("Orders")));
        (operation != "GetItem").then(|| format!("dynamodb:{operation} on resource: {}", table_arn("Orders")))
    }
}

#[tokio::test]
async fn what_a_role_does_not_allow_is_denied_and_nothing_is_written() {
    let cloud = Cloud::with(None, Arc::new(OnlyReads), Options::default(), &[orders()]).await;
    let put = |client: Client| client.put_item().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER")).send();
    let get = |client: Client| client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).send();

    let denied = put(cloud.client("LOCALCatalogFunction")).await.unwrap_err();
    assert_eq!(denied.raw_response().unwrap().status().as_u16(), 400);
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert_eq!(
        denied.message(),
        Some(
            "User: arn:aws:sts::000000000000:assumed-role/CatalogFunction/CatalogFunction is not authorized to perform: \
             dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Orders because no \
             identity-based policy allows the action"
        )
    );
    assert!(get(cloud.client("LOCALCatalogFunction")).await.unwrap().item.is_none());

    put(cloud.client_with(ROOT, None, RetryConfig::disabled())).await.unwrap();
    let no_token = get(cloud.client_with("LOCALCatalogFunction", None, RetryConfig::disabled())).await.unwrap_err();
    assert_eq!(no_token.code(), Some("UnrecognizedClientException"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let cloud = Cloud::open(&[]).await;
    let parts = http::Request::post("/")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let refused = cloud.endpoint.serve(parts, Bytes::from_static(b"{}")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let body = axum::body::to_bytes(refused.into_body(), usize::MAX).await.unwrap();
    assert!(std::str::from_utf8(&body).unwrap().contains("MissingAuthenticationTokenException"));
}

#[tokio::test]
async fn round_trips_and_units_are_counted_for_the_request_whose_trace_the_call_carries() {
    let cloud = Cloud::open(&[orders(), carts()]).await;
    let client = cloud.client("LOCALCheckoutFunction");
    cloud.usage.begin("Root=1-abc", "POST /v1/checkout");
    macro_rules! traced {
        ($call:expr) => {
            $call.customize().mutate_request(|request| {
                request.headers_mut().insert("x-amzn-trace-id", "Root=1-abc");
            })
        };
    }
    let put = client.put_item().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER"));
    let put = traced!(put.item("state_key", s("x")).item("state_sort", s("1"))).send().await.unwrap();
    assert!(put.consumed_capacity.is_none(), "the caller did not request it");
    let get = client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER"));
    let get = traced!(get.return_consumed_capacity(ReturnConsumedCapacity::Total)).send().await.unwrap();
    assert_eq!(get.consumed_capacity.unwrap().capacity_units, Some(0.5), "the caller requested it");
    let cart = Put::builder().table_name("Carts").item("pk", s("c")).item("sk", s("CART")).build().unwrap();
    let transaction = client.transact_write_items().transact_items(TransactWriteItem::builder().put(cart).build());
    traced!(transaction).send().await.unwrap();
    let again = client.put_item().table_name("Orders").item("pk", s("a")).item("sk", s("ORDER"));
    traced!(again.condition_expression("attribute_not_exists(pk)")).send().await.unwrap_err();
    cloud.usage.end("Root=1-abc");
    client.get_item().table_name("Orders").key("pk", s("a")).key("sk", s("ORDER")).send().await.unwrap();

    let request = cloud.usage.of_trace("Root=1-abc").unwrap();
    assert_eq!(request.operations, ["PutItem", "GetItem", "TransactWriteItems", "PutItem"]);
    // Put: the item and its index entry. Transaction: twice. The rejected put: once.
    let expected =
        Cost { round_trips: 4, read_units: Units::halves(1), write_units: Units::whole(2 + 2 + 1), conflicts: 0 };
    assert_eq!(request.cost, expected);
    let routes = cloud.usage.snapshot();
    assert_eq!(routes["POST /v1/checkout"].max, expected);
    assert_eq!(routes["function CheckoutFunction"].total.round_trips, 1);
}

#[tokio::test]
async fn updates_indexes_and_batches_work_through_the_real_client() {
    let cloud = Cloud::open(&[orders()]).await;
    let client = cloud.client("LOCALOrdersFunction");
    for (pk, state) in [("a", "open"), ("b", "open"), ("c", "done")] {
        let put = client.put_item().table_name("Orders").item("pk", s(pk)).item("sk", s("ORDER")).item("count", n(1));
        put.item("state_key", s(state)).item("state_sort", s(pk)).send().await.unwrap();
    }
    let updated = client
        .update_item()
        .table_name("Orders")
        .key("pk", s("a"))
        .key("sk", s("ORDER"))
        .update_expression("ADD #count :one")
        .expression_attribute_names("#count", "count")
        .expression_attribute_values(":one", n(1))
        .return_values(ReturnValue::UpdatedNew)
        .send()
        .await
        .unwrap();
    assert_eq!(updated.attributes.unwrap()["count"], n(2));
    let open = client
        .query()
        .table_name("Orders")
        .index_name("by_state")
        .key_condition_expression("state_key = :state")
        .expression_attribute_values(":state", s("open"))
        .send()
        .await
        .unwrap();
    assert_eq!(open.count, 2);
    let keys = ["a", "b", "z"].map(|pk| HashMap::from([("pk".into(), s(pk)), ("sk".into(), s("ORDER"))]));
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).build().unwrap();
    let batch = client.batch_get_item().request_items("Orders", keys).send().await.unwrap();
    assert_eq!(batch.responses.unwrap()["Orders"].len(), 2);
}

#[tokio::test]
async fn a_hundred_decrements_at_once_of_ten_succeed_ten_times() {
    let cloud = Cloud::open(&[carts()]).await;
    let client = cloud.client("LOCALCheckoutFunction");
    client
        .put_item()
        .table_name("Carts")
        .item("pk", s("mug"))
        .item("sk", s("0"))
        .item("left", n(10))
        .send()
        .await
        .unwrap();
    let take = || {
        let update = Update::builder()
            .table_name("Carts")
            .key("pk", s("mug"))
            .key("sk", s("0"))
            .update_expression("SET #left = #left - :one")
            .condition_expression("#left >= :one")
            .expression_attribute_names("#left", "left")
            .expression_attribute_values(":one", n(1))
            .build()
            .unwrap();
        let client = client.clone();
        tokio::spawn(async move {
            loop {
                let item = TransactWriteItem::builder().update(update.clone()).build();
                let refused = match client.transact_write_items().transact_items(item).send().await {
                    Ok(_) => return true,
                    Err(SdkError::ServiceError(refused)) => refused.into_err(),
                    Err(other) => panic!("{other:?}"),
                };
                let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else {
                    panic!("{refused:?}")
                };
                match cancelled.cancellation_reasons()[0].code() {
                    Some("TransactionConflict") => tokio::task::yield_now().await,
                    Some("ConditionalCheckFailed") => return false,
                    other => panic!("{other:?}"),
                }
            }
        })
    };
    let takers: Vec<_> = (0..100).map(|_| take()).collect();
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.unwrap());
    }
    assert_eq!(taken, 10);
    let calls = cloud.usage.snapshot()["function CheckoutFunction"].operations["TransactWriteItems"];
    assert!(calls > 100, "no conflict in {calls} calls");
}
