//! The operator's desk: vendors, orders, settings.
