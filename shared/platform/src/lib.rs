//! The AWS side of a function: configuration, clients, secrets, tracing, serving.
//!
//! The only crate that reads the environment, builds clients and talks to the Lambda runtime. Whatever runs in Lambda
//! runs the same way in process: `infra/local` makes a [`Config`] from a map and calls [`traced`] routers,
//! [`queue_batch`], [`stream_batch`] and [`schedule_tick`] itself.

mod bucket;
mod clients;
mod config;
mod consume;
mod http;
mod ids;
mod logging;
mod secrets;
mod serve;
mod stream;
pub mod trace;

pub use bucket::{Bucket, NotSigned, UploadSpec};
pub use config::{Config, Fatal};
pub use consume::{
    EventError, QueueMessage, Tick, consume_queue, consume_schedule, consume_stream, queue_batch, schedule_tick,
    stream_batch,
};
pub use http::{HttpClient, HttpError};
pub use ids::ids;
pub use secrets::{Rotating, Secret, SecretError};
pub use serve::serve;
pub use stream::{Change, StreamRecord};
pub use trace::traced;
