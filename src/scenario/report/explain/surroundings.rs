use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::scenario::history::{
    Change, Entry, FaultEntry, FaultState, Gap, GapState, Moment, ObjectEvent, StepEntry, StepState,
};
use crate::scenario::judge::Breach;
use crate::scenario::report::lives::Lives;
use crate::scenario::report::object::{controller, number, short_kind, text};

/// How long before the moment that decided it is looked.
const BEFORE: Duration = Duration::from_secs(10);
/// How long after it.
const AFTER: Duration = Duration::from_secs(5);
/// How many lines there are at most.
const MOST: usize = 20;

/// Something that happened around a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Surrounding {
    /// When.
    pub at: Moment,
    /// What it is.
    pub kind: SurroundingKind,
    /// Whether it is about an object that was not as expected, or what belongs to it.
    pub about: bool,
    /// What happened, in one line.
    pub text: String,
}

/// Where something is from that happened around a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SurroundingKind {
    /// A node or a pod was deleted.
    Object,
    /// A Kubernetes Event.
    Event,
    /// A line of a log.
    Log,
    /// A fault began or ended.
    Fault,
    /// A step began or ended.
    Step,
    /// The API server or a watch was lost or came back.
    Watch,
}

impl SurroundingKind {
    /// Its name for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Object => "gone",
            Self::Event => "event",
            Self::Log => "log",
            Self::Fault => "fault",
            Self::Step => "step",
            Self::Watch => "watch",
        }
    }
}

/// What is looked at around a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What the run did and whether it was able to watch.
    Run,
    /// That, and what the cluster and its containers said.
    Cluster,
}

/// What happened around a moment, in order, and how much more is left out: first what is about the
/// breached objects, then faults, steps and the watch, then all else, each the nearest first.
pub(super) fn surroundings(
    moment: Moment,
    breaches: &[Breach],
    scope: Scope,
    lives: &Lives,
    history: &[Entry],
) -> (Vec<Surrounding>, usize) {
    let from = Moment(moment.0.saturating_sub(BEFORE.as_micros().try_into().unwrap_or(u64::MAX)));
    let to = moment + AFTER;
    let subject = Subject::of(moment, breaches, lives);
    let start = history.partition_point(|entry| entry.at < from);
    let mut found: Vec<Surrounding> = history[start..]
        .iter()
        .take_while(|entry| entry.at <= to)
        .filter(|entry| !is_skip(entry))
        .filter_map(|entry| surrounding(entry, &subject))
        .filter(|found| scope == Scope::Cluster || rank(found) < 2)
        .collect();
    found.dedup_by(|later, earlier| later.text == earlier.text && later.at == earlier.at);
    found.sort_by_key(|found| (rank(found), distance(found.at, moment)));
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    found.sort_by_key(|found| found.at);
    (found, more)
}

/// That a step did not come to be says nothing of why.
fn is_skip(entry: &Entry) -> bool {
    matches!(&entry.change, Change::Step(step) if step.state == StepState::Skipped)
}

fn rank(found: &Surrounding) -> u8 {
    match found.kind {
        _ if found.about => 0,
        SurroundingKind::Fault | SurroundingKind::Step | SurroundingKind::Watch => 1,
        SurroundingKind::Object | SurroundingKind::Event | SurroundingKind::Log => 2,
    }
}

fn distance(one: Moment, other: Moment) -> u64 {
    one.0.abs_diff(other.0)
}

/// The breached objects with what belongs to them: their owners, what they own, their nodes.
struct Subject {
    uids: HashSet<String>,
    /// Kind, namespace and name.
    names: HashSet<(String, String, String)>,
}

impl Subject {
    fn of(moment: Moment, breaches: &[Breach], lives: &Lives) -> Self {
        let breached: HashSet<&str> =
            breaches.iter().map(|breach| breach.object.uid.as_str()).collect();
        let mut uids: HashSet<String> = breached.iter().map(|uid| (*uid).to_owned()).collect();
        uids.extend(
            lives.descendants(&breached, moment).into_iter().map(|life| life.name.uid.clone()),
        );
        let mut names = HashSet::new();
        for breach in breaches {
            names.insert((
                short_kind(&breach.object.kind).to_owned(),
                breach.object.namespace.clone(),
                breach.object.name.clone(),
            ));
            if let Some((_, _, owner)) = controller(&breach.then) {
                uids.insert(owner.to_owned());
            }
            let node = text(&breach.then, "/spec/nodeName");
            if !node.is_empty() {
                names.insert(("Node".to_owned(), String::new(), node.to_owned()));
            }
        }
        uids.remove("");
        Self { uids, names }
    }

    fn has(&self, involved: &Value) -> bool {
        self.uids.contains(text(involved, "/uid"))
            || self.names.contains(&(
                text(involved, "/kind").to_owned(),
                match text(involved, "/kind") {
                    "Node" => String::new(),
                    _ => text(involved, "/namespace").to_owned(),
                },
                text(involved, "/name").to_owned(),
            ))
    }

