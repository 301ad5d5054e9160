//! Ctrl-C and SIGTERM drop the work in progress, so that it cleans up after itself.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Does `work`, and drops it at Ctrl-C or SIGTERM. From then on, neither signal ends the process.
///
/// # Errors
/// Those of `work`; [`Failure::Environment`] when the work is interrupted.
pub async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        result = work => result,
        () = interrupted() => Err(Failure::environment("interrupted").into()),
    }
}

/// Waits for Ctrl-C or SIGTERM. From then on, neither signal ends the process.
pub async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
