//! The Lambda function of imports and exports.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::consume_queue(imports::App::new(&config).await?, imports::handle).await
}
