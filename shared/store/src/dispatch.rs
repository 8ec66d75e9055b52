//! The SDK's calls as boxed futures, so that each is compiled once.
//!
//! An `async fn` is compiled in the crate that awaits it: without this module a binary holds the SDK's whole
//! orchestration once for each crate that awaits a call, 40 KiB of code each. A boxed future is compiled where it is
//! boxed.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_dynamodb::error::SdkError;

/// A boxed call to DynamoDB.
pub(crate) type Pending<T, E> = Pin<Box<dyn Future<Output = Result<T, SdkError<E>>> + Send>>;

/// An SDK request that is sent as a boxed future.
pub(crate) trait Dispatch {
    type Output;
    type Error;

    fn dispatch(self) -> Pending<Self::Output, Self::Error>;
}

macro_rules! dispatched {
    ($($operation:ident: $request:ident -> $output:ident, $error:ident;)+) => {$(
        impl Dispatch for aws_sdk_dynamodb::operation::$operation::builders::$request {
            type Output = aws_sdk_dynamodb::operation::$operation::$output;
            type Error = aws_sdk_dynamodb::operation::$operation::$error;

            #[inline(never)]
            fn dispatch(self) -> Pending<Self::Output, Self::Error> {
                Box::pin(self.send())
            }
        }
    )+};
}

dispatched! {
    batch_get_item: BatchGetItemFluentBuilder -> BatchGetItemOutput, BatchGetItemError;
    delete_item: DeleteItemFluentBuilder -> DeleteItemOutput, DeleteItemError;
    get_item: GetItemFluentBuilder -> GetItemOutput, GetItemError;
    put_item: PutItemFluentBuilder -> PutItemOutput, PutItemError;
    query: QueryFluentBuilder -> QueryOutput, QueryError;
    scan: ScanFluentBuilder -> ScanOutput, ScanError;
    transact_write_items: TransactWriteItemsFluentBuilder -> TransactWriteItemsOutput, TransactWriteItemsError;
    update_item: UpdateItemFluentBuilder -> UpdateItemOutput, UpdateItemError;
}
