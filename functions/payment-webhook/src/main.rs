//! The payment webhooks' Lambda function.

platform::lambda!(http payment_webhook);
