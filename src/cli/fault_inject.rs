use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde_json::json;

use super::cluster_name;
use super::context::Context;
use super::output::{self, Format};
use crate::duration;
use crate::fault::{
    self, Entry, FaultKind, FaultPlan, Request, Which, heal, inject, provide, start_keeper,
};
use crate::interruption::unless_interrupted;
use crate::runtime::Docker;

/// Heading of the options that every kind has.
const HEADING: &str = "Fault options";

/// Break something on purpose, until its end or until it is healed
///
/// Prints the fault's name, for `kindrs fault heal`. Everything is checked first, and written to a
/// journal in the nodes before it happens.
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "KIND",
    subcommand_help_heading = "Kinds",
    after_help = "\
See `kindrs fault kinds` for all kinds, and `kindrs fault inject KIND --help` for each.

With -o json, an object:
  id       the fault's name
  seed     what chose the targets; null without chance
  since    when it was injected; null in a dry run
  actions  list of: node, target, effect, healing, until (null: until it is healed)

Examples:
  kindrs fault inject node-kill --node worker --for 60s
  kindrs fault inject kubelet-stop --running-pod shop/web-1
  kindrs fault inject node-pause --role worker --random --dry-run"
)]
pub(super) struct FaultInject {
    /// Name of the cluster
    #[arg(
        short,
        long,
        global = true,
        env = "KINDRS_CLUSTER_NAME",
        hide_env_values = true,
        default_value = cluster_name::DEFAULT,
        value_parser = NonEmptyStringValueParser::new()
    )]
    name: String,
    /// How long it lasts [default: until it is healed]
    #[arg(
        long = "for",
        value_name = "DURATION",
        global = true,
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    duration: Option<Duration>,
    /// Print what would happen to whom, and change nothing
    #[arg(long, global = true, help_heading = HEADING)]
    dry_run: bool,
    /// Stay until the fault ends, and heal it; Ctrl-C heals it at once
    #[arg(long, global = true, requires = "duration", help_heading = HEADING)]
    wait: bool,
    /// Allow what takes every node, every API server or etcd's quorum
    #[arg(long, global = true, help_heading = HEADING)]
    allow_total: bool,
    /// How the result is printed
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = HEADING
    )]
    output: Format,
    #[command(subcommand)]
    fault: FaultKind,
}

impl FaultInject {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let cluster = &self.name;
        let request =
            Request { fault: self.fault, duration: self.duration, allow_total: self.allow_total };
        request.check()?;
        let docker = context.docker().await?;
        let plan = fault::prepare(&docker, cluster, &request).await?;
        if let Some(seed) = plan.seed {
            context.progress.note(format!("seed {seed}"));
        }
        if self.dry_run {
            return output::print(&render(&plan, None, self.output)?);
        }
        provide(&docker, &plan, &context.progress).await?;
        fault::mark(cluster);
        let injected = unless_interrupted(inject(&docker, &plan)).await;
        let injected = match injected {
            Ok(injected) => injected,
            Err(error) => {
                // Interrupted in the middle: what was done of it is in the journal.
                heal(&docker, cluster, &Which::Named(vec![plan.id.clone()])).await?;
                return Err(error);
            }
        };
        for entry in &injected.entries {
            context.progress.note(sentence(&entry.node, &entry.effect, plan.duration));
        }
        output::print(&render(&plan, injected.entries.first(), self.output)?)?;
        if self.wait {
            return wait(&docker, context, &plan).await;
        }
        // Nodes that run heal themselves; what does not run cannot.
        if plan.duration.is_some() && plan.actions.iter().any(|action| action.engine.is_some()) {
            start_keeper(cluster, &plan.id)?;
        }
        Ok(())
    }
}

async fn wait(docker: &Docker, context: &Context, plan: &FaultPlan) -> anyhow::Result<()> {
    let stage = context.progress.stage(format!("Until {} is healed", plan.id));
    let rest = async {
        tokio::time::sleep(plan.duration.unwrap_or_default()).await;
        Ok(())
    };
    let waited = unless_interrupted(rest).await;
    heal(docker, &plan.cluster, &Which::Named(vec![plan.id.clone()])).await?;
    stage.finish();
    waited
}

fn sentence(node: &str, effect: &str, duration: Option<Duration>) -> String {
    match duration {
        Some(duration) => {
            format!("{node}: {effect}, for {}", humantime::format_duration(duration))
        }
        None => format!("{node}: {effect}"),
    }
}

fn render(plan: &FaultPlan, done: Option<&Entry>, format: Format) -> anyhow::Result<String> {
    let until = done.and_then(|entry| entry.until).filter(|_| plan.duration.is_some());
    match (format, done) {
        (Format::Text, Some(_)) => Ok(format!("{}\n", plan.id)),
        (Format::Text, None) => {
            let lines: Vec<String> = plan
                .actions
                .iter()
                .map(|action| {
                    let what = sentence(&action.subject.path(), &action.effect, plan.duration);
                    let healing = if action.lasts() {
                        format!("; healing {}", action.healing)
                    } else {
                        String::new()
                    };
                    format!("{what}{healing}")
                })
                .collect();
            Ok(output::lines(lines.iter().map(String::as_str)))
        }
        (Format::Json, _) => output::json(&json!({
            "id": plan.id,
            "seed": plan.seed,
            "since": done.map(|entry| entry.since).filter(|since| *since > Timestamp::UNIX_EPOCH),
            "actions": plan.actions.iter().map(|action| json!({
                "node": action.node,
                "target": action.subject.path(),
                "effect": action.effect,
                "healing": action.lasts().then_some(&action.healing),
                "until": until,
            })).collect::<Vec<_>>(),
        })),
    }
}
