//! The AWS side of a function: configuration, clients, secrets, tracing, serving.
//!
//! The only crate that reads the environment, builds clients and talks to the Lambda runtime. Whatever runs in Lambda
//! runs the same way in process: `infra/local` makes a [`Config`] from a map and calls [`traced`] routers,
//! [`queue_batch`], [`stream_batch`], [`schedule_tick`] and [`user_pool_trigger`] itself.

mod bucket;
mod clients;
mod config;
mod consume;
mod endpoint;
mod fatal;
mod headers;
mod http;
mod ids;
mod invitation_token;
mod links;
mod logging;
pub mod mail;
pub mod messenger;
mod pace;
mod persons;
mod queue;
mod secrets;
mod serve;
mod sign_in_proof;
mod sigv4;
mod slice;
mod stream;
mod totp;
pub mod trace;
mod uploads;

pub use bucket::{Bucket, NotPut, NotSigned, UploadSpec};
pub use config::Config;
pub use consume::{
    EventError, MessageError, QueueMessage, Tick, UserPoolEvent, answer_user_pool, consume_queue, consume_schedule,
    consume_stream, queue_batch, schedule_tick, stream_batch, user_pool_trigger,
};
pub use fatal::Fatal;
pub use http::{HttpClient, HttpError};
pub use ids::ids;
pub use invitation_token::InvitationToken;
pub use links::{desk_page, order_link};
pub use pace::{Pace, SharedPace};
pub use persons::{NotOpened, NotSealed, PersonsSecret};
pub use queue::{JobQueue, NotSent};
pub use secrets::{Rotating, Secret, SecretError};
pub use serve::serve;
pub use slice::Slice;
pub use stream::{Change, StreamRecord};
pub use totp::TotpSecret;
pub use trace::traced;
pub use uploads::uploaded_keys;

/// The `main` of a Lambda function: `http` serves the router of a crate behind the edge that there may be, any other
/// word consumes events with its handler.
#[macro_export]
macro_rules! lambda {
    (http $function:ident) => {
        $crate::lambda!(@ config => {
            let router = $function::router($function::App::new(&config).await?);
            let router = api::behind_edge(router, config.optional("EDGE")).map_err($crate::Fatal::new)?;
            $crate::serve(router)
        });
    };
    ($consume:ident $function:ident) => {
        $crate::lambda!(@ config => $crate::$consume($function::App::new(&config).await?, $function::handle));
    };
    (@ $config:ident => $serving:expr) => {
        #[tokio::main(flavor = "current_thread")]
        async fn main() -> Result<(), $crate::Fatal> {
            let $config = $crate::Config::from_env()?;
            $serving.await
        }
    };
}
