//! `cargo run`: the whole marketplace on one machine.

use std::process::ExitCode;

/// The database, the endpoints and the functions in one process ask for much memory from several threads, which the system's allocator
/// takes a fifth of the time for. The functions themselves keep the system's.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    local::command_line::run()
}
