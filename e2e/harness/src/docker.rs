use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{Ran, run, words};

/// Objects of Docker that have a cluster's name or label.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    pub containers: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
    pub networks: BTreeSet<String>,
}

impl Footprint {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Everything in Docker that belongs to a cluster and to all others whose names start with its name.
pub fn footprint(cluster: &str) -> Footprint {
    let list = |command: &str, format: &str, name: &str| {
        let mut found = BTreeSet::new();
        for filter in [format!("name=^{name}"), format!("label=dev.kindrs.cluster={cluster}")] {
            let text = docker(&format!("{command} --filter {filter} --format {format}"));
            found.extend(text.lines().map(str::to_owned));
        }
        found
    };
    Footprint {
        containers: list("ps --all", "{{.ID}}={{.Names}}", cluster),
        volumes: list("volume ls", "{{.Name}}", cluster),
        networks: list("network ls", "{{.ID}}={{.Name}}", &format!("kindrs-{cluster}")),
    }
}

#[track_caller]
pub fn docker(line: &str) -> String {
    try_docker(&words(line)).ok()
}

pub fn try_docker(arguments: &[&str]) -> Ran {
    let mut command = Command::new("docker");
    command.args(arguments);
    run(command, "")
}

#[track_caller]
pub fn in_node(node: &str, script: &str) -> String {
    try_in_node(node, script).ok()
}

pub fn try_in_node(node: &str, script: &str) -> Ran {
    try_docker(&["exec", node, "sh", "-c", script])
}

/// The response to an HTTP request from a node; `Err` has the reason when there is none.
pub fn node_get(node: &str, url: &str) -> Result<String, String> {
    let curl = format!("curl --silent --show-error --fail --max-time 5 {url}");
    Ok(try_in_node(node, &curl).result()?.trim().to_owned())
}

#[track_caller]
pub fn inspect(object: &str) -> Value {
    let text = docker(&format!("inspect {object}"));
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

/// The address of this machine in the network of a cluster.
#[track_caller]
pub fn gateway(cluster: &str) -> String {
    let network = inspect(&format!("kindrs-{cluster}"));
    network["IPAM"]["Config"][0]["Gateway"].as_str().unwrap().to_owned()
}
