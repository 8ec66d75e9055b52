//! Checkout's Lambda function.

platform::lambda!(http checkout);
