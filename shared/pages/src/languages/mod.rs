//! The tables of messages, one for each language. Uzbek in Cyrillic letters is made from the Latin one.

pub(crate) mod en;
pub(crate) mod faults;
pub(crate) mod messages;
pub(crate) mod picture_faults;
pub(crate) mod ru;
pub(crate) mod uz;
pub(crate) mod zh;
