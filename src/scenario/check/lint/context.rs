use serde_json::Value;

use super::expected_objects::ExpectedObjects;
use super::finding::Findings;
use super::parts::{Parts, StepAt};
use super::planned_nodes::{Capacity, PlannedNodes};
use crate::scenario::language::{Action, Apply, KubectlCommand, Scenario};
use crate::scenario::read::{Reading, ScenarioFile, Variant, planned_cluster, read_manifests};
use crate::yaml::{Problem, list, nearest};

const LONGEST_LIST: usize = 12;
/// kubectl commands that create nothing.
const COMMANDS_THAT_CREATE_NOTHING: &str = "get describe logs top wait version api-resources \
    api-versions auth cluster-info explain diff events delete cordon uncordon drain exec config cp";

pub(super) struct Context<'a> {
    pub file: &'a ScenarioFile,
    pub variant: &'a Variant,
    pub scenario: &'a Scenario,
    pub parts: Parts<'a>,
    /// What each node of a new cluster has.
    pub capacity: Capacity,
    /// The nodes of a new cluster; `None` where they are not known.
    pub nodes: Option<PlannedNodes>,
    /// What is wrong with the cluster's configuration.
    pub cluster_problems: Vec<Problem>,
    /// The objects of `apply` and `create` steps.
    pub applied: Vec<Applied<'a>>,
    /// What exists after the steps.
    pub expected: ExpectedObjects,
}

pub(super) struct Applied<'a> {
    pub path: String,
    pub apply: &'a Apply,
    pub reading: Reading,
}

impl<'a> Context<'a> {
    pub fn new(file: &'a ScenarioFile, variant: &'a Variant, capacity: Capacity) -> Self {
        let scenario = &variant.scenario;
        let parts = Parts::of(scenario);
        let planned = planned_cluster(variant, &file.folder, &cluster_name(variant));
        let (nodes, cluster_problems) = match planned {
            Ok(planned) => (planned.map(|planned| PlannedNodes::new(planned, capacity)), vec![]),
            Err(problems) => (None, problems),
        };
        let mut applied = Vec::new();
        let mut expected = ExpectedObjects::default();
        for at in &parts.steps {
            match &at.step.action {
                Action::Apply(apply) | Action::Create(apply) => {
                    let path = at.action_path();
                    let reading = read_manifests(apply, &file.folder, &variant.variables);
                    let namespace = apply.namespace.as_ref().unwrap_or(&scenario.namespace);
                    for manifest in &reading.manifests {
                        expected.add(&manifest.value, namespace);
                    }
                    expected.and_more |=
                        !reading.problems.is_empty() || variant.touches_unreadable(&path);
                    applied.push(Applied { path, apply, reading });
                }
                Action::Kubectl(command) => expected.and_more |= can_create(command),
                _ => {}
            }
        }
        Self {
            file,
            variant,
            scenario,
            parts,
            capacity,
            nodes,
            cluster_problems,
            applied,
            expected,
        }
    }

    pub fn cluster_name(&self) -> String {
        cluster_name(self.variant)
    }

    pub fn is_readable(&self, at: &StepAt<'_>) -> bool {
        !self.variant.touches_unreadable(&at.path)
    }

    /// The number of the step that a field names; an unknown one is an error.
    pub fn named_step(&self, found: &mut Findings<'_>, path: &str, name: &str) -> Option<usize> {
        if let Some(step) = self.parts.step(name) {
            return Some(step);
        }
        let readable = self.parts.steps.iter().filter(|at| self.is_readable(at));
        let names: Vec<&str> = readable.map(StepAt::name).collect();
        let near = nearest(name, &names);
        let message = does_not_exist("step", name, "the scenario has", &names, near.is_some());
        found.error("unknown-step", path, message).suggest(near);
        None
    }
}

fn cluster_name(variant: &Variant) -> String {
    let name = variant.variables.get("cluster").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// Whether a kubectl command can create or change objects that others select.
fn can_create(command: &KubectlCommand) -> bool {
    let verb = command.args.iter().find(|argument| !argument.starts_with('-'));
    verb.is_none_or(|verb| COMMANDS_THAT_CREATE_NOTHING.split(' ').all(|command| command != verb))
}

/// A message such as ``step `x` does not exist``, with those that exist if none has a similar name.
pub(super) fn does_not_exist(
    what: &str,
    name: &str,
    owner_has: &str,
    known: &[&str],
    has_near: bool,
) -> String {
    let message = format!("{what} `{}` does not exist", name.escape_debug());
    match known {
        [] => format!("{message}; {owner_has} none"),
        _ if has_near || known.len() > LONGEST_LIST => message,
        known => format!("{message}; {owner_has} {}", list(known, "and")),
    }
}

/// Whether a text contains a word, not just as part of a longer one.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        !text[..start].ends_with(is_part) && !text[start + word.len()..].starts_with(is_part)
    })
}

/// A path below another.
pub(super) fn within(path: &str, inner: &str) -> String {
    match (path, inner) {
        (path, "") => path.to_owned(),
        ("", inner) => inner.to_owned(),
        (path, inner) if inner.starts_with('[') => format!("{path}{inner}"),
        (path, inner) => format!("{path}.{inner}"),
    }
}
