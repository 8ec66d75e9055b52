//! `cargo run`: the whole marketplace on one machine.

use std::process::ExitCode;

/// mimalloc instead of the system's allocator: with the database, the endpoints and the functions in one process,
/// several threads allocate at once, and the system's allocator takes a fifth of the CPU time. Deployed functions keep
/// the system's allocator.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    local::command_line::run()
}
