//! The orders' Lambda function.

platform::lambda!(http orders);
