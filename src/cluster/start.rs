use futures::future::try_join_all;

use crate::failure::Failure;
use crate::pki::Pki;
use crate::plan::{ClusterPlan, load_balancer_container, node_container};
use crate::render::{NodeFile, Rendered, archive, load_balancer_files, node_files};
use crate::runtime::{ContainerSpec, Engine, EngineError, NetworkSpec, Refusal};

use crate::plan::labels;

/// Creates the cluster's network. `Ok(false)` if another network has taken its subnet in the
/// meantime.
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
        Err(error) if error.refusal() == Some(Refusal::SubnetOverlap) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Creates every container, copies its files into it, and starts it.
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
    let Err(error) = engine.start_container(&spec.name).await else { return Ok(()) };
    match error.refusal() {
        Some(Refusal::PortInUse) => {
            let ports: Vec<String> = spec.ports.iter().map(|p| p.host_port.to_string()).collect();
            let one_of = if ports.len() == 1 { "" } else { "one of " };
            Err(Failure::environment(format!(
                "a host port of {} is in use ({one_of}{}): {error}",
                spec.name,
                ports.join(", ")
            ))
            .with_hint("choose another port in the configuration, or stop the program that uses it")
            .into())
        }
        Some(Refusal::NotPermitted) => Err(Failure::environment(format!(
            "Docker lacks a permission that node containers need: {error}"
        ))
        .with_hint(format!(
            "run a Docker daemon that has every capability that it grants ({}); a rootless \
             daemon lacks some",
            spec.capabilities.join(", ")
        ))
        .into()),
        _ => Err(error.into()),
    }
}
