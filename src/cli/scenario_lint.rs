use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::output::{self, Format};
use super::scenario_files::{assignment, sources, wrong};
use crate::scenario::check::lint::Finding;

/// Find every mistake in scenarios, without a cluster
///
/// Checks fields and types, CEL against the fields of Kubernetes' objects, manifests, selections that
/// nothing creates, times that cannot be met, faults that are never healed, nodes that the cluster
/// lacks, and pods that fit nowhere. Warnings do not make it fail.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints a line for each finding: FILE:LINE:COLUMN: FIELD: what is wrong [RULE]; warnings go to stdout, errors to stderr

Examples:
  kindrs scenario lint drill.yaml
  kindrs scenario lint e2e/scenarios -o json")]
pub(super) struct ScenarioLint {
    /// Scenarios: files, or folders with *.yaml files in them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Give a variable a value, before the file's
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, Value)>,
    /// How the findings are printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl ScenarioLint {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let set: Map<String, Value> = self.set.into_iter().collect();
        let files = sources(&self.files)?;
        let findings: Vec<Finding> = files.iter().flat_map(|source| source.lint(&set)).collect();
        let (wrongs, warnings): (Vec<Finding>, Vec<Finding>) =
            findings.iter().cloned().partition(Finding::is_error);
        match self.output {
            Format::Text => {
                let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
                output::print(&output::lines(lines.iter().map(String::as_str)))?;
            }
            Format::Json => output::print(&output::json(&findings)?)?,
        }
        if !wrongs.is_empty() {
            return Err(wrong(&wrongs));
        }
        let plural = if files.len() == 1 { "" } else { "s" };
        context.progress.note(format!("{} scenario{plural} without a mistake", files.len()));
        Ok(())
    }
}
