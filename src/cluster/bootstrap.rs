use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::kubernetes::create_objects;
use crate::plan::{ClusterPlan, NodePlan, PodNetwork};
use crate::render::{
    ADDONS, Rendered, addon_objects, kube_proxy_overrides, override_kube_proxy,
    template_cni_manifest,
};
use crate::runtime::Engine;

const REGISTRATION_PATIENCE: Duration = Duration::from_millis(1500);
const API_PATIENCE: Duration = Duration::from_secs(120);

/// Waits until the API server answers that it is ready.
pub(super) async fn await_api(client: &Client) -> anyhow::Result<()> {
    let started = tokio::time::Instant::now();
    tracing::debug!("waiting for the API server");
    loop {
        let request = http::Request::get("/readyz").body(Vec::new())?;
        match client.request_text(request).await {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > API_PATIENCE => {
                return Err(error).context("the API server is not ready after two minutes");
            }
            Err(error) => {
                tracing::trace!(%error, "the API server is not ready");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Creates the objects that kubeadm creates in a cluster: the administrators' binding, DNS,
/// kube-proxy, the default StorageClass and, if the image has one, the CNI plugin.
pub(super) async fn create_addons(
    client: &Client,
    plan: &ClusterPlan,
    rendered: &Rendered,
) -> anyhow::Result<()> {
    let mut objects: Vec<Value> = vec![cluster_admins()];
    for addon in ADDONS {
        let manifest = rendered.addon(addon).with_context(|| format!("no manifest for {addon}"))?;
        objects.extend(addon_objects(manifest)?);
    }
    if let Some(overrides) = kube_proxy_overrides(plan)? {
        override_kube_proxy(&mut objects, &overrides)?;
    }
    if plan.pod_network == PodNetwork::Manifest {
        let manifest = rendered.image_file("default-cni.yaml").unwrap_or_default();
        objects.extend(addon_objects(&template_cni_manifest(manifest, plan))?);
    }
    if let Some(manifest) = rendered.image_file("default-storage.yaml") {
        objects.extend(addon_objects(manifest)?);
    }
    create_objects(client, &objects).await
}

/// Since 1.29 `admin.conf` gets its permissions from this binding, which `kubeadm init` creates.
fn cluster_admins() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": "kubeadm:cluster-admins" },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Group",
            "name": "kubeadm:cluster-admins",
        }],
    })
}

/// Uploads the configuration of kubeadm and kubelet, and creates the roles for joining nodes, for
/// later kubeadm commands and other tools.
pub(super) async fn upload_configuration(
    engine: &dyn Engine,
    plan: &ClusterPlan,
) -> anyhow::Result<()> {
    let script = include_str!("../../images/scripts/upload-configuration");
    let node = &plan.nodes[0].name;
    let mut tries = 0;
    loop {
        let output = engine.exec(node, &["sh", "-c", script], None).await?;
        tries += 1;
        if output.code == 0 {
            return Ok(());
        }
        if tries == 5 {
            return Err(Failure::environment(format!(
                "kubeadm cannot upload its configuration on {node}: {}",
                output.text().trim()
            ))
            .into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Sets the planned labels and pod subnet of each Node object as it appears, until all have them.
pub(super) async fn label_nodes(client: &Client, plan: &ClusterPlan) -> anyhow::Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let mut missing: Vec<&NodePlan> = plan.nodes.iter().collect();
    let mut events = watcher(nodes.clone(), watcher::Config::default()).boxed();
    while !missing.is_empty() {
        let Some(event) = events.next().await else { break };
        let node = match event {
            Ok(watcher::Event::Apply(node) | watcher::Event::InitApply(node)) => node,
            Ok(_) => continue,
            Err(error) => {
                tracing::debug!(%error, "watching nodes");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(index) = missing.iter().position(|planned| planned.name == node.name_any()) else {
            continue;
        };
        let planned = missing.swap_remove(index);
        let patch = node_patch(plan, planned);
        nodes
            .patch(&planned.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .with_context(|| format!("cannot label node {}", planned.name))?;
    }
    Ok(())
}

/// Restarts kubelet on control planes that are not registered soon after the API server is ready.
/// kubelet starts before the API server and retries after pauses that double up to 7 s; a restart
/// takes a second, and the pods keep running.
pub(super) async fn hasten_registration(
    engine: &dyn Engine,
    client: &Client,
    plan: &ClusterPlan,
) -> anyhow::Result<()> {
    tokio::time::sleep(REGISTRATION_PATIENCE).await;
    let registered = Api::<Node>::all(client.clone()).list(&ListParams::default()).await?;
    let is_registered =
        |node: &&NodePlan| registered.items.iter().any(|other| other.name_any() == node.name);
    let late = plan.control_planes().filter(|node| !is_registered(node));
    try_join_all(late.map(|node| {
        tracing::debug!(node = node.name, "restarting kubelet, so that it registers the node");
        engine.exec(&node.name, &["systemctl", "restart", "kubelet"], None)
    }))
    .await?;
    Ok(())
}

fn node_patch(plan: &ClusterPlan, node: &NodePlan) -> Value {
    let mut patch = json!({ "metadata": { "labels": node.labels } });
    if plan.pod_network == PodNetwork::Routes {
        let subnet = node.pod_subnet.to_string();
        patch["spec"] = json!({ "podCIDR": subnet, "podCIDRs": [subnet] });
    }
    patch
}
