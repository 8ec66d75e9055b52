//! The built binaries of the functions and of the local server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of this workspace's binaries, built from the current sources.
///
/// `cargo test` builds a package's binaries only for that package's own tests, so the first test that needs the others
/// runs cargo for them. When they are up to date this takes about a second.
#[expect(clippy::disallowed_methods, reason = "cargo passes its own path to its tests in the environment")]
pub(crate) fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        let directory = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/http-…").to_path_buf();
        // With `--tests`, as `cargo test` has built them: the same features, so that nothing is compiled a second time.
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--offline", "--workspace", "--bins", "--tests", "--manifest-path"]);
        // What cargo tells this test of its package, a build script such as ring's takes for a change: it runs again,
        // and nearly everything is compiled again, this test's own file included.
        for (name, _) in std::env::vars_os() {
            let of_package = ["CARGO_MANIFEST_", "CARGO_PKG_"];
            if name.to_str().is_some_and(|name| of_package.iter().any(|start| name.starts_with(start))) {
                cargo.env_remove(name);
            }
        }
        // The path as cargo itself spells it: with another spelling it would compile every workspace crate again.
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
