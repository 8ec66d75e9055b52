//! The Lambda function of the desks' pages.

platform::lambda!(http storefront_desk);
