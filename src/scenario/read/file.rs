use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::variables;
use crate::duration;
use crate::fault::FORMATS;
use crate::scenario::language::Scenario;
use crate::yaml::{self, Data, Decoder, Header, Node, Problem, Problems};

pub(super) const HEADER: Header = Header { kind: "Scenario", api_version: "kindrs.dev/v1alpha1" };
/// Where the format is described, for hints.
pub const FORMAT: &str = "the language is described in docs/scenarios.md; `kindrs scenario schema` \
     prints its JSON Schema for editors";
/// Longest name: names of clusters, and so of hosts, are made of it.
const LONGEST_NAME: usize = 40;

/// Reads scenarios by the schema of their types.
pub(super) static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let is_duration = |text: &str| duration::parse(text).map(drop);
    let decoder = Decoder::of::<Scenario>().with_format("kindrs-duration", is_duration);
    FORMATS.into_iter().fold(decoder, |decoder, (name, check)| decoder.with_format(name, check))
});

/// A scenario's text, checked as far as its variables allow.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    /// The file's name, for messages.
    pub name: String,
    /// The folder from which its paths start.
    pub folder: PathBuf,
    /// The text.
    pub text: String,
    /// The text as a tree, without what cannot be read.
    pub(in crate::scenario) root: Node,
    /// The paths of what cannot be read.
    pub(in crate::scenario) unreadable: Vec<String>,
}

/// Reads a scenario: YAML, one document, with the fields and types of the format wherever no variable
/// stands. `name` names it in messages; `folder` is where its paths start.
///
/// # Errors
/// Every problem there is, with its place.
pub fn load(name: &str, folder: &Path, text: &str) -> Result<ScenarioFile, Problems> {
    match read(name, folder, text) {
        (Some(file), problems) if problems.is_empty() => Ok(file),
        (_, problems) => Err(Problems { file: name.to_owned(), problems, hint: FORMAT }),
    }
}

/// Reads as much of a scenario as can be read, to find more mistakes in it; `None` when it is no
/// scenario at all. All problems are given, in the order of the text.
pub fn read(name: &str, folder: &Path, text: &str) -> (Option<ScenarioFile>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut file = HEADER.document(text, &mut problems).map(|root| ScenarioFile {
        name: name.to_owned(),
        folder: folder.to_owned(),
        text: text.to_owned(),
        root,
        unreadable: Vec::new(),
    });
    if let Some(file) = &mut file {
        file.check_keys(&mut problems);
        file.check_name(&mut problems);
        variables::check(file, &mut problems);
        let checked = DECODER.check(&mut file.root, true);
        problems.extend(checked.problems);
        problems.sort_by_key(|problem| (problem.line, problem.column));
        if !checked.readable {
            return (None, problems);
        }
        file.unreadable = checked.unreadable;
    }
    (file, problems)
}

impl ScenarioFile {
    /// Variables stand for values, not for the names of fields.
    fn check_keys(&self, problems: &mut Vec<Problem>) {
        fn visit(node: &Node, path: &str, problems: &mut Vec<Problem>) {
            match &node.data {
                Data::Scalar { .. } => {}
                Data::Sequence(items) => {
                    for (index, item) in items.iter().enumerate() {
                        visit(item, &format!("{path}[{index}]"), problems);
                    }
                }
                Data::Mapping(mapping) => {
                    for entry in &mapping.entries {
                        let path = yaml::join(path, &entry.key);
                        if entry.key.contains("${") {
                            let message = "variables stand for values, not in the names of fields";
                            problems.push(Problem::new(entry.position, path.as_str(), message));
                        }
                        visit(&entry.value, &path, problems);
                    }
                }
            }
        }
        visit(&self.root, "", problems);
    }

    fn check_name(&self, problems: &mut Vec<Problem>) {
        let Some(node) = self.root.at("metadata.name") else { return };
        let Some(name) = node.text() else { return };
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = name.chars().all(allowed) && !name.starts_with('-') && !name.ends_with('-');
        if node.is_null() || (is_name && name.len() <= LONGEST_NAME) {
            return;
        }
        let message = format!(
            "expected lowercase letters, digits and dashes within, at most {LONGEST_NAME}, found \
             `{}`",
            name.escape_debug()
        );
        let words = name.to_lowercase().replace(|c: char| !allowed(c), "-");
        let near = words.trim_matches('-').to_owned();
        let near = (!near.is_empty() && near != name && near.len() <= LONGEST_NAME).then_some(near);
        problems.push(Problem::new(node.position, "metadata.name", message).suggest(near));
    }
}
