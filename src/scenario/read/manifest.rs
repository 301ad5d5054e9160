//! The objects that a step applies: inline, in a text, and in files.

use std::path::Path;

use serde_json::{Map, Value};

use super::file::FORMAT;
use super::variables::substitute;
use crate::scenario::language::Apply;
use crate::yaml::{self, Data, Node, Position, Problem, Problems, describe};

/// An object to apply.
#[derive(Debug, Clone)]
pub(in crate::scenario) struct Manifest {
    pub value: Value,
    pub origin: Origin,
    node: Node,
}

impl Manifest {
    /// Returns the origin of a field, or of the nearest enclosing field.
    pub fn origin_of(&self, field: &str, is_about_name: bool) -> Origin {
        let position = match is_about_name {
            true => self.node.name_position(field),
            false => self.node.nearest(field).0.position,
        };
        match &self.origin {
            Origin::Inline(path) => Origin::Inline(match field {
                "" => path.clone(),
                field if field.starts_with('[') => format!("{path}{field}"),
                field => format!("{path}.{field}"),
            }),
            Origin::Text(_) => Origin::Text(position),
            Origin::File(index, name, _) => Origin::File(*index, name.clone(), position),
        }
    }
}

/// The origin of an object or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) enum Origin {
    /// In the scenario: the path below the step's `apply`.
    Inline(String),
    /// In the text of `manifest`, at this position.
    Text(Position),
    /// In a file: its index in `files`, its name and the position.
    File(usize, String, Position),
}

/// A problem of an object.
#[derive(Debug, Clone)]
pub(in crate::scenario) struct ManifestProblem {
    pub origin: Origin,
    /// The field, such as `metadata.name`; empty for the whole object.
    pub field: String,
    pub message: String,
}

/// All objects of a step, and their problems.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Reading {
    pub manifests: Vec<Manifest>,
    pub problems: Vec<ManifestProblem>,
    /// The texts of the files, which can use variables.
    pub texts: Vec<String>,
}

/// Returns the objects that a step applies, in order: inline ones, those in `manifest`, and those in the
/// files, which are relative to `folder`. Splits lists of objects, and substitutes `variables` in the files.
///
/// # Errors
/// Every unreadable file, and every object without API version, kind or name, with its position in the file.
/// Paths of inline objects start below `apply`.
pub fn manifests(
    apply: &Apply,
    folder: &Path,
    variables: &Map<String, Value>,
) -> Result<Vec<Value>, Problems> {
    let Reading { manifests, problems, .. } = read_manifests(apply, folder, variables);
    if problems.is_empty() {
        return Ok(manifests.into_iter().map(|manifest| manifest.value).collect());
    }
    let problem = |problem: ManifestProblem| {
        let ManifestProblem { origin, field, message } = problem;
        match origin {
            Origin::Inline(path) => {
                let path = if field.is_empty() { path } else { format!("{path}.{field}") };
                Problem::new(Position::START, path, message)
            }
            Origin::Text(position) => Problem::new(position, field, message),
            Origin::File(_, file, position) => {
                Problem { file: Some(file), ..Problem::new(position, field, message) }
            }
        }
    };
    let problems = problems.into_iter().map(problem).collect();
    Err(Problems { file: "apply".to_owned(), problems, hint: FORMAT })
}

