//! Measures how long reading and judging the record of a busy cluster takes, with fifty assertions.
//!
//! `cargo run --release --example evaluate_history [EVENTS]` prints milliseconds, one measurement per line.

mod assertions;
mod cluster;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use kindrs::scenario::history::{Reader, Writer};
use kindrs::scenario::judge::{Evaluator, Program};
use kindrs::scenario::outcome::Verdict;

fn main() -> anyhow::Result<()> {
    let events = match std::env::args().nth(1) {
        Some(number) => number.parse().context("expected a number of events")?,
        None => 100_000,
    };
    let scenario = serde_yaml::from_str(&assertions::scenario())?;
    let began = Instant::now();
    let program = Program::compile(&scenario)
        .map_err(|invalid| anyhow::anyhow!("invalid scenario: {invalid:#?}"))?;
    let program = Arc::new(program);
    print_time("compiling", began);

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.jsonl");
    let mut writer = Writer::create(&path)?;
    for entry in cluster::entries(events) {
        writer.write(&entry)?;
    }
    writer.flush()?;
    println!("{:<28} {:>7} MB", "record", std::fs::metadata(&path)?.len() >> 20);

    let began = Instant::now();
    let entries: Vec<_> = Reader::open(&path, Some(program.kinds()))?.collect::<Result<_, _>>()?;
    print_time("reading", began);

    let (began, used) = (Instant::now(), processor_time());
    let mut evaluator = Evaluator::new(Arc::clone(&program));
    for entry in &entries {
        evaluator.accept(entry);
    }
    let judgements = evaluator.take_decided();
    print_time("judging", began);
    let used = processor_time().saturating_sub(used);
    println!("{:<28} {:>7} ms", "judging, processor's time", used.as_millis());

    drop((entries, evaluator));
    let began = Instant::now();
    let entries = Reader::open(&path, Some(program.kinds()))?.map_while(Result::ok);
    let again = kindrs::scenario::judge::judge(program, entries);
    print_time("reading and judging", began);

    let count = |verdict| judgements.iter().filter(|judged| judged.verdict == verdict).count();
    println!(
        "{} judged: {} pass, {} fail, {} inconclusive",
        again.len(),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive)
    );
    let end = judgements.iter().map(|judged| judged.decided).max().unwrap_or_default();
    let early = judgements.iter().filter(|judged| judged.decided < end);
    println!("{} were decided before the end", early.count());
    Ok(())
}

/// Returns the processor time of this thread, which a busy machine does not change; zero if unknown.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

fn print_time(what: &str, began: Instant) {
    println!("{what:<28} {:>7} ms", began.elapsed().as_millis());
}
