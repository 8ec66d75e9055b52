//! The accounts' Lambda function.

platform::lambda!(http account);
