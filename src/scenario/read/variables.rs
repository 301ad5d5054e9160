//! Variables and their values in the file, the matrix and the command line.

use serde_json::{Map, Value};

use super::scenario_file::ScenarioFile;
use super::template::{self, Content, Unfit};
use crate::yaml::{Data, Entry, Mapping, Node, Position, Problem, join, nearest, one_of};

/// The variable for the cluster's name, which every scenario has.
pub(in crate::scenario) const CLUSTER: &str = "cluster";

fn entries<'a>(root: &'a Node, path: &str) -> &'a [Entry] {
    root.at(path).map_or(&[], Node::entries)
}

/// Returns the names of a file's variables, first those of the matrix.
pub fn declared(root: &Node) -> Vec<(&str, Position)> {
    let all = entries(root, "matrix.variables").iter().chain(entries(root, "variables"));
    all.map(|entry| (entry.key.as_str(), entry.position)).collect()
}

impl ScenarioFile {
    pub fn variables(&self) -> Vec<&str> {
        declared(&self.root).into_iter().map(|(name, _)| name).collect()
    }
}

/// Checks the names of variables, and that all used variables exist.
pub(super) fn check(file: &ScenarioFile, problems: &mut Vec<Problem>) {
    let root = &file.root;
    let declared: Vec<&str> = declared(root).into_iter().map(|(name, _)| name).collect();
    let mut known: Vec<&str> = vec![CLUSTER];
    for (section, what) in [("matrix.variables", "matrix"), ("variables", "variable")] {
        for entry in entries(root, section) {
            let path = join(section, &entry.key);
            let name = entry.key.as_str();
            let mut problem = |message: String| {
                problems.push(Problem::new(entry.position, path.as_str(), message));
            };
            if !is_identifier(name) {
                problem("expected letters, digits and `_`, not starting with a digit".into());
            } else if name == CLUSTER {
                problem(format!("`{CLUSTER}` is reserved for the cluster's name"));
            } else if known.contains(&name) {
                problem("already defined in `matrix.variables`".to_owned());
            }
            if what == "matrix"
                && matches!(&entry.value.data, Data::Sequence(values) if values.is_empty())
            {
                problem("expected at least one value; the scenario would never run".to_owned());
            }
            // A variable can use those above it.
            check_texts(file, &entry.value, &path, &known, &declared, problems);
            known.push(name);
        }
    }
    check_excludes(root, problems);
    for entry in root.entries() {
        if !matches!(entry.key.as_str(), "variables" | "matrix") {
            check_texts(file, &entry.value, &entry.key, &known, &[], problems);
        }
    }
}

