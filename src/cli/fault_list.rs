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
With -o json, a list of objects:
  id          the fault's name; one that hits several targets is listed for each
  fault       its kind
  parameters  what was asked for
  node        the node it is on
  target      what it hits: node/NAME or pod/NAMESPACE/NAME
  since       when it was injected
  until       when it ends by itself; null when it is to be healed
  effect      what it does
  healing     what healing will do

Examples:
  kindrs fault list
  kindrs fault list --name dev -o json")]
pub(super) struct FaultList {
    #[command(flatten)]
    clusters: OneOrAllClusters,
    /// How the list is printed
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
            context.progress.note("there are no active faults");
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
            Some(until) if until <= now => "is over".to_owned(),
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
