//! The functions as programs of their own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
