use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::cluster::{Capacity, PlannedNodes};
use super::created::Created;
use super::finding::{Finding, Severity};
use super::walk::{Walk, walk};
use crate::scenario::language::Scenario;
use crate::scenario::read::{ScenarioFile, Variant, read};
use crate::yaml::{list, nearest};

/// The name that a scenario's own cluster has while it is only looked at.
const CLUSTER_NAME: &str = "kindrs";
/// Longest list of names in a message.
const LONGEST_LIST: usize = 12;

/// Everything wrong in one variant of a scenario, in the order of its lines, those of other files last.
///
/// The nodes of a cluster that is to be made are taken to have `capacity` each.
pub fn lint(file: &ScenarioFile, variant: &Variant, capacity: &Capacity) -> Vec<Finding> {
    let mut linter = Linter {
        file,
        variant,
        scenario: &variant.scenario,
        walk: walk(&variant.scenario),
        capacity: *capacity,
        nodes: None,
        created: Created::default(),
        findings: Vec::new(),
    };
    linter.cluster();
    linter.manifests();
    linter.steps();
    linter.claims();
    linter.references();
    linter.times();
    linter.faults();
    linter.node_names();
    linter.selections();
    linter.named_objects();
    linter.expressions();
    linter.unused();
    let mut findings = linter.findings;
    findings.retain(|finding| !variant.touches_unreadable(&finding.path));
    sorted(findings, &file.name)
}

/// Everything wrong in a scenario's text: in its structure, and in each variant as far as that can be
/// read. `set` are the command line's variables.
pub fn lint_text(
    name: &str,
    folder: &Path,
    text: &str,
    set: &Map<String, Value>,
    capacity: &Capacity,
) -> Vec<Finding> {
    let (file, problems) = read(name, folder, text);
    let structure = |problem| Finding::of_problem("structure", name, problem);
    let mut findings: Vec<Finding> = problems.into_iter().map(structure).collect();
    if let Some(file) = file {
        let existing = file.existing_cluster();
        let (variants, problems) =
            file.read_variants(set, existing.as_deref().unwrap_or(CLUSTER_NAME));
        findings.extend(problems.into_iter().map(structure));
        let each: Vec<Vec<Finding>> =
            variants.iter().map(|variant| lint(&file, variant, capacity)).collect();
        // What some variants use is used.
        let is_in_all = |finding: &Finding| each.iter().all(|found| found.contains(finding));
        let kept = each
            .iter()
            .flatten()
            .filter(|finding| !finding.rule.starts_with("unused-") || is_in_all(finding));
        findings.extend(kept.cloned());
    }
    sorted(findings, name)
}

fn sorted(mut findings: Vec<Finding>, first: &str) -> Vec<Finding> {
    findings.sort_by(|one, other| {
        let key = |finding: &Finding| {
            (finding.file != first, finding.file.clone(), finding.line, finding.column)
        };
        key(one).cmp(&key(other))
    });
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert(finding.to_string()));
    findings
}

/// What the rules look at, and what they found.
pub(super) struct Linter<'a> {
    pub file: &'a ScenarioFile,
    pub variant: &'a Variant,
    pub scenario: &'a Scenario,
    pub walk: Walk<'a>,
    /// What each node that is to be made has.
    pub capacity: Capacity,
    /// The nodes that there will be; `None` where that is not known.
    pub nodes: Option<PlannedNodes>,
    /// What the scenario's manifests create.
    pub created: Created,
    pub findings: Vec<Finding>,
}

impl Linter<'_> {
    /// Notes an error at the value of a path.
    pub fn report(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let path = path.into();
        let position = self.variant.position(&path);
        self.push(Finding {
            rule,
            severity: Severity::Error,
            file: self.file.name.clone(),
            line: position.line,
            column: position.column,
            path,
            message: message.into(),
            suggestion: None,
        })
    }

    /// Notes an error at the name of the field at a path.
    pub fn report_name(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let path = path.into();
        let position = self.variant.name_position(&path);
        self.report(rule, path, message).at(position)
    }

    pub fn push(&mut self, finding: Finding) -> &mut Finding {
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// The number of the step that a field names; an unknown one is noted.
    pub fn named_step(&mut self, path: &str, name: &str) -> Option<usize> {
        if let Some(step) = self.walk.step(name) {
            return Some(step);
        }
        let names: Vec<&str> = self.walk.steps.iter().map(|at| at.name()).collect();
        let near = nearest(name, &names).map(str::to_owned);
        let message = unknown("step", name, &names, near.is_some());
        self.report("unknown-step", path, message).suggest(near);
        None
    }
}

/// `there is no step `x``, with those that there are where none is near.
pub(super) fn unknown(what: &str, name: &str, known: &[&str], has_near: bool) -> String {
    let name = name.escape_debug();
    match known {
        [] => format!("there is no {what} `{name}`; there is none at all"),
        _ if has_near || known.len() > LONGEST_LIST => format!("there is no {what} `{name}`"),
        known => format!("there is no {what} `{name}`; there are {}", list(known, "and")),
    }
}

/// A word of a text: not a part of a longer one.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        !text[..start].ends_with(is_part) && !text[start + word.len()..].starts_with(is_part)
    })
}

/// The labels of a JSON mapping.
pub(super) fn texts_of(value: Option<&Value>) -> BTreeMap<String, String> {
    let fields = value.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
