use std::fmt::Write as _;

use super::details::{WIDTH, words, wrapped};
use super::{Paint, details_text, seconds, step_mark, step_word, verdict_mark, verdict_word};
use crate::scenario::history::{Entry, StepState};
use crate::scenario::judge::{Judgement, Verdict};
use crate::scenario::outcome::{RunReport, StepReport};
use crate::scenario::report::explain::{Details, explanations};
use crate::scenario::report::figures::figures;
use crate::scenario::report::runs::scenario_runs;

/// A run for people at a terminal of 80 columns: steps, assertions, figures, and why something did
/// not pass.
pub fn render(run: &RunReport, history: &[Entry], color: bool) -> String {
    let paint = Paint { color };
    let mut out = String::new();
    header(&mut out, run, paint);
    let explained = explanations(run, history);
    steps(&mut out, run, &explained, paint);
    assertions(&mut out, run, &explained, paint);
    let measured = figures(run, history);
    if !measured.is_empty() {
        let _ = writeln!(out, "\n{}", paint.strong("Figures"));
    }
    let mut of = None;
    for figure in &measured {
        if of != Some(&figure.of) {
            of = Some(&figure.of);
            let title = if figure.of.is_empty() { "the run" } else { &figure.of };
            let _ = writeln!(out, "  {}", paint.faint(title));
        }
        let _ = writeln!(out, "    {:<52} {:>21}", figure.name, figure.shown());
    }
    for details in &explained {
        let _ = write!(out, "\n{}", details_text(details, paint));
    }
    out
}

/// Runs for people: one in full; of several, those that passed in a line, and the rate of each scenario
/// in the end.
pub fn render_all(runs: &[(RunReport, Vec<Entry>)], color: bool) -> String {
    let paint = Paint { color };
    if let [(run, history)] = runs {
        return render(run, history, color);
    }
    let mut out = String::new();
    for (run, history) in runs {
        if run.verdict != Verdict::Pass {
            let _ = writeln!(out, "{}", render(run, history, color));
        }
    }
    for (run, _) in runs {
        let mark = format!("{} {:<12}", verdict_mark(run.verdict), verdict_word(run.verdict));
        let row = [paint.verdict(run.verdict, &mark), run.title(), seconds(run.elapsed)];
        let _ = writeln!(out, "{} {:<54} {:>10}", row[0], row[1], row[2]);
    }
    out.push('\n');
    let reports: Vec<&RunReport> = runs.iter().map(|(run, _)| run).collect();
    for scenario in scenario_runs(&reports) {
        let line = format!("{}: {}", scenario.scenario, scenario.summary());
        wrapped(&mut out, "", "  ", &line);
    }
    out
}

fn header(out: &mut String, run: &RunReport, paint: Paint) {
    let verdict = format!("{} {}", verdict_mark(run.verdict), verdict_word(run.verdict));
    let verdict = paint.verdict(run.verdict, &verdict);
    wrapped(out, "", "  ", &format!("{verdict}  {}", paint.strong(&run.title())));
    if let Some(description) = &run.description {
        wrapped(out, "  ", "  ", description);
    }
    let mut facts = vec![run.file.display().to_string(), format!("cluster {}", run.cluster)];
    if !run.kubernetes.is_empty() {
        facts.push(format!("Kubernetes {}", run.kubernetes));
    }
    if let Some(creation) = run.creation {
        facts.push(format!("made in {}", together(&seconds(creation))));
    }
    facts.push(format!("ran for {}", together(&seconds(run.elapsed))));
    if run.kept {
        facts.push("kept".to_owned());
    }
    // A number and its unit stay together.
    let mut line = String::new();
    wrapped(&mut line, "  ", "  ", &facts.join(", "));
    out.push_str(&line.replace('\u{a0}', " "));
    wrapped(out, "  ", "  ", &format!("record: {}", run.history.display()));
    if let Some(error) = &run.error {
        wrapped(out, "  ", "  ", &paint.verdict(Verdict::Fail, &format!("error: {error}")));
    }
}

