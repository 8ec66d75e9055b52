//! The embedded cloud: everything Bozor needs from AWS, in one process on loopback.

pub mod bench;
pub mod clock;
pub mod cloud;
pub mod cognito;
pub mod command_line;
pub mod contract;
pub mod demo;
pub mod dynamodb;
pub mod faults;
pub mod gateway;
pub mod greeting;
pub mod iam;
pub mod mail;
pub mod pay;
pub mod pipes;
pub mod s3;
pub mod secrets;
mod sqlite;
pub mod sqs;
pub mod template;
pub mod usage;

pub use cloud::{LocalCloud, Options, StartError};
