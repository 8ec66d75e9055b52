//! Order events: mail to buyers and vendors.
