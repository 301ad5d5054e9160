//! Rules about the cluster, and the nodes that it will have.

use serde_json::{Value, json};

use super::finding::Finding;
use super::linter::Linter;
use crate::config::Role;
use crate::image::KubernetesSource;
use crate::scenario::language::Timing;
use crate::scenario::read::{ScenarioFile, planned_cluster};

/// What a node has for pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Processors.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory: u64,
}

impl Default for Capacity {
    /// More than most machines have, so that what does not fit here fits nowhere.
    fn default() -> Self {
        Self { cpus: 64, memory: 256 << 30 }
    }
}

/// The nodes of a cluster that is to be made.
pub(super) struct PlannedNodes {
    pub names: Vec<String>,
    pub roles: Vec<Role>,
    /// As Node objects.
    pub objects: Vec<Value>,
}

impl PlannedNodes {
    /// Whether there is a node of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    pub fn control_planes(&self) -> usize {
        self.roles.iter().filter(|role| **role == Role::ControlPlane).count()
    }
}

impl ScenarioFile {
    /// The name of the cluster that it runs on, where that exists already.
    pub fn existing_cluster(&self) -> Option<String> {
        let name = self.root.at("cluster.existing.name")?;
        let text = name.text().filter(|text| !name.is_null() && !text.contains("${"))?;
        Some(text.to_owned())
    }
}

impl Linter<'_> {
    pub(super) fn cluster(&mut self) {
        let capacity = self.capacity;
        self.sources();
        let cluster_name = self.cluster_name();
        match planned_cluster(self.variant, &self.file.folder, &cluster_name) {
            Err(problems) => {
                let file = &self.file.name;
                let finding = |problem| Finding::of_problem("cluster-config", file, problem);
                self.findings.extend(problems.into_iter().map(finding));
            }
            Ok(None) => {}
            Ok(Some(planned)) => {
                let roles: Vec<Role> = planned.config.nodes.iter().map(|node| node.role).collect();
                if !roles.contains(&Role::ControlPlane) {
                    let message = "expected 1 or more: a cluster needs a control plane";
                    self.report("cluster-config", "cluster.controlPlanes", message);
                    return;
                }
                let has_workers = roles.contains(&Role::Worker);
                let objects = planned
                    .node_names
                    .iter()
                    .zip(&planned.config.nodes)
                    .map(|(name, node)| {
                        let mut labels = json!({
                            "kubernetes.io/hostname": name,
                            "kubernetes.io/os": "linux",
                            "kubernetes.io/arch": architecture(),
                            "beta.kubernetes.io/os": "linux",
                            "beta.kubernetes.io/arch": architecture(),
                        });
                        for (key, value) in &node.labels {
                            labels[key] = value.as_str().into();
                        }
                        let mut taints = json!([]);
                        if node.role == Role::ControlPlane {
                            labels["node-role.kubernetes.io/control-plane"] = "".into();
                            if has_workers {
                                taints = json!([{
                                    "key": "node-role.kubernetes.io/control-plane",
                                    "effect": "NoSchedule",
                                }]);
                            }
                        }
                        let room = json!({
                            "cpu": capacity.cpus.to_string(),
                            "memory": capacity.memory.to_string(),
                            "ephemeral-storage": "1Ti",
                            "pods": "110",
                        });
                        json!({
                            "apiVersion": "v1", "kind": "Node",
                            "metadata": {"name": name, "labels": labels},
                            "spec": {"taints": taints},
                            "status": {
                                "capacity": room, "allocatable": room,
                                "conditions": [{"type": "Ready", "status": "True"}],
                            },
                        })
                    })
                    .collect();
                self.nodes = Some(PlannedNodes { names: planned.node_names, roles, objects });
            }
        }
    }

    /// The cluster's name, as the variables have it.
    pub(super) fn cluster_name(&self) -> String {
        let name = self.variant.variables.get("cluster").and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    }

    fn sources(&mut self) {
        let source = self.scenario.cluster.clone();
        let ways = [
            ("existing", source.existing.is_some()),
            ("file", source.file.is_some()),
            ("config", source.config.is_some()),
        ];
        let given: Vec<&str> = ways.iter().filter(|(_, is)| *is).map(|(way, _)| *way).collect();
        for other in given.iter().skip(1) {
            let message = format!("the cluster is given by `{}` already", given[0]);
            self.report_name("one-cluster", format!("cluster.{other}"), message);
        }
        let counts = [
            ("controlPlanes", source.control_planes.is_some()),
            ("workers", source.workers.is_some()),
        ];
        if let Some(way) = given.first() {
            for (field, _) in counts.iter().filter(|(_, is)| *is) {
                let message = format!("is not used: the nodes are those of `{way}`");
                let message = match *way {
                    "existing" if *field == "workers" => {
                        format!("{message}; `existing.workers` says how many it needs")
                    }
                    _ => message,
                };
                self.report_name("one-cluster", format!("cluster.{field}"), message);
            }
        }
        if source.existing.is_some() {
            for (field, is_given) in
                [("kubernetes", source.kubernetes.is_some()), ("image", source.image.is_some())]
            {
                if is_given {
                    let message = "is not used: the cluster exists already";
                    self.report_name("one-cluster", format!("cluster.{field}"), message);
                }
            }
            if source.timing == Timing::Fast {
                let message = "the cluster must have been made so: nothing changes the timing of one that \
                               runs";
                self.report("existing-timing", "cluster.timing", message).warning();
            }
        }
        if let Some(text) = &source.kubernetes
            && let Err(failure) = text.parse::<KubernetesSource>()
        {
            self.report("kubernetes-version", "cluster.kubernetes", failure.to_string());
        }
        if source.kubernetes.is_some() && source.image.is_some() {
            let message = "is not used: the image has a Kubernetes of its own";
            self.report_name("one-cluster", "cluster.kubernetes", message).warning();
        }
    }
}

/// Kubernetes' name for this machine's processors, which nodes have too.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
