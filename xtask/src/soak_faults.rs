use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fastrand::Rng;
use harness::faults::{NODES, assert_no_trace, heal_all};
use harness::{Cluster, THREE_NODES, deployment, web_container, words};

use crate::program;

/// Rounds between two checks.
const CHECK_EVERY: u32 = 20;

/// Faults that last until they are healed, or for a duration. kindrs chooses the targets.
const LASTING: [&str; 20] = [
    "node-stop --role worker --random",
    "node-kill --role worker --random",
    "node-pause --role worker --random",
    "kubelet-stop --role worker --random",
    "runtime-stop --role worker --random",
    "disk-fill --role worker --random --size 64Mi",
    "memory-stress --role worker --random --size 64Mi",
    "cpu-stress --role worker --random",
    "network-partition --role worker --random",
    "network-partition --node worker --peer worker2 --direction in",
    "network-loss --all-nodes --random --probability 30",
    "network-bandwidth --role worker --random --rate 10mbit",
    "readiness-failure --namespace soak --selector app=web --random",
    "dns-failure --namespace soak --selector app=web --random",
    "image-pull-failure --namespace soak --selector app=web --random",
    "component-stop --component kube-scheduler --role control-plane",
    "component-pause --component kube-controller-manager --role control-plane",
    "heartbeat-loss --role worker --random",
    "api-request --user-agent kube-scheduler* --error 503 --probability 50",
    "api-request --resource pods --verb list --delay 1s",
];
/// Faults that happen once and accept no duration.
const INSTANT: [&str; 7] = [
    "node-restart --role worker --random",
    "pod-delete --namespace soak --selector app=web --random",
    "pod-delete --force --namespace soak --selector app=web --random",
    "pod-evict --namespace soak --selector app=web --random",
    "container-kill --namespace soak --selector app=web --random",
    "component-kill --component kube-controller-manager --role control-plane",
    "component-restart --component kube-scheduler --role control-plane",
];

/// Inject and heal random faults, and check that they leave no trace
///
/// Kills kindrs during half of its commands. Fails unless the cluster is healthy every 20 rounds and no node
/// has a trace of a fault.
#[derive(clap::Args)]
pub struct Arguments {
    /// Number of rounds, each with one fault
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Seed of the random choices [default: a new one, which is printed]
    #[arg(long)]
    seed: Option<u64>,
}

/// Commands of kindrs, of which half are killed.
struct Soak {
    cluster: Cluster,
    random: Rng,
    kills: u32,
    /// The errors of refused commands, such as a conflict or a target that is not running.
    refusals: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    harness::set_program(program::kindrs()?);
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let cluster = Cluster::with_namespace("soak-faults", THREE_NODES, "soak");
    cluster.kubectl.start(&[deployment("web", 4, &[web_container()])]);

    let random = Rng::with_seed(seed);
    let mut soak = Soak { cluster, random, kills: 0, refusals: Vec::new() };
    for round in 1..=arguments.rounds {
        soak.round(round)?;
        if round % CHECK_EVERY == 0 || round == arguments.rounds {
            soak.check();
            eprintln!("round {round}: the cluster is healthy, and no node has a trace of a fault");
        }
    }
    for refusal in soak.refusals.iter().collect::<BTreeSet<_>>() {
        eprintln!("refused: {refusal}");
    }
    let (rounds, kills, refusals) = (arguments.rounds, soak.kills, soak.refusals.len());
    println!("{rounds} injections, {kills} commands killed, {refusals} refused; no trace left");
    Ok(())
}

impl Soak {
    fn round(&mut self, round: u32) -> Result<()> {
        let fault = self.fault();
        eprintln!("round {round}: {fault}");
        self.command(&format!("fault inject {fault}"))?;
        match self.random.u32(0..4) {
            0 => self.command("fault heal --all")?,
            1 => self.command("get nodes")?,
            2 => std::thread::sleep(Duration::from_millis(self.random.u64(0..1000))),
            _ => {}
        }
        Ok(())
    }

    /// A random fault, with a duration half of the time.
    fn fault(&mut self) -> String {
        let index = self.random.usize(0..LASTING.len() + INSTANT.len());
        match LASTING.get(index) {
            Some(fault) if self.random.bool() => {
                format!("{fault} --for {}s", self.random.u32(1..9))
            }
            Some(&fault) => fault.to_owned(),
            None => INSTANT[index - LASTING.len()].to_owned(),
        }
    }

    /// Runs kindrs, and kills it at a random moment of its first 0.4 s half of the time.
    fn command(&mut self, line: &str) -> Result<()> {
        let name = &self.cluster.sandbox.name;
        let mut command = self.cluster.sandbox.command(&["--quiet"]);
        command.args(words(line)).args(["--name", name]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run kindrs")?;
        if self.random.bool() {
            std::thread::sleep(Duration::from_millis(self.random.u64(0..400)));
            child.kill()?;
        }
        let ended = child.wait_with_output()?;
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        match (ended.status.code(), ended.status.signal()) {
            (Some(0), _) => {}
            (Some(2 | 3), _) => {
                let error = stderr.lines().find(|line| line.starts_with("error:"));
                self.refusals.extend(error.map(str::to_owned));
            }
            (None, Some(9)) => self.kills += 1,
            _ => bail!("`{line}` exited with {}: {stderr}", ended.status),
        }
        Ok(())
    }

    /// Heals every fault, waits until the cluster is healthy, and checks that nothing else is left.
    fn check(&self) {
        let Cluster { sandbox, kubectl } = &self.cluster;
        heal_all(sandbox);
        kubectl.api_ready();
        kubectl.ready("node --all");
        kubectl.rolled_out("deployment/web");
        kubectl.within("kube-system").ready("pod --all");
        assert_no_trace(sandbox, &NODES);
    }
}
