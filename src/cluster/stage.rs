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
use crate::progress::Progress;
use crate::render::Rendered;
use crate::runtime::Engine;

use super::readiness::Waiting;
use super::{bootstrap, readiness, start};

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

impl Creation<'_> {
    /// Runs every stage. With `wait`, the last ones have that long to succeed; without it, they do
    /// not run. Fails as soon as any container of the cluster exits.
    pub(super) async fn run(&self, wait: Option<Duration>) -> anyhow::Result<()> {
        let Self { engine, plan, .. } = self;
        let stage = self.progress.stage(format!("Start {}", plural(plan.nodes.len(), "node")));
        start::create_containers(*engine, plan, &self.pki, &self.rendered).await?;
        stage.finish();
        let stage = self.progress.stage("Write the kubeconfig");
        let file = self.kubeconfig.add(&self.access())?;
        self.written.get_or_init(|| file);
        stage.finish();
        tokio::select! {
            biased;
            result = self.bring_up_kubernetes(wait) => result,
            error = self.first_exit() => Err(error),
        }
    }

    async fn bring_up_kubernetes(&self, wait: Option<Duration>) -> anyhow::Result<()> {
        let stage = self.progress.stage("Start the control plane");
        bootstrap::await_api(&self.client).await?;
        stage.finish();
        // Boxed: with the clients' layers the futures of all stages together are large.
        let installed = Box::pin(self.install_addons());
        let Some(patience) = wait else { return installed.await };
        let both = async { tokio::try_join!(installed, self.await_readiness()).map(drop) };
        match tokio::time::timeout(patience, both).await {
            Ok(result) => result,
            Err(_) => Err(self.not_ready(patience).await.into()),
        }
    }

    async fn install_addons(&self) -> anyhow::Result<()> {
        let Self { engine, client, plan, .. } = self;
        let stage = self.progress.stage("Install DNS, kube-proxy and storage");
        tokio::try_join!(
            bootstrap::create_addons(client, plan, &self.rendered),
            bootstrap::label_nodes(client, plan),
            bootstrap::hasten_registration(*engine, client, plan),
            bootstrap::upload_configuration(*engine, plan),
        )?;
        stage.finish();
        Ok(())
    }

    async fn await_readiness(&self) -> anyhow::Result<()> {
        let Self { engine, client, plan, waiting, .. } = self;
        let nodes = async {
            let nodes = plural(plan.nodes.len(), "node");
            let stage = self.progress.stage(format!("Wait for {nodes} to be Ready"));
            readiness::await_nodes(client, plan, &stage, waiting).await?;
            stage.finish();
            anyhow::Ok(())
        };
        let pods = async {
            let stage = self.progress.stage("Wait for the system pods");
            readiness::await_system_pods(client, plan, &stage, waiting).await?;
            stage.finish();
            Ok(())
        };
        tokio::try_join!(Box::pin(nodes), Box::pin(pods))?;
        if plan.pod_network == PodNetwork::User {
            return Ok(());
        }
        let stage = self.progress.stage("Check cluster DNS on every node");
        let silent = readiness::await_dns(*engine, plan).await?;
        if !silent.is_empty() {
            self.progress.warning(format!(
                "cluster DNS does not answer on {}: the CNI of the node image does not connect \
                 these nodes",
                silent.join(", ")
            ));
        }
        stage.finish();
        Ok(())
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
