//! The sections of the page that need no script.

use maud::{Markup, html};

use crate::plural::plural;
use crate::scenario::history::Moment;
use crate::scenario::outcome::{Judgement, ObjectName, RunReport, StepReport, Verdict};
use crate::scenario::report::explanation::{FailureDetails, PendingPod};
use crate::scenario::report::figures::Figure;
use crate::scenario::report::format;
use crate::scenario::report::label::Label;

/// A moment. The script shows it in the timeline.
fn moment(at: Moment) -> Markup {
    html! { button.moment type="button" data-at=(at.0) { (at) } }
}

/// An object. The script opens it as it was at the moment.
fn object(name: &ObjectName, at: Moment) -> Markup {
    html! { button.object type="button" data-uid=(name.uid) data-at=(at.0) { (name) } }
}

fn badge(label: impl Into<Label>) -> Markup {
    let label = label.into();
    html! { span class={ "badge " (label.class) } { (label) } }
}

pub(super) fn header(run: &RunReport) -> Markup {
    let variables: Vec<String> =
        run.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let facts = [
        ("Scenario", run.file.display().to_string()),
        ("Cluster", run.cluster.clone() + if run.kept { " (kept)" } else { "" }),
        ("Kubernetes", run.kubernetes.clone()),
        ("Started", format!("{:.0}", run.time)),
        ("Duration", format::duration(run.elapsed)),
        ("Cluster created in", run.creation.map(format::duration).unwrap_or_default()),
        ("Record", run.history.display().to_string()),
        ("Variables", variables.join(", ")),
    ];
    html! {
        h1 { (badge(run.verdict)) " " (run.title()) }
        @if let Some(description) = &run.description {
            p { (description) }
        }
        @if let Some(error) = &run.error {
            p.error { "The run ended early: " (error) }
        }
        dl.facts {
            @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (content) } }
}

fn table(id: &str, title: &str, head: Markup, bodies: Markup) -> Markup {
    section(id, title, html! { table { thead { tr { (head) } } (bodies) } })
}

pub(super) fn failures(failures: &[FailureDetails]) -> Markup {
    let articles = html! { @for details in failures { (failure(details)) } };
    section("failures", "Failed and inconclusive", articles)
}

fn failure(failure: &FailureDetails) -> Markup {
    html! {
        article class={ "failure " (failure.verdict) } {
            h3 { (badge(failure.verdict)) " " (failure.name) " at " (moment(failure.moment)) }
            @if !failure.claim.is_empty() && failure.claim != failure.name {
                p { code { (failure.claim) } }
            }
            p.summary { (failure.summary) }
            (lines(&failure.parts))
            @if !failure.unknown.is_empty() {
                h4 { "Not observed" }
                (lines(&failure.unknown))
            }
            @for unexpected in &failure.objects {
                h4 {
                    (object(&unexpected.object, failure.moment)) " "
                    span.state { (unexpected.state) }
                }
                (lines(&unexpected.differences))
                @if let Some(pod) = failure.pending_of(unexpected) { (pending(pod)) }
            }
            @if failure.more_objects > 0 {
                p { "and " (plural(failure.more_objects, "more object")) }
            }
            @for pod in failure.other_pending() {
                h4 { (object(&pod.pod, failure.moment)) " " span.state { "pending" } }
                (pending(pod))
            }
            @if !failure.nearby.is_empty() { (nearby(failure)) }
        }
    }
}

fn lines(lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            ul.lines {
                @for line in lines { li { code { (line) } } }
            }
        }
    }
}

fn pending(pod: &PendingPod) -> Markup {
    html! {
        dl.refusals {
            @if let Some(message) = &pod.message {
                dt { "Scheduler" } dd { (message) }
            }
            @for refusal in &pod.refusals {
                dt { (refusal.node) } dd { (refusal.reasons.join("; ")) }
            }
        }
    }
}

fn nearby(failure: &FailureDetails) -> Markup {
    html! {
        details open[failure.verdict == Verdict::Fail] {
            summary { "Around that moment" }
            table.around {
                tbody {
                    @for entry in &failure.nearby {
                        tr {
                            td { @if entry.is_related { abbr title="about these objects" { "●" } } }
                            td.number { (moment(entry.at)) }
                            td { (entry.kind) }
                            td { (entry.text) }
                        }
                    }
                }
            }
            @if failure.more_nearby > 0 {
                p { "and " (failure.more_nearby) " more in the record" }
            }
        }
    }
}

pub(super) fn assertions(judgements: &[Judgement]) -> Markup {
    let head = html! { th { "Verdict" } th { "Assertion" } th.number { "Decided at" } };
    let body = html! {
        tbody {
            @for judgement in judgements {
                tr {
                    td { (badge(judgement.verdict)) }
                    td {
                        (judgement.assertion)
                        @if judgement.claim != judgement.assertion {
                            br; code { (judgement.claim) }
                        }
                    }
                    td.number { (moment(judgement.decided)) }
                }
            }
        }
    };
    table("assertions", "Assertions", head, body)
}

pub(super) fn figures(figures: &[Figure]) -> Markup {
    let head = html! { th { "Figure" } th.number { "Value" } th { "Method" } };
    let bodies = html! {
        @for figures in figures.chunk_by(|one, other| one.of == other.of) {
            tbody {
                tr { th colspan="3" scope="rowgroup" { (figures[0].subject()) } }
                @for figure in figures {
                    tr {
                        td { (figure.name) }
                        td.number { (figure.shown()) }
                        td.method { (figure.method) }
                    }
                }
            }
        }
    };
    table("figures", "Figures", head, bodies)
}

pub(super) fn steps(steps: &[StepReport]) -> Markup {
    let head = html! {
        th { "Result" } th { "Step" } th.number { "Started" } th.number { "Duration" }
    };
    let body = html! { tbody { @for details in steps { (step(details)) } } };
    table("steps", "Steps", head, body)
}

fn step(step: &StepReport) -> Markup {
    html! {
        tr {
            td { (badge(step.state)) }
            td {
                ("\u{2003}".repeat(step.depth)) (step.name) " " span.state { (step.action) }
                @if step.attempts > 1 { br; (step.attempts) " attempts" }
                @if !step.detail.is_empty() { br; (step.detail) }
            }
            td.number { @if let Some(at) = step.started { (moment(at)) } }
            td.number { (step.duration().map(format::duration).unwrap_or_default()) }
        }
    }
}
