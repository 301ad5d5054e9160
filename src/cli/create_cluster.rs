use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;

use super::cluster_name;
use super::context::Context;
use super::output::{self, Format};
use crate::cluster::CreateOptions;
use crate::cluster::create::{self, Created};
use crate::config::{self, Cluster, ContainerRole};
use crate::duration;
use crate::failure::Failure;
use crate::image::KubernetesSource;
use crate::kubeconfig::{self, Files};
use crate::kubernetes::Version;
use crate::plan::{ClusterPlan, PodNetwork};
use crate::plural::plural;

/// Create a cluster and wait until it is ready
///
/// The nodes are containers in Docker. When the command succeeds, all nodes are Ready, all system
/// pods run, DNS answers, and kubectl's current context is kindrs-NAME.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs create cluster
  kindrs create cluster --name dev --config dev.yaml
  kindrs create cluster --kubernetes v1.36.3 --wait 10m
  kindrs create cluster --config dev.yaml --dry-run
  kindrs create cluster --config - < dev.yaml")]
pub(super) struct CreateCluster {
    /// Name of the cluster; overrides the name in the configuration [default: kindrs]
    #[arg(
        short,
        long,
        env = "KINDRS_CLUSTER_NAME",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) name: Option<String>,
    /// Configuration file in kind's format (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4), or -
    /// for stdin
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Image for every node; overrides the images in the configuration
    #[arg(long)]
    pub(super) image: Option<String>,
    /// Kubernetes to run: vX.Y.Z, file:PATH or release:vX.Y.Z [default: v1.37.2]
    #[arg(long, value_name = "SOURCE", env = "KINDRS_KUBERNETES", hide_env_values = true)]
    pub(super) kubernetes: Option<String>,
    /// Time to wait until the cluster is ready; 0 does not wait
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = duration::parse)]
    pub(super) wait: Duration,
    /// Keep the containers if creating the cluster fails
    #[arg(long)]
    pub(super) retain: bool,
    /// kubeconfig file to write [default: $KUBECONFIG or ~/.kube/config, as in kubectl]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Check everything and print the plan, but create nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Output format of the plan
    #[arg(short, long, value_name = "FORMAT", default_value = "text", requires = "dry_run")]
    pub(super) output: Format,
}

impl CreateCluster {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let options = self.options()?;
        for warning in options.config.warnings() {
            context.progress.warning(warning);
        }
        let files = Files::from_environment(self.kubeconfig.as_deref());
        files.check()?;
        let docker = context.docker().await?;
        if self.dry_run {
            let plan = create::dry_run(&docker, &options, &context.progress).await?;
            return output::print(&match self.output {
                Format::Text => plan_text(&plan),
                Format::Json => output::json(&plan_json(&plan))?,
            });
        }
        let created = create::create(&docker, &options, &files, &context.progress).await?;
        context.progress.note(summary(&created));
        Ok(())
    }

    /// Reads the options and checks everything that can be checked without Docker.
    fn options(&self) -> anyhow::Result<CreateOptions> {
        let mut config = match &self.config {
            None => Cluster::default(),
            Some(file) if file.as_os_str() == "-" => {
                let text = std::io::read_to_string(std::io::stdin())
                    .context("cannot read the configuration from standard input")?;
                config::load("standard input", &text).map_err(Failure::from)?
            }
            Some(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failure::input(format!("cannot read the configuration {name}: {error}"))
                })?;
                config::load(&name, &text).map_err(Failure::from)?
            }
        };
        config = config.resolve_host_paths(
            &std::env::current_dir().context("cannot find the current folder")?,
        );
        let name = resolve_name(self.name.as_deref(), config.name.as_deref());
        config::validate_cluster_name(&name)?;
        config.name = Some(name.clone());
        config::validate(&config).map_err(Failure::from)?;
        let kubernetes = match &self.kubernetes {
            Some(source) => source.parse()?,
            None => KubernetesSource::Version(Version::default_release()),
        };
        Ok(CreateOptions {
            name,
            config,
            image: self.image.clone(),
            kubernetes,
            wait: (!self.wait.is_zero()).then_some(self.wait),
            retain: self.retain,
        })
    }
}

