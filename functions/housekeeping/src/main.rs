//! Housekeeping's Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::consume_schedule(housekeeping::App::new(&config).await?, housekeeping::handle).await
}
