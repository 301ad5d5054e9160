use std::collections::HashSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::context::Context;
use super::finding::{Finding, Findings};
use super::{
    Capacity, actions, assertions, cluster, expressions, faults, kinds, manifests, node_names,
    placement, references, selections, times, unused,
};
use crate::scenario::read::{ScenarioFile, Variant, read};

/// The name that a scenario's own cluster has during lint.
const CLUSTER_NAME: &str = "kindrs";

type Rule = fn(&Context<'_>, &mut Findings<'_>);

/// All rules. `expressions` comes after those that find the same mistakes with better messages.
const RULES: [Rule; 17] = [
    cluster::cluster,
    manifests::manifests,
    placement::pods_fit,
    actions::steps,
    kinds::recorded_kinds,
    assertions::assertions,
    assertions::occurrences,
    references::spans,
    references::occurrences,
    times::times,
    faults::faults,
    node_names::node_names,
    selections::references,
    selections::selections,
    selections::named_objects,
    expressions::expressions,
    unused::unused,
];

/// Everything wrong in one variant of a scenario, in the order of its lines, those of other files last.
///
/// Each node of a new cluster is assumed to have `capacity`.
pub fn lint(file: &ScenarioFile, variant: &Variant, capacity: &Capacity) -> Vec<Finding> {
    let context = Context::new(file, variant, *capacity);
    let mut found = Findings::new(file, variant);
    for rule in RULES {
        rule(&context, &mut found);
    }
    sorted(found.into_readable(), &file.name)
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
        // What one variant uses is used.
        let is_in_all = |finding: &Finding| each.iter().all(|found| found.contains(finding));
        let kept = each
            .iter()
            .flatten()
            .filter(|finding| !unused::RULES.contains(&finding.rule) || is_in_all(finding));
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
