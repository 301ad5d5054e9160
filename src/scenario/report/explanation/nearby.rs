use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::scenario::history::{
    Change, Entry, FaultEntry, FaultState, Gap, GapState, Moment, ObjectEvent, StepEntry, StepState,
};
use crate::scenario::outcome::Breach;
use crate::scenario::report::fields::{self, controller, short_kind, text};
use crate::scenario::report::kubernetes_event;
use crate::scenario::report::lifetime::Lifetimes;

const BEFORE: Duration = Duration::from_secs(10);
const AFTER: Duration = Duration::from_secs(5);
const MOST: usize = 20;

/// An entry of the record shortly before or after a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearbyEntry {
    pub at: Moment,
    pub kind: NearbyKind,
    /// Whether the entry is about an unexpected object, its owner, its descendants or its node.
    #[serde(rename = "about")]
    pub is_related: bool,
    pub text: String,
}

/// The name for people has at most seven characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "lowercase")]
pub enum NearbyKind {
    /// A node or a pod was deleted.
    #[strum(serialize = "deleted")]
    Object,
    /// A Kubernetes Event was created or updated.
    Event,
    /// A container or a step printed a line.
    Log,
    /// A fault was injected or healed.
    Fault,
    /// A step started or ended.
    Step,
    /// The API server or a watch failed or recovered.
    Watch,
}

/// Which entries explain a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The entries about the run and its watches.
    Run,
    /// Those, and the entries about the cluster and its containers.
    Cluster,
}

/// The most relevant entries around a moment, in order, and the number of those that are left out.
/// Entries about the breached objects are the most relevant, then faults, steps and watches, then
/// the rest; among equals, the nearest.
pub(super) fn nearby(
    moment: Moment,
    breaches: &[Breach],
    scope: Scope,
    lifetimes: &Lifetimes,
    history: &[Entry],
) -> (Vec<NearbyEntry>, usize) {
    let from = Moment::default() + moment.elapsed().saturating_sub(BEFORE);
    let to = moment + AFTER;
    let subject = Subject::of(moment, breaches, lifetimes);
    let start = history.partition_point(|entry| entry.at < from);
    let mut found: Vec<NearbyEntry> = history[start..]
        .iter()
        .take_while(|entry| entry.at <= to)
        .filter_map(|entry| nearby_entry(entry, &subject))
        .filter(|found| scope == Scope::Cluster || rank(found) < 2)
        .collect();
    found.dedup_by(|later, earlier| later.text == earlier.text && later.at == earlier.at);
    found.sort_by_key(|found| (rank(found), found.at.0.abs_diff(moment.0)));
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    found.sort_by_key(|found| found.at);
    (found, more)
}

fn rank(found: &NearbyEntry) -> u8 {
    match found.kind {
        _ if found.is_related => 0,
        NearbyKind::Fault | NearbyKind::Step | NearbyKind::Watch => 1,
        NearbyKind::Object | NearbyKind::Event | NearbyKind::Log => 2,
    }
}

/// The breached objects with their owners, descendants and nodes.
struct Subject {
    uids: HashSet<String>,
    /// As of [`path`].
    paths: HashSet<String>,
}

/// Kind, namespace and name. Events about nodes can have a namespace, which does not count.
fn path(kind: &str, namespace: &str, name: &str) -> String {
    match kind {
        "Node" => format!("Node//{name}"),
        _ => format!("{kind}/{namespace}/{name}"),
    }
}

impl Subject {
    fn of(moment: Moment, breaches: &[Breach], lifetimes: &Lifetimes) -> Self {
        let family = lifetimes.family(breaches, moment);
        let mut uids: HashSet<String> = family.into_iter().map(str::to_owned).collect();
        let mut paths = HashSet::new();
        for Breach { object, then, .. } in breaches {
            paths.insert(path(short_kind(&object.kind), &object.namespace, &object.name));
            uids.extend(controller(then).map(|(_, _, owner)| owner.to_owned()));
            let node = text(then, "/spec/nodeName");
            if !node.is_empty() {
                paths.insert(path("Node", "", node));
            }
        }
        uids.remove("");
        Self { uids, paths }
    }

