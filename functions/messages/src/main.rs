//! The Lambda function of messages to people.

platform::lambda!(consume_queue messages);
