//! `create cluster`: everything is planned, rendered and put in place before anything starts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::select_all;

use crate::config::Cluster;
use crate::failure::Failure;
use crate::image::KubernetesSource;
use crate::interruption::unless_interrupted;
use crate::kubeconfig;
use crate::kubernetes::connect;
use crate::pki::{Pki, generate};
use crate::plan::{Authority, ClusterPlan, PodNetwork};
use crate::progress::Progress;
use crate::render::Rendered;
use crate::runtime::Engine;

use super::prepare::{Preparation, prepare};
use super::{bootstrap, delete, readiness, rendering, start};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// Name of the cluster.
    pub name: String,
    /// Configuration, already validated.
    pub config: Cluster,
    /// Image for every node.
    pub image: Option<String>,
    /// Which Kubernetes, where no image is named.
    pub kubernetes: KubernetesSource,
    /// How long to wait for readiness; `None`: not at all.
    pub wait: Option<Duration>,
    /// Whether a cluster that failed to start is left for study.
    pub retain: bool,
}

/// A cluster that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// What was made.
    pub plan: ClusterPlan,
    /// The kubeconfig file that it was written to.
    pub kubeconfig: PathBuf,
    /// How long all took.
    pub elapsed: Duration,
}

/// Plans a cluster and checks the plan with the node image's own kubeadm. Leaves nothing behind.
///
/// # Errors
/// As [`create`].
pub async fn dry_run(
    engine: &dyn Engine,
    options: &CreateOptions,
    progress: &Progress,
) -> anyhow::Result<ClusterPlan> {
    let mut planned = None;
    let result = unless_interrupted(async {
        let mut preparation = prepare(engine, options, progress).await?;
        let plan = planned.insert(preparation.next_plan(options)?);
        let stage = progress.stage("Check the configuration with kubeadm");
        rendering::render(engine, plan).await?;
        stage.finish();
        Ok(())
    })
    .await;
    if let Some(plan) = &planned {
        delete::delete_run(engine, &plan.name, &plan.run).await?;
    }
    result?;
    planned.context("there is no plan")
}

/// Makes a cluster.
///
/// # Errors
/// [`Failure::Input`] before anything is made where the input is at fault. After any later failure
/// what was made is removed again, unless `options.retain` says otherwise.
pub async fn create(
    engine: &dyn Engine,
    options: &CreateOptions,
    kubeconfig: &kubeconfig::Files,
    progress: &Progress,
) -> anyhow::Result<Created> {
    let mut prepared = None;
    let result = unless_interrupted(async {
        let preparation = prepared.insert(prepare(engine, options, progress).await?);
        bring_up(engine, options, kubeconfig, preparation, progress).await
    })
    .await;
    if let (Err(_), Some(preparation)) = (&result, prepared) {
        if options.retain {
            progress.note(format!(
                "what was made is kept (--retain): `kindrs export logs --name {0}` collects its \
                 logs, `kindrs delete cluster --name {0}` removes it",
                options.name
            ));
        } else {
            let stage = progress.stage("Remove what was made");
            delete::delete_run(engine, &options.name, preparation.run())
                .await
                .context("after a failure, what was made could not be removed")?;
            if preparation.kubeconfig_written {
                kubeconfig.remove_cluster(&options.name)?;
            }
            stage.finish();
        }
    }
    result
}

async fn bring_up(
    engine: &dyn Engine,
    options: &CreateOptions,
    kubeconfig: &kubeconfig::Files,
    preparation: &mut Preparation,
    progress: &Progress,
) -> anyhow::Result<Created> {
    let started = Instant::now();
    let stage = progress.stage("Plan and render the nodes' files");
    let (plan, rendered) = loop {
        let plan = preparation.next_plan(options)?;
        let (rendered, free) =
            tokio::join!(rendering::render(engine, &plan), start::create_network(engine, &plan));
        let rendered = rendered?;
        if free? {
            break (plan, rendered);
        }
    };
    let pki = generate(&plan)?;
    stage.finish();

    let stage = progress.stage(format!("Start {} node containers", plan.nodes.len()));
    start::create_containers(engine, &plan, &pki, &rendered).await?;
    stage.finish();

    preparation.kubeconfig_written = true;
    let kubeconfig = kubeconfig.add(&access(&plan, &pki))?;
    let work = bring_up_kubernetes(engine, options, &plan, &pki, &rendered, progress);
    tokio::select! {
        result = work => result?,
        error = first_death(engine, &plan) => return Err(error),
    }
    Ok(Created { plan, kubeconfig, elapsed: started.elapsed() })
}

