use std::time::Duration;

use serde_json::Value;

use super::Figure;
use super::figure::Unit;
use crate::scenario::history::{Moment, ObjectEvent};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::fields::{condition_entry, restarts, text};
use crate::scenario::report::format;
use crate::scenario::report::lifetime::{Lifetime, Lifetimes};
use crate::scenario::report::periods::{Outage, Periods, WatchGap};

/// The figures of the whole run.
pub(super) fn figures(run: &RunReport, lifetimes: &Lifetimes, periods: &Periods) -> Vec<Figure> {
    let mut figures = availability(&periods.outages, lifetimes.end);
    figures.push(Figure::count(
        "pods lost",
        lifetimes.of_kind("Pod").filter(|pod| is_lost(pod)).count(),
        "pods with the condition DisruptionTarget that were not evicted through the eviction API \
         (evicted by a taint, preempted, garbage-collected or terminated by the kubelet), and \
         pods with restartPolicy Always that Failed",
    ));
    figures.push(Figure::count(
        "container restarts",
        lifetimes.of_kind("Pod").map(restarted).sum(),
        "increase of restartCount over all containers of all pods",
    ));
    figures.push(Figure::count(
        "step retries",
        run.steps.iter().map(|step| step.attempts.saturating_sub(1) as usize).sum(),
        "attempts after the first, over all steps",
    ));
    let versions = lifetimes.all.iter().flat_map(|lifetime| &lifetime.versions);
    figures.push(Figure::count(
        "changes recorded",
        versions.filter(|version| version.event != ObjectEvent::Initial).count(),
        "changes to objects that the watches reported",
    ));
    figures.push(gaps(&periods.gaps, lifetimes.end));
    figures
}

/// Kubernetes marks pods that it terminates without a request:
/// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>.
fn is_lost(pod: &Lifetime) -> bool {
    let is_disrupted = |object: &Value| {
        condition_entry(object, "DisruptionTarget").is_some_and(|condition| {
            text(condition, "/status") == "True"
                && text(condition, "/reason") != "EvictionByEvictionAPI"
        })
    };
    let failed = |object: &Value| {
        text(object, "/status/phase") == "Failed" && text(object, "/spec/restartPolicy") == "Always"
    };
    pod.versions.iter().any(|version| is_disrupted(&version.object) || failed(&version.object))
}

fn restarted(pod: &Lifetime) -> usize {
    let before = pod.versions.first().map(|first| restarts(&first.object)).unwrap_or_default();
    let restarted = pod.last().map(restarts).unwrap_or_default().saturating_sub(before);
    usize::try_from(restarted).unwrap_or(usize::MAX)
}

/// The availability of the API server, from the first entry of the record to the last.
fn availability(outages: &[Outage], end: Moment) -> Vec<Figure> {
    let length = end.elapsed();
    if length.is_zero() {
        return Vec::new();
    }
    let lengths: Vec<Duration> =
        outages.iter().map(|outage| outage.to.unwrap_or(end) - outage.from).collect();
    let down: Duration = lengths.iter().sum();
    let mut figures = vec![Figure {
        name: "API availability",
        of: String::new(),
        value: Some(100.0 * (1.0 - down.as_secs_f64() / length.as_secs_f64())),
        unit: Unit::Percent,
        method: "share of the run during which the API server responded".to_owned(),
    }];
    if let Some(longest) = lengths.iter().max() {
        let outages = format::count(lengths.len(), "outage");
        let method = format!("longest period without a response of the API server ({outages})");
        figures.push(Figure::time("longest API outage", "", Some(*longest), method));
    }
    figures
}

fn gaps(gaps: &[WatchGap], end: Moment) -> Figure {
    let mut method = "periods during which a kind was not watched".to_owned();
    if let Some(longest) = gaps.iter().map(|gap| gap.to.unwrap_or(end) - gap.from).max() {
        let incomplete = gaps.iter().filter(|gap| !gap.is_complete).count();
        let longest = format::duration(longest);
        method += &format!("; {incomplete} may lack changes; the longest took {longest}");
    }
    Figure::count("watch gaps", gaps.len(), method)
}
