//! AWS on loopback: the services that a SAM template asks for, in one process. `README.md` beside this crate lists what
//! each of them does and does not do.
//!
//! The crate knows nothing of what is deployed on it: a [`stack::Deployment`] brings the template and the functions.

pub mod account;
pub mod clock;
pub mod cognito;
pub mod dynamodb;
pub mod edge;
pub mod faults;
pub mod gateway;
pub mod iam;
pub mod mail;
pub mod pipes;
pub mod s3;
pub mod secrets;
pub mod sns;
pub mod sqlite;
pub mod sqs;
pub mod stack;
pub mod template;
pub mod time;
pub mod usage;

pub use gateway::hex;
