use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::{Figure, Unit};
use crate::scenario::history::{Change, Entry, GapState, KindName, Moment, ObjectEvent};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::lives::{Life, Lives};
use crate::scenario::report::object::{condition_entry, restarts, text};

/// The figures of a run as a whole.
pub(super) fn figures(run: &RunReport, lives: &Lives, history: &[Entry]) -> Vec<Figure> {
    let count = |counted: usize| u64::try_from(counted).unwrap_or(u64::MAX);
    let mut figures = availability(lives, history);
    figures.push(Figure::count(
        "pods lost",
        count(lives.of_kind("Pod").filter(|pod| is_lost(pod)).count()),
        "pods with the condition DisruptionTarget that nobody asked for (evicted by a taint, \
         preempted, collected or ended by their kubelet; not by the eviction API), and pods that \
         are to run always and yet Failed",
    ));
    figures.push(Figure::count(
        "restarts of containers",
        lives.of_kind("Pod").map(restarted).sum(),
        "growth of restartCount of every pod's containers in the record",
    ));
    let retries = run.steps.iter().map(|step| u64::from(step.attempts.saturating_sub(1))).sum();
    figures.push(Figure::count(
        "steps tried again",
        retries,
        "tries beyond the first, of all steps",
    ));
    let events = history.iter().filter(|entry| match &entry.change {
        Change::Object(change) => change.event != ObjectEvent::Initial,
        _ => false,
    });
    figures.push(Figure::count(
        "events recorded",
        count(events.count()),
        "changes of objects that watches told of",
    ));
    figures.push(gaps(lives, history));
    figures
}

/// Kubernetes marks what it ends on its own account:
/// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>.
fn is_lost(pod: &Life) -> bool {
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

fn restarted(pod: &Life) -> u64 {
    let before = pod.versions.first().map(|first| restarts(&first.object)).unwrap_or_default();
    pod.last().map(restarts).unwrap_or_default().saturating_sub(before)
}

/// The API server's availability, from the first line of the record to the last.
fn availability(lives: &Lives, history: &[Entry]) -> Vec<Figure> {
    let length = lives.end.elapsed();
    if length.is_zero() {
        return Vec::new();
    }
    let outages = outages(lives.end, history);
    let away: Duration = outages.iter().map(|(from, to)| *to - *from).sum();
    let share = 100.0 * (1.0 - away.as_secs_f64() / length.as_secs_f64());
    let mut figures = vec![Figure {
        name: "API availability".to_owned(),
        of: String::new(),
        value: Some(share),
        unit: Unit::Percent,
        method: "share of the record's time in which the API server answered".to_owned(),
    }];
    if let Some(longest) = outages.iter().map(|(from, to)| *to - *from).max() {
        let method = match outages.len() {
            1 => "the one time in which the API server did not answer".to_owned(),
            times => format!("of {times} times in which the API server did not answer"),
        };
        figures.push(Figure::time("longest API outage", "", Some(longest), method));
    }
    figures
}

/// When the API server did not answer.
pub(in crate::scenario::report) fn outages(
    end: Moment,
    history: &[Entry],
) -> Vec<(Moment, Moment)> {
    let mut outages = Vec::new();
    let mut since = None;
    for entry in history {
        let Change::Api(api) = &entry.change else { continue };
        if !api.available {
            since.get_or_insert(entry.at);
        } else if let Some(from) = since.take() {
            outages.push((from, entry.at));
        }
    }
    outages.extend(since.map(|from| (from, end)));
    outages
}

/// A kind that was not watched for a time, and how that ended; `Lost` where it did not.
pub(in crate::scenario::report) struct Unwatched {
    pub(in crate::scenario::report) kind: KindName,
    pub(in crate::scenario::report) from: Moment,
    pub(in crate::scenario::report) to: Moment,
    pub(in crate::scenario::report) ended: GapState,
    pub(in crate::scenario::report) reason: String,
}

/// All gaps of a record.
pub(in crate::scenario::report) fn unwatched(end: Moment, history: &[Entry]) -> Vec<Unwatched> {
    let mut gaps: Vec<Unwatched> = Vec::new();
    let mut open: HashMap<KindName, usize> = HashMap::new();
    for entry in history {
        let Change::Gap(gap) = &entry.change else { continue };
        match gap.state {
            GapState::Lost if !open.contains_key(&gap.kind) => {
                open.insert(gap.kind.clone(), gaps.len());
                gaps.push(Unwatched {
                    kind: gap.kind.clone(),
                    from: entry.at,
                    to: end,
                    ended: GapState::Lost,
                    reason: gap.reason.clone(),
                });
            }
            GapState::Lost => {}
            ended => {
                if let Some(gap) = open.remove(&gap.kind).and_then(|place| gaps.get_mut(place)) {
                    gap.to = entry.at;
                    gap.ended = ended;
                }
            }
        }
    }
    gaps
}

fn gaps(lives: &Lives, history: &[Entry]) -> Figure {
    let gaps = unwatched(lives.end, history);
    let missing = gaps.iter().filter(|gap| gap.ended != GapState::Resumed).count();
    let longest = gaps.iter().map(|gap| gap.to - gap.from).max().unwrap_or_default();
    let method = match gaps.len() {
        0 => "times that a kind was not watched".to_owned(),
        _ => format!(
            "times that a kind was not watched; {missing} of them may lack events; the longest \
             took {:.1} s",
            longest.as_secs_f64()
        ),
    };
    Figure::count("gaps", u64::try_from(gaps.len()).unwrap_or(u64::MAX), &method)
}
