use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Sandbox, docker, pass};

use crate::measures::summary;
use crate::program;

/// Compare the speed and memory of kindrs and kind on this machine
///
/// Each creates and deletes the same cluster in turn. Prints the minimum, median and maximum of each measure,
/// and the ratio of the medians. Times count from the start of the command until all nodes are Ready and DNS
/// answers; memory is that of all node containers 30 s later.
#[derive(clap::Args)]
pub struct Arguments {
    /// Configuration of the cluster [default: configs/three-nodes.yaml]
    config: Option<PathBuf>,
    /// Number of runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure kindrs only
    #[arg(long)]
    kindrs_only: bool,
    /// Program that creates the cluster with kind
    ///
    /// Runs as `PROGRAM time CONFIG`. Has to keep the cluster if KEEP=1, and to print `kind N of N nodes
    /// Ready: SECONDS s` and `kind DNS available: SECONDS s`. Has to have kind in $W/bin [default of W:
    /// /tmp/kindanchor].
    #[arg(long, value_name = "PROGRAM", env = "KINDRS_ANCHOR")]
    anchor: Option<PathBuf>,
}

const KIND: &str = "kind";
const KINDRS: &str = "kindrs";

/// A title, after the number of its place in the table.
type Measure = (u8, &'static str);

const READY: Measure = (1, "all nodes Ready, s");
const DNS: Measure = (2, "DNS answers, s");
const MEMORY: Measure = (3, "memory at rest, MiB");
const DELETE: Measure = (4, "delete, s");

pub fn run(arguments: &Arguments) -> Result<()> {
    let three_nodes = || program::root().join("configs/three-nodes.yaml");
    let config = &arguments.config.clone().unwrap_or_else(three_nodes);
    let text = std::fs::read_to_string(config)
        .with_context(|| format!("cannot read {}", config.display()))?;
    let anchor = match (&arguments.anchor, arguments.kindrs_only) {
        (_, true) => None,
        (Some(anchor), false) => Some(Anchor::find(anchor)?),
        (None, false) => bail!("missing --anchor; use --kindrs-only to measure without kind"),
    };
    let kindrs = program::kindrs()?;
    // Creates the node image if it is missing, which is not measured.
    let prepared = Command::new(&kindrs)
        .args(["create", "cluster", "--name", "e2e-bench", "--dry-run", "--config"])
        .arg(config)
        .stdout(Stdio::null())
        .status()
        .context("cannot run kindrs")?;
    ensure!(prepared.success(), "cannot prepare the node image");
    harness::set_program(kindrs);
    let sandbox = Sandbox::new("bench");

    let mut table = Table::default();
    for run in 1..=arguments.runs {
        eprintln!("run {run} of {}", arguments.runs);
        if let Some(anchor) = &anchor {
            anchor.time(config, &mut table)?;
        }
        time_kindrs(&sandbox, &text, &mut table)?;
    }
    print!("{table}");
    Ok(())
}

fn time_kindrs(sandbox: &Sandbox, config: &str, table: &mut Table) -> Result<()> {
    let started = Instant::now();
    let mut command = sandbox.create_command(config, "");
    let mut create = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut ends = [None; 2];
    // The end of a stage is printed when it happens.
    for line in BufReader::new(create.stderr.take().context("no stderr")?).lines() {
        let line = line?;
        if line.contains('✓') {
            for (end, word) in ends.iter_mut().zip(["Ready", "DNS"]) {
                if line.contains(word) {
                    end.get_or_insert(started.elapsed().as_secs_f64());
                }
            }
        } else if ["✗", "error:", "hint:"].iter().any(|mark| line.contains(mark)) {
            eprintln!("{line}");
        }
    }
    ensure!(create.wait()?.success(), "kindrs cannot create the cluster");
    let [ready, dns] = ends;
    table.add(KINDRS, READY, ready.context("no stage about Ready nodes")?);
    table.add(KINDRS, DNS, dns.context("no stage about DNS")?);
    table.add_end(KINDRS, &format!("{}-", sandbox.name), || {
        sandbox.delete();
        Ok(())
    })
}

/// The memory in MiB of all containers whose names start with `prefix`.
fn memory(prefix: &str) -> f64 {
    let stats = docker("stats --no-stream --format {{.Name}}|{{.MemUsage}}");
    let used = stats.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once('|'));
    used.filter_map(|(_, usage)| mebibytes(usage)).sum()
}

/// The first size in a text such as `512KiB / 8GiB`, in MiB.
fn mebibytes(usage: &str) -> Option<f64> {
    let size = usage.split_whitespace().next()?;
    let unit = size.find(|c: char| c.is_ascii_alphabetic())?;
    let factor = match &size[unit..] {
        "B" => 1.0 / f64::from(1 << 20),
        "KiB" => 1.0 / 1024.0,
        "MiB" => 1.0,
        "GiB" => 1024.0,
        _ => return None,
    };
    Some(size[..unit].parse::<f64>().ok()? * factor)
}

