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
use crate::scenario::run::judge_again;

/// Judge a recorded run again, without a cluster
///
/// By the same evaluator as during the run, so an unchanged scenario gets the same verdicts; a changed
/// assertion is tried on what happened then.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: as of `kindrs scenario run`

Examples:
  kindrs scenario check kindrs-report/preemption/history.jsonl e2e/scenarios/preemption.yaml
  kindrs scenario check history.jsonl changed.yaml --report again")]
pub(super) struct ScenarioCheck {
    /// The record of a run
    #[arg(value_name = "HISTORY")]
    history: PathBuf,
    /// The scenario
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the reports of the new verdicts into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl ScenarioCheck {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let sources = sources(std::slice::from_ref(&self.file))?;
        let file = sources.first().context("there is no scenario")?.load()?;
        let entries = record(&self.history)?;
        let Some(Change::Begin(begin)) = entries.first().map(|entry| &entry.change) else {
            let path = self.history.display();
            return Err(Failure::input(format!("{path} is empty: it records no run")).into());
        };
        // The scenario may have changed since, and `cluster` has a name of its own.
        let mut set = begin.variables.clone();
        let known = file.variables();
        set.retain(|name, _| known.contains(&name.as_str()));
        let variants = file.variants(&set, &begin.cluster).map_err(Failure::from)?;
        let variant = variants.into_iter().next().context("the matrix leaves nothing")?;
        let report = judge_again(&self.history, &self.file, begin, variant.scenario, &entries)?;
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
