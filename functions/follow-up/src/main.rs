//! The Lambda function of what follows from decisions.

platform::lambda!(consume_queue follow_up);