fn summary(created: &Created) -> String {
    let plan = &created.plan;
    let workers = plan.nodes.len() - plan.control_planes().count();
    let mut text = format!(
        "\nCreated cluster `{}` in {:.1} s: Kubernetes {}, {} and {}.\n",
        plan.name,
        created.elapsed.as_secs_f64(),
        plan.version,
        plural(plan.control_planes().count(), "control plane"),
        plural(workers, "worker"),
    );
    if plan.pod_network == PodNetwork::User {
        text.push_str(
            "The nodes stay NotReady until you install a CNI plugin (disableDefaultCNI).\n",
        );
    }
    text.push_str(&format!(
        "kubectl's current context is {context} (in {file}). Next steps:\n\n  kubectl --context {context} get nodes\n  kindrs delete cluster --name {name}",
        context = kubeconfig::entry_name(&plan.name),
        file = created.kubeconfig.display(),
        name = plan.name,
    ));
    text
}

fn plan_text(plan: &ClusterPlan) -> String {
    let mut text = format!(
        "Cluster {}: Kubernetes {}, network {} ({}), API at {}\npods {}, Services {}\n\n",
        plan.name,
        plan.version,
        plan.network,
        plan.subnet,
        plan.host_endpoint(),
        plan.pod_subnet,
        plan.service_subnet,
    );
    let mut rows = vec![["NAME", "ROLE", "ADDRESS", "PODS", "IMAGE"].map(str::to_owned)];
    rows.extend(plan.nodes.iter().map(|node| {
        [
            node.name.clone(),
            node.role.name().to_owned(),
            node.address.to_string(),
            node.pod_subnet.to_string(),
            node.image.clone(),
        ]
    }));
    rows.extend(plan.load_balancer.iter().map(|balancer| {
        [
            balancer.name.clone(),
            ContainerRole::LoadBalancer.to_string(),
            balancer.address.to_string(),
            "-".to_owned(),
            balancer.image.clone(),
        ]
    }));
    text.push_str(&output::table(&rows));
    text
}

fn plan_json(plan: &ClusterPlan) -> serde_json::Value {
    let nodes: Vec<_> = plan
        .nodes
        .iter()
        .map(|node| {
            json!({
                "name": node.name,
                "role": node.role.name(),
                "address": node.address,
                "podSubnet": node.pod_subnet,
                "image": node.image,
                "volume": node.volume,
                "labels": node.labels,
            })
        })
        .collect();
    let balancer = plan.load_balancer.as_ref().map(|balancer| {
        json!({ "name": balancer.name, "address": balancer.address, "image": balancer.image })
    });
    json!({
        "name": plan.name,
        "kubernetes": plan.version.to_string(),
        "network": plan.network,
        "subnet": plan.subnet,
        "endpoint": plan.host_endpoint(),
        "podSubnet": plan.pod_subnet,
        "serviceSubnet": plan.service_subnet,
        "nodes": nodes,
        "loadBalancer": balancer,
    })
}

/// The name from the flag or the environment, otherwise from the configuration, otherwise the
/// default.
pub(super) fn resolve_name(given: Option<&str>, configured: Option<&str>) -> String {
    given.or(configured).unwrap_or(cluster_name::DEFAULT).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::sample_plan;

    #[test]
    fn a_given_name_overrides_the_configuration() {
        assert_eq!(resolve_name(Some("a"), Some("b")), "a");
        assert_eq!(resolve_name(None, Some("b")), "b");
        assert_eq!(resolve_name(None, None), "kindrs");
    }

    #[test]
    fn prints_a_plan_as_text_and_json() {
        let plan = sample_plan(3, 1, &Version::new(1, 37, 2));
        insta::assert_snapshot!("plan_text", plan_text(&plan));
        insta::assert_snapshot!("plan_json", output::json(&plan_json(&plan)).unwrap());
    }

    #[test]
    fn the_summary_names_the_cluster_and_the_next_steps() {
        let plan = sample_plan(1, 2, &Version::new(1, 37, 2));
        let created = Created {
            plan,
            kubeconfig: "/home/me/.kube/config".into(),
            elapsed: Duration::from_millis(12_345),
        };
        insta::assert_snapshot!("summary", summary(&created));
    }
}
