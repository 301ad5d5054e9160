//! kindrs is killed at random moments, and `delete cluster` leaves nothing behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use harness::{Environment, Sandbox, Suite, run};

/// More than one volume and container, so that kindrs can be killed between them.
const TWO_NODES: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane}, {role: worker}]
";
const SIGKILLS: u32 = 12;
const POLITE_SIGNALS: u32 = 5;
/// Docker finishes what was requested before kindrs stopped.
const SIGNALS_TO_STARTS: u32 = 4;

/// The entries of another cluster, which must survive.
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

/// The sandbox, and the time that kindrs needs when nothing interrupts it.
pub struct Measured {
    sandbox: Sandbox,
    seed: u64,
    creation: Duration,
    deletion: Duration,
}

impl Environment for Measured {
    fn save_logs(&self, folder: &str) {
        self.sandbox.save_logs(folder);
    }
}

pub fn suite() -> Suite<Measured> {
    let mut suite = Suite::new("killed", measure);
    for number in 0..SIGKILLS {
        suite = suite.step(format!("sigkill_{}_during_create", number + 1), move |on| {
            sigkill(&on.sandbox, on.moment(number, SIGKILLS));
        });
    }
    for number in 0..POLITE_SIGNALS {
        let (signal, name) =
            if number % 2 == 0 { (Signal::INT, "sigint") } else { (Signal::TERM, "sigterm") };
        suite = suite.step(format!("{name}_{}_during_create", number + 1), move |on| {
            // Not in the last part of the time, in which kindrs may have finished.
            polite_signal(&on.sandbox, "", on.moment(number, POLITE_SIGNALS + 1), signal);
        });
    }
    for number in 0..SIGNALS_TO_STARTS {
        suite = suite.step(format!("sigterm_{}_while_containers_start", number + 1), move |on| {
            let moment = Duration::from_millis(on.random(number).u64(0..500));
            polite_signal(&on.sandbox, "Start ", moment, Signal::TERM);
        });
    }
    suite.step("sigkill_during_delete", killed_delete)
}

/// Creates and deletes a cluster without interruption.
fn measure() -> Measured {
    let seed = match std::env::var("KINDRS_E2E_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("KINDRS_E2E_SEED={seed}");
    let sandbox = Sandbox::new("killed");
    std::fs::write(sandbox.kubeconfig(), OTHER).unwrap();
    let started = Instant::now();
    sandbox.create(TWO_NODES);
    let creation = started.elapsed();
    let started = Instant::now();
    sandbox.delete();
    Measured { sandbox, seed, creation, deletion: started.elapsed() }
}

impl Measured {
    /// Random numbers of one step, the same whichever steps run.
    fn random(&self, number: u32) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.wrapping_add(u64::from(number)))
    }

    /// A random moment in one part of the time that `create` takes. The parts are shorter at the start,
    /// when kindrs creates most.
    fn moment(&self, number: u32, of: u32) -> Duration {
        let share = (f64::from(number) + self.random(number).f64()) / f64::from(of);
        let moment = self.creation.mul_f64(share.powi(2));
        eprintln!("  after {moment:?}");
        moment
    }
}

fn killed_delete(on: &Measured) {
    let mut random = on.random(0);
    on.sandbox.create(TWO_NODES);
    for part in [0.2, 0.5, 0.8] {
        let line = ["delete", "cluster", "--name", &on.sandbox.name];
        let mut delete = on.sandbox.command(&line).stderr(Stdio::null()).spawn().unwrap();
        sleep(on.deletion.mul_f64(part * random.f64()));
        delete.kill().unwrap();
        delete.wait().unwrap();
    }
    delete_and_look(&on.sandbox);
}

/// Starts `create` and waits for `moment`.
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
    eprintln!("  killed with {:?}", sandbox.footprint());
    delete_and_look(sandbox);
}

/// kindrs deletes everything that it created when it gets a signal, `moment` after it printed `word`.
fn polite_signal(sandbox: &Sandbox, word: &str, moment: Duration, signal: Signal) {
    let mut create = start_create(sandbox);
    let mut stderr = BufReader::new(create.stderr.take().unwrap());
    let mut text = String::new();
    // kindrs listens for signals before it prints anything.
    while stderr.read_line(&mut text).unwrap() > 0 && !text.contains(word) {}
    sleep(moment);
    if create.try_wait().unwrap().is_some_and(|status| status.success()) {
        eprintln!("  create was done already");
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
    // Docker may still be at work on requests of the killed process.
    sleep(Duration::from_secs(1));
    look(sandbox);
}

fn look(sandbox: &Sandbox) {
    sandbox.assert_gone();
    let kubeconfig = std::fs::read_to_string(sandbox.kubeconfig()).unwrap();
    assert!(kubeconfig.contains("https://192.0.2.1:6443"), "{kubeconfig}");
    assert!(kubeconfig.contains("token: other"), "{kubeconfig}");
}
