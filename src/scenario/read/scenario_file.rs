use std::path::PathBuf;

use crate::yaml::Node;

/// The text of a scenario, checked except for values with variables.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    /// The file's name, for messages.
    pub name: String,
    /// The folder that paths in the scenario are relative to.
    pub folder: PathBuf,
    pub text: String,
    /// The tree without its unreadable values.
    pub(in crate::scenario) root: Node,
    /// The paths of unreadable values.
    pub(in crate::scenario) unreadable: Vec<String>,
}
