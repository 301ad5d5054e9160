use std::ffi::OsStr;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::config::{Cluster, Node, Role};
use crate::failure::Failure;
use crate::image::IMAGE_LABEL;
use crate::progress::Event;
use crate::render::RENDER_DIRECTORY;
use crate::runtime::fake::tar_of;
use crate::runtime::fake::{FakeEngine, refused};
use crate::runtime::{EngineError, ExecOutput, ImageInfo, Refusal};

const IMAGE: &str = "kindrs/node:v1.37.2";

#[derive(Clone, Copy, PartialEq)]
enum Api {
    Healthy,
    NeverReady,
    RefusesObjects,
    NodesNotReady,
}

impl Api {
    fn client(self) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                std::future::pending::<()>().await;
            }
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let sent = request.into_body().collect_bytes().await.unwrap();
            let (code, body) = self.answer(&method, &path, &sent);
            let body = Body::from(body.to_string().into_bytes());
            Ok::<_, std::io::Error>(Response::builder().status(code).body(body).unwrap())
        });
        Client::new(service, "default")
    }

    fn answer(self, method: &Method, path: &str, sent: &[u8]) -> (u16, Value) {
        let object = |name: &str, status: Value| json!({ "metadata": { "name": name }, "spec": { "containers": [] }, "status": status });
        let ready = |ready: &str| json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] });
        let list = |names: &[&str], status: &Value| {
            let items: Vec<_> = names.iter().map(|name| object(name, status.clone())).collect();
            json!({ "metadata": { "resourceVersion": "1" }, "items": items })
        };
        match path {
            "/readyz" if self == Self::NeverReady => (500, json!({})),
            "/readyz" => (200, json!("ok")),
            "/api/v1/nodes" => {
                let status = ready(if self == Self::NodesNotReady { "False" } else { "True" });
                (200, list(&["dev-control-plane", "dev-worker"], &status))
            }
            "/api/v1/namespaces/kube-system/pods" if *method == Method::GET => {
                let names = [
                    "etcd-dev-control-plane",
                    "kube-apiserver-dev-control-plane",
                    "kube-controller-manager-dev-control-plane",
                    "kube-scheduler-dev-control-plane",
                    "kube-proxy-a",
                    "kube-proxy-b",
                    "coredns-a",
                    "coredns-b",
                ];
                // Static pods only, without the objects of the addons.
                let existing = if self == Self::RefusesObjects { &names[..4] } else { &names[..] };
                (200, list(existing, &ready("True")))
            }
            _ if *method == Method::POST && self == Self::RefusesObjects => {
                let status = json!({ "status": "Failure", "code": 422, "reason": "Invalid", "message": "no" });
                (422, status)
            }
            _ => {
                let mut echo: Value = serde_json::from_slice(sent).unwrap_or_default();
                echo["metadata"]["name"] = json!("x");
                (200, echo)
            }
        }
    }
}

struct Case {
    engine: FakeEngine,
    events: Arc<Mutex<Vec<Event>>>,
    options: CreateOptions,
    folder: tempfile::TempDir,
    api: Api,
}

impl Case {
    fn new() -> Self {
        let image = ImageInfo {
            labels: [(IMAGE_LABEL.to_owned(), "v1.37.2".to_owned())].into(),
            entrypoint: vec!["/sbin/init".into()],
            ..Default::default()
        };
        let engine = FakeEngine::default().with_image(IMAGE, image);
        let rendered = tar_of(&[("out/coredns.yaml", ""), ("out/kube-proxy.yaml", "")]);
        // Any container: the render container's name is new with every run.
        let place = (String::new(), format!("{RENDER_DIRECTORY}/out"));
        engine.state().downloads.insert(place, rendered);
        // The search for a known cause in the nodes' logs finds none.
        engine.on_exec(|_, command, _| ExecOutput {
            code: i64::from(command.join(" ").contains("journalctl")),
            ..ExecOutput::default()
        });
        let nodes = vec![Node::new(Role::ControlPlane), Node::new(Role::Worker)];
        let options = CreateOptions {
            name: "dev".into(),
            config: Cluster { nodes, ..Cluster::default() },
            image: Some(IMAGE.into()),
            kubernetes: "v1.37.2".parse().unwrap(),
            wait: Some(Duration::from_secs(300)),
            retain: false,
        };
        let folder = tempfile::tempdir().unwrap();
        Self { engine, events: Arc::default(), options, folder, api: Api::Healthy }
    }

    fn fail(self, method: &'static str, nth: usize) -> Self {
        self.engine.fail(method, nth, EngineError::refused(method, "broken"));
        self
    }

