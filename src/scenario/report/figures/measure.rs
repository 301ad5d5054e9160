use super::{Figure, node_loss, readiness, run};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::lifetime::Lifetimes;
use crate::scenario::report::periods::Periods;

/// All figures of a run: of lost nodes, of workloads created in the run, and of the whole run.
pub fn figures(run: &RunReport, lifetimes: &Lifetimes, periods: &Periods) -> Vec<Figure> {
    let mut figures = node_loss::figures(lifetimes, &periods.faults);
    figures.extend(readiness::figures(lifetimes));
    figures.extend(run::figures(run, lifetimes, periods));
    figures
}

#[cfg(test)]
mod tests {
    use crate::scenario::history::Moment;
    use crate::scenario::report::{Analysis, fixture};

    #[test]
    fn measures_a_lost_node_a_workload_and_the_whole_run() {
        let lines = fixture::analysis()
            .figures
            .into_iter()
            .map(|figure| format!("{figure} = {} ({})", figure.shown(), figure.method));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn an_expected_event_that_did_not_happen_has_no_value() {
        let mut history = fixture::history();
        history.retain(|entry| entry.at < Moment(26_000_000));
        let figures = Analysis::new(fixture::run(), &history).figures;
        let all_ready = figures.iter().find(|figure| figure.name == "time to all ready").unwrap();
        assert_eq!(all_ready.of, "Node demo-worker");
        assert_eq!(all_ready.value, None);
        assert_eq!(all_ready.shown(), "did not happen");
    }

    #[test]
    fn a_run_without_a_record_has_no_figures() {
        assert_eq!(Analysis::new(fixture::run(), &[]).figures, []);
    }
}
