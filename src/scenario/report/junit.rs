//! Reports for CI systems: JUnit XML.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::text::{Paint, details_text};
use super::{Details, explanations, figures};
use crate::scenario::history::{Entry, StepState};
use crate::scenario::judge::{Judgement, Verdict};
use crate::scenario::outcome::{RunReport, StepReport};

/// Runs as JUnit XML: a suite for a run, a case for each step and each assertion in the background. A
/// failure has its explanation; what is inconclusive is an error.
///
/// # Errors
/// None that is known of: texts are made fit for XML.
pub fn junit(runs: &[(RunReport, Vec<Entry>)]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("kindrs scenario");
    report.set_time(runs.iter().map(|(run, _)| run.elapsed).sum());
    for (run, history) in runs {
        report.add_test_suite(suite(run, history));
    }
    report.to_string()
}

fn suite(run: &RunReport, history: &[Entry]) -> TestSuite {
    let mut suite = TestSuite::new(run.title());
    suite.timestamp = run.time.to_string().parse().ok();
    suite.set_time(run.elapsed);
    suite.add_property(("file", run.file.display().to_string().as_str()));
    suite.add_property(("variant", run.variant.as_str()));
    suite.add_property(("kubernetes", run.kubernetes.as_str()));
    suite.add_property(("verdict", run.verdict.to_string().as_str()));
    for figure in figures(run, history) {
        suite.add_property((figure.to_string().as_str(), figure.shown().as_str()));
    }
    let details = explanations(run, history);
    for step in &run.steps {
        suite.add_test_case(step_case(run, step, &details));
    }
    for judgement in run.judgements.iter().filter(|judgement| judgement.step.is_none()) {
        suite.add_test_case(assertion_case(run, judgement, &details));
    }
    if let Some(error) = &run.error {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(error.as_str()).set_type("environment");
        let mut case = TestCase::new("the run", status);
        case.set_classname(run.scenario.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn step_case(run: &RunReport, step: &StepReport, details: &[Details]) -> TestCase {
    let judged =
        run.judgements.iter().find(|judgement| judgement.step.as_ref() == Some(&step.name));
    let mut status = match step.state {
        StepState::Passed => TestCaseStatus::success(),
        StepState::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("a step before it did not pass");
            status
        }
        // Another failure has cut it short, and counts.
        StepState::Inconclusive if run.has_failed() && step.detail.starts_with("cut short") => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(step.detail.as_str());
            status
        }
        StepState::Failed => not_passed(Verdict::Fail, &step.name, &step.detail, details),
        StepState::Started | StepState::Retried | StepState::Inconclusive => {
            not_passed(Verdict::Inconclusive, &step.name, &step.detail, details)
        }
    };
    for number in 1..step.attempts {
        let mut rerun = TestRerun::new(NonSuccessKind::Failure);
        rerun.set_message(format!("try {number} of {} failed", step.attempts));
        status.add_rerun(rerun);
    }
    let mut case = TestCase::new(step.name.as_str(), status);
    case.set_classname(run.scenario.as_str());
    case.set_time(step.started.zip(step.ended).map(|(from, to)| to - from).unwrap_or_default());
    let mut out = step.action.clone();
    for line in [Some(&step.detail), judged.map(|judgement| &judgement.claim)].into_iter().flatten()
    {
        if !line.is_empty() {
            out.push('\n');
            out.push_str(line);
        }
    }
    case.set_system_out(out);
    case
}

fn assertion_case(run: &RunReport, judgement: &Judgement, details: &[Details]) -> TestCase {
    let status = match judgement.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        // Nothing is to be said of it.
        _ if judgement.span.is_none() => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(judgement.explanation.summary.as_str());
            status
        }
        verdict => {
            let summary = &judgement.explanation.summary;
            not_passed(verdict, &judgement.assertion, summary, details)
        }
    };
    let mut case = TestCase::new(judgement.assertion.as_str(), status);
    case.set_classname(run.scenario.as_str());
    let from = judgement.span.map(|span| span.from);
    case.set_time(from.map_or(Duration::ZERO, |from| judgement.decided - from));
    case.set_system_out(format!("{}\n{}", judgement.claim, judgement.explanation.summary));
    case
}

fn not_passed(verdict: Verdict, name: &str, summary: &str, details: &[Details]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(match verdict {
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::Pass | Verdict::Inconclusive => NonSuccessKind::Error,
    });
    status.set_type(verdict.to_string());
    match details.iter().find(|details| details.name == name) {
        Some(details) => {
            status.set_message(details.summary.as_str());
            status.set_description(details_text(details, Paint::PLAIN));
        }
        None if !summary.is_empty() => {
            status.set_message(summary);
        }
        // A group fails by what is in it.
        None if verdict == Verdict::Fail => {
            status.set_message("a step in it did not pass");
        }
        None => {
            status.set_message("it did not come to an end");
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn a_run_is_a_suite() {
        let runs = [(fixture::run(), fixture::history())];
        insta::assert_snapshot!(junit(&runs).unwrap());
    }

    #[test]
    fn what_a_failure_cuts_short_is_no_error() {
        let mut run = fixture::run();
        run.steps[0].state = StepState::Inconclusive;
        run.steps[0].detail = "cut short: `two serve` failed".to_owned();
        let failed = junit(&[(run.clone(), Vec::new())]).unwrap();
        assert!(
            failed.contains("<skipped message=\"cut short: `two serve` failed\"/>"),
            "{failed}"
        );
        run.judgements.clear();
        run.steps.truncate(1);
        let interrupted = junit(&[(run, Vec::new())]).unwrap();
        assert!(interrupted.contains("<error message=\"cut short"), "{interrupted}");
    }

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        let mut run = fixture::run();
        run.error = Some("bell \u{7}, colors \u{1b}[31m, <tags> & ]]>".to_owned());
        let xml = junit(&[(run, Vec::new())]).unwrap();
        assert!(!xml.contains('\u{7}') && !xml.contains('\u{1b}'), "{xml}");
        let read = Report::deserialize_from_str(&xml).unwrap();
        let last = read.test_suites[0].test_cases.last().unwrap();
        let TestCaseStatus::NonSuccess { message: Some(message), .. } = &last.status else {
            panic!("{last:?}");
        };
        assert!(message.as_str().ends_with("<tags> & ]]>"), "{message:?}");
    }
}
