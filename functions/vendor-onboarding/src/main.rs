//! The Lambda function of the vendors' onboarding.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::serve(vendor_onboarding::router(vendor_onboarding::App::new(&config).await?)).await
}
