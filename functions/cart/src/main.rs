//! The carts' Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), platform::Fatal> {
    let config = platform::Config::from_env()?;
    platform::serve(cart::router(cart::App::new(&config).await?)).await
}
