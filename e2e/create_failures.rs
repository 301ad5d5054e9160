//! Wrong input and broken environments: each has one clear error, and nothing is lost or left behind.

use std::net::TcpListener;

use serde_json::Value;

use harness::{Ran, Sandbox, Suite, docker, image_of, inspect, remove_images, run, small_image};

const ONE_NODE: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
";
const NO_NODE_IMAGE: &str = "e2e-not-a-node:1";
const DYING_IMAGE: &str = "e2e-dying:1";

pub fn suite() -> Suite<Sandbox> {
    Suite::new("create_failures", || Sandbox::new("bad"))
        .step("dry_run_creates_nothing", dry_run)
        .step("docker_does_not_answer", no_docker)
        .step("image_is_not_a_node_image", no_node_image)
        .step("image_does_not_exist", no_image)
        .step("configuration_has_many_mistakes", wrong_configuration)
        .step("configuration_file_does_not_exist", |sandbox| {
            let ran = sandbox.kindrs("create cluster --name e2e-bad --config nowhere.yaml");
            refused(sandbox, ran, 2, &["nowhere.yaml"]);
        })
        .step("name_has_invalid_characters", |sandbox| {
            let ran = sandbox.kindrs("create cluster --name e2e-bad_name");
            refused(sandbox, ran, 2, &["e2e-bad_name", "_"]);
        })
        .step("feature_gate_is_unknown", unknown_gate)
        .step("kubeadm_patch_has_an_unknown_field", bad_patch)
        .step("port_is_in_use", port_in_use)
        .step("kubeconfig_is_corrupt", corrupt_kubeconfig)
        .step("first_subnet_is_taken", subnet_taken)
        .step("node_exits_while_it_starts", dying_node)
}

/// Checks that kindrs failed with `code` before it created anything, with an error that has all `texts`.
#[track_caller]
fn refused(sandbox: &Sandbox, ran: Ran, code: i32, texts: &[&str]) -> String {
    let error = failed(sandbox, ran, code, texts);
    assert!(!sandbox.kubeconfig().exists(), "kindrs wrote a kubeconfig");
    error
}

/// Checks that kindrs failed with `code`, with an error that has all `texts`, and that nothing is left.
#[track_caller]
fn failed(sandbox: &Sandbox, ran: Ran, code: i32, texts: &[&str]) -> String {
    if ran.code == Some(0) {
        // So that the next step is not disturbed.
        sandbox.kindrs(&format!("delete cluster --name {}", sandbox.name)).ok();
    }
    let error = ran.fails(code);
    assert!(error.contains("error: "), "{error}");
    for text in texts {
        assert!(error.contains(text), "no `{text}` in: {error}");
    }
    sandbox.assert_gone();
    error
}

fn dry_run(sandbox: &Sandbox) {
    let everything = || docker("ps --all --quiet --filter label=dev.kindrs.cluster=e2e-bad");
    let before = everything();
    let text = sandbox.try_create(ONE_NODE, "--dry-run").ok();
    assert!(text.contains("e2e-bad-control-plane"), "{text}");
    let plan = sandbox.try_create(ONE_NODE, "--dry-run --output json").ok();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["nodes"][0]["name"], "e2e-bad-control-plane");
    assert_eq!(everything(), before);
    sandbox.assert_gone();
    assert!(!sandbox.kubeconfig().exists());
}

fn no_docker(sandbox: &Sandbox) {
    let mut command = sandbox.create_command(ONE_NODE, "");
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    refused(sandbox, run(command, ""), 3, &["cannot reach Docker", "hint: "]);
}

fn create_with_image(sandbox: &Sandbox, image: &str, more: &str) -> Ran {
    sandbox.kindrs(&format!("create cluster --name {} --image {image} {more}", sandbox.name))
}

