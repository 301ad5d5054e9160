use std::collections::HashSet;

use serde_json::{Map, Value};

use super::file::{DECODER, FORMAT};
use super::scenario_file::ScenarioFile;
use super::variables::{Combination, check_set, combinations, substitute};
use super::{names, template};
use crate::scenario::language::Scenario;
use crate::yaml::{Data, Decoded, Node, Position, Problem, Problems, is_within};

/// The scenario of one run: variables are substituted, and every step and assertion has a name.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The values of the matrix, such as `kubernetes=v1.36.3, workers=2`; empty without a matrix.
    pub label: String,
    /// The scenario without its matrix. Its variables are those below.
    pub scenario: Scenario,
    /// All variables, including the cluster's name (`cluster`).
    pub variables: Map<String, Value>,
    pub(in crate::scenario) root: Node,
    pub(in crate::scenario) unreadable: Vec<String>,
}

impl ScenarioFile {
    /// Returns the combinations of the matrix in the order of the file. Fails for an unknown variable in `set`, which
    /// overrides the file's, and for a matrix without combinations.
    pub fn combinations(&self, set: &Map<String, Value>) -> Result<Vec<Combination>, Problems> {
        match self.expand(set) {
            (combinations, problems) if problems.is_empty() => Ok(combinations),
            (_, problems) => Err(self.problems(problems)),
        }
    }

    /// Returns the scenario of a combination on a cluster of this name, or every problem.
    pub fn variant(&self, combination: &Combination, cluster: &str) -> Result<Variant, Problems> {
        let mut problems = Vec::new();
        match self.read_variant(combination, cluster, &mut problems) {
            Some(variant) if problems.is_empty() => Ok(variant),
            _ => Err(self.problems(problems)),
        }
    }

    /// Returns the scenario of each combination on a cluster of this name, or every problem.
    pub fn variants(
        &self,
        set: &Map<String, Value>,
        cluster: &str,
    ) -> Result<Vec<Variant>, Problems> {
        match self.read_variants(set, cluster) {
            (variants, problems) if problems.is_empty() => Ok(variants),
            (_, problems) => Err(self.problems(problems)),
        }
    }

    /// Returns the readable parts of the variants, and every problem.
    pub fn read_variants(
        &self,
        set: &Map<String, Value>,
        cluster: &str,
    ) -> (Vec<Variant>, Vec<Problem>) {
        let (combinations, mut problems) = self.expand(set);
        let read = |combination| self.read_variant(combination, cluster, &mut problems);
        let variants = combinations.iter().filter_map(read).collect();
        // Most problems occur in all variants.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.to_string()));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        (variants, problems)
    }

    fn expand(&self, set: &Map<String, Value>) -> (Vec<Combination>, Vec<Problem>) {
        let mut problems = Vec::new();
        check_set(self, set, &mut problems);
        let combinations = combinations(self, set);
        if combinations.is_empty() {
            let message = "`exclude` leaves no combination, so the scenario would never run";
            problems.push(Problem::new(self.root.name_position("matrix"), "matrix", message));
        }
        (combinations, problems)
    }

    fn problems(&self, problems: Vec<Problem>) -> Problems {
        Problems { file: self.name.clone(), problems, hint: FORMAT }
    }

    fn read_variant(
        &self,
        combination: &Combination,
        cluster: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Variant> {
        let (matrix, variables) = combination.values(self, cluster, problems);
        let label = label(&matrix);
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

    /// Names the variable in a problem with its value.
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
    /// Returns the position of the value at a path, or of the nearest enclosing value.
    pub(in crate::scenario) fn position(&self, path: &str) -> Position {
        self.root.nearest(path).0.position
    }

    pub(in crate::scenario) fn name_position(&self, path: &str) -> Position {
        self.root.name_position(path)
    }

    /// Returns the position in the file of a byte of the text at a path. A byte of a variable's value is at
    /// the start of the variable.
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

    /// Whether the value at a path, a value inside it or an enclosing value is unreadable.
    pub(in crate::scenario) fn touches_unreadable(&self, path: &str) -> bool {
        self.unreadable.iter().any(|failed| is_within(failed, path) || is_within(path, failed))
    }
}

fn label(combination: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| match template::as_text(value) {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    };
    combination.iter().map(pair).collect::<Vec<_>>().join(", ")
}
