use std::collections::BTreeMap;

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::failure::Failure;
use crate::plan::{ClusterPlan, NodePlan, render_container};
use crate::render::{RENDER_DIRECTORY, Rendered, archive, render_input};
use crate::runtime::Engine;

/// Renders the files that depend on the Kubernetes version with the node images' own kubeadm, in
/// one short-lived container for each image.
/// Fails with [`Failure::Input`] and kubeadm's message when kubeadm rejects the configuration.
pub(super) async fn render(engine: &dyn Engine, plan: &ClusterPlan) -> anyhow::Result<Rendered> {
    let mut by_image: BTreeMap<&str, Vec<&NodePlan>> = BTreeMap::new();
    for node in &plan.nodes {
        by_image.entry(&node.image).or_default().push(node);
    }
    let runs = by_image.into_iter().enumerate().map(|(index, (image, nodes))| async move {
        let spec = render_container(plan, image, index);
        let input = archive(&render_input(plan, &nodes)?)?;
        engine.create_container(&spec).await?;
        let result = run(engine, &spec.name, input).await;
        engine.remove_container(&spec.name).await?;
        result.with_context(|| format!("cannot render with image {image}"))
    });
    let mut rendered = Rendered::default();
    for result in try_join_all(runs).await? {
        rendered.extend(result);
    }
    Ok(rendered)
}

async fn run(engine: &dyn Engine, name: &str, input: bytes::Bytes) -> anyhow::Result<Rendered> {
    engine.upload(name, "/", input).await?;
    engine.start_container(name).await?;
    match engine.wait_container(name).await? {
        0 => {
            let output = engine.download(name, &format!("{RENDER_DIRECTORY}/out")).await?;
            Ok(Rendered::read(&output).context("cannot read the rendered files")?)
        }
        code => {
            let log = engine.container_log(name, 20).await?;
            let log = log.trim();
            Err(match code {
                10 => Failure::input(format!("kubeadm rejects the configuration: {log}"))
                    .with_hint("check kubeadmConfigPatches in the configuration"),
                11 => Failure::input(format!("featureGates: {log}")).with_hint(
                    "run `kubelet --help` in a node to list the feature gates of this version",
                ),
                _ => Failure::environment(format!(
                    "cannot render the configuration in the node image (exit code {code}): {log}"
                ))
                .with_hint("use a node image; `kindrs build node-image` builds one"),
            }
            .into())
        }
    }
}
