use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::cluster::inventory::{self, NodeSummary};
use crate::failure::Failure;
use crate::runtime::Engine;

/// The name of a cluster for which the user specifies none.
pub(super) const DEFAULT: &str = "kindrs";

#[derive(Debug, Args)]
pub(super) struct ClusterName {
    /// Name of the cluster
    #[arg(
        short,
        long,
        env = "KINDRS_CLUSTER_NAME",
        hide_env_values = true,
        default_value = DEFAULT,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) name: String,
}

/// One cluster, or all of them.
#[derive(Debug, Args)]
pub(super) struct OneOrAllClusters {
    #[command(flatten)]
    cluster: ClusterName,
    /// Select all clusters
    #[arg(short = 'A', long)]
    all_clusters: bool,
}

impl OneOrAllClusters {
    /// The nodes and load balancers of the selected clusters; none when there are no clusters.
    ///
    /// # Errors
    /// [`Failure::Input`] when the named cluster does not exist.
    pub(super) async fn nodes(&self, engine: &dyn Engine) -> Result<Vec<NodeSummary>, Failure> {
        if self.all_clusters {
            Ok(inventory::all_nodes(engine).await?)
        } else {
            inventory::require(engine, &self.cluster.name).await
        }
    }
}