    async fn create(&self) -> anyhow::Result<Created> {
        let path = self.folder.path().join("config");
        let files = kubeconfig::Files::choose(Some(&path), OsStr::new(""), None);
        let api = self.api;
        let connect = move |_: &ClusterPlan, _: &Pki| -> BoxFuture<'static, _> {
            Box::pin(async move { Ok(api.client()) })
        };
        let progress = Progress::new(self.events.clone());
        create_with(&self.engine, &self.options, &files, &progress, &connect).await
    }

    fn titles(&self) -> Vec<String> {
        self.stages(|event| match event {
            Event::StageStarted { stage } => Some(stage),
            _ => None,
        })
    }

    fn stages(&self, title: fn(&Event) -> Option<&String>) -> Vec<String> {
        self.events.lock().unwrap().iter().filter_map(title).cloned().collect()
    }

    fn kubeconfig(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("config")).unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn runs_every_stage_in_order() {
    let case = Case::new();
    let created = case.create().await.unwrap();
    assert_eq!(created.plan.nodes.len(), 2);
    assert_eq!(
        case.titles(),
        [
            "Render the nodes' configuration",
            "Start 2 nodes",
            "Write the kubeconfig",
            "Start the control plane",
            "Install DNS, kube-proxy and storage",
            "Wait for 2 nodes to be Ready",
            "Wait for the system pods",
            "Check cluster DNS on every node",
        ]
    );
    let expected = [
        "dev-control-plane",
        "dev-worker",
        "dev-control-plane-var",
        "dev-worker-var",
        "kindrs-dev",
    ];
    assert_eq!(case.engine.objects(), expected);
    assert!(case.kubeconfig().contains("kindrs-dev"));
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_without_a_timeout() {
    let mut case = Case::new();
    case.options.wait = None;
    case.create().await.unwrap();
    assert_eq!(case.titles().last().unwrap(), "Install DNS, kube-proxy and storage");
}

#[tokio::test(start_paused = true)]
async fn removes_everything_when_a_stage_fails() {
    let on_api = |api| Case { api, ..Case::new() };
    let no_dns = Case::new();
    no_dns.engine.on_exec(|_, command, _| ExecOutput {
        code: i64::from(command[0] == "bash" || command.join(" ").contains("journalctl")),
        ..ExecOutput::default()
    });
    let no_kubeconfig = Case::new();
    std::fs::create_dir(no_kubeconfig.folder.path().join("config")).unwrap();
    let cases = [
        (Case::new().fail("wait_container", 1), "Render the nodes' configuration", "broken"),
        (Case::new().fail("create_network", 1), "Render the nodes' configuration", "broken"),
        (Case::new().fail("start_container", 3), "Start 2 nodes", "broken"),
        (no_kubeconfig, "Write the kubeconfig", "is a directory"),
        (Case::new().fail("wait_container", 2), "Start the control plane", "exited while starting"),
        (on_api(Api::NeverReady), "Start the control plane", "two minutes"),
        (on_api(Api::RefusesObjects), "Install DNS, kube-proxy and storage", "cluster-admins"),
        (
            on_api(Api::NodesNotReady),
            "Wait for 2 nodes to be Ready",
            "nodes dev-control-plane, dev-worker",
        ),
        (no_dns, "Check cluster DNS on every node", "not ready after 300 s"),
    ];
    for (case, stage, message) in cases {
        let error = case.create().await.unwrap_err();
        assert!(format!("{error:#}").contains(message), "{error:#}");
        assert_eq!(case.titles().last().unwrap(), "Remove the incomplete cluster");
        let failed = case.stages(|event| match event {
            Event::StageFailed { stage, .. } => Some(stage),
            _ => None,
        });
        assert!(failed.contains(&stage.to_owned()), "{failed:?}, {error:#}");
        assert_eq!(case.engine.objects(), Vec::<String>::new(), "{stage}");
        assert!(!case.kubeconfig().contains("dev"), "{stage}");
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_everything_with_retain() {
    let mut case = Case::new().fail("wait_container", 2);
    case.options.retain = true;
    case.create().await.unwrap_err();
    assert_eq!(case.engine.objects().len(), 5);
    assert!(case.kubeconfig().contains("kindrs-dev"));
    assert_eq!(case.titles().last().unwrap(), "Start the control plane");
}

#[tokio::test(start_paused = true)]
async fn takes_the_next_subnet_when_another_cluster_takes_the_first() {
    let case = Case::new();
    let refused =
        refused("creating network", Refusal::SubnetOverlap, "Pool overlaps with other one");
    case.engine.fail("create_network", 1, refused);
    let created = case.create().await.unwrap();
    let first = Case::new().create().await.unwrap();
    assert_ne!(created.plan.subnet, first.plan.subnet);
}

#[tokio::test(start_paused = true)]
async fn refuses_a_name_that_is_in_use() {
    let case = Case::new();
    case.create().await.unwrap();
    let error = case.create().await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Failure::Input { .. })), "{error:#}");
    assert_eq!(case.engine.objects().len(), 5, "the first cluster is still there");
}
