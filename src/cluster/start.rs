use anyhow::Context as _;
use futures::future::try_join_all;

use crate::failure::Failure;
use crate::pki::Pki;
use crate::plan::{ClusterPlan, load_balancer_container, node_container};
use crate::render::{NodeFile, Rendered, archive, load_balancer_files, node_files};
use crate::runtime::{ContainerSpec, Engine, EngineError, NetworkSpec};

use crate::plan::labels;

/// Makes the cluster's network. `Ok(false)` when another one has taken its subnet meanwhile.
pub(super) async fn create_network(
    engine: &dyn Engine,
    plan: &ClusterPlan,
) -> Result<bool, EngineError> {
    let spec = NetworkSpec {
        name: plan.network.clone(),
        subnet: plan.subnet,
        labels: labels::cluster(&plan.name, &plan.run),
        options: std::collections::BTreeMap::new(),
    };
    match engine.create_network(&spec).await {
        Ok(()) => Ok(true),
        Err(EngineError::Conflict { reason, .. }) if reason.contains("overlap") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes every container with its files in it, then starts all at once.
pub(super) async fn create_containers(
    engine: &dyn Engine,
    plan: &ClusterPlan,
    pki: &Pki,
    rendered: &Rendered,
) -> anyhow::Result<()> {
    let mut containers: Vec<(ContainerSpec, Vec<NodeFile>)> = Vec::new();
    for node in &plan.nodes {
        let files = node_files(plan, node, pki, rendered)?;
        containers.push((node_container(plan, node), files));
    }
    if let Some(load_balancer) = &plan.load_balancer {
        let spec = load_balancer_container(plan, load_balancer);
        containers.push((spec, load_balancer_files(plan)));
    }

    let volume_labels: Vec<_> = labels::cluster(&plan.name, &plan.run).into_iter().collect();
    try_join_all(plan.nodes.iter().map(|node| engine.create_volume(&node.volume, &volume_labels)))
        .await?;
    try_join_all(containers.iter().map(|(spec, files)| async {
        engine.create_container(spec).await?;
        engine.upload(&spec.name, "/", archive(files)?).await?;
        start(engine, spec).await
    }))
    .await?;
    Ok(())
}

async fn start(engine: &dyn Engine, spec: &ContainerSpec) -> anyhow::Result<()> {
    match engine.start_container(&spec.name).await {
        Ok(()) => Ok(()),
        Err(EngineError::Refused { reason, .. }) if is_port_taken(&reason) => {
            let ports: Vec<String> = spec.ports.iter().map(|p| p.host_port.to_string()).collect();
            Err(Failure::environment(format!(
                "{}: a port of the host is in use (one of {}): {reason}",
                spec.name,
                ports.join(", ")
            ))
            .with_hint("choose another port in the configuration, or end what uses it")
            .into())
        }
        Err(EngineError::Refused { reason, .. }) if reason.contains("operation not permitted") => {
            Err(Failure::environment(format!(
                "Docker refuses what a node container needs (it asks for the capabilities {}): {reason}",
                spec.capabilities.join(", ")
            ))
            .with_hint("the Docker daemon must itself have what it grants; rootless daemons lack some")
            .into())
        }
        Err(error) => Err(error).with_context(|| format!("starting {}", spec.name)),
    }
}

fn is_port_taken(reason: &str) -> bool {
    ["port is already allocated", "address already in use"].iter().any(|text| reason.contains(text))
}