/// A number with its unit, as one word.
fn together(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// A line of a list: sign, word, name, and two columns at the right.
fn line(out: &mut String, paint: Paint, verdict: Option<Verdict>, mark: &str, row: [&str; 4]) {
    let [word, name, first, second] = row;
    let sign = format!("{mark} {word:<12}");
    let sign = match verdict {
        Some(verdict) => paint.verdict(verdict, &sign),
        None => paint.faint(&sign),
    };
    let right = format!("{first:>9} {second:>10}");
    let room = WIDTH - 17 - right.len() - 1;
    let lines = textwrap::wrap(name, words(room));
    for (number, name) in lines.iter().enumerate() {
        let pad = " ".repeat(room.saturating_sub(textwrap::core::display_width(name)));
        let text = match number {
            0 => format!("  {sign} {name}{pad} {}", paint.faint(&right)),
            _ => format!("{}{name}", " ".repeat(17)),
        };
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

/// Whether the text below says why a step or an assertion did not pass.
fn is_explained(name: &str, explained: &[Details]) -> bool {
    explained.iter().any(|details| details.name == name)
}

fn steps(out: &mut String, run: &RunReport, explained: &[Details], paint: Paint) {
    if run.steps.is_empty() {
        return;
    }
    let head = format!("{:<60}{:>9} {:>10}", "Steps", "at", "took");
    let _ = writeln!(out, "\n{}", paint.strong(&head));
    for step in &run.steps {
        let verdict = match step.state {
            StepState::Passed => Some(Verdict::Pass),
            StepState::Failed => Some(Verdict::Fail),
            StepState::Skipped => None,
            StepState::Started | StepState::Retried | StepState::Inconclusive => {
                Some(Verdict::Inconclusive)
            }
        };
        let name = format!("{}{}", "  ".repeat(step.depth), step.name);
        let (at, took) = times(step);
        let row = [step_word(step.state), &name, &at, &took];
        line(out, paint, verdict, step_mark(step.state), row);
        if step.attempts > 1 {
            wrapped(
                out,
                &" ".repeat(17),
                &" ".repeat(17),
                &format!("tried {} times", step.attempts),
            );
        }
        // How long it was waited for stands at the right.
        let is_told = step.detail.is_empty()
            || is_explained(&step.name, explained)
            || (step.action == "wait" && step.state == StepState::Passed);
        if !is_told {
            wrapped(out, &" ".repeat(17), &" ".repeat(17), &step.detail);
        }
    }
}

fn times(step: &StepReport) -> (String, String) {
    let at = step.started.map(|at| at.to_string()).unwrap_or_default();
    let took = step.started.zip(step.ended).map(|(from, to)| seconds(to - from));
    (at, took.unwrap_or_default())
}

/// Those of the background: the others are steps.
fn assertions(out: &mut String, run: &RunReport, explained: &[Details], paint: Paint) {
    let mut judgements =
        run.judgements.iter().filter(|judgement| judgement.step.is_none()).peekable();
    if judgements.peek().is_none() {
        return;
    }
    let head = format!("{:<60}{:>20}", "Assertions in the background", "certain at");
    let _ = writeln!(out, "\n{}", paint.strong(&head));
    for Judgement { assertion, verdict, decided, explanation, .. } in judgements {
        let at = decided.to_string();
        let row = [verdict_word(*verdict), assertion, "", &at];
        line(out, paint, Some(*verdict), verdict_mark(*verdict), row);
        if !is_explained(assertion, explained) {
            let indent = " ".repeat(17);
            wrapped(out, &indent, &indent, &explanation.summary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn a_failed_run_tells_all_of_it() {
        insta::assert_snapshot!(render(&fixture::run(), &fixture::history(), false));
    }

    #[test]
    fn a_passed_run_is_short() {
        insta::assert_snapshot!(render(&fixture::passed(), &fixture::history(), false));
    }

    #[test]
    fn several_runs_end_with_the_rate_of_each_scenario() {
        let mut failed = fixture::run();
        failed.steps.clear();
        failed.judgements.clear();
        let runs = [(fixture::passed(), fixture::history()), (failed, Vec::new())];
        insta::assert_snapshot!(render_all(&runs, false));
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_and_colors_add_nothing() {
        let plain = render(&fixture::run(), &fixture::history(), false);
        let colored = render(&fixture::run(), &fixture::history(), true);
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
    fn a_run_that_never_began_says_why() {
        let mut run = fixture::run();
        run.steps.clear();
        run.judgements.clear();
        run.verdict = Verdict::Inconclusive;
        run.error = Some("no image for Kubernetes v9.9.9".to_owned());
        run.kubernetes.clear();
        insta::assert_snapshot!(render(&run, &[], false));
    }
}
