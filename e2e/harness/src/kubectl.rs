use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::docker::try_docker;
use super::{Ran, run, until, words};

/// kubectl on this machine with the kubeconfig that kindrs wrote. The program comes from the node image.
pub struct Kubectl {
    kubeconfig: PathBuf,
    /// Has the program and its cache.
    home: PathBuf,
    context: Option<String>,
}

impl Kubectl {
    /// kubectl for `kubeconfig`, which keeps its cache in `home`; copies the program from `node` to
    /// there if it is missing.
    pub fn new(kubeconfig: &Path, home: &Path, node: &str) -> Self {
        copy_program(home, node);
        Self { kubeconfig: kubeconfig.to_owned(), home: home.to_owned(), context: None }
    }

    /// kubectl with another context than the current one.
    pub fn context(&self, context: &str) -> Self {
        Self {
            kubeconfig: self.kubeconfig.clone(),
            home: self.home.clone(),
            context: Some(context.to_owned()),
        }
    }

    /// A command that runs kubectl.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program(&self.home));
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .args(self.context.iter().flat_map(|context| ["--context", context]))
            .args(arguments);
        command
    }

    /// Runs kubectl with the words of `line`; returns its output.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        self.attempt(line).ok()
    }

    /// Runs kubectl with the words of `line`.
    pub fn attempt(&self, line: &str) -> Ran {
        run(self.command(&words(line)), "")
    }

    /// Runs kubectl with the words of `line` and an input.
    pub fn with_input(&self, line: &str, input: &str) -> Ran {
        run(self.command(&words(line)), input)
    }

    /// The output of kubectl as JSON.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} -o json"))).unwrap()
    }

    /// The value at a JSONPath (without braces), or an empty text.
    #[track_caller]
    pub fn value(&self, line: &str, path: &str) -> String {
        self.run(&format!("{line} --output=jsonpath={{{path}}}"))
    }

    /// The objects that `line` lists.
    #[track_caller]
    pub fn items(&self, line: &str) -> Vec<Value> {
        self.json(line)["items"].as_array().unwrap().clone()
    }

    /// Creates a namespace, and waits until it accepts pods.
    #[track_caller]
    pub fn namespace(&self, name: &str) {
        self.run(&format!("create namespace {name}"));
        until("the namespace has a service account", || {
            let ran = self.attempt(&format!("-n {name} get serviceaccount/default"));
            if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
        });
    }

    /// Creates or changes objects.
    #[track_caller]
    pub fn apply(&self, namespace: &str, objects: &[Value]) {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        self.with_input(&format!("-n {namespace} apply -f -"), &list.to_string()).ok();
    }

    /// Waits until the rollout of a Deployment, DaemonSet or StatefulSet is complete.
    #[track_caller]
    pub fn rolled_out(&self, namespace: &str, object: &str) {
        self.run(&format!("-n {namespace} rollout status {object} --timeout=240s"));
    }

    /// Waits for a condition of one or more objects.
    #[track_caller]
    pub fn wait_for(&self, namespace: &str, objects: &str, condition: &str) {
        self.run(&format!("-n {namespace} wait {objects} --for={condition} --timeout=240s"));
    }

    /// Runs a shell script in a pod; returns its output.
    #[track_caller]
    pub fn exec(&self, namespace: &str, pod: &str, script: &str) -> String {
        self.try_exec(namespace, pod, script).ok()
    }

    /// Runs a shell script in a pod.
    pub fn try_exec(&self, namespace: &str, pod: &str, script: &str) -> Ran {
        run(self.command(&["-n", namespace, "exec", pod, "--", "sh", "-c", script]), "")
    }

    /// The response to an HTTP request from a pod; `Err` has the reason when there is none.
    pub fn pod_get(&self, namespace: &str, pod: &str, url: &str) -> Result<String, String> {
        let ran = self.try_exec(namespace, pod, &format!("wget -q -T 5 -O - {url}"));
        if ran.code == Some(0) { Ok(ran.stdout.trim().to_owned()) } else { Err(ran.stderr) }
    }

    /// The sorted names of the pods with a label.
    #[track_caller]
    pub fn pods(&self, namespace: &str, selector: &str) -> Vec<String> {
        let text = self.run(&format!("-n {namespace} get pods -l {selector} -o name"));
        let mut names: Vec<String> =
            text.lines().map(|line| line.trim_start_matches("pod/").to_owned()).collect();
        names.sort();
        names
    }
}

fn program(home: &Path) -> PathBuf {
    home.join("kubectl")
}

fn copy_program(home: &Path, node: &str) {
    static COPYING: Mutex<()> = Mutex::new(());
    let _copying = COPYING.lock();
    let target = program(home);
    if !target.exists() {
        let path = target.to_str().unwrap();
        try_docker(&["cp", "--follow-link", &format!("{node}:/usr/bin/kubectl"), path]).ok();
    }
}
