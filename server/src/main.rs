//! The program: [`countersign::command_line`] has its arguments and commands.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// See "An allocator" in `docs/PERFORMANCE.md`. The libraries in C keep that of the C library.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::command_line::run()
}
