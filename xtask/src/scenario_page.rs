//! The text of a page in `docs/scenarios`. Everything that a person wrote stays.

use anyhow::Result;

/// The line before the table of figures, and the one after it.
const FIGURES: &str = "<!-- figures -->";
const END: &str = "<!-- end -->";

/// Returns a page with new output after each command of its consoles, and a new table of figures.
pub fn regenerate(
    page: &str,
    mut run: impl FnMut(&str) -> Result<String>,
    figures: impl Fn() -> Result<String>,
) -> Result<String> {
    let mut new = String::new();
    let (mut in_console, mut in_old_output) = (false, false);
    for line in page.lines() {
        let command = line.strip_prefix("$ ").filter(|_| in_console);
        if line.starts_with("```") || line == END {
            in_console = line == "```console";
            in_old_output = false;
        }
        if let Some(command) = command {
            in_old_output = true;
            new += &format!("{line}\n{}", run(command)?);
        } else if line == FIGURES {
            in_old_output = true;
            new += &format!("{line}\n\n{}\n", figures()?);
        } else if !in_old_output {
            new += &format!("{line}\n");
        }
    }
    Ok(new)
}

/// Shortens the output of a command: `[...]` replaces the figures, which the page has as a table, and the
/// events around a failure; for `scenario check` also steps and assertions.
pub fn shorten(command: &str, output: &str) -> String {
    let is_check = command.contains("scenario check");
    let mut new = Vec::new();
    let mut leaves_out = false;
    for line in output.lines() {
        let starts = |titles: &[&str]| titles.iter().any(|title| line.starts_with(title));
        if starts(&["Figures", "  Around that moment"])
            || is_check && starts(&["Steps", "Assertions"])
        {
            leaves_out = true;
        } else if starts(&["✗ FAIL  ", "? inconclusive  "]) {
            leaves_out = false;
        }
        if !leaves_out {
            new.push(line);
        } else if new.last() != Some(&"[...]") {
            new.push("[...]");
        }
    }
    while new.last() == Some(&"") {
        new.pop();
    }
    new.iter().map(|line| format!("{line}\n")).collect()
}

/// The table of figures of a scenario in a summary, without the text around it.
pub fn figures(summary: &str, scenario: &str) -> String {
    let title = format!("Figures of {scenario}<");
    let lines = summary.lines().skip_while(|line| !line.contains(&title));
    let lines = lines.take_while(|line| !line.contains("</details>"));
    lines.filter(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_output_and_figures_only() {
        let page = "# Title\n\n```console\n$ first\nold\n$ second\n```\n\ntext\n\n```sh\n$ kept\n```\n\n\
                    <!-- figures -->\n\n| old |\n\n<!-- end -->\n\nend\n";
        let expected = "# Title\n\n```console\n$ first\nnew output of first\n$ second\n\
                        new output of second\n```\n\ntext\n\n```sh\n$ kept\n```\n\n\
                        <!-- figures -->\n\n| new |\n\n<!-- end -->\n\nend\n";
        for old in [page, expected] {
            let run = |command: &str| Ok(format!("new output of {command}\n"));
            let new = regenerate(old, run, || Ok("| new |\n".to_owned())).unwrap();
            assert_eq!(new, expected);
        }
    }

    #[test]
    fn stops_at_a_command_that_fails() {
        let page = "```console\n$ x\n```\n";
        assert!(regenerate(page, |_| anyhow::bail!("x"), || Ok(String::new())).is_err());
    }

    #[test]
    fn leaves_out_figures_events_and_for_a_check_also_steps_and_assertions() {
        let steps = "Steps   at\n  ✓ pass\nAssertions in the background\n  ✓ pass\n\n";
        let output = |steps: &str, events: &str, figures: &str| {
            format!(
                "✗ FAIL  name\n\n{steps}✗ FAIL  one, at 3s\n  never happened\n{events}\n\
                 ? inconclusive  two\n  unknown\n{figures}\n"
            )
        };
        let full = output(steps, "  Around that moment\n    12.1s Pod", "Figures\n  12\n");
        let run = output(steps, "[...]", "[...]");
        assert_eq!(shorten("kindrs scenario run x.yaml", &full), run);
        let check = output("[...]\n", "[...]", "[...]");
        assert_eq!(shorten("kindrs scenario check x", &full), check);
    }

    #[test]
    fn finds_the_figures_of_one_scenario() {
        let summary = "<details><summary>Figures of a</summary>\n\n| a |\n\n</details>\n\
                       <details><summary>Figures of b</summary>\n\n| b |\n| 2 |\n\n</details>\n";
        assert_eq!(figures(summary, "b"), "| b |\n| 2 |\n");
        assert_eq!(figures(summary, "c"), "");
    }
}
