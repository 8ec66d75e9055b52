//! The operator's Lambda function.

platform::lambda!(http admin);
