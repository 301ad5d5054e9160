//! Rules about faults and their healing.

use serde_json::Value;

use super::linter::Linter;
use super::walk::Order;
use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::fault::{self, FaultKind, NodeTargets, PodTargets, Request, View};
use crate::runtime::ContainerState;
use crate::scenario::language::{Heal, Inject};
use crate::scenario::read::inject_request;
use crate::yaml::join;

impl Linter<'_> {
    pub(super) fn faults(&mut self) {
        let injects: Vec<(usize, String, &Inject)> =
            self.walk.injects.iter().map(|(step, path, one)| (*step, path.clone(), *one)).collect();
        let mut requests: Vec<(usize, Option<Request>)> = Vec::new();
        for (step, path, inject) in &injects {
            requests.push((*step, self.inject(path, inject)));
        }
        let heals: Vec<(usize, String, &Heal)> = self
            .walk
            .steps
            .iter()
            .enumerate()
            .filter_map(|(step, at)| {
                Some((step, format!("{}.heal", at.path), at.step.heal.as_ref()?))
            })
            .collect();
        for (step, path, heal) in &heals {
            self.heal(*step, path, heal, &requests);
        }
        for ((step, path, inject), (_, request)) in injects.iter().zip(&requests) {
            let is_over = inject.lasting.is_some()
                || request.as_ref().is_none_or(|request| request.fault.is_instant());
            let name = self.walk.steps[*step].name();
            let is_healed = heals.iter().any(|(healing, _, heal)| {
                (heal.all || heal.step.as_deref() == Some(name))
                    && self.walk.order(*healing, *step) != Order::Before
            });
            if !is_over && !is_healed {
                let message = format!(
                    "is never healed: give it `for`, or a step `heal: {{step: {name}}}` after it"
                );
                self.report("fault-never-healed", path.as_str(), message);
            }
        }
    }

    fn inject(&mut self, path: &str, inject: &Inject) -> Option<Request> {
        let request = match inject_request(inject) {
            Ok(request) => request,
            Err(problems) => {
                for problem in problems {
                    let rule = match problem.field.as_str() {
                        "fault" => "unknown-fault",
                        _ => "fault-option",
                    };
                    let path = match problem.field.as_str() {
                        "" => path.to_owned(),
                        field => join(path, field),
                    };
                    let finding = if problem.about_name {
                        self.report_name(rule, path, problem.message)
                    } else {
                        self.report(rule, path, problem.message)
                    };
                    finding.suggest(problem.suggestion);
                }
                return None;
            }
        };
        let before = self.findings.len();
        let fields = serde_json::to_value(&request.fault).unwrap_or_default();
        for field in ["node", "peer"] {
            for (index, name) in fields[field].as_array().into_iter().flatten().enumerate() {
                let of_list = format!("{path}.{field}[{index}]");
                let place = match inject.options.get(field) {
                    Some(Value::Array(_)) => of_list,
                    _ => format!("{path}.{field}"),
                };
                if let Some(name) = name.as_str().filter(|name| !self.is_balancer(name)) {
                    self.node(&place, name, true);
                }
            }
        }
        if let Some(message) = lacks_target(&request.fault) {
            self.report("fault-target", path, message);
        }
        if self.findings.len() == before {
            self.refusal(path, &request);
        }
        Some(request)
    }

    fn is_balancer(&self, name: &str) -> bool {
        let several = self.nodes.as_ref().is_some_and(|nodes| nodes.control_planes() > 1);
        several && name.ends_with("external-load-balancer")
    }

    /// Plans a fault on the nodes that there will be, where it needs to know nothing else of the cluster.
    fn refusal(&mut self, path: &str, request: &Request) {
        let Some(nodes) = &self.nodes else { return };
        let fields = serde_json::to_value(&request.fault).unwrap_or_default();
        let asks = |field: &str| !fields[field].is_null();
        if ["selector", "runningPod", "leaderOf", "pod"].into_iter().any(asks) {
            return;
        }
        let cluster = self.cluster_name();
        let summary = |name: &str, role: ContainerRole| NodeSummary {
            cluster: cluster.clone(),
            name: name.to_owned(),
            role,
            address: Some([172, 18, 0, 2].into()),
            state: ContainerState::Running,
            image: String::new(),
        };
        let balancer = crate::config::load_balancer_name(&cluster);
        let view = View {
            nodes: nodes
                .names
                .iter()
                .zip(&nodes.roles)
                .map(|(name, role)| summary(name, (*role).into()))
                .collect(),
            load_balancer: (nodes.control_planes() > 1)
                .then(|| summary(&balancer, ContainerRole::LoadBalancer)),
            gateway: Some([172, 18, 0, 1].into()),
            cluster: cluster.clone(),
            ..View::default()
        };
        if let Err(failure) = fault::plan(request, "lint".to_owned(), &view, &[]) {
            let hint = failure.hint().unwrap_or_default();
            let hint = match hint {
                "--allow-total lets it happen" => "`allowTotal: true` lets it happen".to_owned(),
                hint => hint.replace("--", ""),
            };
            let message = match hint.as_str() {
                "" => failure.to_string().replace("--", ""),
                hint => format!("{}; {hint}", failure.to_string().replace("--", "")),
            };
            self.report("fault-refused", path, message);
        }
    }

    fn heal(
        &mut self,
        step: usize,
        path: &str,
        heal: &Heal,
        requests: &[(usize, Option<Request>)],
    ) {
        let Some(name) = &heal.step else {
            let earlier =
                requests.iter().any(|(inject, _)| self.walk.order(step, *inject) != Order::Before);
            if heal.all && !earlier {
                let message = "there is no fault yet that it could heal";
                self.report("heal-before-inject", path, message);
            }
            return;
        };
        let path = format!("{path}.step");
        let Some(inject) = self.named_fault(&path, name) else { return };
        if self.walk.order(step, inject) == Order::Before {
            let message = format!("the fault of `{name}` is injected only after it");
            self.report("heal-before-inject", path, message);
            return;
        }
        let request = requests.iter().find(|(step, _)| *step == inject);
        if let Some((_, Some(request))) = request
            && request.fault.is_instant()
        {
            let message = format!(
                "{} is over as soon as it was done: nothing heals it",
                request.fault.name()
            );
            self.report("heal-instant", path, message);
        }
    }
}

