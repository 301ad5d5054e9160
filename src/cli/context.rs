use std::io::IsTerminal as _;
use std::sync::Arc;

use crate::failure::Failure;
use crate::fault::heal_overdue;
use crate::progress::{Lines, Progress, Terminal};
use crate::runtime::Docker;

/// What every verb works with.
pub(super) struct Context {
    /// Where to tell how it goes.
    pub(super) progress: Progress,
}

impl Context {
    /// Progress goes to stderr: live on a terminal, as lines elsewhere or between diagnostics.
    pub(super) fn new(quiet: bool, diagnostics: bool) -> Self {
        let progress = if quiet {
            Progress::silent()
        } else if std::io::stderr().is_terminal() && !diagnostics {
            Progress::new(Arc::new(Terminal::default()))
        } else {
            Progress::new(Arc::new(Lines))
        };
        Self { progress }
    }

    /// Connects to Docker, and heals faults whose time is over: a fault ends whatever became of the
    /// process that should have ended it.
    ///
    /// # Errors
    /// [`Failure::Environment`] when it cannot be reached.
    pub(super) async fn docker(&self) -> Result<Docker, Failure> {
        let docker = self.docker_as_it_is().await?;
        for entry in heal_overdue(&docker).await {
            self.progress.note(format!(
                "healed overdue fault {}: {} {}",
                entry.id, entry.node, entry.healing
            ));
        }
        Ok(docker)
    }

    /// Connects to Docker.
    ///
    /// # Errors
    /// [`Failure::Environment`] when it cannot be reached.
    pub(super) async fn docker_as_it_is(&self) -> Result<Docker, Failure> {
        Ok(Docker::connect().await?)
    }
}