    fn has(&self, involved: &Value) -> bool {
        let [kind, namespace, name] =
            ["/kind", "/namespace", "/name"].map(|pointer| text(involved, pointer));
        self.uids.contains(text(involved, "/uid"))
            || self.paths.contains(&path(kind, namespace, name))
    }

    fn has_source(&self, source: &str) -> bool {
        match source.split('/').collect::<Vec<_>>()[..] {
            ["pod", namespace, name, ..] => self.paths.contains(&path("Pod", namespace, name)),
            _ => false,
        }
    }
}

fn nearby_entry(entry: &Entry, subject: &Subject) -> Option<NearbyEntry> {
    let (kind, is_related, text) = match &entry.change {
        Change::Object(change) => {
            let object = change.object.as_ref();
            match (short_kind(&change.kind), change.event) {
                ("Event", ObjectEvent::Added | ObjectEvent::Modified) => (
                    NearbyKind::Event,
                    subject.has(kubernetes_event::involved(object)),
                    kubernetes_event::line(object),
                ),
                ("Node" | "Pod", ObjectEvent::Deleted) => {
                    let name = fields::name(&change.kind, object);
                    (NearbyKind::Object, subject.uids.contains(&name.uid), name.to_string())
                }
                _ => return None,
            }
        }
        Change::Log(log) => {
            let text = format!("{}: {}", log.source, log.line);
            (NearbyKind::Log, subject.has_source(&log.source), text)
        }
        Change::Fault(fault) => (NearbyKind::Fault, false, fault_line(fault)),
        Change::Step(step) => (NearbyKind::Step, false, step_line(step)?),
        Change::Api(api) => {
            let text = match api.available {
                true => "the API server responds again".to_owned(),
                false => with_reason("the API server does not respond", &api.reason),
            };
            (NearbyKind::Watch, false, text)
        }
        Change::Gap(gap) => (NearbyKind::Watch, false, gap_line(gap)),
        Change::Begin(_) | Change::Verdict(_) | Change::End(_) => return None,
    };
    Some(NearbyEntry { at: entry.at, kind, is_related, text })
}

/// The injection or the end of a fault in one line.
pub(in crate::scenario::report) fn fault_line(fault: &FaultEntry) -> String {
    if fault.state == FaultState::Healed {
        return format!("{} healed", fault.fault);
    }
    let actions = fault.actions.iter();
    let effects: Vec<String> =
        actions.map(|action| format!("{} on {}", action.effect, action.target)).collect();
    with_reason(&format!("{} injected", fault.fault), &effects.join("; "))
}

/// The start or the end of a step in one line. `None` for a skipped step, which explains nothing.
fn step_line(step: &StepEntry) -> Option<String> {
    let word = match step.state {
        StepState::Started => "started",
        StepState::Passed => "passed",
        StepState::Failed => "failed",
        StepState::Retried => "failed and is retried",
        StepState::Inconclusive => "is inconclusive",
        StepState::Skipped => return None,
    };
    let attempt = match step.attempt {
        0 | 1 => String::new(),
        attempt => format!(" (attempt {attempt})"),
    };
    let line = format!("{} {word}{attempt}", step.step);
    // The list of steps shows the details of the other states.
    Some(match step.state {
        StepState::Retried => with_reason(&line, &step.detail),
        _ => line,
    })
}

fn gap_line(gap: &Gap) -> String {
    let kind = &gap.kind;
    match gap.state {
        GapState::Lost => with_reason(&format!("the watch of {kind} was interrupted"), &gap.reason),
        GapState::Resumed => format!("the watch of {kind} resumed, no changes are missing"),
        GapState::Relisted => format!("{kind} was listed again, changes may be missing"),
    }
}

fn with_reason(text: &str, reason: &str) -> String {
    match reason {
        "" => text.to_owned(),
        reason => format!("{text}: {reason}"),
    }
}
