//! The projections' Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::consume_stream(projections::App::new(&config).await?, projections::handle).await
}
