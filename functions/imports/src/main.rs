//! The Lambda function of imports and exports.

platform::lambda!(consume_queue imports);
