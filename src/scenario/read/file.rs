use std::path::Path;
use std::sync::LazyLock;

use super::scenario_file::ScenarioFile;
use super::variables;
use crate::duration;
use crate::fault::FORMATS;
use crate::scenario::language::Scenario;
use crate::yaml::{self, Decoder, Header, Problem, Problems};

pub(super) const HEADER: Header = Header { kind: "Scenario", api_version: "kindrs.dev/v1alpha1" };
pub const FORMAT: &str = "see docs/write-a-scenario.md for the language; run `kindrs scenario schema` \
     for its JSON Schema";
/// Maximum length of a name. Names of clusters and hosts contain the name.
const LONGEST_NAME: usize = 40;

pub(super) static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let is_duration = |text: &str| duration::parse(text).map(drop);
    let decoder = Decoder::of::<Scenario>().with_format("kindrs-duration", is_duration);
    FORMATS.into_iter().fold(decoder, |decoder, (name, check)| decoder.with_format(name, check))
});

/// Reads a scenario and checks all fields and types except for values with variables. Paths are relative to
/// `folder`. Returns every problem as the error.
pub fn load(name: &str, folder: &Path, text: &str) -> Result<ScenarioFile, Problems> {
    match read(name, folder, text) {
        (Some(file), problems) if problems.is_empty() => Ok(file),
        (_, problems) => Err(Problems { file: name.to_owned(), problems, hint: FORMAT }),
    }
}

/// Reads the readable parts of a scenario, so that lint can check them too; `None` if the text is not a
/// scenario. Returns all problems in the order of the text.
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
    fn check_keys(&self, problems: &mut Vec<Problem>) {
        self.root.visit("", &mut |path, node| {
            for entry in node.entries().iter().filter(|entry| entry.key.contains("${")) {
                let message = "variables cannot be used in field names";
                problems.push(Problem::new(entry.position, yaml::join(path, &entry.key), message));
            }
        });
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
            "expected at most {LONGEST_NAME} lowercase letters, digits and dashes, starting and ending \
             with a letter or digit, found `{}`",
            name.escape_debug()
        );
        let words = name.to_lowercase().replace(|c: char| !allowed(c), "-");
        let near = words.trim_matches('-').to_owned();
        let near = (!near.is_empty() && near != name && near.len() <= LONGEST_NAME).then_some(near);
        problems.push(Problem::new(node.position, "metadata.name", message).suggest(near));
    }
}
