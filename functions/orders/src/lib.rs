//! Orders as their buyers see them.
