use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::docker::try_docker;
use super::{Ran, run, until, words};

/// kubectl on this machine with the kubeconfig that kindrs wrote. The program comes from the node image.
#[derive(Clone)]
pub struct Kubectl {
    kubeconfig: PathBuf,
    /// Has the program and its cache.
    home: PathBuf,
    /// Come before all other arguments, which can override them.
    flags: Vec<String>,
}

impl Kubectl {
    /// kubectl for `kubeconfig`, which keeps its cache in `home`; copies the program from `node` to
    /// there if it is missing.
    pub fn new(kubeconfig: &Path, home: &Path, node: &str) -> Self {
        static COPYING: Mutex<()> = Mutex::new(());
        let _copying = COPYING.lock();
        let program = home.join("kubectl");
        if !program.exists() {
            let path = program.to_str().unwrap();
            try_docker(&["cp", "--follow-link", &format!("{node}:/usr/bin/kubectl"), path]).ok();
        }
        Self { kubeconfig: kubeconfig.to_owned(), home: home.to_owned(), flags: Vec::new() }
    }

    pub fn context(&self, context: &str) -> Self {
        self.with_flag(format!("--context={context}"))
    }

    pub fn within(&self, namespace: &str) -> Self {
        self.with_flag(format!("--namespace={namespace}"))
    }

    fn with_flag(&self, flag: String) -> Self {
        Self { flags: [&self.flags[..], &[flag]].concat(), ..self.clone() }
    }

    /// Creates a namespace, and waits until it accepts pods. Returns kubectl for the objects in it.
    #[track_caller]
    pub fn namespace(&self, name: &str) -> Self {
        self.run(&format!("create namespace {name}"));
        let kubectl = self.within(name);
        until("the namespace has a service account", || {
            kubectl.attempt("get serviceaccount/default").result()
        });
        kubectl
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.home.join("kubectl"));
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .args(&self.flags)
            .args(arguments);
        command
    }

    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        self.attempt(line).ok()
    }

    pub fn attempt(&self, line: &str) -> Ran {
        self.with_input(line, "")
    }

    pub fn with_input(&self, line: &str, input: &str) -> Ran {
        run(self.command(&words(line)), input)
    }

    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} -o json"))).unwrap()
    }

    /// The value at a JSONPath (without braces), or an empty text.
    #[track_caller]
    pub fn value(&self, line: &str, path: &str) -> String {
        self.run(&format!("{line} --output=jsonpath={{{path}}}"))
    }

    #[track_caller]
    pub fn items(&self, line: &str) -> Vec<Value> {
        self.json(line)["items"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        self.with_input("apply -f -", &list.to_string()).ok();
    }

    /// Applies objects, and waits until all pods and rollouts among them are ready.
    #[track_caller]
    pub fn start(&self, objects: &[Value]) {
        self.apply(objects);
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            match object["kind"].as_str().unwrap() {
                "Pod" => self.ready(&format!("pod/{name}")),
                kind @ ("Deployment" | "DaemonSet" | "StatefulSet") => {
                    self.rolled_out(&format!("{}/{name}", kind.to_lowercase()));
                }
                _ => {}
            }
        }
    }

    #[track_caller]
    pub fn rolled_out(&self, object: &str) {
        self.run(&format!("rollout status {object} --timeout=240s"));
    }

    #[track_caller]
    pub fn wait_for(&self, objects: &str, condition: &str) {
        self.run(&format!("wait {objects} --for={condition} --timeout=240s"));
    }

    #[track_caller]
    pub fn ready(&self, objects: &str) {
        self.wait_for(objects, "condition=Ready");
    }

    #[track_caller]
    pub fn api_ready(&self) {
        until("the API server answers", || {
            self.attempt("--request-timeout=5s get --raw /readyz").result()
        });
    }

    #[track_caller]
    pub fn exec(&self, pod: &str, script: &str) -> String {
        self.try_exec(pod, script).ok()
    }

    pub fn try_exec(&self, pod: &str, script: &str) -> Ran {
        run(self.command(&["exec", pod, "--", "sh", "-c", script]), "")
    }

    /// The response to an HTTP request from a pod; `Err` has the reason when there is none.
    pub fn pod_get(&self, pod: &str, url: &str) -> Result<String, String> {
        let answer = self.try_exec(pod, &format!("wget -q -T 5 -O - {url}")).result()?;
        Ok(answer.trim().to_owned())
    }

    #[track_caller]
    pub fn pods(&self, selector: &str) -> BTreeSet<String> {
        let text = self.run(&format!("get pods -l {selector} -o name"));
        text.lines().map(|line| line.trim_start_matches("pod/").to_owned()).collect()
    }

    /// The address of a node within the network of the cluster.
    #[track_caller]
    pub fn node_address(&self, node: &str) -> String {
        let path = ".status.addresses[?(@.type=='InternalIP')].address";
        self.value(&format!("get node {node}"), path)
    }
}
