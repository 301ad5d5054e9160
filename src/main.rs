//! The `kindrs` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    kindrs::cli::main()
}
