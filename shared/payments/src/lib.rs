//! Payment providers: one file each, and their signatures.
