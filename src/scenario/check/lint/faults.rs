//! Rules about faults and their healing.

use super::context::Context;
use super::finding::Findings;
use super::node_names::check_node;
use super::parts::Order;
use super::references::named_fault;
use crate::cluster::inventory::NodeSummary;
use crate::config::{ContainerRole, load_balancer_name};
use crate::fault::{self, OneOrMany, Refusal, Request, View};
use crate::runtime::ContainerState;
use crate::scenario::language::{Action, Fields, Heal, Inject};
use crate::yaml::join;

pub(super) fn faults(context: &Context<'_>, found: &mut Findings<'_>) {
    let parts = &context.parts;
    let injects: Vec<(usize, String, &Inject)> = parts.injects().collect();
    let mut requests: Vec<(usize, Request)> = Vec::new();
    for (step, path, one) in &injects {
        requests.push((*step, inject(context, found, path, one)));
    }
    let heals: Vec<(usize, &Heal)> = parts
        .steps
        .iter()
        .enumerate()
        .filter_map(|(number, at)| match &at.step.action {
            Action::Heal(heal) => Some((number, heal)),
            _ => None,
        })
        .collect();
    for (step, one) in &heals {
        heal(context, found, *step, one, &requests);
    }
    for ((step, path, inject), (_, request)) in injects.iter().zip(&requests) {
        let is_over = inject.lasting.is_some() || request.fault.is_instant();
        let name = parts.steps[*step].name();
        let is_healed = heals.iter().any(|(healing, heal)| {
            let is_about_it = match heal {
                Heal::All { .. } => true,
                Heal::Step { step } => step == name,
            };
            is_about_it && parts.order(*healing, *step) != Order::Before
        });
        if !is_over && !is_healed {
            let message = format!(
                "the fault is never healed; add `for`, or a later step `heal: {{step: {name}}}`"
            );
            found.error("fault-never-healed", path.as_str(), message);
        }
    }
}

fn inject(context: &Context<'_>, found: &mut Findings<'_>, path: &str, inject: &Inject) -> Request {
    let request = inject.request();
    let before = found.count();
    for (parameter, names) in request.fault.named_nodes() {
        let is_list = matches!(names, OneOrMany::Many(_));
        for (index, name) in names.iter().enumerate() {
            let index = if is_list { format!("[{index}]") } else { String::new() };
            if !is_balancer(context, name) {
                check_node(context, found, &format!("{path}.{parameter}{index}"), name, true);
            }
        }
    }
    if let Err(refusal) = request.check() {
        let place = refusal.parameter().map_or(path.to_owned(), |field| join(path, field));
        let rule = match refusal {
            Refusal::NoTarget(_) => "fault-target",
            _ => "fault-option",
        };
        found.error(rule, place, words(&refusal));
    } else if found.count() == before {
        check_plan(context, found, path, &request);
    }
    request
}

fn is_balancer(context: &Context<'_>, name: &str) -> bool {
    let several = context.nodes.as_ref().is_some_and(|nodes| nodes.control_planes() > 1);
    let cluster = context.cluster_name();
    let balancer = load_balancer_name(&cluster);
    several && (name == balancer || format!("{cluster}-{name}") == balancer)
}

/// Plans the fault on the nodes of the future cluster, unless the targets depend on its state.
fn check_plan(context: &Context<'_>, found: &mut Findings<'_>, path: &str, request: &Request) {
    let Some(nodes) = &context.nodes else { return };
    if request.fault.depends_on_state() {
        return;
    }
    let cluster = context.cluster_name();
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
        found.error("fault-refused", path, words(&refusal));
    }
}

fn heal(
    context: &Context<'_>,
    found: &mut Findings<'_>,
    step: usize,
    heal: &Heal,
    requests: &[(usize, Request)],
) {
    let path = context.parts.steps[step].action_path();
    let name = match heal {
        Heal::Step { step } => step,
        Heal::All { .. } => {
            let is_after = |inject: usize| context.parts.order(step, inject) != Order::Before;
            if !requests.iter().any(|(inject, _)| is_after(*inject)) {
                let message = "no fault is injected before this step";
                found.error("heal-before-inject", path, message);
            }
            return;
        }
    };
    let path = format!("{path}.step");
    let Some(inject) = named_fault(context, found, &path, name) else { return };
    if context.parts.order(step, inject) == Order::Before {
        let message = format!("step `{name}` injects its fault after this step");
        found.error("heal-before-inject", path, message);
        return;
    }
    let request = requests.iter().find(|(step, _)| *step == inject);
    if let Some((_, request)) = request
        && request.fault.is_instant()
    {
        let message = format!("{} ends at once; there is nothing to heal", request.fault.name());
        found.error("heal-instant", path, message);
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
