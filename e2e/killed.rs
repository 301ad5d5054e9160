//! kindrs is killed at any moment, and `delete cluster` leaves nothing.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Sandbox, Steps, run};

/// Several volumes and containers, so that there is much to be halfway through.
const TWO_NODES: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane}, {role: worker}]
";
const SIGKILLS: u32 = 12;
const POLITE_SIGNALS: u32 = 5;
/// While Docker makes containers and volumes, it goes on with what was asked of it.
const SIGNALS_TO_STARTS: u32 = 4;

/// What another cluster's entries look like: they must survive all of this.
const OTHER: &str = "\
apiVersion: v1
kind: Config
clusters:
- name: other
  cluster:
    server: https://192.0.2.1:6443
contexts:
- name: other
  context:
    cluster: other
    user: other
users:
- name: other
  user:
    token: other
current-context: other
";

#[test]
fn killed() {
    let seed = match std::env::var("KINDRS_E2E_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("KINDRS_E2E_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let sandbox = Sandbox::new("killed");
    std::fs::write(sandbox.kubeconfig(), OTHER).unwrap();

    // One undisturbed run says how long there is something to disturb.
    let started = Instant::now();
    sandbox.create(TWO_NODES);
    let whole = started.elapsed();
    let started = Instant::now();
    sandbox.delete_wholly();
    let deletion = started.elapsed();

    let steps = Steps::default();
    let share = |number: u32, of: u32, random: &mut fastrand::Rng| {
        // One moment in each part of the run; the parts are shorter at its beginning, where most
        // is made.
        whole.mul_f64(((f64::from(number) + random.f64()) / f64::from(of)).powi(2))
    };
    for number in 0..SIGKILLS {
        let moment = share(number, SIGKILLS, &mut random);
        steps.step(&format!("SIGKILL after {moment:?}"), || sigkill(&sandbox, moment));
    }
    for number in 0..POLITE_SIGNALS {
        let signal = if number % 2 == 0 { Signal::INT } else { Signal::TERM };
        // The last part is left out: kindrs may have ended in it.
        let moment = share(number, POLITE_SIGNALS + 1, &mut random);
        steps.step(&format!("{signal:?} after {moment:?}"), || {
            polite_signal(&sandbox, "", moment, signal);
        });
    }
    for _ in 0..SIGNALS_TO_STARTS {
        let moment = Duration::from_millis(random.u64(0..500));
        steps.step(&format!("SIGTERM {moment:?} after the first container"), || {
            polite_signal(&sandbox, "Start ", moment, Signal::TERM);
        });
    }
    steps.step("delete is killed too", || {
        sandbox.create(TWO_NODES);
        for part in [0.2, 0.5, 0.8] {
            let line = ["delete", "cluster", "--name", &sandbox.name];
            let mut delete = sandbox.command(&line).stderr(Stdio::null()).spawn().unwrap();
            sleep(deletion.mul_f64(part * random.f64()));
            delete.kill().unwrap();
            delete.wait().unwrap();
        }
        delete_and_look(&sandbox);
    });
    steps.finish();
}

/// Starts `create` and leaves it alone until `moment`.
fn create_until(sandbox: &Sandbox, moment: Duration) -> Child {
    let child = start_create(sandbox);
    sleep(moment);
    child
}

fn start_create(sandbox: &Sandbox) -> Child {
    let mut command = sandbox.create_command(TWO_NODES, "");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn sigkill(sandbox: &Sandbox, moment: Duration) {
    let mut create = create_until(sandbox, moment);
    create.kill().unwrap();
    create.wait().unwrap();
    eprintln!("  of it there is {:?}", sandbox.footprint());
    delete_and_look(sandbox);
}

/// kindrs itself removes what it made when it is asked to stop, `moment` after it said `word`.
fn polite_signal(sandbox: &Sandbox, word: &str, moment: Duration, signal: Signal) {
    let mut create = start_create(sandbox);
    let mut stderr = BufReader::new(create.stderr.take().unwrap());
    let mut text = String::new();
    // From its first words on it listens for signals.
    while stderr.read_line(&mut text).unwrap() > 0 && !text.contains(word) {}
    sleep(moment);
    if create.try_wait().unwrap().is_some_and(|status| status.success()) {
        eprintln!("  it was done before");
        return delete_and_look(sandbox);
    }
    kill_process(Pid::from_child(&create), signal).unwrap();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(create.wait().unwrap().code(), Some(3), "{text}");
    assert!(text.contains("interrupted"), "{text}");
    look(sandbox);
    delete_and_look(sandbox);
}

fn delete_and_look(sandbox: &Sandbox) {
    let arguments = ["delete", "cluster", "--name", &sandbox.name];
    run(sandbox.command(&arguments), "").ok();
    look(sandbox);
    // Docker may still be at work on what the killed one had asked for.
    sleep(Duration::from_secs(1));
    look(sandbox);
}

fn look(sandbox: &Sandbox) {
    sandbox.assert_gone();
    let kubeconfig = std::fs::read_to_string(sandbox.kubeconfig()).unwrap();
    assert!(kubeconfig.contains("https://192.0.2.1:6443"), "{kubeconfig}");
    assert!(kubeconfig.contains("token: other"), "{kubeconfig}");
}
