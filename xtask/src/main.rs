//! Tasks of kindrs' developers that are too long for a shell script: `cargo xtask TASK`.

mod bench;
mod bench_faults;
mod bench_scenarios;
mod bench_waiting;
mod measures;
mod program;
mod scenario_page;
mod scenario_pages;
mod soak_faults;

use clap::Parser;

/// Tasks of kindrs' developers
///
/// Those that need a cluster create it and delete it at their end. An interrupted task can leave its
/// cluster; the next task, or `cargo test --test e2e`, deletes it. KINDRS names the kindrs to use
/// [default: a release build of this checkout].
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    Bench(bench::Arguments),
    BenchFaults(bench_faults::Arguments),
    BenchScenarios(bench_scenarios::Arguments),
    BenchWaiting(bench_waiting::Arguments),
    ScenarioPages(scenario_pages::Arguments),
    SoakFaults(soak_faults::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::BenchFaults(arguments) => bench_faults::run(&arguments),
        Task::BenchScenarios(arguments) => bench_scenarios::run(&arguments),
        Task::BenchWaiting(arguments) => bench_waiting::run(&arguments),
        Task::ScenarioPages(arguments) => scenario_pages::run(&arguments),
        Task::SoakFaults(arguments) => soak_faults::run(&arguments),
    }
}
