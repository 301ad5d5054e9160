//! Rules about faults and their healing.

use super::linter::Linter;
use super::walk::Order;
use crate::cluster::inventory::NodeSummary;
use crate::config::{ContainerRole, load_balancer_name};
use crate::fault::{self, OneOrMany, Refusal, Request, View};
use crate::runtime::ContainerState;
use crate::scenario::language::{Fields, Heal, Inject};
use crate::yaml::join;

impl Linter<'_> {
    pub(super) fn faults(&mut self) {
        let injects: Vec<(usize, String, &Inject)> =
            self.walk.injects.iter().map(|(step, path, one)| (*step, path.clone(), *one)).collect();
        let mut requests: Vec<(usize, Request)> = Vec::new();
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
            let is_over = inject.lasting.is_some() || request.fault.is_instant();
            let name = self.walk.steps[*step].name();
            let is_healed = heals.iter().any(|(healing, _, heal)| {
                (heal.all || heal.step.as_deref() == Some(name))
                    && self.walk.order(*healing, *step) != Order::Before
            });
            if !is_over && !is_healed {
                let message = format!(
                    "the fault is never healed; add `for`, or a later step `heal: {{step: {name}}}`"
                );
                self.report("fault-never-healed", path.as_str(), message);
            }
        }
    }

    fn inject(&mut self, path: &str, inject: &Inject) -> Request {
        let request = inject.request();
        let before = self.findings.len();
        for (parameter, names) in request.fault.named_nodes() {
            let is_list = matches!(names, OneOrMany::Many(_));
            for (index, name) in names.iter().enumerate() {
                let index = if is_list { format!("[{index}]") } else { String::new() };
                if !self.is_balancer(name) {
                    self.node(&format!("{path}.{parameter}{index}"), name, true);
                }
            }
        }
        if let Err(refusal) = request.check() {
            let place = refusal.parameter().map_or(path.to_owned(), |field| join(path, field));
            let rule = match refusal {
                Refusal::NoTarget(_) => "fault-target",
                _ => "fault-option",
            };
            self.report(rule, place, words(&refusal));
        } else if self.findings.len() == before {
            self.refusal(path, &request);
        }
        request
    }

    fn is_balancer(&self, name: &str) -> bool {
        let several = self.nodes.as_ref().is_some_and(|nodes| nodes.control_planes() > 1);
        let cluster = self.cluster_name();
        let balancer = load_balancer_name(&cluster);
        several && (name == balancer || format!("{cluster}-{name}") == balancer)
    }

    /// Plans the fault on the nodes of the future cluster, unless the targets depend on its state.
    fn refusal(&mut self, path: &str, request: &Request) {
        let Some(nodes) = &self.nodes else { return };
        if request.fault.depends_on_state() {
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
        let balancer = load_balancer_name(&cluster);
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
        if let Err(refusal) = fault::plan(request, "lint".to_owned(), &view, &[]) {
            self.report("fault-refused", path, words(&refusal));
        }
    }

    fn heal(&mut self, step: usize, path: &str, heal: &Heal, requests: &[(usize, Request)]) {
        let Some(name) = &heal.step else {
            let earlier =
                requests.iter().any(|(inject, _)| self.walk.order(step, *inject) != Order::Before);
            if heal.all && !earlier {
                let message = "no fault is injected before this step";
                self.report("heal-before-inject", path, message);
            }
            return;
        };
        let path = format!("{path}.step");
        let Some(inject) = self.named_fault(&path, name) else { return };
        if self.walk.order(step, inject) == Order::Before {
            let message = format!("step `{name}` injects its fault after this step");
            self.report("heal-before-inject", path, message);
            return;
        }
        let request = requests.iter().find(|(step, _)| *step == inject);
        if let Some((_, request)) = request
            && request.fault.is_instant()
        {
            let message =
                format!("{} ends at once; there is nothing to heal", request.fault.name());
            self.report("heal-instant", path, message);
        }
    }
}

/// A refusal in the words of scenarios, with what to do next.
fn words(refusal: &Refusal) -> String {
    let failure = refusal.failure(&Fields);
    match failure.hint() {
        Some(hint) => format!("{failure}; {hint}"),
        None => failure.to_string(),
    }
}