fn check_excludes(root: &Node, problems: &mut Vec<Problem>) {
    let Some(Data::Sequence(excludes)) = root.at("matrix.exclude").map(|node| &node.data) else {
        return;
    };
    let Some(variables) = root.at("matrix.variables") else { return };
    let names: Vec<&str> = variables.entries().iter().map(|entry| entry.key.as_str()).collect();
    for (index, exclude) in excludes.iter().enumerate() {
        for entry in exclude.entries().iter().filter(|one| !names.contains(&one.key.as_str())) {
            let path = join(&format!("matrix.exclude[{index}]"), &entry.key);
            let message = format!("unknown matrix variable; expected {}", one_of(&names));
            let near = nearest(&entry.key, &names);
            problems.push(Problem::new(entry.position, path, message).suggest(near));
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check_texts(
    file: &ScenarioFile,
    node: &Node,
    path: &str,
    known: &[&str],
    below: &[&str],
    problems: &mut Vec<Problem>,
) {
    node.visit(path, &mut |path, node| {
        let Some(text) = node.text().filter(|text| text.contains("${")) else { return };
        for part in template::parts(text) {
            let why = match part.content {
                Content::Text(_) => continue,
                Content::Variable(name) if known.contains(&name) => continue,
                Content::Variable(name) if below.contains(&name) => Unfit::Other(format!(
                    "`{name}` is defined below; a variable can only use those above it"
                )),
                Content::Variable(name) => Unfit::Unknown(name.to_owned()),
                Content::Unclosed => Unfit::Other(template::UNCLOSED.to_owned()),
            };
            problems.push(problem_of(why, node.locate(&file.text, part.start), path, known));
        }
    });
}

fn problem_of(unfit: Unfit, position: Position, path: &str, known: &[&str]) -> Problem {
    let name = match unfit {
        Unfit::Unknown(name) => name,
        Unfit::Other(message) => return Problem::new(position, path, message),
    };
    let near = nearest(&name, known).map(|near| format!("${{{near}}}"));
    let shown = name.escape_debug();
    let message = match &near {
        Some(_) => format!("unknown variable `{shown}`"),
        None => format!("unknown variable `{shown}`; write `$${{` for a literal `${{`"),
    };
    Problem::new(position, path, message).suggest(near)
}

/// Substitutes the variables in a tree of the text `source`. Positions stay, and so do variables that cannot be
/// substituted.
pub(super) fn substitute(
    source: &str,
    node: &Node,
    path: &str,
    values: &Map<String, Value>,
    problems: &mut Vec<Problem>,
) -> Node {
    let data = match &node.data {
        Data::Scalar { text, .. } if text.contains("${") => {
            match template::fill(text, |name| values.get(name)) {
                Ok(value) => return Node::from_json(&value, node.position),
                Err(unfit) => {
                    let known: Vec<&str> = values.keys().map(String::as_str).collect();
                    problems.extend(unfit.into_iter().map(|(offset, unfit)| {
                        problem_of(unfit, node.locate(source, offset), path, &known)
                    }));
                    node.data.clone()
                }
            }
        }
        Data::Scalar { .. } => node.data.clone(),
        Data::Sequence(items) => {
            let item = |(index, item): (usize, &Node)| {
                substitute(source, item, &format!("{path}[{index}]"), values, problems)
            };
            Data::Sequence(items.iter().enumerate().map(item).collect())
        }
        Data::Mapping(mapping) => {
            let entry = |entry: &Entry| Entry {
                key: entry.key.clone(),
                position: entry.position,
                value: substitute(source, &entry.value, &join(path, &entry.key), values, problems),
            };
            let entries = mapping.entries.iter().map(entry).collect();
            Data::Mapping(Mapping { entries, repeated: Vec::new() })
        }
    };
    Node { position: node.position, data }
}

/// The values of one run: one for each variable of the matrix, and those of the command line.
#[derive(Debug, Clone)]
pub struct Combination {
    /// Before substitution: values can use `${cluster}`.
    matrix: Vec<(String, Node)>,
    set: Map<String, Value>,
}

/// Returns the combinations of the matrix that are not excluded; one empty combination without a matrix. `set`
/// overrides variables of the matrix too.
pub(super) fn combinations(file: &ScenarioFile, set: &Map<String, Value>) -> Vec<Combination> {
    let mut all: Vec<Vec<(String, Node)>> = vec![Vec::new()];
    for Entry { key, value, .. } in entries(&file.root, "matrix.variables") {
        let values = match (set.get(key), &value.data) {
            (Some(value), _) => vec![Node::from_json(value, Position::START)],
            (None, Data::Sequence(values)) => values.clone(),
            (None, _) => Vec::new(),
        };
        let with = |combination: Vec<(String, Node)>| {
            let each = values.iter().map(|value| (key.clone(), value.clone()));
            each.map(|value| [combination.clone(), vec![value]].concat()).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(with).collect();
    }
    let excludes = excludes(&file.root);
    let is_excluded = |matrix: &[(String, Node)]| {
        let values = matrix.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
        excludes.iter().any(|exclude| is_excluded(&values, exclude))
    };
    all.retain(|matrix| !is_excluded(matrix));
    all.into_iter().map(|matrix| Combination { matrix, set: set.clone() }).collect()
}

impl Combination {
    /// Returns the values of the matrix, and those of all variables. Each variable of the file can use
    /// those before it.
    pub(super) fn values(
        &self,
        file: &ScenarioFile,
        cluster: &str,
        problems: &mut Vec<Problem>,
    ) -> (Map<String, Value>, Map<String, Value>) {
        let mut all = Map::new();
        all.insert(CLUSTER.to_owned(), cluster.into());
        let mut value = |name: &str, section, node, known: &Map<String, Value>| {
            let path = join(section, name);
            match self.set.get(name) {
                Some(value) => value.clone(),
                None => substitute(&file.text, node, &path, known, problems).to_json(),
            }
        };
        let mut matrix = Map::new();
        for (name, node) in &self.matrix {
            matrix.insert(name.clone(), value(name, "matrix.variables", node, &all));
        }
        all.extend(matrix.clone());
        for Entry { key, value: node, .. } in entries(&file.root, "variables") {
            let value = value(key, "variables", node, &all);
            all.insert(key.clone(), value);
        }
        (matrix, all)
    }
}

pub fn excludes(root: &Node) -> Vec<Map<String, Value>> {
    let Some(Value::Array(excludes)) = root.at("matrix.exclude").map(Node::to_json) else {
        return Vec::new();
    };
    let fields = |exclude| match exclude {
        Value::Object(fields) => Some(fields),
        _ => None,
    };
    excludes.into_iter().filter_map(fields).collect()
}

/// Whether a combination has all values of an entry of `exclude`.
pub fn is_excluded(combination: &Map<String, Value>, exclude: &Map<String, Value>) -> bool {
    exclude.iter().all(|(name, value)| combination.get(name) == Some(value))
}

/// Reports values of the command line for variables that the file does not define.
pub fn check_set(file: &ScenarioFile, set: &Map<String, Value>, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = declared(&file.root).into_iter().map(|(name, _)| name).collect();
    for name in set.keys().filter(|name| !known.contains(&name.as_str())) {
        let message = match known.as_slice() {
            [] => format!("unknown variable `{name}`; the scenario has no variables"),
            known => format!("unknown variable `{name}`; expected {}", one_of(known)),
        };
        let place = file.root.name_position("variables");
        let problem = Problem::new(place, format!("--set {name}"), message);
        problems.push(problem.suggest(nearest(name, &known)));
    }
}
