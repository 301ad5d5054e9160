use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use super::arguments::Arguments;
use super::context::Context;
use super::diagnostics;
use crate::{failure, runtime};

/// Runs the command that the process was started with; returns its exit code. Wrong usage and
/// `--help` end the process before that.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    diagnostics::show(arguments.verbose);
    let context = Context::new(arguments.quiet, arguments.verbose > 0);
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match threads {
        Ok(threads) => threads.block_on(arguments.command.run(&context)),
        Err(error) => Err(anyhow::Error::new(error).context("cannot start threads")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = failure::describe(&error, runtime::hint(&error));
            // Nobody can read the error when stderr is closed.
            let _ = writeln!(std::io::stderr(), "{text}");
            failure::exit_code(&error)
        }
    }
}
