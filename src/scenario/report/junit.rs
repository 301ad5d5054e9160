use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::Analysis;
use super::text::{Paint, failure_text};
use crate::scenario::history::StepState;
use crate::scenario::outcome::{Judgement, StepReport, Verdict};

/// Runs as JUnit XML for CI systems: a suite for each run, a case for each step and each background
/// assertion. An inconclusive result is an error.
///
/// # Errors
/// None in practice: characters that XML does not allow are left out.
pub fn junit(runs: &[Analysis]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("kindrs scenario");
    report.set_time(runs.iter().map(|run| run.run.elapsed).sum());
    for run in runs {
        report.add_test_suite(suite(run));
    }
    report.to_string()
}

fn suite(analysis: &Analysis) -> TestSuite {
    let run = &analysis.run;
    let mut suite = TestSuite::new(run.title());
    suite.timestamp = run.time.to_string().parse().ok();
    suite.set_time(run.elapsed);
    suite.add_property(("file", run.file.display().to_string().as_str()));
    suite.add_property(("variant", run.variant.as_str()));
    suite.add_property(("kubernetes", run.kubernetes.as_str()));
    suite.add_property(("verdict", run.verdict.to_string().as_str()));
    for figure in &analysis.figures {
        suite.add_property((figure.to_string().as_str(), figure.shown().as_str()));
    }
    for step in &run.steps {
        suite.add_test_case(step_case(analysis, step));
    }
    for judgement in analysis.background_judgements() {
        suite.add_test_case(assertion_case(analysis, judgement));
    }
    if let Some(error) = &run.error {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(error.as_str()).set_type("environment");
        let mut case = TestCase::new("run", status);
        case.set_classname(run.scenario.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn step_case(analysis: &Analysis, step: &StepReport) -> TestCase {
    let run = &analysis.run;
    let judged =
        run.judgements.iter().find(|judgement| judgement.step.as_ref() == Some(&step.name));
    let mut status = match step.state {
        StepState::Passed => TestCaseStatus::success(),
        StepState::Skipped => skipped("an earlier step did not pass"),
        // The failure that cut the step short counts.
        StepState::Inconclusive if run.has_failed() && step.is_cut_short() => skipped(&step.detail),
        StepState::Failed => not_passed(analysis, Verdict::Fail, &step.name, &step.detail),
        StepState::Started | StepState::Retried | StepState::Inconclusive => {
            not_passed(analysis, Verdict::Inconclusive, &step.name, &step.detail)
        }
    };
    for number in 1..step.attempts {
        let mut rerun = TestRerun::new(NonSuccessKind::Failure);
        rerun.set_message(format!("attempt {number} of {} failed", step.attempts));
        status.add_rerun(rerun);
    }
    let mut case = TestCase::new(step.name.as_str(), status);
    case.set_classname(run.scenario.as_str());
    case.set_time(step.duration().unwrap_or_default());
    let claim = judged.map(|judgement| &judgement.claim);
    let lines = [Some(&step.action), Some(&step.detail), claim].into_iter().flatten();
    let lines: Vec<&str> = lines.map(String::as_str).filter(|line| !line.is_empty()).collect();
    case.set_system_out(lines.join("\n"));
    case
}

fn assertion_case(analysis: &Analysis, judgement: &Judgement) -> TestCase {
    let summary = &judgement.explanation.summary;
    let status = match judgement.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        // The run ended before the span of the assertion.
        _ if judgement.span.is_none() => skipped(summary),
        verdict => not_passed(analysis, verdict, &judgement.assertion, summary),
    };
    let mut case = TestCase::new(judgement.assertion.as_str(), status);
    case.set_classname(analysis.run.scenario.as_str());
    let from = judgement.span.map(|span| span.from);
    case.set_time(from.map_or(Duration::ZERO, |from| judgement.decided - from));
    case.set_system_out(format!("{}\n{summary}", judgement.claim));
    case
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}

fn not_passed(analysis: &Analysis, verdict: Verdict, name: &str, summary: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(match verdict {
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::Pass | Verdict::Inconclusive => NonSuccessKind::Error,
    });
    status.set_type(verdict.to_string());
    let message = match analysis.failure(name) {
        Some(failure) => {
            status.set_description(failure_text(failure, Paint::PLAIN));
            &failure.summary
        }
        None if !summary.is_empty() => summary,
        None if verdict == Verdict::Fail => "a step of the group did not pass",
        None => "the step did not finish",
    };
    status.set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::history::StepCause;
    use crate::scenario::report::fixture;

    #[test]
    fn a_run_becomes_a_suite() {
        insta::assert_snapshot!(junit(&[fixture::analysis()]).unwrap());
    }

    #[test]
    fn a_step_that_a_failure_cut_short_is_skipped() {
        let mut run = fixture::run();
        run.steps[0].state = StepState::Inconclusive;
        run.steps[0].detail = "cut short: `two serve` failed".to_owned();
        run.steps[0].cause = StepCause::CutShort;
        let failed = junit(&[Analysis::new(run.clone(), &[])]).unwrap();
        assert!(
            failed.contains("<skipped message=\"cut short: `two serve` failed\"/>"),
            "{failed}"
        );
        run.judgements.clear();
        run.steps.truncate(1);
        let interrupted = junit(&[Analysis::new(run, &[])]).unwrap();
        assert!(interrupted.contains("<error message=\"cut short"), "{interrupted}");
    }

    #[test]
    fn leaves_out_characters_that_xml_does_not_allow() {
        let mut run = fixture::run();
        run.error = Some("bell \u{7}, colors \u{1b}[31m, <tags> & ]]>".to_owned());
        let xml = junit(&[Analysis::new(run, &[])]).unwrap();
        assert!(!xml.contains('\u{7}') && !xml.contains('\u{1b}'), "{xml}");
        let read = Report::deserialize_from_str(&xml).unwrap();
        let last = read.test_suites[0].test_cases.last().unwrap();
        let TestCaseStatus::NonSuccess { message: Some(message), .. } = &last.status else {
            panic!("{last:?}");
        };
        assert!(message.as_str().ends_with("<tags> & ]]>"), "{message:?}");
    }
}
