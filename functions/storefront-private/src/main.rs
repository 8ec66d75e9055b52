//! The Lambda function of pages for one person.

platform::lambda!(http storefront_private);
