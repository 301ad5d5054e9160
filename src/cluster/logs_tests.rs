use std::sync::{Arc, Mutex};

use super::*;
use crate::cluster::fixture::{THREE, engine, make};
use crate::progress::Event;
use crate::runtime::fake::{FakeEngine, tar_of};
use crate::runtime::{EngineError, ExecOutput};

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn prepare(engine: &FakeEngine, node: &str) {
    let mut state = engine.state();
    let mut put = |path: &str, tar| state.downloads.insert((node.to_owned(), path.to_owned()), tar);
    put("/var/log/pods", tar_of(&[("pods/default_a_0/app/0.log", "pod log")]));
    put("/var/log/containers", tar_of::<&str>(&[]));
}

async fn export_dev(engine: &FakeEngine, folder: &Path) -> (Result<(), Failure>, Vec<String>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let result = export(engine, "dev", folder, &Progress::new(events.clone())).await;
    let warning = |event: &Event| match event {
        Event::Warning(text) => Some(text.clone()),
        _ => None,
    };
    let mut told: Vec<String> = events.lock().unwrap().iter().filter_map(warning).collect();
    told.sort();
    (result, told)
}

#[tokio::test]
async fn exports_a_healthy_cluster_completely() {
    let engine = engine();
    make(&engine, "dev", 1, &[(ContainerRole::CONTROL_PLANE, 1), (ContainerRole::LoadBalancer, 1)])
        .await;
    prepare(&engine, "dev-control-plane");
    engine.on_exec(|_, command, _| ExecOutput {
        stdout: format!("output of {}\n", command.join(" ")).into(),
        ..Default::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let (result, warnings) = export_dev(&engine, &folder.path().join("new")).await;
    result.unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    insta::assert_snapshot!(files(folder.path()).join("\n"), @r"
    new/cluster/events.txt
    new/cluster/node-descriptions.txt
    new/cluster/nodes.txt
    new/cluster/pods.txt
    new/dev-control-plane/containerd.log
    new/dev-control-plane/images.log
    new/dev-control-plane/inspect.json
    new/dev-control-plane/journal.log
    new/dev-control-plane/kubelet.log
    new/dev-control-plane/kubernetes-version.txt
    new/dev-control-plane/pods/default_a_0/app/0.log
    new/dev-control-plane/serial.log
    new/dev-external-load-balancer/inspect.json
    new/dev-external-load-balancer/serial.log
    new/docker-info.txt
    new/kindrs-version.txt
    ");
    let read = |name: &str| fs::read_to_string(folder.path().join("new").join(name)).unwrap();
    assert_eq!(
        read("cluster/pods.txt"),
        "output of kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s get pods \
         -A -o wide\n"
    );
    assert_eq!(read("dev-control-plane/pods/default_a_0/app/0.log"), "pod log");
    insta::assert_snapshot!(read("docker-info.txt"), @r"
    engine version: 20.10.24
    API version: 1.41
    control groups: v1
    storage driver: overlay2
    architecture: amd64
    data folder: /var/lib/docker
    ");
}

#[tokio::test]
async fn warns_of_a_stopped_node_and_a_silent_api_server() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    for node in ["dev-control-plane", "dev-worker", "dev-worker2"] {
        prepare(&engine, node);
    }
    engine.stop_container("dev-worker", Duration::ZERO).await.unwrap();
    engine.state().downloads.remove(&("dev-worker2".to_owned(), "/var/log/pods".to_owned()));
    engine.on_exec(|_, command, _| match command[0] {
        "kubectl" => ExecOutput { code: 1, stderr: b"refused\n\n".to_vec(), ..Default::default() },
        _ => ExecOutput::default(),
    });
    let folder = tempfile::tempdir().unwrap();
    let (result, warnings) = export_dev(&engine, folder.path()).await;
    result.unwrap();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    cannot export nodes, pods and events: `kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s get --raw /readyz` exited with code 1: refused
    cannot export pods of dev-worker2: /var/log/pods in container dev-worker2 does not exist
    node `dev-worker` is not running (exited): exporting only the logs of its pods
    ");
    let found = files(folder.path());
    for file in [
        "dev-worker/inspect.json",
        "dev-worker/pods/default_a_0/app/0.log",
        "dev-worker2/journal.log",
    ] {
        assert!(found.contains(&file.to_owned()), "{file} of {found:?}");
    }
}

#[tokio::test]
async fn the_error_for_a_folder_that_cannot_be_created_names_it() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (result, _) = export_dev(&engine, &file.join("below")).await;
    let failure = result.unwrap_err();
    assert!(failure.to_string().contains("file/below/docker-info.txt"), "{failure}");
}

#[tokio::test]
async fn a_failure_of_the_engine_costs_only_one_file() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE[..1]).await;
    prepare(&engine, "dev-control-plane");
    let gone = EngineError::refused("reading", "no");
    engine.fail("container_log", 1, gone);
    let folder = tempfile::tempdir().unwrap();
    let (result, warnings) = export_dev(&engine, folder.path()).await;
    result.unwrap();
    assert_eq!(warnings, ["cannot export serial.log of dev-control-plane: reading: no"]);
}
