//! The carts' Lambda function.

platform::lambda!(http cart);
