//! The parts of the page that need no script.

use std::fmt::Write as _;

use crate::scenario::history::{Entry, Moment, StepState};
use crate::scenario::judge::{ObjectName, Verdict};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::PendingPod;
use crate::scenario::report::explain::{Details, explanations};
use crate::scenario::report::figures::figures;
use crate::scenario::report::text::{seconds, step_mark, step_word, verdict_mark, verdict_word};

/// Text for an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A moment that the script makes the timeline show.
fn moment(at: Moment) -> String {
    format!(r#"<button type="button" class="moment" data-at="{}">{at}</button>"#, at.0)
}

/// An object that the script opens as of a moment.
fn object(name: &ObjectName, at: Option<Moment>) -> String {
    format!(
        r#"<button type="button" class="object" data-uid="{}" data-at="{}">{}</button>"#,
        escaped(&name.uid),
        at.unwrap_or_default().0,
        escaped(&name.to_string())
    )
}

fn badge(verdict: Verdict) -> String {
    format!(
        r#"<span class="badge {verdict}">{} {}</span>"#,
        verdict_mark(verdict),
        verdict_word(verdict)
    )
}

/// The verdict and what the run was.
pub(super) fn header(run: &RunReport) -> String {
    let mut out = format!("<h1>{} {}</h1>", badge(run.verdict), escaped(&run.title()));
    if let Some(description) = &run.description {
        let _ = write!(out, "<p>{}</p>", escaped(description));
    }
    if let Some(error) = &run.error {
        let _ = write!(out, r#"<p class="error">The run did not end well: {}</p>"#, escaped(error));
    }
    let mut facts = vec![
        ("Scenario", run.file.display().to_string()),
        ("Cluster", run.cluster.clone() + if run.kept { " (kept)" } else { "" }),
        ("Kubernetes", run.kubernetes.clone()),
        ("Began", format!("{:.0}", run.time)),
        ("Ran for", seconds(run.elapsed)),
    ];
    if let Some(creation) = run.creation {
        facts.push(("Cluster made in", seconds(creation)));
    }
    facts.extend(
        [("Record", run.history.display().to_string()), ("Variables", variables(run))]
            .into_iter()
            .filter(|(_, value)| !value.is_empty()),
    );
    out.push_str(r#"<dl class="facts">"#);
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(&value));
    }
    out.push_str("</dl>");
    out
}

fn variables(run: &RunReport) -> String {
    let variables = run.variables.iter().map(|(name, value)| format!("{name}={value}"));
    variables.collect::<Vec<_>>().join(", ")
}

/// Why something did not pass; empty when all did.
pub(super) fn failures(run: &RunReport, history: &[Entry]) -> String {
    let all = explanations(run, history);
    if all.is_empty() {
        return String::new();
    }
    let mut out = String::from(r#"<section id="failures"><h2>What did not pass</h2>"#);
    for details in &all {
        failure(&mut out, details);
    }
    out.push_str("</section>");
    out
}

fn failure(out: &mut String, details: &Details) {
    let at = details.moment.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
    let _ = write!(
        out,
        r#"<article class="failure {}"><h3>{} {}{at}</h3>"#,
        details.verdict,
        badge(details.verdict),
        escaped(&details.name)
    );
    if !details.claim.is_empty() && details.claim != details.name {
        let _ = write!(out, "<p><code>{}</code></p>", escaped(&details.claim));
    }
    let _ = write!(out, r#"<p class="summary">{}</p>"#, escaped(&details.summary));
    lines(out, "", &details.parts);
    lines(out, "Not seen", &details.unknown);
    for then in &details.objects {
        let _ = write!(
            out,
            r#"<h4>{} <span class="state">{}</span></h4>"#,
            object(&then.object, details.moment),
            escaped(&then.state)
        );
        lines(out, "", &then.differences);
        for pod in details.pending.iter().filter(|pod| pod.pod.uid == then.object.uid) {
            pending(out, pod);
        }
    }
    if details.more_objects > 0 {
        let _ = write!(out, "<p>and {} more objects</p>", details.more_objects);
    }
    for pod in &details.pending {
        if details.objects.iter().all(|then| then.object.uid != pod.pod.uid) {
            let name = object(&pod.pod, details.moment);
            let _ = write!(out, r#"<h4>{name} <span class="state">is pending</span></h4>"#);
            pending(out, pod);
        }
    }
    around(out, details);
    out.push_str("</article>");
}

fn lines(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    if !title.is_empty() {
        let _ = write!(out, "<h4>{title}</h4>");
    }
    out.push_str(r#"<ul class="lines">"#);
    for line in lines {
        let _ = write!(out, "<li><code>{}</code></li>", escaped(line));
    }
    out.push_str("</ul>");
}

fn pending(out: &mut String, pod: &PendingPod) {
    out.push_str(r#"<dl class="refusals">"#);
    if let Some(message) = &pod.message {
        let _ = write!(out, "<dt>The scheduler</dt><dd>{}</dd>", escaped(message));
    }
    for refusal in &pod.refusals {
        let reasons = refusal.reasons.join("; ");
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(&refusal.node), escaped(&reasons));
    }
    out.push_str("</dl>");
}

fn around(out: &mut String, details: &Details) {
    if details.around.is_empty() {
        return;
    }
    let is_open = if details.verdict == Verdict::Fail { " open" } else { "" };
    let _ = write!(
        out,
        r#"<details{is_open}><summary>Around that moment</summary><table class="around"><tbody>"#
    );
    for found in &details.around {
        let about = match found.about {
            true => r#"<abbr title="about these objects">●</abbr>"#,
            false => "",
        };
        let _ = write!(
            out,
            r#"<tr><td>{about}</td><td class="number">{}</td><td>{}</td><td>{}</td></tr>"#,
            moment(found.at),
            found.kind.word(),
            escaped(&found.text)
        );
    }
    out.push_str("</tbody></table>");
    if details.more_around > 0 {
        let _ = write!(out, "<p>and {} more in the record</p>", details.more_around);
    }
    out.push_str("</details>");
}

/// All assertions.
pub(super) fn assertions(run: &RunReport) -> String {
    if run.judgements.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        r#"<section id="assertions"><h2>Assertions</h2><table><thead><tr><th>Verdict</th><th>Assertion</th><th class="number">Certain at</th></tr></thead><tbody>"#,
    );
    for judgement in &run.judgements {
        let claim = match judgement.claim == judgement.assertion {
            true => String::new(),
            false => format!("<br><code>{}</code>", escaped(&judgement.claim)),
        };
        let _ = write!(
            out,
            r#"<tr><td>{}</td><td>{}{claim}</td><td class="number">{}</td></tr>"#,
            badge(judgement.verdict),
            escaped(&judgement.assertion),
            moment(judgement.decided)
        );
    }
    out.push_str("</tbody></table></section>");
    out
}

/// The measured figures; empty without any.
pub(super) fn measured(run: &RunReport, history: &[Entry]) -> String {
    let figures = figures(run, history);
    if figures.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        r#"<section id="figures"><h2>Figures</h2><table><thead><tr><th>Figure</th><th class="number">Value</th><th>How it is measured</th></tr></thead>"#,
    );
    let mut of = None;
    for figure in &figures {
        if of != Some(&figure.of) {
            of = Some(&figure.of);
            let title = if figure.of.is_empty() { "The run" } else { &figure.of };
            let _ = write!(
                out,
                r#"<tbody><tr><th colspan="3" scope="rowgroup">{}</th></tr>"#,
                escaped(title)
            );
        }
        let _ = write!(
            out,
            r#"<tr><td>{}</td><td class="number">{}</td><td class="method">{}</td></tr>"#,
            escaped(&figure.name),
            figure.shown(),
            escaped(&figure.method)
        );
    }
    out.push_str("</table></section>");
    out
}

/// All steps.
pub(super) fn steps(run: &RunReport) -> String {
    if run.steps.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        r#"<section id="steps"><h2>Steps</h2><table><thead><tr><th>End</th><th>Step</th><th class="number">At</th><th class="number">Took</th></tr></thead><tbody>"#,
    );
    for step in &run.steps {
        let class = match step.state {
            StepState::Passed => "pass",
            StepState::Failed => "fail",
            StepState::Skipped => "skipped",
            StepState::Started | StepState::Retried | StepState::Inconclusive => "inconclusive",
        };
        let mut name = format!("{}{}", "&emsp;".repeat(step.depth), escaped(&step.name));
        let _ = write!(name, r#" <span class="state">{}</span>"#, escaped(&step.action));
        if step.attempts > 1 {
            let _ = write!(name, "<br>tried {} times", step.attempts);
        }
        if !step.detail.is_empty() {
            let _ = write!(name, "<br>{}", escaped(&step.detail));
        }
        let took = step.started.zip(step.ended).map(|(from, to)| seconds(to - from));
        let _ = write!(
            out,
            r#"<tr><td><span class="badge {class}">{} {}</span></td><td>{name}</td><td class="number">{}</td><td class="number">{}</td></tr>"#,
            step_mark(step.state),
            step_word(step.state),
            step.started.map(moment).unwrap_or_default(),
            took.unwrap_or_default()
        );
    }
    out.push_str("</tbody></table></section>");
    out
}
