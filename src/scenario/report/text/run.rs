use std::fmt::Write as _;

use super::failure_text;
use super::layout::{Paint, WIDTH, wrapped, wrapping};
use crate::scenario::history::StepState;
use crate::scenario::outcome::Verdict;
use crate::scenario::report::label::Label;
use crate::scenario::report::summary::scenario_summaries;
use crate::scenario::report::{Analysis, format};

/// The indentation of text below the name of a step or an assertion.
const INDENT: &str = "                 ";

/// Runs for people at a terminal of 80 columns. Shows one run in full. Of several runs, shows those
/// that did not pass in full, then one line per run and the pass rate of each scenario.
pub fn text(runs: &[Analysis], color: bool) -> String {
    let paint = Paint { color };
    if let [run] = runs {
        return run_text(run, paint);
    }
    let mut out = String::new();
    for run in runs.iter().filter(|run| run.run.verdict != Verdict::Pass) {
        let _ = writeln!(out, "{}", run_text(run, paint));
    }
    for Analysis { run, .. } in runs {
        let label = Label::from(run.verdict);
        let verdict = paint.label(label, &format!("{} {:<12}", label.mark, label.word));
        let elapsed = format::duration(run.elapsed);
        let _ = writeln!(out, "{verdict} {:<54} {elapsed:>10}", run.title());
    }
    out.push('\n');
    for summary in scenario_summaries(runs) {
        wrapped(&mut out, "", "  ", &format!("{}: {summary}", summary.scenario));
    }
    out
}

fn run_text(run: &Analysis, paint: Paint) -> String {
    let mut out = String::new();
    header(&mut out, run, paint);
    steps(&mut out, run, paint);
    assertions(&mut out, run, paint);
    figures(&mut out, run, paint);
    for failure in &run.failures {
        let _ = write!(out, "\n{}", failure_text(failure, paint));
    }
    out
}

fn header(out: &mut String, Analysis { run, .. }: &Analysis, paint: Paint) {
    let label = Label::from(run.verdict);
    let verdict = paint.label(label, &label.to_string());
    wrapped(out, "", "  ", &format!("{verdict}  {}", paint.strong(&run.title())));
    if let Some(description) = &run.description {
        wrapped(out, "  ", "  ", description);
    }
    let mut facts = vec![run.file.display().to_string(), format!("cluster {}", run.cluster)];
    if let Some(creation) = run.creation {
        facts.push(format!("created in {}", unbroken(&format::duration(creation))));
    }
    if run.kept {
        facts.push("kept".to_owned());
    }
    if !run.kubernetes.is_empty() {
        facts.push(format!("Kubernetes {}", run.kubernetes));
    }
    facts.push(format!("ran for {}", unbroken(&format::duration(run.elapsed))));
    let mut line = String::new();
    wrapped(&mut line, "  ", "  ", &facts.join(", "));
    out.push_str(&line.replace('\u{a0}', " "));
    wrapped(out, "  ", "  ", &format!("record: {}", run.history.display()));
    if let Some(error) = &run.error {
        wrapped(out, "  ", "  ", &paint.label(Verdict::Fail.into(), &format!("error: {error}")));
    }
}

/// Keeps a number and its unit on one line.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// A line of a list: a label, a name, and two columns on the right.
fn row(out: &mut String, paint: Paint, label: Label, name: &str, [first, second]: [&str; 2]) {
    let sign = paint.label(label, &format!("{} {:<12}", label.mark, label.word));
    let right = format!("{first:>9} {second:>10}");
    let room = WIDTH - INDENT.len() - right.len() - 1;
    for (number, name) in textwrap::wrap(name, wrapping(room)).iter().enumerate() {
        let pad = " ".repeat(room.saturating_sub(textwrap::core::display_width(name)));
        let text = match number {
            0 => format!("  {sign} {name}{pad} {}", paint.faint(&right)),
            _ => format!("{INDENT}{name}"),
        };
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

fn steps(out: &mut String, run: &Analysis, paint: Paint) {
    if run.run.steps.is_empty() {
        return;
    }
    let head = format!("{:<60}{:>9} {:>10}", "Steps", "started", "duration");
    let _ = writeln!(out, "\n{}", paint.strong(&head));
    for step in &run.run.steps {
        let name = format!("{}{}", "  ".repeat(step.depth), step.name);
        let started = step.started.map(|at| at.to_string()).unwrap_or_default();
        let duration = step.duration().map(format::duration).unwrap_or_default();
        row(out, paint, step.state.into(), &name, [&started, &duration]);
        if step.attempts > 1 {
            wrapped(out, INDENT, INDENT, &format!("{} attempts", step.attempts));
        }
        // The duration of a wait is in its column, and the explanation of a failure below.
        let is_shown_elsewhere = step.detail.is_empty()
            || run.failure(&step.name).is_some()
            || (step.action == "wait" && step.state == StepState::Passed);
        if !is_shown_elsewhere {
            wrapped(out, INDENT, INDENT, &step.detail);
        }
    }
}

fn assertions(out: &mut String, run: &Analysis, paint: Paint) {
    let mut judgements = run.background_judgements().peekable();
    if judgements.peek().is_none() {
        return;
    }
    let head = format!("{:<60}{:>20}", "Assertions in the background", "decided at");
    let _ = writeln!(out, "\n{}", paint.strong(&head));
    for judgement in judgements {
        let decided = judgement.decided.to_string();
        row(out, paint, judgement.verdict.into(), &judgement.assertion, ["", &decided]);
        if run.failure(&judgement.assertion).is_none() {
            wrapped(out, INDENT, INDENT, &judgement.explanation.summary);
        }
    }
}

fn figures(out: &mut String, run: &Analysis, paint: Paint) {
    if run.figures.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.strong("Figures"));
    for figures in run.figures.chunk_by(|one, other| one.of == other.of) {
        let _ = writeln!(out, "  {}", paint.faint(figures[0].subject()));
        for figure in figures {
            let _ = writeln!(out, "    {:<52} {:>21}", figure.name, figure.shown());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn shows_a_failed_run_in_full() {
        insta::assert_snapshot!(text(&[fixture::analysis()], false));
    }

    #[test]
    fn shows_a_passed_run_in_brief() {
        insta::assert_snapshot!(text(&[fixture::passed_analysis()], false));
    }

    #[test]
    fn shows_the_pass_rate_of_several_runs() {
        let mut failed = fixture::run();
        failed.steps.clear();
        failed.judgements.clear();
        let runs = [fixture::passed_analysis(), Analysis::new(failed, &[])];
        insta::assert_snapshot!(text(&runs, false));
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_and_colors_add_no_text() {
        let run = [fixture::analysis()];
        let (plain, colored) = (text(&run, false), text(&run, true));
        for line in plain.lines().chain(colored.lines()) {
            assert!(textwrap::core::display_width(line) <= WIDTH, "{line}");
        }
        assert!(colored.contains("\x1b[1;31m✗ FAIL\x1b[0m"));
        let mut uncolored = colored;
        for code in ["0", "1", "2", "32", "33", "1;31"] {
            uncolored = uncolored.replace(&format!("\x1b[{code}m"), "");
        }
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(split(&uncolored), split(&plain));
    }

    #[test]
    fn shows_why_a_run_did_not_start() {
        let mut run = fixture::run();
        run.steps.clear();
        run.judgements.clear();
        run.verdict = Verdict::Inconclusive;
        run.error = Some("no image for Kubernetes v9.9.9".to_owned());
        run.kubernetes.clear();
        insta::assert_snapshot!(text(&[Analysis::new(run, &[])], false));
    }
}
