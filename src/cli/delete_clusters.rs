use std::path::PathBuf;

use clap::Args;
use futures::future::join_all;

use super::context::Context;
use crate::cluster::delete::delete;
use crate::cluster::inventory;
use crate::fault::marker;
use crate::kubeconfig::Files;

/// Delete several clusters, or all of them
///
/// The command succeeds if a cluster does not exist.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs delete clusters dev test
  kindrs delete clusters --all")]
pub(super) struct DeleteClusters {
    /// Names of the clusters
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,
    /// Delete all clusters that kindrs created
    #[arg(short = 'A', long, conflicts_with = "names")]
    all: bool,
    /// kubeconfig file to clean up [default: all files of $KUBECONFIG or ~/.kube/config, as in kubectl]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl DeleteClusters {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker_without_healing().await?;
        let mut names = self.names;
        if self.all {
            let clusters = inventory::clusters(&docker).await?;
            names.extend(clusters.into_iter().map(|cluster| cluster.name));
            if names.is_empty() {
                context.progress.note("no clusters found");
            }
        }
        names.sort();
        names.dedup();
        let files = Files::from_environment(self.kubeconfig.as_deref());
        let deletions = names.iter().map(|name| delete(&docker, name, &files, &context.progress));
        let mut first_failure = None;
        for (name, result) in names.iter().zip(join_all(deletions).await) {
            if result.is_ok() {
                marker::forget(name);
            }
            match result {
                Ok(deleted) if deleted.is_empty() => {
                    context.progress.note(format!("cluster `{name}` does not exist"));
                }
                Ok(_) => {}
                Err(failure) if first_failure.is_none() => first_failure = Some(failure),
                Err(failure) => context.progress.warning(failure.to_string()),
            }
        }
        first_failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}
