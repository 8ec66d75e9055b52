//! The built functions, each in processes of its own over the Lambda Runtime API.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use local::Options;

use crate::road;
use crate::shop::Shop;

/// Where the binaries of this workspace are, built from what lies there now.
///
/// `cargo test` builds a package's binaries only for that package's own tests, so the first test that needs them asks cargo for
/// them. When they are up to date this takes a moment.
#[expect(clippy::disallowed_methods, reason = "cargo tells its tests where it is by the environment")]
pub(crate) fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        let directory = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/http-…").to_path_buf();
        // With the tests, as `cargo test` has built them: the same features, so that nothing is built for a second time.
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--offline", "--workspace", "--bins", "--tests", "--manifest-path"]);
        // The path as cargo itself writes it: under another spelling every crate of the workspace would be another crate.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project");
        cargo.arg(root.join("Cargo.toml"));
        cargo.arg("--target-dir").arg(directory.parent().expect("target"));
        if directory.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.status().expect("cargo can be run");
        assert!(built.success(), "the functions are not built: cargo build --workspace --bins says why");
        directory
    })
}

async fn shop() -> Shop {
    let binaries = tokio::task::spawn_blocking(binaries).await.expect("the functions are built");
    Shop::with(Options { processes: Some(binaries.to_path_buf()), ..Options::for_tests() }).await
}

#[tokio::test]
async fn a_guest_buys_from_two_sellers_whose_shop_runs_in_processes() {
    let shop = shop().await;
    road::a_sale(&shop).await;
    shop.cloud.stop().await;
}

#[tokio::test]
async fn a_seller_fulfils_an_order_of_a_shop_that_runs_in_processes() {
    let shop = shop().await;
    road::a_delivery(&shop).await;
    shop.cloud.stop().await;
}
