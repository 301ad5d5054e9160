use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{Ran, run, words};

/// Everything in Docker that belongs to a cluster and to all others whose names start with its name.
pub fn footprint(cluster: &str) -> BTreeSet<String> {
    let label = format!("label=dev.kindrs.cluster={cluster}");
    let mut found = BTreeSet::new();
    for (list, name, format) in [
        ("ps --all", cluster, "container:{{.ID}}={{.Names}}"),
        ("volume ls", cluster, "volume:{{.Name}}"),
        ("network ls", &format!("kindrs-{cluster}"), "network:{{.ID}}={{.Name}}"),
    ] {
        for filter in [&format!("name=^{name}"), &label] {
            let text = docker(&format!("{list} --filter {filter} --format {format}"));
            found.extend(text.lines().map(str::to_owned));
        }
    }
    found
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