fn no_node_image(sandbox: &Sandbox) {
    small_image(sandbox, NO_NODE_IMAGE, &[("nothing", b"")], r#"["/nothing"]"#);
    let ran = create_with_image(sandbox, NO_NODE_IMAGE, "");
    refused(sandbox, ran, 2, &[NO_NODE_IMAGE, "hint: "]);
    remove_images(&[NO_NODE_IMAGE]);
}

fn no_image(sandbox: &Sandbox) {
    // Nothing listens on this port, so that the error is the same on every machine.
    let image = "127.0.0.1:1/e2e-nothing:1";
    let ran = create_with_image(sandbox, image, "");
    refused(sandbox, ran, 3, &[image, "hint: "]);
}

fn wrong_configuration(sandbox: &Sandbox) {
    let configuration = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  podSubnet: 10.244.0.0/99
  apiServerPort: many
nodes:
- role: boss
- role: worker
  extraPortMapping: []
";
    let ran = sandbox.try_create(configuration, "");
    let error = refused(
        sandbox,
        ran,
        2,
        &[":4:", ":5:", ":7:", ":9:", "boss", "10.244.0.0/99", "extraPortMappings"],
    );
    assert_eq!(error.matches("error: ").count(), 1, "{error}");
}

fn unknown_gate(sandbox: &Sandbox) {
    let configuration = format!("{ONE_NODE}featureGates:\n  NoSuchGate: true\n");
    let ran = sandbox.try_create(&configuration, "");
    refused(sandbox, ran, 2, &["NoSuchGate"]);
    let ran = sandbox.try_create(&configuration, "--dry-run");
    refused(sandbox, ran, 2, &["NoSuchGate"]);
}

fn bad_patch(sandbox: &Sandbox) {
    for (kind, field) in [
        ("KubeletConfiguration", "maxPodz: 10"),
        ("ClusterConfiguration", "clusterNames: x"),
        ("KubeProxyConfiguration", "mood: good"),
    ] {
        let configuration =
            format!("{ONE_NODE}kubeadmConfigPatches:\n- |\n  kind: {kind}\n  {field}\n");
        let ran = sandbox.try_create(&configuration, "");
        let name = field.split(':').next().unwrap();
        refused(sandbox, ran, 2, &[name]);
    }
}

fn port_in_use(sandbox: &Sandbox) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let configuration = format!("{ONE_NODE}networking:\n  apiServerPort: {port}\n");
    let ran = sandbox.try_create(&configuration, "");
    refused(sandbox, ran, 3, &[&format!("127.0.0.1:{port}"), "in use"]);
    let configuration = format!(
        "{ONE_NODE}nodes:\n- role: control-plane\n  extraPortMappings:\n  \
         - {{containerPort: 80, hostPort: {port}, listenAddress: 127.0.0.1}}\n"
    );
    let ran = sandbox.try_create(&configuration, "");
    refused(sandbox, ran, 3, &[&format!("127.0.0.1:{port}"), "in use"]);
}

fn corrupt_kubeconfig(sandbox: &Sandbox) {
    let corrupt = "apiVersion: v1\nclusters: [half";
    std::fs::write(sandbox.kubeconfig(), corrupt).unwrap();
    let error = sandbox.try_create(ONE_NODE, "").fails(2);
    assert!(error.contains(sandbox.kubeconfig().to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read_to_string(sandbox.kubeconfig()).unwrap(), corrupt);
    sandbox.assert_gone();
    std::fs::remove_file(sandbox.kubeconfig()).unwrap();
}

fn subnet_taken(sandbox: &Sandbox) {
    let planned = |sandbox: &Sandbox| {
        let plan = sandbox.try_create(ONE_NODE, "--dry-run --output json").ok();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        plan["subnet"].as_str().unwrap().to_owned()
    };
    let first = planned(sandbox);
    docker(&format!("network create --subnet {first} e2e-bad-taken"));
    let second = planned(sandbox);
    docker("network rm e2e-bad-taken");
    assert_ne!(first, second);
}

/// A node whose entrypoint exits at once.
fn dying_node(sandbox: &Sandbox) {
    let plan = sandbox.try_create(ONE_NODE, "--dry-run --output json").ok();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let image = plan["nodes"][0]["image"].as_str().unwrap();
    let dockerfile = format!(
        "FROM {image}\nENTRYPOINT [\"/bin/sh\", \"-c\", \"echo the last words; exit 9\"]\n"
    );
    image_of(DYING_IMAGE, &dockerfile).ok();
    let ran = create_with_image(sandbox, DYING_IMAGE, "");
    failed(sandbox, ran, 3, &["e2e-bad-control-plane", "the last words", "exit code 9"]);

    let error = create_with_image(sandbox, DYING_IMAGE, "--retain").fails(3);
    assert!(error.contains("--retain"), "{error}");
    let kept = inspect("e2e-bad-control-plane");
    assert_eq!(kept["Config"]["Labels"]["dev.kindrs.cluster"], "e2e-bad");
    // The log of the retained container is still there.
    let log = docker("logs e2e-bad-control-plane");
    assert!(log.contains("the last words"), "{log}");
    sandbox.delete();
    remove_images(&[DYING_IMAGE]);
}
