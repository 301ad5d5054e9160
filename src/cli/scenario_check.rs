use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::context::Context;
use super::output::{self, Format};
use super::scenario_files::{record, sources};
use super::scenario_run::passed;
use crate::failure::Failure;
use crate::scenario::history::Change;
use crate::scenario::report::{self, Analysis};
use crate::scenario::run::recheck;

/// Judge a recorded run again, without a cluster
///
/// An unchanged scenario gets the same verdicts as during the run. Use this to test changed assertions
/// against what happened then.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: the same as for `kindrs scenario run`

Examples:
  kindrs scenario check kindrs-report/preemption/history.jsonl e2e/scenarios/preemption.yaml
  kindrs scenario check history.jsonl changed.yaml --report again")]
pub(super) struct ScenarioCheck {
    /// Record of a run
    #[arg(value_name = "HISTORY")]
    history: PathBuf,
    /// Scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write reports with the new verdicts to this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl ScenarioCheck {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let sources = sources(std::slice::from_ref(&self.file))?;
        let file = sources.first().context("the file has no scenario")?.load()?;
        let entries = record(&self.history)?;
        let Some(Change::Begin(begin)) = entries.first().map(|entry| &entry.change) else {
            let path = self.history.display();
            return Err(
                Failure::input(format!("{path} is empty: expected the record of a run")).into()
            );
        };
        // The scenario can have changed since. `cluster` is set separately.
        let mut set = begin.variables.clone();
        let known = file.variables();
        set.retain(|name, _| known.contains(&name.as_str()));
        let variants = file.variants(&set, &begin.cluster).map_err(Failure::from)?;
        let variant = variants.into_iter().next().context("the matrix leaves nothing")?;
        let report = recheck(&self.history, &self.file, begin, variant.scenario, &entries)?;
        let runs = [Analysis::new(report, &entries)];
        if let Some(folder) = &self.report {
            for path in report::write(folder, &runs)? {
                context.progress.note(format!("wrote {}", path.display()));
            }
        }
        output::print(&match self.output {
            Format::Text => report::text(&runs, output::is_colored()),
            Format::Json => report::json(&runs)?,
        })?;
        passed(runs.iter().map(Analysis::run))
    }
}
