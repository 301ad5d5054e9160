use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use harness::faults::{heal_all, inject};
use harness::{Cluster, container, docker, in_node, pass, pod, until};
use serde_json::json;

use crate::measures::median;
use crate::program;

const THREE_NODES: &str = include_str!("../../configs/three-nodes.yaml");

/// Measure the time from a command until the effect of its fault
///
/// Prints the median in milliseconds, by the clock that the nodes share with this machine.
#[derive(clap::Args)]
pub struct Arguments {
    /// Runs of each fault
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// How the effect of a fault is noticed.
enum Effect {
    /// A shell condition fails in a node.
    InNode(String, String),
    /// The first process of a node exits, as this machine sees it.
    NodeExits(String),
    /// Docker reports an event about a node.
    DockerEvent(String, &'static str),
}

/// Runs the benchmark and prints a line for each fault.
pub fn run(arguments: &Arguments) -> Result<()> {
    harness::set_program(program::kindrs()?);
    let cluster = Cluster::create("bench-faults", THREE_NODES);
    let mut web = pod("web", &[container("httpd -p 8080; while :; do sleep 1; done")]);
    web["spec"]["nodeName"] = json!(cluster.sandbox.node("worker"));
    cluster.kubectl.apply("default", &[web]);
    cluster.kubectl.wait_for("default", "pod/web", "condition=Ready");
    for (name, fault, effect) in faults(&cluster) {
        let mut times = Vec::new();
        for _ in 0..arguments.runs {
            times.push(measure(&cluster, fault, &effect)?);
            heal_all(&cluster.sandbox);
            // Until the cluster sees the effect.
            pass(3);
            await_ready(&cluster);
        }
        println!("{name:<28} {:>6.0} ms", median(&times));
    }
    Ok(())
}

/// Each fault with its name and effect.
fn faults(cluster: &Cluster) -> Vec<(&'static str, &'static str, Effect)> {
    let worker = cluster.sandbox.node("worker");
    let control_plane = cluster.sandbox.node("control-plane");
    let found = in_node(&worker, &format!("getent hosts {control_plane}"));
    let address = found.split_whitespace().next().unwrap_or_default();
    let url = format!("https://{address}:6443/api/v1/namespaces/default/configmaps");
    let client = "--cert /etc/kubernetes/pki/apiserver-kubelet-client.crt \
                  --key /etc/kubernetes/pki/apiserver-kubelet-client.key";
    let on_worker = |condition: &str| Effect::InNode(worker.clone(), condition.to_owned());
    let on_control_plane =
        |condition: &str| Effect::InNode(control_plane.clone(), condition.to_owned());
    vec![
        (
            "kubelet-stop",
            "kubelet-stop --node worker",
            on_worker("systemctl is-active --quiet kubelet"),
        ),
        ("node-pause", "node-pause --node worker", Effect::DockerEvent(worker.clone(), "pause")),
        ("node-kill", "node-kill --node worker", Effect::NodeExits(worker.clone())),
        (
            "network-partition",
            "network-partition --node worker --peer-role control-plane",
            on_worker(&format!("timeout 0.05 bash -c ': </dev/tcp/{address}/6443'")),
        ),
        (
            "container-kill",
            "container-kill --pod web",
            // The brackets keep pgrep from finding the shell that runs it.
            on_worker("pid=${pid:-$(pgrep -o -f '[h]ttpd -p 8080')}; [ -d /proc/$pid ]"),
        ),
        (
            "component-stop (scheduler)",
            "component-stop --component kube-scheduler",
            on_control_plane("pgrep -x kube-scheduler >/dev/null"),
        ),
        (
            "api-request (error)",
            "api-request --resource configmaps --error 503",
            on_control_plane(&format!("curl -sfk -o /dev/null {client} {url}")),
        ),
    ]
}

/// Injects a fault; returns the milliseconds until its effect.
fn measure(cluster: &Cluster, fault: &str, effect: &Effect) -> Result<f64> {
    let observer = match effect {
        Effect::InNode(node, condition) => {
            let mut command = Command::new("docker");
            command.args(["exec", node]);
            Some(observe(command, condition)?)
        }
        Effect::NodeExits(node) => {
            let process = docker(&format!("inspect --format {{{{.State.Pid}}}} {node}"));
            let condition = format!("[ -d /proc/{} ]", process.trim());
            Some(observe(Command::new("env"), &condition)?)
        }
        Effect::DockerEvent(..) => None,
    };
    let started = now()?;
    inject(&cluster.sandbox, fault);
    let happened = match (observer, effect) {
        (Some(observer), _) => {
            let output = observer.wait_with_output()?;
            nanoseconds(&String::from_utf8_lossy(&output.stdout))?
        }
        (None, Effect::DockerEvent(node, event)) => {
            let (since, until) = (started / 1_000_000_000, now()? / 1_000_000_000 + 1);
            let events = docker(&format!(
                "events --since {since} --until {until} --filter event={event} \
                 --filter container={node} --format {{{{.TimeNano}}}}"
            ));
            nanoseconds(events.lines().last().unwrap_or_default())?
        }
        (None, _) => anyhow::bail!("`{fault}` was not observed"),
    };
    // An effect before the start would be a mistake of the observer; the subtraction then fails.
    let elapsed = happened
        .checked_sub(started)
        .with_context(|| format!("the effect of `{fault}` was seen before the command started"))?;
    Ok(std::time::Duration::from_nanos(elapsed).as_secs_f64() * 1e3)
}

/// Starts a shell that prints the time, in nanoseconds, at which a condition fails first.
fn observe(mut command: Command, condition: &str) -> Result<Child> {
    let script = format!("while {condition}; do sleep 0.005; done; date +%s%N");
    let observer = command.args(["bash", "-c", &script]).stdout(Stdio::piped()).spawn()?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    Ok(observer)
}

fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?)
}

fn nanoseconds(text: &str) -> Result<u64> {
    text.trim().parse().with_context(|| format!("expected a time in nanoseconds, found `{text}`"))
}

fn await_ready(cluster: &Cluster) {
    until("all nodes and pods are Ready", || {
        for objects in ["node --all", "pod --all --all-namespaces"] {
            let ran = cluster
                .kubectl
                .attempt(&format!("wait {objects} --for=condition=Ready --timeout=30s"));
            if ran.code != Some(0) {
                return Err(ran.stderr);
            }
        }
        Ok(())
    });
}