    fn has_source(&self, source: &str) -> bool {
        let mut parts = source.split('/');
        let (Some("pod"), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        self.names.contains(&("Pod".to_owned(), namespace.to_owned(), name.to_owned()))
    }
}

fn surrounding(entry: &Entry, subject: &Subject) -> Option<Surrounding> {
    let (kind, about, text) = match &entry.change {
        Change::Object(change) if short_kind(&change.kind) == "Event" => {
            if !matches!(change.event, ObjectEvent::Added | ObjectEvent::Modified) {
                return None;
            }
            let about = subject.has(involved(&change.object));
            (SurroundingKind::Event, about, event_line(&change.object))
        }
        Change::Object(change)
            if change.event == ObjectEvent::Deleted
                && matches!(short_kind(&change.kind), "Node" | "Pod") =>
        {
            let about = subject.uids.contains(text(&change.object, "/metadata/uid"));
            let kind = short_kind(&change.kind);
            let name = match text(&change.object, "/metadata/namespace") {
                "" => text(&change.object, "/metadata/name").to_owned(),
                namespace => format!("{namespace}/{}", text(&change.object, "/metadata/name")),
            };
            (SurroundingKind::Object, about, format!("{kind} {name}"))
        }
        Change::Log(log) => {
            let text = format!("{}: {}", log.source, log.line);
            (SurroundingKind::Log, subject.has_source(&log.source), text)
        }
        Change::Fault(fault) => (SurroundingKind::Fault, false, fault_line(fault)),
        Change::Step(step) => (SurroundingKind::Step, false, step_line(step)),
        Change::Api(api) if api.available => {
            (SurroundingKind::Watch, false, "the API server answers again".to_owned())
        }
        Change::Api(api) => {
            let text = with_reason("the API server does not answer", &api.reason);
            (SurroundingKind::Watch, false, text)
        }
        Change::Gap(gap) => (SurroundingKind::Watch, false, gap_line(gap)),
        _ => return None,
    };
    Some(Surrounding { at: entry.at, kind, about, text })
}

/// What an Event is about: the core API's field, else that of `events.k8s.io`.
pub(in crate::scenario::report) fn involved(event: &Value) -> &Value {
    event.get("involvedObject").or_else(|| event.get("regarding")).unwrap_or(&Value::Null)
}

/// An Event in one line: `Warning FailedScheduling, Pod default/big: 0/3 nodes are …`.
pub(in crate::scenario::report) fn event_line(event: &Value) -> String {
    let involved = involved(event);
    let name = match text(involved, "/namespace") {
        "" => text(involved, "/name").to_owned(),
        namespace => format!("{namespace}/{}", text(involved, "/name")),
    };
    let message = match text(event, "/message") {
        "" => text(event, "/note"),
        message => message,
    };
    let times = match number(event, "/count").or_else(|| number(event, "/series/count")) {
        Some(count) if count > 1 => format!(" (×{count})"),
        _ => String::new(),
    };
    format!(
        "{} {}, {} {name}: {}{times}",
        text(event, "/type"),
        text(event, "/reason"),
        text(involved, "/kind"),
        message.trim().replace('\n', " ")
    )
}

/// A fault's begin or end in one line.
pub(in crate::scenario::report) fn fault_line(fault: &FaultEntry) -> String {
    let effects: Vec<String> = fault
        .actions
        .iter()
        .map(|action| format!("{} on {}", action.effect, action.target))
        .collect();
    let effects = match effects.is_empty() {
        true => String::new(),
        false => format!(": {}", effects.join("; ")),
    };
    match fault.state {
        FaultState::Injected => format!("{} injected{effects}", fault.fault),
        FaultState::Healed => format!("{} healed", fault.fault),
    }
}

fn step_line(step: &StepEntry) -> String {
    let word = match step.state {
        StepState::Started => "starts",
        StepState::Passed => "passed",
        StepState::Failed => "failed",
        StepState::Retried => "failed and is tried again",
        StepState::Inconclusive => "is inconclusive",
        StepState::Skipped => "is skipped",
    };
    let attempt = match step.attempt {
        0 | 1 => String::new(),
        attempt => format!(" (try {attempt})"),
    };
    let line = format!("{} {word}{attempt}", step.step);
    // The others have their details where they are listed.
    match step.state {
        StepState::Retried => with_reason(&line, &step.detail),
        _ => line,
    }
}

fn gap_line(gap: &Gap) -> String {
    match gap.state {
        GapState::Lost => with_reason(&format!("the watch of {} is lost", gap.kind), &gap.reason),
        GapState::Resumed => format!("the watch of {} goes on; nothing is missing", gap.kind),
        GapState::Relisted => format!("{} is listed anew; events may be missing", gap.kind),
    }
}

fn with_reason(text: &str, reason: &str) -> String {
    match reason {
        "" => text.to_owned(),
        reason => format!("{text}: {reason}"),
    }
}
