use clap::Args;

use super::output::{self, Format};
use crate::fault::kinds;

/// List the kinds of faults
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, a list of objects: name, about, parameters (the kind's own flags).

Example:
  kindrs fault kinds")]
pub(super) struct FaultKinds {
    /// How the list is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl FaultKinds {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let kinds = kinds();
        match self.output {
            Format::Json => output::print(&output::json(&kinds)?),
            Format::Text => {
                let rows: Vec<[String; 2]> =
                    kinds.into_iter().map(|kind| [kind.name, kind.about]).collect();
                output::print(&output::table(&rows))
            }
        }
    }
}
