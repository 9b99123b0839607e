//! The program: [`countersign::command_line`] has its arguments and commands.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// See `docs/decisions/0038-allocate-with-mimalloc.md`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::command_line::run()
}
