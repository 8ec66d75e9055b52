//! The order events' Lambda function.

platform::lambda!(consume_queue order_events);
