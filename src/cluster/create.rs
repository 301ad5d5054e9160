//! Creating a cluster: kindrs plans and renders everything before it starts anything.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::BoxFuture;
use kube::Client;

use crate::interruption::unless_interrupted;
use crate::kubeconfig;
use crate::kubernetes::connect;
use crate::pki::{Authority, Pki, generate};
use crate::plan::ClusterPlan;
use crate::progress::Progress;
use crate::render::Rendered;
use crate::runtime::Engine;

use super::prepare::{Preparation, prepare};
use super::stage::Creation;
use super::{CreateOptions, delete, rendering, start};

#[derive(Debug, Clone)]
pub struct Created {
    pub plan: ClusterPlan,
    /// The kubeconfig file with the cluster's entries.
    pub kubeconfig: PathBuf,
    pub elapsed: Duration,
}

/// Connects to the API server of a planned cluster; tests connect to one in memory.
type Connect =
    dyn Fn(&ClusterPlan, &Pki) -> BoxFuture<'static, anyhow::Result<Client>> + Send + Sync;

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

/// Creates a cluster.
/// Fails with [`Failure::Input`](crate::failure::Failure::Input) before anything is created when
/// the input is wrong. After any later failure, kindrs removes everything that it created, unless
/// `options.retain` is set.
pub async fn create(
    engine: &dyn Engine,
    options: &CreateOptions,
    kubeconfig: &kubeconfig::Files,
    progress: &Progress,
) -> anyhow::Result<Created> {
    create_with(engine, options, kubeconfig, progress, &connect_as_administrator).await
}

async fn create_with(
    engine: &dyn Engine,
    options: &CreateOptions,
    kubeconfig: &kubeconfig::Files,
    progress: &Progress,
    connect: &Connect,
) -> anyhow::Result<Created> {
    let mut prepared = None;
    let written = OnceLock::new();
    let result = unless_interrupted(async {
        let preparation = prepared.insert(prepare(engine, options, progress).await?);
        let started = Instant::now();
        let (plan, rendered, pki) = render(engine, options, preparation, progress).await?;
        let client = connect(&plan, &pki).await?;
        let creation = Creation {
            engine,
            kubeconfig,
            progress,
            plan,
            rendered,
            pki,
            client,
            waiting: Default::default(),
            written: &written,
        };
        creation.run(options.wait).await?;
        let kubeconfig = written.get().cloned().unwrap_or_default();
        Ok(Created { plan: creation.plan, kubeconfig, elapsed: started.elapsed() })
    })
    .await;
    if let (Err(_), Some(preparation)) = (&result, prepared) {
        if options.retain {
            progress.note(format!(
                "kindrs keeps the containers (--retain): run `kindrs export logs --name {0}` to \
                 collect their logs, `kindrs delete cluster --name {0}` to delete them",
                options.name
            ));
        } else {
            let stage = progress.stage("Remove the incomplete cluster");
            delete::delete_run(engine, &options.name, preparation.run())
                .await
                .context("creating the cluster failed, and so did removing it")?;
            if written.get().is_some() {
                kubeconfig.remove_cluster(&options.name)?;
            }
            stage.finish();
        }
    }
    result
}

/// Renders the files of all nodes, generates their certificates, and creates the network.
async fn render(
    engine: &dyn Engine,
    options: &CreateOptions,
    preparation: &mut Preparation,
    progress: &Progress,
) -> anyhow::Result<(ClusterPlan, Rendered, Pki)> {
    let stage = progress.stage("Render the nodes' configuration");
    let (plan, rendered) = loop {
        let plan = preparation.next_plan(options)?;
        let (rendered, is_free) =
            tokio::join!(rendering::render(engine, &plan), start::create_network(engine, &plan));
        let rendered = rendered?;
        if is_free? {
            break (plan, rendered);
        }
    };
    let pki = generate(&plan)?;
    stage.finish();
    Ok((plan, rendered, pki))
}

fn connect_as_administrator(
    plan: &ClusterPlan,
    pki: &Pki,
) -> BoxFuture<'static, anyhow::Result<Client>> {
    let server = plan.host_endpoint();
    let authority = pki.authorities[&Authority::Kubernetes].certificate.clone();
    let administrator = pki.nodes[&plan.nodes[0].name]["super-admin"].clone();
    Box::pin(async move { connect(&server, &authority, &administrator).await })
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
