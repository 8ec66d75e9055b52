//! Vendors: application, profile, members.
