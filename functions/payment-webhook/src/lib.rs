//! Payment webhooks: what a provider tells us about money.
