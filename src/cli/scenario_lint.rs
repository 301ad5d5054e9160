use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::output::{self, Format};
use super::scenario_files::{assignment, sources};
use crate::failure::Failure;
use crate::scenario::check::lint::Finding;
use crate::scenario::read::FORMAT;

/// Find all mistakes in scenarios, without a cluster
///
/// Checks fields and types, CEL against the fields of Kubernetes' objects, manifests, selections that
/// select nothing, times that cannot be met, faults that are never healed, nodes that the cluster does
/// not have, and pods that fit no node. Warnings do not change the exit code.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints each finding on stdout: FILE:LINE:COLUMN: FIELD: MESSAGE [RULE]

Examples:
  kindrs scenario lint drill.yaml
  kindrs scenario lint e2e/scenarios -o json")]
pub(super) struct ScenarioLint {
    /// Scenario files, or folders with *.yaml files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Set a variable, overriding the file; repeat for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, Value)>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl ScenarioLint {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let set: Map<String, Value> = self.set.into_iter().collect();
        let files = sources(&self.files)?;
        let findings: Vec<Finding> = files.iter().flat_map(|source| source.lint(&set)).collect();
        output::print(&match self.output {
            Format::Text => {
                let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
                output::lines(lines.iter().map(String::as_str))
            }
            Format::Json => output::json(&findings)?,
        })?;
        let scenarios = counted(files.len(), "scenario");
        match findings.iter().filter(|finding| finding.is_error()).count() {
            0 => context.progress.note(format!("no errors in {scenarios}")),
            errors => {
                let message = format!("{} in {scenarios}", counted(errors, "error"));
                return Err(Failure::input(message).with_hint(FORMAT).into());
            }
        }
        Ok(())
    }
}

/// A number of things, such as `2 scenarios`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
