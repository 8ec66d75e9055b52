//! The storefront's Lambda function.

platform::lambda!(http storefront);
