//! The catalog's Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::serve(catalog::router(catalog::App::new(&config).await?)).await
}
