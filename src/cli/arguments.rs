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

/// Heading of the options that every verb has.
const GLOBAL: &str = "Global options";

/// Disposable, real, multi-node Kubernetes clusters in Docker
#[derive(Debug, Parser)]
#[command(
    name = "kindrs",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  kindrs create cluster                    A cluster of one node, named kindrs
  kindrs create cluster --config dev.yaml  The cluster that a file describes
  kubectl --context kindrs-kindrs get nodes
  kindrs delete cluster

Exit codes: 0 done, 1 a check failed, 2 wrong input, 3 Docker, an image, a disk or a network failed."
)]
pub(super) struct Arguments {
    /// Show nothing but errors on stderr
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
    /// Show what happens inside on stderr; repeat for more
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

/// A verb of the command line.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a cluster
    #[command(subcommand)]
    Create(Create),
    /// Delete clusters
    #[command(subcommand)]
    Delete(Delete),
    /// List clusters or nodes, or print a kubeconfig
    #[command(subcommand)]
    Get(Get),
    /// Write a cluster's kubeconfig entries or logs to files
    #[command(subcommand)]
    Export(Export),
    /// Bring images into a cluster's nodes
    #[command(subcommand)]
    Load(Load),
    /// Make an image for nodes
    #[command(subcommand)]
    Build(Build),
    /// Break a cluster on purpose, and heal it
    #[command(subcommand)]
    Fault(Fault),
    /// Test a cluster's behaviour by scenarios
    #[command(subcommand)]
    Scenario(Scenario),
    Completion(Completion),
    Version(Version),
}

/// What can be created.
#[derive(Debug, Subcommand)]
pub(super) enum Create {
    Cluster(Box<CreateCluster>),
}

/// What can be deleted.
#[derive(Debug, Subcommand)]
pub(super) enum Delete {
    Cluster(DeleteCluster),
    Clusters(DeleteClusters),
}

/// What can be read.
#[derive(Debug, Subcommand)]
pub(super) enum Get {
    Clusters(GetClusters),
    Nodes(GetNodes),
    Kubeconfig(GetKubeconfig),
}

/// What can be exported.
#[derive(Debug, Subcommand)]
pub(super) enum Export {
    Kubeconfig(ExportKubeconfig),
    Logs(ExportLogs),
}

/// What can be loaded.
#[derive(Debug, Subcommand)]
pub(super) enum Load {
    DockerImage(LoadDockerImage),
    ImageArchive(LoadImageArchive),
}

/// What can be built.
#[derive(Debug, Subcommand)]
pub(super) enum Build {
    NodeImage(BuildNodeImage),
}

/// What can be done about faults.
#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    Inject(Box<FaultInject>),
    List(FaultList),
    Heal(FaultHeal),
    Kinds(FaultKinds),
}

/// What can be done with scenarios.
#[derive(Debug, Subcommand)]
pub(super) enum Scenario {
    Run(Box<ScenarioRun>),
    Lint(ScenarioLint),
    Check(ScenarioCheck),
    Schema(ScenarioSchema),
}

impl Command {
    /// Does what the verb says.
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
