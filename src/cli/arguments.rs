use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use super::build_node_image::BuildNodeImage;
use super::completion::Completion;
use super::context::Context;
use super::create_cluster::CreateCluster;
use super::delete_cluster::DeleteCluster;
use super::delete_clusters::DeleteClusters;
use super::export_kubeconfig::ExportKubeconfig;
use super::export_logs::ExportLogs;
use super::fault_heal::FaultHeal;
use super::fault_inject::FaultInject;
use super::fault_kinds::FaultKinds;
use super::fault_list::FaultList;
use super::get_clusters::GetClusters;
use super::get_kubeconfig::GetKubeconfig;
use super::get_nodes::GetNodes;
use super::load_docker_image::LoadDockerImage;
use super::load_image_archive::LoadImageArchive;
use super::scenario_check::ScenarioCheck;
use super::scenario_lint::ScenarioLint;
use super::scenario_run::ScenarioRun;
use super::scenario_schema::ScenarioSchema;
use super::version::Version;

/// Heading of the options that all verbs share.
const GLOBAL: &str = "Global options";

/// Create disposable multi-node Kubernetes clusters in Docker
#[derive(Debug, Parser)]
#[command(
    name = "kindrs",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  kindrs create cluster                    Create a cluster with one node, named kindrs
  kindrs create cluster --config dev.yaml  Create the cluster that a file describes
  kubectl --context kindrs-kindrs get nodes
  kindrs delete cluster

Exit codes:
  0  success
  1  a check failed
  2  invalid input
  3  Docker, an image, the disk or the network failed"
)]
pub(super) struct Arguments {
    /// Show only errors on stderr
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
    /// Log what kindrs does; -vv also logs requests and retries, -vvv the HTTP clients
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Count,
        conflicts_with = "quiet",
        help_heading = GLOBAL
    )]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a cluster
    #[command(subcommand)]
    Create(Create),
    /// Delete clusters
    #[command(subcommand)]
    Delete(Delete),
    /// List clusters or nodes, or print a kubeconfig
    #[command(subcommand)]
    Get(Get),
    /// Export a cluster's kubeconfig entries or logs
    #[command(subcommand)]
    Export(Export),
    /// Load images into a cluster's nodes
    #[command(subcommand)]
    Load(Load),
    /// Build a node image
    #[command(subcommand)]
    Build(Build),
    /// Inject faults into a cluster and heal them
    #[command(subcommand)]
    Fault(Fault),
    /// Test how a cluster behaves, with scenarios
    #[command(subcommand)]
    Scenario(Scenario),
    Completion(Completion),
    Version(Version),
}

#[derive(Debug, Subcommand)]
pub(super) enum Create {
    Cluster(Box<CreateCluster>),
}

#[derive(Debug, Subcommand)]
pub(super) enum Delete {
    Cluster(DeleteCluster),
    Clusters(DeleteClusters),
}

#[derive(Debug, Subcommand)]
pub(super) enum Get {
    Clusters(GetClusters),
    Nodes(GetNodes),
    Kubeconfig(GetKubeconfig),
}

#[derive(Debug, Subcommand)]
pub(super) enum Export {
    Kubeconfig(ExportKubeconfig),
    Logs(ExportLogs),
}

#[derive(Debug, Subcommand)]
pub(super) enum Load {
    DockerImage(LoadDockerImage),
    ImageArchive(LoadImageArchive),
}

#[derive(Debug, Subcommand)]
pub(super) enum Build {
    NodeImage(BuildNodeImage),
}

#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    Inject(Box<FaultInject>),
    List(FaultList),
    Heal(FaultHeal),
    Kinds(FaultKinds),
}

#[derive(Debug, Subcommand)]
pub(super) enum Scenario {
    Run(Box<ScenarioRun>),
    Lint(ScenarioLint),
    Check(ScenarioCheck),
    Schema(ScenarioSchema),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Create(Create::Cluster(verb)) => verb.run(context).await,
            Self::Delete(Delete::Cluster(verb)) => verb.run(context).await,
            Self::Delete(Delete::Clusters(verb)) => verb.run(context).await,
            Self::Get(Get::Clusters(verb)) => verb.run(context).await,
            Self::Get(Get::Nodes(verb)) => verb.run(context).await,
            Self::Get(Get::Kubeconfig(verb)) => verb.run(context).await,
            Self::Export(Export::Kubeconfig(verb)) => verb.run(context).await,
            Self::Export(Export::Logs(verb)) => verb.run(context).await,
            Self::Load(Load::DockerImage(verb)) => verb.run(context).await,
            Self::Load(Load::ImageArchive(verb)) => verb.run(context).await,
            Self::Build(Build::NodeImage(verb)) => verb.run(context).await,
            Self::Fault(Fault::Inject(verb)) => verb.run(context).await,
            Self::Fault(Fault::List(verb)) => verb.run(context).await,
            Self::Fault(Fault::Heal(verb)) => verb.run(context).await,
            Self::Fault(Fault::Kinds(verb)) => verb.run(),
            Self::Scenario(Scenario::Run(verb)) => verb.run(context).await,
            Self::Scenario(Scenario::Lint(verb)) => verb.run(context),
            Self::Scenario(Scenario::Check(verb)) => verb.run(context),
            Self::Scenario(Scenario::Schema(verb)) => verb.run(),
            Self::Completion(verb) => verb.run(Arguments::command()),
            Self::Version(verb) => verb.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
