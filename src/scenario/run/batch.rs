use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::run_one::{Job, Options, run_one};
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::outcome::RunReport;

/// The runs of one command.
#[derive(Clone)]
pub struct Batch {
    pub jobs: Vec<Job>,
    pub parallel: usize,
    pub options: Options,
}

/// A part of all runs, for one of several machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// Whether the run at this position, from 0, belongs to the part.
    pub fn has(self, number: usize) -> bool {
        number % self.of == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a part such as 1/3, the first of three".to_owned();
        let (index, of) = text.split_once('/').ok_or_else(expected)?;
        let (index, of): (usize, usize) =
            (index.parse().map_err(|_| expected())?, of.parse().map_err(|_| expected())?);
        if index == 0 || index > of {
            return Err(format!("part {index} of {of} does not exist: {}", expected()));
        }
        Ok(Self { index: index - 1, of })
    }
}

/// Runs all jobs, and returns their reports in order. `interrupted` ends the current runs and skips the
/// others.
pub async fn run_all(
    engine: &Arc<dyn Engine>,
    batch: &Batch,
    progress: &Progress,
    interrupted: &CancellationToken,
) -> Vec<RunReport> {
    // Runs on the same cluster would affect each other.
    let mut clusters: BTreeMap<&str, Arc<Mutex<()>>> = BTreeMap::new();
    for job in &batch.jobs {
        clusters.entry(&job.cluster).or_default();
    }
    let several = batch.parallel > 1;
    let runs = batch.jobs.iter().map(|job| {
        let lock = clusters.get(job.cluster.as_str()).cloned().unwrap_or_default();
        async move {
            let _lock = lock.lock().await;
            if interrupted.is_cancelled() {
                return None;
            }
            let title = title(job);
            progress.note(format!("Running scenario {title}"));
            let progress = if several { progress.within(&title) } else { progress.clone() };
            Some(run_one(engine, job, &batch.options, &progress, interrupted).await)
        }
    });
    let runs: Vec<_> = runs.collect();
    let reports = stream::iter(runs).buffered(batch.parallel.max(1));
    reports.filter_map(std::future::ready).collect().await
}

fn title(job: &Job) -> String {
    let name = &job.scenario.metadata.name;
    if job.variant.is_empty() { name.clone() } else { format!("{name} ({})", job.variant) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_is_in_exactly_one_part() {
        let parts: Vec<Shard> = (1..=3).map(|part| format!("{part}/3").parse().unwrap()).collect();
        for number in 0..10 {
            assert_eq!(parts.iter().filter(|part| part.has(number)).count(), 1);
        }
        for text in ["", "0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
