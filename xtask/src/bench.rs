use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Sandbox, docker, pass};

use crate::measures::{median, range};
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Kind,
    Kindrs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Ready,
    Dns,
    Memory,
    Delete,
}

const MEASURES: [(Measure, &str); 4] = [
    (Measure::Ready, "all nodes Ready, s"),
    (Measure::Dns, "DNS answers, s"),
    (Measure::Memory, "memory at rest, MiB"),
    (Measure::Delete, "delete, s"),
];

/// Runs the benchmark and prints its table.
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
                    end.get_or_insert(started.elapsed());
                }
            }
        } else if ["✗", "error:", "hint:"].iter().any(|mark| line.contains(mark)) {
            eprintln!("{line}");
        }
    }
    ensure!(create.wait()?.success(), "kindrs cannot create the cluster");
    let [ready, dns] = ends;
    table.add(Tool::Kindrs, Measure::Ready, seconds(ready.context("no stage about Ready nodes")?));
    table.add(Tool::Kindrs, Measure::Dns, seconds(dns.context("no stage about DNS")?));
    pass(30);
    table.add(Tool::Kindrs, Measure::Memory, memory(&format!("{}-", sandbox.name)));
    let started = Instant::now();
    sandbox.delete();
    table.add(Tool::Kindrs, Measure::Delete, seconds(started.elapsed()));
    Ok(())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
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
        table.add(Tool::Kind, Measure::Ready, ready);
        table.add(Tool::Kind, Measure::Dns, dns);
        pass(30);
        table.add(Tool::Kind, Measure::Memory, memory("kind-"));
        let started = Instant::now();
        self.delete()?;
        table.add(Tool::Kind, Measure::Delete, seconds(started.elapsed()));
        Ok(())
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
    let failed = text
        .lines()
        .any(|line| line.starts_with("kind 0 of") || line.starts_with("coredns is not"));
    if failed {
        None
    } else {
        Some((time("kind ", "nodes Ready: ")?, time("kind DNS", "available: ")?))
    }
}

/// The measures of all runs; displays as a table.
#[derive(Default)]
struct Table(Vec<(Tool, Measure, f64)>);

impl Table {
    fn add(&mut self, tool: Tool, measure: Measure, value: f64) {
        let title = MEASURES.iter().find(|(of, _)| *of == measure).map_or("", |(_, title)| title);
        let name = if tool == Tool::Kind { "kind" } else { "kindrs" };
        eprintln!("  {name}: {title}: {value:.2}");
        self.0.push((tool, measure, value));
    }

    fn values(&self, tool: Tool, measure: Measure) -> Vec<f64> {
        let rows = self.0.iter().filter(|(t, m, _)| (*t, *m) == (tool, measure));
        rows.map(|(_, _, value)| *value).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["min", "median", "max", "ratio"];
        write!(f, "{:<24} {:<7}", "", "")?;
        columns.iter().try_for_each(|column| write!(f, " {column:>8}"))?;
        writeln!(f)?;
        for (measure, title) in MEASURES {
            let kind = self.values(Tool::Kind, measure);
            for (tool, name) in [(Tool::Kind, "kind"), (Tool::Kindrs, "kindrs")] {
                let values = self.values(tool, measure);
                if values.is_empty() {
                    continue;
                }
                let ((min, max), middle) = (range(&values), median(&values));
                write!(f, "{title:<24} {name:<7} {min:>8.1} {middle:>8.1} {max:>8.1}")?;
                if tool == Tool::Kindrs && !kind.is_empty() {
                    write!(f, " {:>8.2}", middle / median(&kind))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_memory_that_docker_prints() {
        let of = |text: &str| mebibytes(text).map(|n| format!("{n:.2}"));
        assert_eq!(of("512KiB / 8GiB").as_deref(), Some("0.50"));
        assert_eq!(of("310.5MiB / 7.6GiB").as_deref(), Some("310.50"));
        assert_eq!(of("1.5GiB / 7.6GiB").as_deref(), Some("1536.00"));
        assert_eq!(of("-- / --"), None);
    }

    #[test]
    fn reads_the_times_that_the_anchor_prints() {
        let text = "kind create returned: 40.1 s\nkind 3 of 3 nodes Ready: 45.5 s\nkind DNS available: 50.25 s\n";
        let of = |text: &str| anchor_times(text).map(|(ready, dns)| format!("{ready:.2} {dns:.2}"));
        assert_eq!(of(text).as_deref(), Some("45.50 50.25"));
        assert_eq!(of(&text.replace("3 of 3", "0 of 3")), None);
        assert_eq!(of(&format!("{text}coredns is not available\n")), None);
        assert_eq!(of("kind 3 of 3 nodes Ready: 45.5 s\n"), None);
    }

    #[test]
    fn table_has_a_ratio_where_kind_was_measured() {
        let mut table = Table::default();
        for (tool, value) in [(Tool::Kind, 40.0), (Tool::Kindrs, 10.0), (Tool::Kindrs, 20.0)] {
            table.add(tool, Measure::Ready, value);
        }
        table.add(Tool::Kindrs, Measure::Delete, 1.0);
        let expected = [
            "                                      min   median      max    ratio",
            "all nodes Ready, s       kind        40.0     40.0     40.0",
            "all nodes Ready, s       kindrs      10.0     15.0     20.0     0.38",
            "delete, s                kindrs       1.0      1.0      1.0",
        ];
        assert_eq!(table.to_string().lines().collect::<Vec<_>>(), expected);
    }
}
