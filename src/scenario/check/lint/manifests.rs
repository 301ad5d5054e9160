//! Rules about the objects that steps apply: what they are, and whether their pods fit.

use serde_json::{Value, json};

use super::cluster::Capacity;
use super::created::{Workload, workload};
use super::expressions::within;
use super::finding::{Finding, Severity};
use super::linter::Linter;
use crate::scenario::check::placement::{Refusal, refusals};
use crate::scenario::check::type_check::object_mistakes;
use crate::scenario::language::{Action, Apply};
use crate::scenario::read::{ManifestProblem, Origin, Reading, read_manifests};
use crate::yaml::{Node, Position};

/// Most replicas whose places are looked for one by one.
const MOST_REPLICAS: u64 = 50;
/// Commands of kubectl after which there is nothing more than before.
const LOOKS: [&str; 20] = [
    "get",
    "describe",
    "logs",
    "top",
    "wait",
    "version",
    "api-resources",
    "api-versions",
    "auth",
    "cluster-info",
    "explain",
    "diff",
    "events",
    "delete",
    "cordon",
    "uncordon",
    "drain",
    "exec",
    "config",
    "cp",
];
/// Most nodes whose reasons a message gives.
const MOST_NODES: usize = 4;

impl Linter<'_> {
    pub(super) fn manifests(&mut self) {
        let mut applied: Vec<(String, &Apply)> = Vec::new();
        for at in &self.walk.steps {
            for (field, action) in at.step.actions() {
                match action {
                    Action::Apply(apply) | Action::Create(apply) => {
                        applied.push((format!("{}.{field}", at.path), apply));
                    }
                    Action::Kubectl(command) => {
                        self.created.and_more |= !only_looks(&command.args);
                    }
                    _ => {}
                }
            }
        }
        let mut readings = Vec::new();
        for (path, apply) in applied {
            let reading = read_manifests(apply, &self.file.folder, &self.variant.variables);
            let namespace = apply.namespace.as_ref().unwrap_or(&self.scenario.namespace);
            for manifest in &reading.manifests {
                self.created.add(&manifest.value, namespace);
            }
            self.created.and_more |=
                !reading.problems.is_empty() || self.variant.touches_unreadable(&path);
            readings.push((path, apply.refused.is_some(), reading));
        }
        for (path, is_refused, reading) in &readings {
            for problem in &reading.problems {
                let ManifestProblem { origin, field, message } = problem.clone();
                self.at_origin("manifest", path, origin, &field, message);
            }
            // What the API server must refuse is wrong on purpose.
            if !is_refused {
                self.objects_of(path, reading);
            }
        }
    }

    fn objects_of(&mut self, path: &str, reading: &Reading) {
        for manifest in &reading.manifests {
            for mistake in object_mistakes(&manifest.value) {
                let is_about_name = mistake.message.ends_with("has no such field");
                let origin = manifest.origin_of(&mistake.path, is_about_name);
                let shown = match origin {
                    Origin::Inline(_) => String::new(),
                    _ => mistake.path,
                };
                let finding = self.at_origin("manifest", path, origin, &shown, mistake.message);
                finding.suggest(mistake.suggestion);
            }
            let api_version = manifest.value["apiVersion"].as_str().unwrap_or_default();
            let kind = manifest.value["kind"].as_str().unwrap_or_default();
            let full = format!("{api_version}/{kind}");
            if api_version.contains('.')
                && !api_version.contains(".k8s.io/")
                && !self.created.defines(&full)
            {
                let message =
                    format!("no manifest here defines `{full}`: nothing of it can be checked");
                let origin = manifest.origin_of("kind", false);
                let shown = match origin {
                    Origin::Inline(_) => "",
                    _ => "kind",
                };
                self.at_origin("unknown-kind", path, origin, shown, message).warning();
            }
            if let Some(workload) = workload(&manifest.value)
                && let Some(message) = self.misfit(&workload)
            {
                let may_wait = self.may_wait();
                let origin = manifest.origin_of(workload.path, true);
                let shown = match origin {
                    Origin::Inline(_) => "",
                    _ => workload.path,
                };
                let finding = self.at_origin("pod-cannot-fit", path, origin, shown, message);
                if may_wait {
                    finding.warning();
                }
            }
        }
    }

    /// Notes an error at the place of a manifest's part; `field` is shown behind the step's path.
    fn at_origin(
        &mut self,
        rule: &'static str,
        path: &str,
        origin: Origin,
        field: &str,
        message: String,
    ) -> &mut Finding {
        match origin {
            Origin::Inline(inner) => {
                self.report(rule, within(&within(path, &inner), field), message)
            }
            Origin::Text(position) => {
                let text_path = format!("{path}.manifest");
                let text =
                    self.variant.root.at(&text_path).and_then(Node::text).unwrap_or_default();
                let offset = offset_of(text, position);
                let position = self.variant.locate(self.file, &text_path, offset);
                let shown = match field {
                    "" => text_path,
                    field => format!("{text_path}: {field}"),
                };
                let finding = self.report(rule, text_path_of(&shown), message).at(position);
                finding.path = shown;
                finding
            }
            Origin::File(_, file, Position { line, column }) => self.push(Finding {
                rule,
                severity: Severity::Error,
                file,
                line,
                column,
                path: field.to_owned(),
                message,
                suggestion: None,
            }),
        }
    }

    /// Why not all pods of a workload find a node among those that there will be.
    fn misfit(&self, workload: &Workload) -> Option<String> {
        let mut nodes: Vec<Value> = self.nodes.as_ref()?.objects.clone();
        self.change_nodes(&mut nodes);
        let nodes: Vec<&Value> = nodes.iter().collect();
        let mut placed: Vec<Value> = Vec::new();
        for number in 0..workload.replicas.min(MOST_REPLICAS) {
            let mut pod = workload.pod.clone();
            let metadata = &mut pod["metadata"];
            if !metadata.is_object() {
                *metadata = json!({});
            }
            metadata["name"] = format!("replica-{number}").into();
            metadata["uid"] = format!("replica-{number}").into();
            if metadata["namespace"].is_null() {
                metadata["namespace"] = self.scenario.namespace.as_str().into();
            }
            let others: Vec<&Value> = placed.iter().collect();
            let refused = refusals(&pod, &nodes, &others);
            let is_free = |node: &&Value| {
                let name = node["metadata"]["name"].as_str().unwrap_or_default();
                !refused.iter().any(|refusal| refusal.node == name)
            };
            // The emptiest of them, roughly as kube-scheduler would.
            let load = |node: &&Value| {
                let name = &node["metadata"]["name"];
                placed.iter().filter(|pod| pod["spec"]["nodeName"] == *name).count()
            };
            let Some(node) = nodes.iter().copied().filter(is_free).min_by_key(load) else {
                return Some(self.misfit_message(workload, number, &refused));
            };
            pod["spec"]["nodeName"] = node["metadata"]["name"].clone();
            pod["status"]["phase"] = "Running".into();
            placed.push(pod);
        }
        None
    }

    fn misfit_message(&self, workload: &Workload, placed: u64, refused: &[Refusal]) -> String {
        let mut reasons: Vec<String> =
            refused.iter().take(MOST_NODES).map(ToString::to_string).collect();
        if refused.len() > MOST_NODES {
            reasons.push(format!("and {} more", refused.len() - MOST_NODES));
        }
        let mut reasons = reasons.join("; ");
        if ["insufficient cpu", "insufficient memory"].iter().any(|word| reasons.contains(word)) {
            let Capacity { cpus, memory } = self.capacity;
            reasons.push_str(&format!(
                " (each node is taken to have {cpus} processors and {} GiB of memory)",
                memory >> 30
            ));
        }
        let what = &workload.what;
        match (placed, workload.replicas) {
            (0, 1) if workload.path == "spec" => format!("{what} fits no node: {reasons}"),
            (0, 1) => format!("the pod of {what} fits no node: {reasons}"),
            (0, _) => format!("the pods of {what} fit no node: {reasons}"),
            (placed, all) => format!("only {placed} of {all} pods of {what} fit: {reasons}"),
        }
    }

    /// Whether the scenario speaks of pods that wait for a node, or changes nodes in ways that cannot be
    /// foreseen: then a pod that does not fit may be meant.
    fn may_wait(&self) -> bool {
        let mut speaks = self.created.and_more || self.patches_nodes_by_operations();
        self.variant.root.scalars("", &mut |_, node| {
            let text = node.text().unwrap_or_default();
            speaks |= ["Pending", "PodScheduled", "Unschedulable", "FailedScheduling"]
                .iter()
                .any(|word| text.contains(word));
        });
        speaks
    }
}

/// Whether a command of kubectl creates and changes nothing that others could select.
fn only_looks(arguments: &[String]) -> bool {
    let verb = arguments.iter().find(|argument| !argument.starts_with('-'));
    verb.is_some_and(|verb| LOOKS.contains(&verb.as_str()))
}

/// The part of a shown path that is one in the scenario.
fn text_path_of(shown: &str) -> String {
    shown.split(": ").next().unwrap_or_default().to_owned()
}

/// The byte at a place of a text.
fn offset_of(text: &str, position: Position) -> usize {
    let start: usize =
        text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let within = line.char_indices().nth(position.column.saturating_sub(1));
    start + within.map_or(line.len(), |(at, _)| at)
}
