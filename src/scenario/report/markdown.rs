use std::fmt::Write as _;

use super::label::Label;
use super::summary::scenario_summaries;
use super::text::{Paint, failure_text};
use super::{Analysis, format};
use crate::scenario::history::StepState;
use crate::scenario::outcome::{RunReport, Verdict};

/// CI systems limit the size of a summary. Further failures are listed without details.
const MOST_DETAILS: usize = 20;

/// Runs as a Markdown summary for the page of a CI job: a table of the runs, their failures and
/// figures. `pages` are links to the HTML pages of the runs, in the same order. An empty link is
/// left out.
pub fn markdown(runs: &[Analysis], pages: &[String]) -> String {
    let mut out = String::from("## Scenarios\n\n");
    for summary in scenario_summaries(runs) {
        let _ = writeln!(out, "- **{}**: {summary}", cell(&summary.scenario));
    }
    out.push_str("\n| | Run | Kubernetes | Duration | Steps | Assertions | Retries |\n");
    out.push_str("|---|---|---|---:|---:|---:|---|\n");
    for (number, run) in runs.iter().enumerate() {
        row(&mut out, &run.run, pages.get(number).map_or("", String::as_str));
    }
    failures(&mut out, runs);
    for run in runs {
        figures(&mut out, run);
    }
    out
}

fn row(out: &mut String, run: &RunReport, page: &str) {
    let name = match page {
        "" => cell(&run.title()),
        page => format!("[{}]({})", cell(&run.title()), page.replace(' ', "%20")),
    };
    let passed = run.steps.iter().filter(|step| step.state == StepState::Passed).count();
    let held = run.judgements.iter().filter(|judgement| judgement.verdict == Verdict::Pass).count();
    let retried: Vec<String> = run
        .steps
        .iter()
        .filter(|step| step.attempts > 1)
        .map(|step| format!("{} (×{})", cell(&step.name), step.attempts))
        .collect();
    let _ = writeln!(
        out,
        "| {} | {name} | {} | {} | {passed}/{} | {held}/{} | {} |",
        Label::from(run.verdict),
        cell(&run.kubernetes),
        format::duration(run.elapsed),
        run.steps.len(),
        run.judgements.len(),
        if retried.is_empty() { "none".to_owned() } else { retried.join(", ") },
    );
}

fn failures(out: &mut String, runs: &[Analysis]) {
    let mut shown = 0;
    for Analysis { run, failures, .. } in runs.iter().filter(|run| run.run.verdict != Verdict::Pass)
    {
        let mark = Label::from(run.verdict).mark;
        let _ = writeln!(out, "\n### {mark} {}\n", cell(&run.title()));
        if let Some(error) = &run.error {
            let _ = writeln!(out, "The run ended early: {}\n", cell(error));
        }
        for failure in failures {
            let summary = format!("{}: {}", html(&failure.name), html(&failure.summary));
            let mark = Label::from(failure.verdict).mark;
            shown += 1;
            if shown > MOST_DETAILS {
                let _ = writeln!(out, "- {mark} {summary}");
                continue;
            }
            let text = failure_text(failure, Paint::PLAIN);
            let fence = fence(&text);
            let _ = write!(
                out,
                "<details><summary>{mark} {summary}</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n"
            );
        }
    }
}

fn figures(out: &mut String, Analysis { run, figures, .. }: &Analysis) {
    if figures.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n<details><summary>Figures of {}</summary>\n\n| Object | Figure | Value | Method |\n|---|---|---:|---|",
        html(&run.title())
    );
    for figure in figures {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell(figure.subject()),
            cell(figure.name),
            figure.shown(),
            cell(&figure.method)
        );
    }
    out.push_str("\n</details>\n");
}

/// Escapes text for a cell of a table or a line.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '~' => {
                out.push('\\');
                out.push(character);
            }
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Escapes text for an HTML element.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(['\n', '\r'], " ")
}

/// A fence that does not occur in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn shows_the_pass_rate_a_table_and_the_failures() {
        let runs = [fixture::passed_analysis(), fixture::analysis()];
        let pages = ["1/report.html".to_owned(), "2/report.html".to_owned()];
        insta::assert_snapshot!(markdown(&runs, &pages));
    }

    #[test]
    fn escapes_text_in_tables_and_fences() {
        assert_eq!(cell("a|b\n<c> & [d](e)"), r"a\|b \<c\> &amp; \[d\](e)");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
