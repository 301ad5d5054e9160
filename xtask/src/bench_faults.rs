use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use harness::faults::{heal_all, inject};
use harness::{Cluster, THREE_NODES, container, docker, in_node, pass, pod, until};

use crate::measures::median;
use crate::program;

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
    /// The first process of a node ends.
    NodeExit(String),
    /// Docker reports an event that matches these filters.
    DockerEvent(String),
}

pub fn run(arguments: &Arguments) -> Result<()> {
    harness::set_program(program::kindrs()?);
    let cluster = Cluster::create("bench-faults", THREE_NODES);
    let mut web = pod("web", &[container("httpd -p 8080; while :; do sleep 1; done")]);
    web["spec"]["nodeName"] = cluster.sandbox.node("worker").into();
    cluster.kubectl.start(&[web]);
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
    let connect = format!("timeout 0.05 bash -c ': </dev/tcp/{address}/6443'");
    let get = format!("curl -sfk -o /dev/null {client} {url}");
    let pause = format!("--filter event=pause --filter container={worker}");
    // The brackets keep pgrep from finding the shell that runs it.
    let web = "pid=${pid:-$(pgrep -o -f '[h]ttpd -p 8080')}; [ -d /proc/$pid ]";
    let partition = "network-partition --node worker --peer-role control-plane";
    let scheduler = on_control_plane("pgrep -x kube-scheduler >/dev/null");
    let kubelet = on_worker("systemctl is-active --quiet kubelet");
    vec![
        ("kubelet-stop", "kubelet-stop --node worker", kubelet),
        ("node-pause", "node-pause --node worker", Effect::DockerEvent(pause)),
        ("node-kill", "node-kill --node worker", Effect::NodeExit(worker.clone())),
        ("network-partition", partition, on_worker(&connect)),
        ("container-kill", "container-kill --pod web", on_worker(web)),
        ("component-stop (scheduler)", "component-stop --component kube-scheduler", scheduler),
        (
            "api-request (error)",
            "api-request --resource configmaps --error 503",
            on_control_plane(&get),
        ),
    ]
}

/// Injects a fault; returns the milliseconds until its effect.
fn measure(cluster: &Cluster, fault: &str, effect: &Effect) -> Result<f64> {
    let observer = match effect {
        Effect::InNode(node, condition) => {
            Some(observe(Command::new("docker").args(["exec", node, "bash"]), condition)?)
        }
        Effect::NodeExit(node) => {
            let process = docker(&format!("inspect --format {{{{.State.Pid}}}} {node}"));
            Some(observe(&mut Command::new("bash"), &format!("[ -d /proc/{} ]", process.trim()))?)
        }
        Effect::DockerEvent(_) => None,
    };
    let started = now()?;
    inject(&cluster.sandbox, fault);
    let mut seen = String::new();
    if let Some(observer) = observer {
        seen = String::from_utf8(observer.wait_with_output()?.stdout)?;
    } else if let Effect::DockerEvent(filters) = effect {
        let (since, until) = (started / 1_000_000_000, now()? / 1_000_000_000 + 1);
        seen = docker(&format!(
            "events --since {since} --until {until} {filters} --format {{{{.TimeNano}}}}"
        ));
    }
    let happened = seen.lines().last().unwrap_or_default().parse::<u64>();
    let happened =
        happened.with_context(|| format!("expected a time in nanoseconds, found `{seen}`"))?;
    // An effect before the start would be a mistake of the observer; the subtraction then fails.
    let elapsed = happened
        .checked_sub(started)
        .with_context(|| format!("the effect of `{fault}` was seen before the command started"))?;
    Ok(std::time::Duration::from_nanos(elapsed).as_secs_f64() * 1e3)
}

/// Starts a shell that prints the time, in nanoseconds, at which a condition fails first.
fn observe(command: &mut Command, condition: &str) -> Result<Child> {
    let script = format!("while {condition}; do sleep 0.005; done; date +%s%N");
    let observer = command.args(["-c", &script]).stdout(Stdio::piped()).spawn()?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    Ok(observer)
}

fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?)
}

fn await_ready(cluster: &Cluster) {
    until("all nodes and pods are Ready", || {
        for objects in ["node --all", "pod --all --all-namespaces"] {
            let wait = format!("wait {objects} --for=condition=Ready --timeout=30s");
            cluster.kubectl.attempt(&wait).result()?;
        }
        Ok::<_, String>(())
    });
}
