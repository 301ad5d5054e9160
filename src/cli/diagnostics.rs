//! The log on stderr that `--verbose` turns on.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The crates that talk HTTP. While an API server starts, they log each refused connection as an
/// error, twenty times a second.
const HTTP_CLIENTS: [&str; 9] = [
    "bollard",
    "h2",
    "hyper",
    "hyper_util",
    "kube_client",
    "kube_runtime",
    "reqwest",
    "tower",
    "tower_http",
];

/// Writes the log to stderr from now on; nothing with `verbose` 0.
pub(super) fn show(verbose: u8) {
    if verbose == 0 {
        return;
    }
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_target(verbose > 2);
    tracing_subscriber::registry().with(layer).with(targets(verbose)).init();
}

/// The events in the log: `-v` shows each action of kindrs, `-vv` its single requests and retries,
/// `-vvv` the HTTP clients as well.
fn targets(verbose: u8) -> Targets {
    let (own, clients, others) = match verbose {
        0 | 1 => (LevelFilter::DEBUG, LevelFilter::OFF, LevelFilter::WARN),
        2 => (LevelFilter::TRACE, LevelFilter::OFF, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::DEBUG),
    };
    Targets::new()
        .with_default(others)
        .with_target("kindrs", own)
        .with_targets(HTTP_CLIENTS.map(|client| (client, clients)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn http_clients_log_at_the_third_level_only() {
        let client = "kube_client::client::builder";
        for (verbose, target, level, expected) in [
            (1, "kindrs::cluster::bootstrap", Level::DEBUG, true),
            (1, "kindrs::cluster::bootstrap", Level::TRACE, false),
            (2, "kindrs::cluster::bootstrap", Level::TRACE, true),
            (1, client, Level::ERROR, false),
            (2, client, Level::ERROR, false),
            (3, client, Level::ERROR, true),
            (3, client, Level::DEBUG, true),
            (1, "hyper_util::client::legacy", Level::ERROR, false),
            (1, "another", Level::WARN, true),
            (1, "another", Level::INFO, false),
        ] {
            let shown = targets(verbose).would_enable(target, &level);
            assert_eq!(shown, expected, "-{} {target} {level}", "v".repeat(verbose.into()));
        }
    }
}
