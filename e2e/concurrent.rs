//! Clusters that are created at the same time.

use std::process::Command;

use harness::{Ran, Sandbox, Suite, inspect, run};

const ONE_NODE: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
";

pub fn suite() -> Suite<Sandbox> {
    Suite::new("concurrent", || Sandbox::new("two"))
        .step("clusters_with_two_names_both_start", two_names)
        .step("one_of_two_clusters_with_the_same_name_starts", same_name)
}

fn both(commands: [Command; 2]) -> [Ran; 2] {
    let [first, second] = commands;
    let first = std::thread::spawn(move || run(first, ""));
    let second = run(second, "");
    [first.join().unwrap(), second]
}

fn two_names(sandbox: &Sandbox) {
    let names = ["a", "b"].map(|suffix| sandbox.node(suffix));
    let commands = names.clone().map(|name| {
        let arguments = sandbox.create_arguments(&name, ONE_NODE);
        let mut command = sandbox.command(&[]);
        command.args(arguments);
        command
    });
    for ran in both(commands) {
        ran.ok();
    }
    // Both are in the same kubeconfig, each with its own address.
    let kubectl = sandbox.kubectl_of(&names[0]);
    for name in &names {
        let nodes = kubectl.context(&format!("kindrs-{name}")).run("get nodes -o name");
        assert_eq!(nodes.trim(), format!("node/{name}-control-plane"));
    }
    let subnet = |name: &String| inspect(&format!("kindrs-{name}"))["IPAM"]["Config"][0].take();
    assert_ne!(subnet(&names[0]), subnet(&names[1]));
    sandbox.kindrs(&format!("delete clusters {} {}", names[0], names[1])).ok();
    sandbox.assert_gone();
}

fn same_name(sandbox: &Sandbox) {
    let ran = both([0, 1].map(|_| sandbox.create_command(ONE_NODE, "")));
    let codes = ran.each_ref().map(|ran| ran.code);
    let [first, second] = ran;
    let loser = match codes {
        [Some(0), Some(code)] if code != 0 => second,
        [Some(code), Some(0)] if code != 0 => first,
        _ => panic!("{first}\n{second}"),
    };
    assert!(loser.stderr.contains("error: ") && loser.stderr.contains(&sandbox.name), "{loser}");
    let kubectl = sandbox.kubectl();
    assert_eq!(kubectl.run("get nodes -o name").lines().count(), 1);
    kubectl.run("-n kube-system rollout status deployment/coredns --timeout=240s");
    sandbox.delete();
}