/// Creates clusters with kind.
struct Anchor {
    program: PathBuf,
    kind: PathBuf,
}

impl Anchor {
    fn find(program: &Path) -> Result<Self> {
        let program = program
            .canonicalize()
            .with_context(|| format!("cannot find the anchor {}", program.display()))?;
        let folder = std::env::var_os("W").map_or_else(|| "/tmp/kindanchor".into(), PathBuf::from);
        Ok(Self { program, kind: folder.join("bin/kind") })
    }

    fn time(&self, config: &Path, table: &mut Table) -> Result<()> {
        let ran = Command::new(&self.program)
            .arg("time")
            .arg(config.canonicalize()?)
            .env("KEEP", "1")
            .output()
            .context("cannot run the anchor")?;
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let measured = ran.status.success().then(|| anchor_times(&text)).flatten();
        let Some((ready, dns)) = measured else {
            self.delete()?;
            bail!("the anchor failed:\n{text}{}", String::from_utf8_lossy(&ran.stderr));
        };
        table.add(KIND, READY, ready);
        table.add(KIND, DNS, dns);
        table.add_end(KIND, "kind-", || self.delete())
    }

    fn delete(&self) -> Result<()> {
        let deleted = Command::new(&self.kind).args(["-q", "delete", "cluster"]).status();
        let deleted = deleted.with_context(|| format!("cannot run {}", self.kind.display()))?;
        ensure!(deleted.success(), "kind cannot delete its cluster");
        Ok(())
    }
}

/// The seconds until all nodes were Ready and DNS answered, if both happened.
fn anchor_times(text: &str) -> Option<(f64, f64)> {
    let time = |start: &str, middle: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with(start));
        let (_, time) = lines.find_map(|line| line.split_once(middle))?;
        time.strip_suffix(" s")?.parse().ok()
    };
    let failures = ["kind 0 of", "coredns is not"];
    if text.lines().any(|line| failures.iter().any(|failure| line.starts_with(failure))) {
        return None;
    }
    Some((time("kind ", "nodes Ready: ")?, time("kind DNS", "available: ")?))
}

/// The values of all runs by measure and tool; displays as a table.
#[derive(Default)]
struct Table(BTreeMap<(Measure, &'static str), Vec<f64>>);

impl Table {
    fn add(&mut self, tool: &'static str, measure: Measure, value: f64) {
        eprintln!("  {tool}: {}: {value:.2}", measure.1);
        self.0.entry((measure, tool)).or_default().push(value);
    }

    /// Adds the memory of a cluster at rest, and the time to delete it.
    fn add_end(
        &mut self,
        tool: &'static str,
        containers: &str,
        delete: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        pass(30);
        self.add(tool, MEMORY, memory(containers));
        let started = Instant::now();
        delete()?;
        self.add(tool, DELETE, started.elapsed().as_secs_f64());
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>41} {:>8} {:>8} {:>8}", "min", "median", "max", "ratio")?;
        for (&(measure, tool), values) in &self.0 {
            let [min, median, max] = summary(values);
            write!(f, "{:<24} {tool:<7} {min:>8.1} {median:>8.1} {max:>8.1}", measure.1)?;
            if let Some(kind) = self.0.get(&(measure, KIND)).filter(|_| tool == KINDRS) {
                write!(f, " {:>8.2}", median / summary(kind)[1])?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_memory_that_docker_prints() {
        let texts = ["512KiB / 8GiB", "310.5MiB / 7.6GiB", "1.5GiB / 7.6GiB", "-- / --"];
        assert_eq!(texts.map(mebibytes), [Some(0.5), Some(310.5), Some(1536.0), None]);
    }

    #[test]
    fn reads_the_times_that_the_anchor_prints() {
        let text = "kind create returned: 40.1 s\nkind 3 of 3 nodes Ready: 45.5 s\nkind DNS available: 50.25 s\n";
        assert_eq!(anchor_times(text), Some((45.5, 50.25)));
        assert_eq!(anchor_times(&text.replace("3 of 3", "0 of 3")), None);
        assert_eq!(anchor_times(&format!("{text}coredns is not available\n")), None);
        assert_eq!(anchor_times("kind 3 of 3 nodes Ready: 45.5 s\n"), None);
    }

    #[test]
    fn table_has_a_ratio_where_kind_was_measured() {
        let mut table = Table::default();
        table.add(KINDRS, DELETE, 1.0);
        for (tool, value) in [(KIND, 40.0), (KINDRS, 10.0), (KINDRS, 20.0)] {
            table.add(tool, READY, value);
        }
        let expected = [
            "                                      min   median      max    ratio",
            "all nodes Ready, s       kind        40.0     40.0     40.0",
            "all nodes Ready, s       kindrs      10.0     15.0     20.0     0.38",
            "delete, s                kindrs       1.0      1.0      1.0",
        ];
        assert_eq!(table.to_string().lines().collect::<Vec<_>>(), expected);
    }
}
