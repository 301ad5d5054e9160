//! The stages of bringing up a cluster that is planned and rendered.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::select_all;

use crate::failure::Failure;
use crate::kubeconfig;
use crate::pki::{Authority, Pki};
use crate::plan::{ClusterPlan, PodNetwork};
use crate::plural::plural;
use crate::progress::{self, Progress};
use crate::render::Rendered;
use crate::runtime::Engine;

use super::readiness::Waiting;
use super::{bootstrap, readiness, start};

/// Everything that the stages share.
pub(super) struct Creation<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) kubeconfig: &'a kubeconfig::Files,
    pub(super) progress: &'a Progress,
    pub(super) plan: ClusterPlan,
    pub(super) rendered: Rendered,
    pub(super) pki: Pki,
    /// A client of the API server, which nothing answers until the control plane has started.
    pub(super) client: kube::Client,
    pub(super) waiting: Waiting,
    /// The kubeconfig file that has the cluster's entries, once it has.
    pub(super) written: &'a OnceLock<PathBuf>,
}

/// One stage, in the order of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    StartNodes,
    WriteKubeconfig,
    StartControlPlane,
    InstallAddons,
    AwaitNodes,
    AwaitSystemPods,
    CheckDns,
}

impl Stage {
    fn title(self, plan: &ClusterPlan) -> String {
        let nodes = plural(plan.nodes.len(), "node");
        match self {
            Self::StartNodes => format!("Start {nodes}"),
            Self::WriteKubeconfig => "Write the kubeconfig".to_owned(),
            Self::StartControlPlane => "Start the control plane".to_owned(),
            Self::InstallAddons => "Install DNS, kube-proxy and storage".to_owned(),
            Self::AwaitNodes => format!("Wait for {nodes} to be Ready"),
            Self::AwaitSystemPods => "Wait for the system pods".to_owned(),
            Self::CheckDns => "Check cluster DNS on every node".to_owned(),
        }
    }
}

impl Creation<'_> {
    /// Runs every stage. With `wait`, the last ones have that long to succeed; without it, they do
    /// not run. Fails as soon as any container of the cluster exits.
    pub(super) async fn run(&self, wait: Option<Duration>) -> anyhow::Result<()> {
        self.stage(Stage::StartNodes).await?;
        self.stage(Stage::WriteKubeconfig).await?;
        tokio::select! {
            biased;
            result = self.bring_up_kubernetes(wait) => result,
            error = self.first_exit() => Err(error),
        }
    }

    async fn bring_up_kubernetes(&self, wait: Option<Duration>) -> anyhow::Result<()> {
        self.stage(Stage::StartControlPlane).await?;
        let installed = self.stage(Stage::InstallAddons);
        let Some(patience) = wait else { return installed.await };
        let ready = async {
            tokio::try_join!(self.stage(Stage::AwaitNodes), self.stage(Stage::AwaitSystemPods))?;
            match self.plan.pod_network {
                PodNetwork::User => Ok(()),
                PodNetwork::Routes | PodNetwork::Manifest => self.stage(Stage::CheckDns).await,
            }
        };
        let both = async { tokio::try_join!(installed, ready).map(|_| ()) };
        match tokio::time::timeout(patience, both).await {
            Ok(result) => result,
            Err(_) => Err(self.not_ready(patience).await.into()),
        }
    }

    async fn stage(&self, stage: Stage) -> anyhow::Result<()> {
        let shown = self.progress.stage(stage.title(&self.plan));
        // Boxed: with the clients' layers the futures of all stages together are large.
        Box::pin(self.perform(stage, &shown)).await?;
        shown.finish();
        Ok(())
    }

    async fn perform(&self, stage: Stage, shown: &progress::Stage) -> anyhow::Result<()> {
        let Self { engine, client, plan, .. } = self;
        match stage {
            Stage::StartNodes => {
                start::create_containers(*engine, plan, &self.pki, &self.rendered).await
            }
            Stage::WriteKubeconfig => {
                let file = self.kubeconfig.add(&self.access())?;
                self.written.get_or_init(|| file);
                Ok(())
            }
            Stage::StartControlPlane => bootstrap::await_api(client).await,
            Stage::InstallAddons => {
                tokio::try_join!(
                    bootstrap::create_addons(client, plan, &self.rendered),
                    bootstrap::label_nodes(client, plan),
                    bootstrap::hasten_registration(*engine, client, plan),
                    bootstrap::upload_configuration(*engine, plan),
                )?;
                Ok(())
            }
            Stage::AwaitNodes => readiness::await_nodes(client, plan, shown, &self.waiting).await,
            Stage::AwaitSystemPods => {
                readiness::await_system_pods(client, plan, shown, &self.waiting).await
            }
            Stage::CheckDns => {
                let silent = readiness::await_dns(*engine, plan).await?;
                if !silent.is_empty() {
                    self.progress.warning(format!(
                        "cluster DNS does not answer on {}: the CNI of the node image does not \
                         connect these nodes",
                        silent.join(", ")
                    ));
                }
                Ok(())
            }
        }
    }

    /// The user's access: the administrator's certificate of the first control plane.
    fn access(&self) -> kubeconfig::Access {
        let administrator = &self.pki.nodes[&self.plan.nodes[0].name]["admin"];
        kubeconfig::Access {
            cluster: self.plan.name.clone(),
            server: self.plan.host_endpoint(),
            ca_pem: self.pki.authorities[&Authority::Kubernetes].certificate.clone(),
            client_cert_pem: administrator.certificate.clone(),
            client_key_pem: administrator.key.clone(),
        }
    }

    async fn not_ready(&self, patience: Duration) -> Failure {
        if let Some(cause) = readiness::diagnose(self.engine, &self.plan).await {
            return cause;
        }
        Failure::environment(format!(
            "the cluster is not ready after {} s; not ready: {}",
            patience.as_secs(),
            self.waiting.describe()
        ))
        .with_hint("use a longer --wait, or --retain to keep the containers")
    }

    /// Waits until a container of the cluster exits; returns an error with the end of its log.
    async fn first_exit(&self) -> anyhow::Error {
        let names = self.plan.nodes.iter().map(|node| node.name.as_str());
        let balancers = self.plan.load_balancer.iter().map(|balancer| balancer.name.as_str());
        let exits = names
            .chain(balancers)
            .map(|name| Box::pin(async move { (name, self.engine.wait_container(name).await) }));
        let ((name, code), _, _) = select_all(exits).await;
        let log = self.engine.container_log(name, 30).await.unwrap_or_default();
        let code = code.map_or_else(|error| error.to_string(), |code| format!("exit code {code}"));
        Failure::environment(format!(
            "container {name} exited while starting ({code}); the last lines of its log:\n{}",
            log.trim()
        ))
        .with_hint("use --retain to keep the containers")
        .into()
    }
}