/// What a fault lacks that says no target and would be refused for it.
fn lacks_target(fault: &FaultKind) -> Option<&'static str> {
    let nodes = |targets: &NodeTargets| targets.is_empty() && !targets.choice.is_random();
    let pods = |targets: &PodTargets| targets.pod.is_empty() && targets.selector.is_none();
    let no_node = match fault {
        FaultKind::NodeStop(targets)
        | FaultKind::NodeKill(targets)
        | FaultKind::NodePause(targets)
        | FaultKind::NodeRestart(targets)
        | FaultKind::KubeletStop(targets)
        | FaultKind::RuntimeStop(targets)
        | FaultKind::HeartbeatLoss(targets) => nodes(targets),
        FaultKind::DiskFill(fill) => nodes(&fill.targets),
        FaultKind::MemoryStress(stress) => nodes(&stress.targets),
        FaultKind::CpuStress(stress) => nodes(&stress.targets),
        FaultKind::NetworkPartition(partition) => {
            partition.shape.is_none() && nodes(&partition.targets)
        }
        FaultKind::NetworkLoss(loss) => nodes(&loss.targets),
        FaultKind::NetworkDelay(delay) => nodes(&delay.targets),
        FaultKind::NetworkDuplicate(some) | FaultKind::NetworkCorrupt(some) => nodes(&some.targets),
        FaultKind::NetworkBandwidth(bandwidth) => nodes(&bandwidth.targets),
        // Without targets, these mean the only control plane.
        FaultKind::ComponentStop(_)
        | FaultKind::ComponentKill(_)
        | FaultKind::ComponentPause(_)
        | FaultKind::ComponentRestart(_)
        | FaultKind::ApiRequest(_)
        | FaultKind::EtcdQuorumLoss => false,
        FaultKind::PodDelete(_)
        | FaultKind::PodEvict(_)
        | FaultKind::ContainerKill(_)
        | FaultKind::ImagePullFailure(_)
        | FaultKind::ReadinessFailure(_)
        | FaultKind::DnsFailure(_) => false,
    };
    let no_pod = match fault {
        FaultKind::PodDelete(delete) => pods(&delete.targets),
        FaultKind::PodEvict(targets) => pods(targets),
        FaultKind::ContainerKill(kill) => pods(&kill.targets),
        FaultKind::ImagePullFailure(failure) => pods(&failure.targets),
        FaultKind::ReadinessFailure(failure) => pods(&failure.targets),
        FaultKind::DnsFailure(failure) => pods(&failure.targets),
        _ => false,
    };
    match (no_node, no_pod) {
        (true, _) => Some(
            "no target is given: say which with `node`, `role`, `selector`, `running-pod`, \
             `leader-of`, `random` or `all-nodes`",
        ),
        (_, true) => Some("no target is given: say which pods with `pod` or `selector`"),
        _ => None,
    }
}
