//! A made-up record: nodes and their leases, pods that come and go, and what is said of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kindrs::scenario::history::{
    Begin, Change, End, Entry, KindName, Moment, ObjectChange, ObjectEvent, StepCause, StepEntry,
    StepState,
};
use kindrs::scenario::language::Timing;
use serde_json::{Map, Value, json};

use crate::assertions::APPLICATIONS;

const NODES: usize = 20;
const PODS: usize = 240;

/// A run of so many events.
pub fn entries(events: usize) -> Vec<Entry> {
    let mut run = Run { entries: Vec::with_capacity(events + 4), at: 0, version: 1, generation: 0 };
    run.push(Change::Begin(Box::new(begin())));
    for node in 0..NODES {
        run.object(ObjectEvent::Initial, "v1/Node", node_object(node, 0));
        run.object(ObjectEvent::Initial, "coordination.k8s.io/v1/Lease", lease(node, 0));
    }
    run.step("first", StepState::Started);
    let mut pods: Vec<Pod> = (0..PODS).map(|slot| Pod::new(slot, 0)).collect();
    let mut random = fastrand::Rng::with_seed(7);
    while run.entries.len() < events {
        run.at += random.u64(500..40_000);
        match random.u32(0..100) {
            0..30 => {
                let node = random.usize(0..NODES);
                let renewed = run.at;
                let event = ObjectEvent::Modified;
                run.object(event, "coordination.k8s.io/v1/Lease", lease(node, renewed));
            }
            30..42 => {
                let node = random.usize(0..NODES);
                let heartbeat = run.at;
                run.object(ObjectEvent::Modified, "v1/Node", node_object(node, heartbeat));
            }
            42..60 => {
                let slot = random.usize(0..PODS);
                run.generation += 1;
                let event = event_object(run.generation, &pods[slot].name());
                run.object(ObjectEvent::Added, "v1/Event", event);
            }
            _ => {
                let slot = random.usize(0..PODS);
                pods[slot].go_on(&mut run, &mut random);
            }
        }
    }
    run.step("first", StepState::Passed);
    run.push(Change::End(End { interrupted: false, lines: BTreeMap::new() }));
    run.entries
}

struct Run {
    entries: Vec<Entry>,
    at: u64,
    version: u64,
    generation: u64,
}

impl Run {
    fn push(&mut self, change: Change) {
        self.entries.push(Entry { at: Moment(self.at), change });
    }

    fn object(&mut self, event: ObjectEvent, kind: &str, mut object: Value) {
        self.version += 1;
        let resource_version = self.version.to_string();
        object["metadata"]["resourceVersion"] = resource_version.clone().into();
        let kind = KindName(Arc::from(kind));
        let object = Arc::new(object);
        let change = ObjectChange { event, kind, resource_version, object };
        self.push(Change::Object(Box::new(change)));
    }

    fn step(&mut self, step: &str, state: StepState) {
        let (step, detail, cause) = (step.to_owned(), String::new(), StepCause::default());
        self.push(Change::Step(Box::new(StepEntry { step, state, attempt: 1, detail, cause })));
    }
}

fn begin() -> Begin {
    Begin {
        format: 1,
        kindrs: "0.0.0".to_owned(),
        scenario: "bench".to_owned(),
        time: jiff::Timestamp::UNIX_EPOCH,
        cluster: "bench".to_owned(),
        kubernetes: "v1.37.2".to_owned(),
        timing: Timing::Fast,
        variables: Map::new(),
        kinds: Vec::new(),
    }
}

/// A pod's place, in which one pod follows another.
struct Pod {
    slot: usize,
    number: u64,
    stage: u32,
}

impl Pod {
    fn new(slot: usize, number: u64) -> Self {
        Self { slot, number, stage: 0 }
    }

    fn name(&self) -> String {
        format!("app{}-7d4b9c6f5-{:05}-{}", self.slot % APPLICATIONS, self.slot, self.number)
    }

    /// Created, bound, starting, ready; then status after status; then deleted.
    fn go_on(&mut self, run: &mut Run, random: &mut fastrand::Rng) {
        let event = match self.stage {
            0 => ObjectEvent::Added,
            20.. => ObjectEvent::Deleted,
            _ => ObjectEvent::Modified,
        };
        let restarts = random.u32(0..3);
        let (stage, at) = (self.stage, run.at);
        run.object(event, "v1/Pod", pod_object(self, stage, restarts, at));
        self.stage += 1;
        if event == ObjectEvent::Deleted {
            *self = Self::new(self.slot, self.number + 1);
        }
    }
}

