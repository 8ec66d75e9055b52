//! DynamoDB: one module per table, with its keys and its named operations.