/// Returns the readable objects, as [`manifests`] does, and every problem.
pub(in crate::scenario) fn read_manifests(
    apply: &Apply,
    folder: &Path,
    variables: &Map<String, Value>,
) -> Reading {
    let mut reading = Reading::default();
    for (index, object) in apply.objects.iter().enumerate() {
        let node = Node::from_json(object, Position::START);
        let path = format!("objects[{index}]");
        let origin = |_: &Node, inner: &str| match inner {
            "" => Origin::Inline(path.clone()),
            inner => Origin::Inline(format!("{path}.{inner}")),
        };
        reading.object(&node, "", &origin);
    }
    if let Some(text) = &apply.manifest {
        reading.documents(text, &|node, _| Origin::Text(node.position), &mut |root| root);
    }
    for (index, file) in apply.files.iter().enumerate() {
        let path = folder.join(file);
        let name = path.display().to_string();
        let origin = |node: &Node, _: &str| Origin::File(index, name.clone(), node.position);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut unfit = Vec::new();
                reading.documents(&text, &origin, &mut |root| {
                    substitute(&text, &root, "", variables, &mut unfit)
                });
                for Problem { line, column, path, message, suggestion, .. } in unfit {
                    let position = Position { line, column };
                    let message = match suggestion {
                        Some(near) => format!("{message} (did you mean `{near}`?)"),
                        None => message,
                    };
                    let origin = Origin::File(index, name.clone(), position);
                    reading.problems.push(ManifestProblem { origin, field: path, message });
                }
                reading.texts.push(text);
            }
            Err(error) => {
                let origin = Origin::Inline(format!("files[{index}]"));
                let message = format!("cannot read {name}: {error}");
                reading.problem(origin, "", message);
            }
        }
    }
    reading
}

/// Returns the origin of a value at a path of a document.
type OriginOf<'a> = dyn Fn(&Node, &str) -> Origin + 'a;

impl Reading {
    fn problem(&mut self, origin: Origin, field: &str, message: impl Into<String>) {
        let (field, message) = (field.to_owned(), message.into());
        self.problems.push(ManifestProblem { origin, field, message });
    }

    fn documents(
        &mut self,
        text: &str,
        origin: &OriginOf<'_>,
        prepare: &mut dyn FnMut(Node) -> Node,
    ) {
        match yaml::parse(text) {
            Ok(documents) => {
                for document in documents {
                    for (position, path, first) in document.repeated_keys() {
                        let place = Node::from_json(&Value::Null, position);
                        let message = format!("duplicate key; the first is on line {first}");
                        self.problem(origin(&place, &path), &path, message);
                    }
                    if !document.is_null() {
                        self.object(&prepare(document), "", origin);
                    }
                }
            }
            Err(error) => {
                let place = Node::from_json(&Value::Null, error.position);
                self.problem(origin(&place, ""), "", error.message);
            }
        }
    }

    /// Reads one object, or each item of a `List`.
    fn object(&mut self, node: &Node, path: &str, origin: &OriginOf<'_>) {
        let here = origin(node, path);
        if !matches!(node.data, Data::Mapping(_)) {
            let message = format!("expected a Kubernetes object, found {}", describe(node));
            return self.problem(here, "", message);
        }
        let mut complete = true;
        for field in ["apiVersion", "kind"] {
            complete &= self.text(node, path, field, origin).is_some();
        }
        if node.get("kind").and_then(Node::text) == Some("List") {
            if let Some(Node { data: Data::Sequence(items), .. }) = node.get("items") {
                for (index, item) in items.iter().enumerate() {
                    self.object(item, &format!("{}[{index}]", yaml::join(path, "items")), origin);
                }
            }
            return;
        }
        let named = |field| {
            let value = node.get("metadata").and_then(|metadata| metadata.get(field));
            value.and_then(Node::text).is_some_and(|text| !text.is_empty())
        };
        if !named("name") && !named("generateName") {
            let metadata = node.get("metadata").filter(|metadata| !metadata.is_null());
            let message = "missing required field; set `name` or `generateName`";
            self.problem(origin(metadata.unwrap_or(node), path), "metadata.name", message);
            complete = false;
        }
        if complete {
            self.manifests.push(Manifest {
                value: node.to_json(),
                origin: here,
                node: node.clone(),
            });
        }
    }

    fn text<'a>(
        &mut self,
        node: &'a Node,
        path: &str,
        field: &str,
        origin: &OriginOf<'_>,
    ) -> Option<&'a str> {
        let Some(value) = node.get(field) else {
            self.problem(origin(node, path), field, "missing required field");
            return None;
        };
        match value.to_json() {
            Value::String(text) if !text.is_empty() => value.text(),
            _ => {
                let message = format!("expected a string, found {}", describe(value));
                self.problem(origin(value, path), field, message);
                None
            }
        }
    }
}
