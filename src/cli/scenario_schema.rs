use clap::Args;

use super::output;
use crate::scenario::read::schema;

/// Print the JSON Schema of scenarios, for editors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs scenario schema > scenario.schema.json
  (then, as a scenario's first line:  # yaml-language-server: $schema=scenario.schema.json)")]
pub(super) struct ScenarioSchema {}

impl ScenarioSchema {
    pub(super) fn run(self) -> anyhow::Result<()> {
        output::print(&output::json(&schema())?)
    }
}
