//! The Lambda function of the vendors' onboarding.

platform::lambda!(http vendor_onboarding);
