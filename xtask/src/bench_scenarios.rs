use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::measures::median;
use crate::program;

/// Measure how long it takes to judge the record of a run
///
/// Judges 50 assertions over the record of an imaginary busy cluster, and prints medians in milliseconds.
/// Needs neither Docker nor a cluster.
#[derive(clap::Args)]
pub struct Arguments {
    /// Events in the record
    #[arg(long, default_value_t = 100_000)]
    events: u32,
    /// Number of runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Runs the benchmark and prints a line for each measure.
pub fn run(arguments: &Arguments) -> Result<()> {
    let selection = ["--example", "evaluate_history"];
    let example = program::release_build(&selection, "examples/evaluate_history")?;
    let mut measures: Vec<(String, Vec<f64>)> = Vec::new();
    for _ in 0..arguments.runs {
        let ran = Command::new(&example).arg(arguments.events.to_string()).output();
        let ran = ran.context("cannot run the example")?;
        ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        for (name, value) in milliseconds(&String::from_utf8_lossy(&ran.stdout)) {
            match measures.iter_mut().find(|(measure, _)| *measure == name) {
                Some((_, values)) => values.push(value),
                None => measures.push((name, vec![value])),
            }
        }
    }
    for (name, values) in measures {
        println!("{name:<28} {:>6.0} ms", median(&values));
    }
    Ok(())
}

/// The names and values of lines such as `judging   120 ms`.
fn milliseconds(text: &str) -> Vec<(String, f64)> {
    let lines = text.lines().filter_map(|line| line.strip_suffix(" ms")?.rsplit_once(' '));
    lines.filter_map(|(name, value)| Some((name.trim().to_owned(), value.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_with_milliseconds_only() {
        let text = "record              12 MB\nreading and judging     120 ms\n8 were decided\n";
        assert_eq!(milliseconds(text), [("reading and judging".to_owned(), 120.0)]);
    }
}
