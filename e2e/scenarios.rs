//! Scenarios, run by `kindrs scenario run`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use harness::{Ran, Sandbox, Suite, footprint, run, until, until_holds};

/// Enough for each of the failing scenarios.
const ONE_WORKER: &str = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane}, {role: worker}]
";

/// The sorted scenarios of a folder.
fn scenarios(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e").join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_str().unwrap().to_owned()
}

fn scenario(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["scenario"].iter().chain(arguments).copied().collect();
    run(sandbox.command(&arguments), "")
}

/// The report of a run.
fn report(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The assertions of a report with their verdicts.
fn verdicts(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let judgements = report["runs"][0]["judgements"].as_array().unwrap();
    judgements
        .iter()
        .map(|judgement| (text(&judgement["assertion"]), text(&judgement["verdict"])))
        .collect()
}

pub fn passing_suite() -> Suite<Sandbox> {
    let files = scenarios("scenarios");
    assert!(files.len() >= 5, "{files:?}");
    let mut suite = Suite::new("scenarios", || Sandbox::new("scenarios"));
    for file in files {
        suite = suite.step(name(&file), move |sandbox| passes(sandbox, &file));
    }
    suite
}

/// Checks that a scenario passes and writes its reports, that checking its record returns the same
/// verdicts, and that nothing is left of its cluster.
fn passes(sandbox: &Sandbox, file: &Path) {
    let folder = sandbox.home().join(format!("report-{}", name(file)));
    let (path, out) = (file.to_str().unwrap(), folder.to_str().unwrap());
    let ran = scenario(sandbox, &["run", path, "--report", out]);
    eprintln!("{}\n{}", ran.stdout, ran.stderr);
    ran.ok();
    let report = report(&folder);
    let run = &report["runs"][0];
    assert_eq!(run["verdict"], "pass");
    for name in
        ["junit.xml", "summary.md", &format!("{}/report.html", run["scenario"].as_str().unwrap())]
    {
        assert!(folder.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let cluster = run["cluster"].as_str().unwrap();
    assert!(footprint(cluster).is_empty(), "{:?}", footprint(cluster));
    let history = folder.join(run["scenario"].as_str().unwrap()).join("history.jsonl");
    let again = folder.join("again");
    let (history, again_path) = (history.to_str().unwrap(), again.to_str().unwrap());
    scenario(sandbox, &["check", history, path, "--report", again_path]).ok();
    assert_eq!(verdicts(&self::report(&again)), verdicts(&report));
    std::fs::remove_dir_all(folder).unwrap();
}

pub fn failing_suite() -> Suite<Sandbox> {
    let mut suite = Suite::new("failing_scenarios", || {
        let sandbox = Sandbox::new("failing");
        sandbox.create(ONE_WORKER);
        sandbox
    });
    for file in scenarios("scenarios/failing") {
        suite = suite.step(name(&file), move |sandbox| fails(sandbox, &file));
    }
    suite
        .step("interrupted_run_heals_and_reports", interrupted)
        .step("delete_removes_the_cluster_of_a_killed_run", killed)
        .step("lost_api_server_is_not_a_failure", inconclusive)
        .step("repetitions_are_split_into_shards", repeated)
        .step("invalid_file_creates_nothing", invalid)
}

/// Checks that a scenario fails, with its exit code and its explanation.
fn fails(sandbox: &Sandbox, file: &Path) {
    let folder = sandbox.home().join("report");
    let (path, out) = (file.to_str().unwrap(), folder.to_str().unwrap());
    let ran = scenario(sandbox, &["run", path, "--cluster", &sandbox.name, "--report", out]);
    eprintln!("{}\n{}", ran.stdout, ran.stderr);
    ran.fails(1);
    let report = report(&folder);
    assert_eq!(report["runs"][0]["verdict"], "fail");
    insta::with_settings!({
        snapshot_path => "scenarios/failing/explanations",
        prepend_module_to_snapshot => false,
        filters => vec![
            // Times and generated names.
            (r"\d+\.\d+ ?s\b", "[time]"),
            (r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b", "-[pod]"),
            (r"-[0-9a-f]{8,10}\b", "-[replicaset]"),
        ],
    }, {
        insta::assert_snapshot!(name(file), explanations(&report));
    });
    std::fs::remove_dir_all(folder).unwrap();
}

/// The explanations of everything that did not pass.
fn explanations(report: &Value) -> String {
    let mut text = String::new();
    for judgement in report["runs"][0]["judgements"].as_array().unwrap() {
        if judgement["verdict"] == "pass" {
            continue;
        }
        let explanation = &judgement["explanation"];
        text += &format!(
            "{}: {}\n{}\n",
            judgement["verdict"].as_str().unwrap(),
            judgement["claim"].as_str().unwrap(),
            explanation["summary"].as_str().unwrap(),
        );
        for part in explanation["parts"].as_array().into_iter().flatten() {
            text += &format!("  {}\n", part.as_str().unwrap());
        }
        for breach in explanation["breaches"].as_array().into_iter().flatten() {
            text += &format!("  {}\n", breach["object"]["name"].as_str().unwrap());
            for difference in breach["differences"].as_array().unwrap() {
                text += &format!("    {}\n", difference.as_str().unwrap());
            }
        }
    }
    text
}

/// A scenario that stops the scheduler and then runs `step`.
fn waiting(sandbox: &Sandbox, name: &str, step: &str) -> PathBuf {
    let file = sandbox.home().with_file_name(format!("{name}.yaml"));
    let text = format!(
        "\
apiVersion: kindrs.dev/v1alpha1
kind: Scenario
metadata: {{name: {name}}}
cluster: {{existing: {{name: {cluster}}}}}
steps:
- name: made
  apply:
    objects:
    - apiVersion: v1
      kind: ConfigMap
      metadata: {{name: made}}
- name: broken
  inject: {{fault: component-stop, component: kube-scheduler, allowTotal: true, for: 10m}}
- name: pause
{step}
",
        cluster = sandbox.name
    );
    std::fs::write(&file, text).unwrap();
    file
}

const LONG: &str = "  sleep: {for: 5m, reason: to be interrupted}\n  deadline: 10m";

fn start(sandbox: &Sandbox, file: &Path, more: &[&str]) -> std::process::Child {
    let mut command: Command = sandbox.command(&["scenario", "run", file.to_str().unwrap()]);
    command.args(["--report", sandbox.home().join("report").to_str().unwrap()]).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

fn faults(sandbox: &Sandbox) -> usize {
    let text = sandbox.kindrs(&format!("fault list --name {} -o json", sandbox.name)).ok();
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().len()
}

fn has_object(sandbox: &Sandbox) -> bool {
    sandbox.kubectl().attempt("get configmap made").code == Some(0)
}

fn interrupted(sandbox: &Sandbox) {
    let mut child = start(sandbox, &waiting(sandbox, "interrupted", LONG), &[]);
    until_holds("the scheduler is stopped", || faults(sandbox), |faults| *faults == 1);
    assert!(has_object(sandbox));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(faults(sandbox), 0);
    assert!(!has_object(sandbox), "an object of the run is left");
    let report = report(&sandbox.home().join("report"));
    assert_eq!(report["runs"][0]["error"], "interrupted");
    assert_eq!(report["runs"][0]["verdict"], "inconclusive");
}

fn killed(sandbox: &Sandbox) {
    let file = waiting(sandbox, "killed", LONG);
    let text = std::fs::read_to_string(&file).unwrap();
    let own = text.replace(&format!("{{existing: {{name: {}}}}}", sandbox.name), "{workers: 0}");
    std::fs::write(&file, own).unwrap();
    let mut child = start(sandbox, &file, &[]);
    let cluster = || {
        let clusters = sandbox.kindrs("get clusters").ok();
        clusters.lines().find(|name| name.starts_with("killed-")).map(str::to_owned)
    };
    until("the cluster has nodes", || {
        let cluster = cluster().ok_or("no cluster")?;
        let ran = sandbox.kindrs(&format!("get nodes --name {cluster} -o json"));
        if ran.stdout.contains("running") { Ok(()) } else { Err(ran.to_string()) }
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let cluster = cluster().unwrap();
    sandbox.kindrs(&format!("delete cluster --name {cluster}")).ok();
    assert!(footprint(&cluster).is_empty(), "{:?}", footprint(&cluster));
    // A scenario does not change the user's kubeconfig.
    let kubeconfig = std::fs::read_to_string(sandbox.kubeconfig()).unwrap();
    assert!(!kubeconfig.contains(&cluster), "{kubeconfig}");
}

fn inconclusive(sandbox: &Sandbox) {
    let assertion = "  assert: {eventually: 'size(none) > 0', within: 6s}";
    let file = waiting(sandbox, "inconclusive", assertion);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("component: kube-scheduler", "component: kube-apiserver")
        .replace("for: 10m", "for: 30s")
        .replace("steps:\n", "selections:\n  none: {kind: Pod, name: none-of-that-name}\nsteps:\n");
    std::fs::write(&file, text).unwrap();
    let code = start(sandbox, &file, &[]).wait().unwrap().code();
    assert_eq!(code, Some(3));
    let report = report(&sandbox.home().join("report"));
    assert_eq!(report["runs"][0]["verdict"], "inconclusive");
    assert!(!has_object(sandbox), "an object of the run is left");
}

fn repeated(sandbox: &Sandbox) {
    let file = sandbox.home().with_file_name("repeated.yaml");
    let text = format!(
        "\
apiVersion: kindrs.dev/v1alpha1
kind: Scenario
metadata: {{name: repeated}}
cluster: {{existing: {{name: {}}}}}
matrix: {{variables: {{value: [a, b]}}}}
steps:
- create:
    objects:
    - apiVersion: v1
      kind: ConfigMap
      metadata: {{name: 'repeated-${{value}}'}}
",
        sandbox.name
    );
    std::fs::write(&file, text).unwrap();
    let folder = sandbox.home().join("report");
    for (part, runs) in [("1/3", 2), ("3/3", 1)] {
        let more = ["--repeat", "2", "--shard", part, "--parallel", "2"];
        let mut child = start(sandbox, &file, &more);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(report(&folder)["runs"].as_array().unwrap().len(), runs);
    }
}

fn invalid(sandbox: &Sandbox) {
    let file = waiting(sandbox, "invalid", "  slep: {for: 1s}");
    let ran = scenario(sandbox, &["run", file.to_str().unwrap()]);
    let text = ran.fails(2);
    assert!(text.contains("slep") && text.contains("did you mean `sleep`?"), "{text}");
    assert!(!has_object(sandbox));
}
