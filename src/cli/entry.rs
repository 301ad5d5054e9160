use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::Arguments;
use super::context::Context;
use crate::{failure, runtime};

/// Runs the command that the process was started with; returns its exit code. Wrong usage and
/// `--help` end the process before that.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    trace(arguments.verbose);
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

/// Sends diagnostics to stderr: kindrs' own at `-v`, more of them at `-vv`, and those of the
/// libraries at `-vvv`.
fn trace(verbose: u8) {
    let (own, others) = match verbose {
        0 => return,
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        2 => (LevelFilter::TRACE, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    let targets = Targets::new().with_target("kindrs", own).with_default(others);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(layer).with(targets).init();
}
