use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::context::Context;
use super::output::Format;
use super::{cluster_name, duration};
use crate::failure::Failure;

/// Make a cluster and wait until it works
///
/// Its nodes are containers in Docker. When this ends well, every node is Ready, every system pod
/// runs and DNS answers, and kubectl's current context is kindrs-NAME.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs create cluster
  kindrs create cluster --name dev --config dev.yaml
  kindrs create cluster --kubernetes v1.36.3 --wait 10m
  kindrs create cluster --config dev.yaml --dry-run
  kindrs create cluster --config - < dev.yaml")]
pub(super) struct CreateCluster {
    /// Name of the cluster: before the one in the configuration [default: kindrs]
    #[arg(
        short,
        long,
        env = "KINDRS_CLUSTER_NAME",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) name: Option<String>,
    /// Configuration in kind's format (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4); - for
    /// stdin
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Image for nodes whose configuration names none
    #[arg(long)]
    pub(super) image: Option<String>,
    /// Kubernetes to run: vX.Y.Z, file:PATH or release:vX.Y.Z [default: v1.37.2]
    #[arg(long, value_name = "SOURCE", env = "KINDRS_KUBERNETES", hide_env_values = true)]
    pub(super) kubernetes: Option<String>,
    /// How long to wait until the cluster works; 0 for not at all
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = duration::parse)]
    pub(super) wait: Duration,
    /// Keep what was made when making fails
    #[arg(long)]
    pub(super) retain: bool,
    /// kubeconfig file to write to [default: as kubectl: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Check everything and print the plan; make nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How the plan is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text", requires = "dry_run")]
    pub(super) output: Format,
}

impl CreateCluster {
    /// Makes the cluster.
    pub(super) async fn run(self, _context: &Context) -> anyhow::Result<()> {
        let name = resolve_name(self.name.as_deref(), None);
        Err(Failure::environment(format!("cluster `{name}` cannot be made by this build")).into())
    }
}

/// The cluster's name: of the flag or the environment, else of the configuration, else the default.
pub(super) fn resolve_name(given: Option<&str>, configured: Option<&str>) -> String {
    given.or(configured).unwrap_or(cluster_name::DEFAULT).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_goes_before_what_is_configured() {
        assert_eq!(resolve_name(Some("a"), Some("b")), "a");
        assert_eq!(resolve_name(None, Some("b")), "b");
        assert_eq!(resolve_name(None, None), "kindrs");
    }
}
