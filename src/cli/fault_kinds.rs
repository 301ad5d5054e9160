use clap::Args;
use serde_json::json;

use super::fault_kind::TARGETS;
use super::output::{self, Format};
use crate::fault::{Kind, kinds};

/// List the kinds of faults
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, the output is a list of objects with these fields:
  name        kind of fault
  about       what the fault does
  parameters  options of this kind, without those for its targets

Example:
  kindrs fault kinds")]
pub(super) struct FaultKinds {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl FaultKinds {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.output {
            Format::Json => {
                let kinds: Vec<_> = kinds().iter().map(describe).collect();
                output::print(&output::json(&kinds)?)
            }
            Format::Text => {
                let rows: Vec<[String; 2]> =
                    kinds().iter().map(|kind| [kind.name.clone(), kind.about.clone()]).collect();
                output::print(&output::table(&rows))
            }
        }
    }
}

fn describe(kind: &Kind) -> serde_json::Value {
    let own = kind.parameters.iter().filter(|one| one.heading.as_deref() != Some(TARGETS));
    let options: Vec<String> = own.map(|parameter| format!("--{}", parameter.name)).collect();
    json!({ "name": kind.name, "about": kind.about, "parameters": options })
}