async fn bring_up_kubernetes(
    engine: &dyn Engine,
    options: &CreateOptions,
    plan: &ClusterPlan,
    pki: &Pki,
    rendered: &Rendered,
    progress: &Progress,
) -> anyhow::Result<()> {
    let stage = progress.stage("Start the control plane");
    let authority = &pki.authorities[&Authority::Kubernetes].certificate;
    let administrator = &pki.nodes[&plan.nodes[0].name]["super-admin"];
    let client = connect(&plan.host_endpoint(), authority, administrator).await?;
    bootstrap::await_api(&client).await?;
    stage.finish();

    let bootstrapped = async {
        let stage = progress.stage("Install DNS, kube-proxy and storage");
        tokio::try_join!(
            bootstrap::create_addons(&client, plan, rendered),
            bootstrap::label_nodes(&client, plan),
            bootstrap::hasten_registration(engine, &client, plan),
            bootstrap::upload_configuration(engine, plan),
        )?;
        stage.finish();
        anyhow::Ok(())
    };
    let Some(patience) = options.wait else { return bootstrapped.await };
    let waiting = readiness::Waiting::default();
    let ready = async {
        let nodes = async {
            let stage = progress.stage(format!("Wait for {} nodes to be Ready", plan.nodes.len()));
            readiness::await_nodes(&client, plan, &stage, &waiting).await?;
            stage.finish();
            anyhow::Ok(())
        };
        let pods = async {
            let stage = progress.stage("Wait for the system's pods");
            readiness::await_system_pods(&client, plan, &stage, &waiting).await?;
            stage.finish();
            anyhow::Ok(())
        };
        tokio::try_join!(nodes, pods)?;
        if plan.pod_network == PodNetwork::User {
            return Ok(());
        }
        let stage = progress.stage("Ask cluster DNS on every node");
        let silent = readiness::await_dns(engine, plan).await?;
        stage.finish();
        if !silent.is_empty() {
            progress.warning(format!(
                "cluster DNS does not answer on {}: the image's own CNI does not connect it",
                silent.join(", ")
            ));
        }
        anyhow::Ok(())
    };
    let all = async { tokio::try_join!(bootstrapped, ready).map(|_| ()) };
    if let Ok(result) = tokio::time::timeout(patience, all).await {
        return result;
    }
    let failure = match readiness::diagnose(engine, plan).await {
        Some(cause) => cause,
        None => Failure::environment(format!(
            "the cluster is not ready after {} s; it still waits for: {}",
            patience.as_secs(),
            waiting.describe()
        ))
        .with_hint("a longer --wait gives it more time; --retain keeps it for study"),
    };
    Err(failure.into())
}

/// What the user's kubeconfig gets: the administrator's certificate of the first control plane.
fn access(plan: &ClusterPlan, pki: &Pki) -> kubeconfig::Access {
    let administrator = &pki.nodes[&plan.nodes[0].name]["admin"];
    kubeconfig::Access {
        cluster: plan.name.clone(),
        server: plan.host_endpoint(),
        ca_pem: pki.authorities[&Authority::Kubernetes].certificate.clone(),
        client_cert_pem: administrator.certificate.clone(),
        client_key_pem: administrator.key.clone(),
    }
}

/// Waits for the first container to end, which none should, and reports the end of its log.
async fn first_death(engine: &dyn Engine, plan: &ClusterPlan) -> anyhow::Error {
    let names = plan.nodes.iter().map(|node| node.name.as_str());
    let balancers = plan.load_balancer.iter().map(|balancer| balancer.name.as_str());
    let deaths = names
        .chain(balancers)
        .map(|name| Box::pin(async move { (name, engine.wait_container(name).await) }));
    let ((name, code), _, _) = select_all(deaths).await;
    let log = engine.container_log(name, 30).await.unwrap_or_default();
    let code = code.map_or_else(|error| error.to_string(), |code| format!("exit code {code}"));
    Failure::environment(format!(
        "{name} ended while starting ({code}); the end of its log:\n{}",
        log.trim()
    ))
    .with_hint("--retain keeps the containers for study")
    .into()
}
