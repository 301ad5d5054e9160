use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};
use harness::{Sandbox, pass, until};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

use crate::program;

/// Measure the CPU time of `kindrs scenario run` while a scenario waits
///
/// The scenario runs on three nodes and has one assertion.
#[derive(clap::Args)]
pub struct Arguments {
    /// Seconds to measure
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// A run of the scenario, interrupted when it is dropped, so that it deletes its cluster.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        // Fails if the run has ended.
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
        let _ = self.0.wait();
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    harness::set_program(program::kindrs()?);
    let sandbox = Sandbox::new("bench-waiting");
    let scenario = sandbox.home().with_file_name("waiting.yaml");
    std::fs::write(&scenario, waiting(&sandbox.name, arguments.seconds + 20))?;
    let report = sandbox.home().with_file_name("report");
    let mut command = sandbox.command(&["scenario", "run"]);
    command.arg(&scenario).arg("--report").arg(&report).stdout(Stdio::null());
    let run = Run(command.spawn().context("cannot run kindrs")?);

    let record = report.join(&sandbox.name).join("history.jsonl");
    until("the scenario waits", || {
        let text = std::fs::read_to_string(&record).unwrap_or_default();
        let started = r#""step":"wait","state":"started""#;
        if text.contains(started) { Ok(()) } else { Err("the step has not started") }
    });
    // Until the cluster is at rest after its creation.
    pass(10);
    let (ticks_before, lines_before) = (ticks(&run.0)?, lines(&record)?);
    pass(u64::from(arguments.seconds));
    let (ticks, lines) = (ticks(&run.0)? - ticks_before, lines(&record)? - lines_before);
    let per_second = u32::try_from(clock_ticks_per_second())?;
    let used = f64::from(u32::try_from(ticks)?) / f64::from(per_second);
    let seconds = arguments.seconds;
    println!(
        "{used:.2} s of a CPU in {seconds} s: {:.2} %, for {lines} lines of the record",
        100.0 * used / f64::from(seconds)
    );
    Ok(())
}

fn waiting(name: &str, seconds: u32) -> String {
    format!(
        "\
apiVersion: kindrs.dev/v1alpha1
kind: Scenario
metadata: {{name: {name}}}
cluster: {{workers: 2}}
selections:
  nodes: {{kind: Node}}
assertions:
- name: all ready
  always: {{all: nodes, where: ready(object)}}
steps:
- name: wait
  sleep: {{for: {seconds}s, reason: to measure the CPU time of waiting}}
"
    )
}

/// The CPU time of a process in user and kernel mode, in clock ticks: fields 14 and 15 of
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
fn ticks(process: &Child) -> Result<u64> {
    let stat = format!("/proc/{}/stat", process.id());
    let text = std::fs::read_to_string(stat).context("the run has ended")?;
    parse_ticks(&text).with_context(|| format!("cannot read the CPU time in `{text}`"))
}

fn parse_ticks(stat: &str) -> Option<u64> {
    // The name of the program, in parentheses, can have spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn lines(record: &Path) -> Result<usize> {
    Ok(std::fs::read_to_string(record)?.lines().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_time_in_user_and_kernel_mode() {
        let stat = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 1";
        assert_eq!(parse_ticks(stat), Some(150));
        assert_eq!(parse_ticks("42 (kindrs) S 1"), None);
    }
}
