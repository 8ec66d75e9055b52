//! Packs the OpenAPI document for serving: it is committed one value on each line, which takes three times the bytes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "../../infra/openapi.json";

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    // No string of JSON holds a line end, so what begins a line is indentation.
    let packed: String = fs::read_to_string(DOCUMENT)?.lines().map(str::trim_start).collect();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?);
    fs::write(out.join("openapi.json"), packed)?;
    println!("cargo::rerun-if-changed={}", Path::new(DOCUMENT).display());
    Ok(())
}
