use std::collections::HashSet;

use serde_json::{Map, Value};

use super::file::{DECODER, FORMAT, ScenarioFile};
use super::variables::{CLUSTER, check_set, combinations, substitute, values};
use super::{names, template};
use crate::scenario::language::Scenario;
use crate::yaml::{Data, Decoded, Node, Position, Problem, Problems, enclosing};

/// One run of a scenario: its variables have values, and every step and assertion a name.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The values of the matrix, as `kubernetes=v1.36.3, workers=2`; empty without a matrix.
    pub label: String,
    /// The scenario, without a matrix; its variables are all those below.
    pub scenario: Scenario,
    /// All variables, the cluster's name (`cluster`) among them.
    pub variables: Map<String, Value>,
    /// The tree with the variables put in.
    pub(in crate::scenario) root: Node,
    /// The paths of what cannot be read.
    pub(in crate::scenario) unreadable: Vec<String>,
}

impl ScenarioFile {
    /// The scenario for each combination of the matrix, in the order of the file, with the variables put
    /// in: those of `set` go before the file's, and `cluster_name` is `${cluster}`.
    ///
    /// # Errors
    /// Every problem of any of them.
    pub fn variants(
        &self,
        set: &Map<String, Value>,
        cluster_name: &str,
    ) -> Result<Vec<Variant>, Problems> {
        match self.read_variants(set, cluster_name) {
            (variants, problems) if problems.is_empty() => Ok(variants),
            (_, problems) => Err(Problems { file: self.name.clone(), problems, hint: FORMAT }),
        }
    }

    /// As much of the variants as can be read, and every problem.
    pub fn read_variants(
        &self,
        set: &Map<String, Value>,
        cluster_name: &str,
    ) -> (Vec<Variant>, Vec<Problem>) {
        let mut problems = Vec::new();
        check_set(self, set, &mut problems);
        let mut constants = Map::new();
        constants.insert(CLUSTER.to_owned(), cluster_name.into());
        let combinations = combinations(self, set, &constants, &mut problems);
        if combinations.is_empty() {
            let message = "no combination is left, so that the scenario would never run";
            problems.push(Problem::new(self.root.name_position("matrix"), "matrix", message));
        }
        let variants = combinations
            .iter()
            .filter_map(|combination| {
                let values = values(self, combination, set, &constants, &mut problems);
                self.variant(label(combination), values, &mut problems)
            })
            .collect();
        // Variants mostly have the same problems.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.to_string()));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        (variants, problems)
    }

    fn variant(
        &self,
        label: String,
        variables: Map<String, Value>,
        problems: &mut Vec<Problem>,
    ) -> Option<Variant> {
        let mut open = self.root.clone();
        if let Data::Mapping(mapping) = &mut open.data {
            mapping.entries.retain(|entry| !matches!(entry.key.as_str(), "variables" | "matrix"));
        }
        let before = problems.len();
        let mut root = substitute(&self.text, &open, "", &variables, problems);
        let mut unreadable = self.unreadable.clone();
        unreadable.extend(problems[before..].iter().map(|problem| problem.path.clone()));
        let Decoded { value, checked } = DECODER.decode::<Scenario>(&mut root);
        unreadable.extend(checked.unreadable);
        problems.extend(checked.problems.into_iter().map(|problem| self.name_variable(problem)));
        let mut scenario = value?;
        for (path, message) in names::fill(&mut scenario) {
            problems.push(Problem::new(root.nearest(&path).0.position, path, message));
        }
        scenario.variables = variables.clone();
        Some(Variant { label, scenario, variables, root, unreadable })
    }

    /// Says which variable a wrong value comes from.
    fn name_variable(&self, mut problem: Problem) -> Problem {
        let written = self.root.at(&problem.path).and_then(Node::text);
        if let Some(written) = written.filter(|text| text.contains("${")) {
            problem.message =
                format!("value of `{}`: {}", written.trim().escape_debug(), problem.message);
        }
        problem
    }
}

impl Variant {
    /// Where the value at a path stands, or else the nearest one around it.
    pub(in crate::scenario) fn position(&self, path: &str) -> Position {
        self.root.nearest(path).0.position
    }

    /// Where the name of the field at a path stands.
    pub(in crate::scenario) fn name_position(&self, path: &str) -> Position {
        self.root.name_position(path)
    }

    /// Where a byte of the text at a path stands in the file: the beginning of its variable for what a
    /// variable brought in.
    pub(in crate::scenario) fn locate(
        &self,
        file: &ScenarioFile,
        path: &str,
        offset: usize,
    ) -> Position {
        let Some(node) = file.root.at(path) else { return self.position(path) };
        let Some(text) = node.text() else { return node.position };
        let offset = match text.contains("${") {
            true => template::origin(text, offset, |name| self.variables.get(name)),
            false => offset,
        };
        node.locate(&file.text, offset)
    }

    /// Whether something at, in or around a path could not be read.
    pub(in crate::scenario) fn touches_unreadable(&self, path: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            let mut around = Some(inner);
            while let Some(path) = around {
                if path == outer {
                    return true;
                }
                around = enclosing(path);
            }
            false
        };
        self.unreadable.iter().any(|failed| within(failed, path) || within(path, failed))
    }
}

fn label(combination: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| match template::as_text(value) {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    };
    combination.iter().map(pair).collect::<Vec<_>>().join(", ")
}
