//! The tables of what is mailed and sent, one for each language.

pub(crate) mod en;
pub(crate) mod ru;
pub(crate) mod uz;
pub(crate) mod zh;
