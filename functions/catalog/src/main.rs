//! The catalog's Lambda function.

platform::lambda!(http catalog);
