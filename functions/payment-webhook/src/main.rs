//! The payment webhooks' Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::serve(payment_webhook::router(payment_webhook::App::new(&config).await?)).await
}