fn time(at: u64) -> String {
    let time = jiff::Timestamp::from_second(1_790_000_000 + (at / 1_000_000) as i64);
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn condition(name: &str, status: bool, at: u64) -> Value {
    json!({
        "type": name, "status": if status { "True" } else { "False" }, "lastProbeTime": null,
        "lastTransitionTime": time(at), "observedGeneration": 1,
    })
}

fn pod_object(pod: &Pod, stage: u32, restarts: u32, at: u64) -> Value {
    let (app, name) = (format!("app{}", pod.slot % APPLICATIONS), pod.name());
    let is_ready = (4..20).contains(&stage);
    let node = if stage == 0 { String::new() } else { format!("worker{}", pod.slot % NODES) };
    let container = |number: usize| {
        json!({
            "name": format!("container-{number}"), "image": format!("registry.example.com/{app}:1.{number}"),
            "command": ["/bin/server", "--listen=:8080", "--log-format=json", "--shutdown-delay=5s"],
            "env": [
                {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                {"name": "LOG_LEVEL", "value": "info"},
            ],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "readinessProbe": {
                "httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1,
                "periodSeconds": 5, "successThreshold": 1, "failureThreshold": 3,
            },
            "volumeMounts": [{
                "name": "kube-api-access", "readOnly": true,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            }],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        })
    };
    let status = |number: usize| {
        json!({
            "name": format!("container-{number}"), "ready": is_ready, "started": is_ready,
            "restartCount": restarts, "image": format!("registry.example.com/{app}:1.{number}"),
            "imageID": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "containerID": format!("containerd://{at:064x}"), "lastState": {},
            "state": {"running": {"startedAt": time(at)}},
        })
    };
    let mut object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "generateName": format!("{app}-7d4b9c6f5-"), "namespace": "default",
            "uid": format!("uid-{name}"), "creationTimestamp": time(at),
            "labels": {"app": app, "pod-template-hash": "7d4b9c6f5"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-7d4b9c6f5"),
                "uid": "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0", "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "containers": [container(0), container(1)], "nodeName": node, "priority": 0,
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
            "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
            "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            ],
            "volumes": [{"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            ]}}],
        },
        "status": {
            "phase": if stage < 3 { "Pending" } else { "Running" }, "qosClass": "Burstable",
            "conditions": [
                condition("PodReadyToStartContainers", stage > 1, at),
                condition("Initialized", stage > 1, at),
                condition("Ready", is_ready, at), condition("ContainersReady", is_ready, at),
                condition("PodScheduled", stage > 0, at),
            ],
            "containerStatuses": [status(0), status(1)], "startTime": time(at),
            "hostIP": "172.18.0.3", "podIP": format!("10.244.1.{}", pod.slot),
        },
    });
    if stage >= 19 {
        object["metadata"]["deletionTimestamp"] = time(at).into();
    }
    object
}

fn node_object(node: usize, at: u64) -> Value {
    let images: Vec<Value> = (0..12)
        .map(|image| {
            json!({
                "names": [format!("registry.example.com/image-{image}@sha256:{image:064x}"),
                    format!("registry.example.com/image-{image}:1.0")],
                "sizeBytes": 10_000_000 + image,
            })
        })
        .collect();
    let capacity =
        json!({"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": format!("worker{node}"), "uid": format!("uid-worker{node}"),
            "labels": {"kubernetes.io/hostname": format!("worker{node}"), "kubernetes.io/os": "linux"},
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {"podCIDR": format!("10.244.{node}.0/24"), "providerID": format!("kind://worker{node}")},
        "status": {
            "addresses": [{"type": "InternalIP", "address": format!("172.18.0.{node}")}],
            "capacity": capacity, "allocatable": capacity, "images": images,
            "conditions": [
                heartbeat("MemoryPressure", false, at), heartbeat("DiskPressure", false, at),
                heartbeat("PIDPressure", false, at), heartbeat("Ready", true, at),
            ],
            "nodeInfo": {"kubeletVersion": "v1.37.2", "osImage": "Debian", "architecture": "amd64"},
        },
    })
}

fn heartbeat(name: &str, status: bool, at: u64) -> Value {
    let mut condition = condition(name, status, 0);
    condition["lastHeartbeatTime"] = time(at).into();
    condition
}

fn lease(node: usize, at: u64) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": format!("worker{node}"), "namespace": "kube-node-lease",
            "uid": format!("uid-lease-{node}"),
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": format!("worker{node}"), "uid": format!("uid-worker{node}")}],
        },
        "spec": {
            "holderIdentity": format!("worker{node}"), "leaseDurationSeconds": 40,
            "renewTime": time(at),
        },
    })
}

fn event_object(number: u64, pod: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{pod}.{number:x}"), "namespace": "default", "uid": format!("uid-event-{number}")},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": pod, "apiVersion": "v1"},
        "reason": "Pulled", "message": "Container image already present on machine", "type": "Normal",
        "source": {"component": "kubelet"}, "count": 1, "reportingComponent": "kubelet",
    })
}
