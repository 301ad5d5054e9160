use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::cluster_name::OneOrAllClusters;
use super::context::Context;
use super::output::{self, Format};
use crate::fault::{Entry, read_journal};

/// List the active faults of a cluster
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, the output is a list of objects with these fields, one object for each target:
  id          ID of the fault
  cluster     name of the cluster
  fault       kind of fault
  parameters  requested parameters and targets
  node        node on which the fault is active
  target      what the fault hits: node/NAME or pod/NAMESPACE/NAME
  since       when the fault was injected
  until       when the fault ends; null if it lasts until it is healed
  effect      what the fault does
  healing     what healing does

Examples:
  kindrs fault list
  kindrs fault list --name dev -o json")]
pub(super) struct FaultList {
    #[command(flatten)]
    clusters: OneOrAllClusters,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl FaultList {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let nodes = self.clusters.nodes(&docker).await?;
        let entries: Vec<Entry> =
            read_journal(&docker, &nodes).await?.into_iter().map(|(_, entry)| entry).collect();
        if entries.is_empty() && self.output == Format::Text {
            context.progress.note("no active faults");
        }
        output::print(&render(&entries, Timestamp::now(), self.output)?)
    }
}

fn render(entries: &[Entry], now: Timestamp, format: Format) -> anyhow::Result<String> {
    if format == Format::Json {
        return output::json(
            &entries
                .iter()
                .map(|entry| {
                    json!({
                        "id": entry.id,
                        "cluster": entry.cluster,
                        "fault": entry.fault,
                        "parameters": entry.parameters,
                        "node": entry.node,
                        "target": entry.subject.path(),
                        "since": entry.since,
                        "until": entry.until,
                        "effect": entry.effect,
                        "healing": entry.healing,
                    })
                })
                .collect::<Vec<_>>(),
        );
    }
    if entries.is_empty() {
        return Ok(String::new());
    }
    let heading = ["FAULT", "TARGET", "AGE", "ENDS", "EFFECT"].map(str::to_owned);
    let rows = entries.iter().map(|entry| {
        let ends = match entry.until {
            None => "when healed".to_owned(),
            Some(until) if until <= now => "overdue".to_owned(),
            Some(until) => format!("in {}", seconds(until.duration_since(now))),
        };
        [
            entry.id.clone(),
            entry.subject.path(),
            seconds(now.duration_since(entry.since)),
            ends,
            entry.effect.clone(),
        ]
    });
    Ok(output::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}

fn seconds(duration: jiff::SignedDuration) -> String {
    let whole = std::time::Duration::from_secs(duration.as_secs().unsigned_abs());
    humantime::format_duration(whole).to_string()
}
