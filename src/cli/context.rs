use std::io::IsTerminal as _;
use std::sync::Arc;

use crate::failure::Failure;
use crate::fault::heal_overdue;
use crate::progress::{Lines, Progress, Terminal};
use crate::runtime::Docker;

pub(super) struct Context {
    pub(super) progress: Progress,
}

impl Context {
    /// Shows progress on stderr: live on a terminal, as lines elsewhere or together with a log.
    pub(super) fn new(quiet: bool, logs: bool) -> Self {
        let progress = if quiet {
            Progress::silent()
        } else if std::io::stderr().is_terminal() && !logs {
            Progress::new(Arc::new(Terminal::default()))
        } else {
            Progress::new(Arc::new(Lines))
        };
        Self { progress }
    }

    /// Connects to Docker, and heals expired faults, in case the process that should have healed
    /// them was killed.
    /// Fails with [`Failure::Environment`] when Docker cannot be reached.
    pub(super) async fn docker(&self) -> Result<Docker, Failure> {
        let docker = self.docker_without_healing().await?;
        for entry in heal_overdue(&docker).await {
            self.progress.note(format!(
                "healed overdue fault {}: {} {}",
                entry.id, entry.node, entry.healing
            ));
        }
        Ok(docker)
    }

    pub(super) async fn docker_without_healing(&self) -> Result<Docker, Failure> {
        Ok(Docker::connect().await?)
    }
}
