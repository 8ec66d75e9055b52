//! Housekeeping's Lambda function.

platform::lambda!(consume_schedule housekeeping);
