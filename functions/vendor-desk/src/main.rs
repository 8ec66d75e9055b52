//! The Lambda function of the vendor's desk.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::serve(vendor_desk::router(vendor_desk::App::new(&config).await?)).await
}
