use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde_json::json;

use super::cluster_name;
use super::context::Context;
use super::fault_kind::{FaultArguments, Options};
use super::output::{self, Format};
use crate::duration;
use crate::fault::{
    self, Entry, FaultPlan, Request, Which, heal, inject, install_proxy, marker, start_healer,
};
use crate::interruption::unless_interrupted;
use crate::runtime::Docker;

/// The heading of the options that every kind has.
const HEADING: &str = "Fault options";

/// Inject a fault
///
/// Prints the ID of the fault, for `kindrs fault heal`. kindrs checks everything first, and writes the
/// fault to a journal in the nodes before it takes effect.
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "KIND",
    subcommand_help_heading = "Kinds",
    after_help = "\
Run `kindrs fault inject KIND --help` for the options of a kind.

With -o json, the output is an object with these fields:
  id       ID of the fault
  seed     seed of the random choice of targets; null without one
  since    when the fault was injected; null in a dry run
  actions  list of objects: node, target, effect, healing, until (null: until it is healed)

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
    /// Duration of the fault [default: until it is healed]
    #[arg(
        long = "for",
        value_name = "DURATION",
        global = true,
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    duration: Option<Duration>,
    /// Print what the fault would do, without injecting it
    #[arg(long, global = true, help_heading = HEADING)]
    dry_run: bool,
    /// Wait until the fault ends, and heal it; Ctrl-C heals it at once
    #[arg(long, global = true, requires = "duration", help_heading = HEADING)]
    wait: bool,
    /// Allow a fault to take down every node, every API server or etcd's quorum
    #[arg(long, global = true, help_heading = HEADING)]
    allow_total: bool,
    /// Output format
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
    fault: FaultArguments,
}

impl FaultInject {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let cluster = &self.name;
        let request =
            Request { fault: self.fault.0, duration: self.duration, allow_total: self.allow_total };
        request.check().map_err(|refusal| refusal.failure(&Options))?;
        let docker = context.docker().await?;
        let plan = fault::plan_for_cluster(&docker, cluster, &request).await;
        let plan = plan.map_err(|error| error.worded(&Options))?;
        if let Some(seed) = plan.seed {
            context.progress.note(format!("seed {seed}"));
        }
        if self.dry_run {
            return output::print(&render(&plan, None, self.output)?);
        }
        install_proxy(&docker, &plan, &context.progress).await?;
        marker::remember(cluster);
        let injection =
            async { inject(&docker, &plan).await.map_err(|error| error.worded(&Options)) };
        let injected = unless_interrupted(injection).await;
        let injected = match injected {
            Ok(injected) => injected,
            Err(error) => {
                // After an interruption, the journal has the actions that took effect.
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
        // Running nodes heal themselves; nodes that the engine has stopped cannot.
        if plan.duration.is_some() && plan.actions.iter().any(|action| action.engine.is_some()) {
            start_healer(cluster, &plan.id)?;
        }
        Ok(())
    }
}

async fn wait(docker: &Docker, context: &Context, plan: &FaultPlan) -> anyhow::Result<()> {
    let stage = context.progress.stage(format!("Waiting for the end of {}", plan.id));
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
