//! Reports for a CI job's page: a summary in Markdown, as GitHub and GitLab show it.

use std::fmt::Write as _;

use super::runs::scenario_runs;
use super::text::{Paint, details_text, seconds, verdict_mark, verdict_word};
use super::{explanations, figures};
use crate::scenario::history::{Entry, StepState};
use crate::scenario::judge::Verdict;
use crate::scenario::outcome::RunReport;

/// A page of some systems holds no more: the rest of the failures is named, without details.
const MOST_DETAILS: usize = 20;

/// Runs as Markdown: a table of them, each failure to be unfolded, figures. `pages` are the runs' HTML
/// pages, in the same order; one that is empty is not linked.
pub fn markdown(runs: &[(RunReport, Vec<Entry>)], pages: &[String]) -> String {
    let mut out = String::from("## Scenarios\n\n");
    let reports: Vec<&RunReport> = runs.iter().map(|(run, _)| run).collect();
    for scenario in scenario_runs(&reports) {
        let _ = writeln!(out, "- **{}**: {}", cell(&scenario.scenario), scenario.summary());
    }
    out.push_str("\n| | Run | Kubernetes | Took | Steps | Assertions | Tried again |\n");
    out.push_str("|---|---|---|---:|---:|---:|---|\n");
    for (number, run) in reports.iter().enumerate() {
        let page = pages.get(number).map(String::as_str).unwrap_or_default();
        row(&mut out, run, page);
    }
    failures(&mut out, runs);
    for (run, history) in runs {
        measured(&mut out, run, history);
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
        "| {} {} | {name} | {} | {} | {passed}/{} | {held}/{} | {} |",
        verdict_mark(run.verdict),
        verdict_word(run.verdict),
        cell(&run.kubernetes),
        seconds(run.elapsed),
        run.steps.len(),
        run.judgements.len(),
        if retried.is_empty() { "no".to_owned() } else { retried.join(", ") },
    );
}

fn failures(out: &mut String, runs: &[(RunReport, Vec<Entry>)]) {
    let mut shown = 0;
    for (run, history) in runs.iter().filter(|(run, _)| run.verdict != Verdict::Pass) {
        let _ = writeln!(out, "\n### {} {}\n", verdict_mark(run.verdict), cell(&run.title()));
        if let Some(error) = &run.error {
            let _ = writeln!(out, "The run did not come to its end: {}\n", cell(error));
        }
        for details in explanations(run, history) {
            let summary = format!("{}: {}", html(&details.name), html(&details.summary));
            let mark = verdict_mark(details.verdict);
            shown += 1;
            if shown > MOST_DETAILS {
                let _ = writeln!(out, "- {mark} {summary}");
                continue;
            }
            let text = details_text(&details, Paint::PLAIN);
            let fence = fence(&text);
            let _ = write!(
                out,
                "<details><summary>{mark} {summary}</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n"
            );
        }
    }
}

fn measured(out: &mut String, run: &RunReport, history: &[Entry]) {
    let figures = figures(run, history);
    if figures.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n<details><summary>Figures of {}</summary>\n\n| Of | Figure | Value | How it is measured |\n|---|---|---:|---|",
        html(&run.title())
    );
    for figure in figures {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            if figure.of.is_empty() { "the run".to_owned() } else { cell(&figure.of) },
            cell(&figure.name),
            figure.shown(),
            cell(&figure.method)
        );
    }
    out.push_str("\n</details>\n");
}

/// Text as it is, for a cell of a table or a line.
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

/// Text as it is, for an element of HTML.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(['\n', '\r'], " ")
}

/// A fence that the text has not.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut current = 0;
    for character in text.chars() {
        current = if character == '`' { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn two_runs_have_a_rate_a_table_and_details() {
        let runs = [(fixture::passed(), fixture::history()), (fixture::run(), fixture::history())];
        let pages = ["1/report.html".to_owned(), "2/report.html".to_owned()];
        insta::assert_snapshot!(markdown(&runs, &pages));
    }

    #[test]
    fn a_table_and_a_fence_hold_any_text() {
        assert_eq!(cell("a|b\n<c> & [d](e)"), r"a\|b \<c\> &amp; \[d\](e)");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
