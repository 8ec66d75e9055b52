//! The order events' Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::consume_queue(order_events::App::new(&config).await?, order_events::handle).await
}
