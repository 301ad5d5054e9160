use std::time::Duration;

use serde_json::Value;

use super::{End, Judged, Reference, Truth, Window, asked};
use crate::scenario::history::{Change, FaultState, Moment, ObjectEvent, StepState};
use crate::scenario::language::{After, Occurrence, StepPhase};
use crate::scenario::outcome::Verdict;

impl Reference<'_> {
    /// The UIDs of the objects that an occurrence happened to at an entry, and whether its moment is certain.
    fn occurred(&self, occurrence: &Occurrence, window: Window, at: usize) -> Vec<(String, bool)> {
        let entry = &self.entries[at];
        if let Occurrence::Holds { holds: condition } = occurrence {
            let kinds = self.kinds(condition);
            if at == window.first
                || self.is_lost(&kinds, at)
                || self.raw(condition, at) != Truth::True
            {
                return Vec::new();
            }
            let known = (window.first + 1..at).rev().find(|at| !self.is_lost(&kinds, *at));
            let before = known.unwrap_or(window.first);
            if self.raw(condition, before) == Truth::True {
                return Vec::new();
            }
            return vec![(String::new(), !self.relisted(&kinds, before + 1, at))];
        }
        let nothing = || vec![(String::new(), true)];
        match &entry.change {
            Change::Step(step) => {
                let Occurrence::Step { step: phase } = occurrence else { return Vec::new() };
                let is_in_phase = match phase {
                    StepPhase::Started(_) => step.state == StepState::Started && step.attempt == 1,
                    StepPhase::Finished(_) => matches!(
                        step.state,
                        StepState::Passed | StepState::Failed | StepState::Inconclusive
                    ),
                };
                if phase.step() == step.step && is_in_phase { nothing() } else { Vec::new() }
            }
            Change::Fault(fault) => {
                let happens = match occurrence {
                    Occurrence::Injected { injected } => {
                        *injected == fault.step && fault.state == FaultState::Injected
                    }
                    Occurrence::Healed { healed } => {
                        *healed == fault.step && fault.state == FaultState::Healed
                    }
                    _ => false,
                };
                if happens { nothing() } else { Vec::new() }
            }
            Change::Object(change) => {
                let Some((selection, filter)) = occurrence.objects() else { return Vec::new() };
                let (kind, has) = self.selection(selection);
                if &*change.kind.0 != kind {
                    return Vec::new();
                }
                let is_certain = !matches!(change.event, ObjectEvent::Found | ObjectEvent::Missed);
                let uid = |object: &Value| object["metadata"]["uid"].as_str().unwrap().to_owned();
                let by_uid = |at: usize, wanted: &str| -> Option<Value> {
                    let objects = self.states[at].objects.get(kind)?;
                    objects.values().find(|object| uid(object) == wanted).cloned()
                };
                let before_all =
                    at.checked_sub(1).and_then(|before| self.states[before].objects.get(kind));
                let mut uids: Vec<String> =
                    before_all.into_iter().flatten().map(|(_, object)| uid(object)).collect();
                uids.push(uid(&change.object));
                uids.sort();
                uids.dedup();
                let mut happened = Vec::new();
                for id in uids {
                    let before = at.checked_sub(1).and_then(|before| by_uid(before, &id));
                    let after = by_uid(at, &id);
                    let is_reported = uid(&change.object) == id;
                    let is_asked = |object: &Value, old: Option<&Value>| {
                        asked(object, old, filter) == Truth::True
                    };
                    let matches = |object: &Option<Value>| {
                        object.as_ref().is_some_and(|object| has(object) && is_asked(object, None))
                    };
                    let happens = if matches!(occurrence, Occurrence::Created { .. }) {
                        is_reported
                            && before.is_none()
                            && matches(&after)
                            && matches!(change.event, ObjectEvent::Added | ObjectEvent::Found)
                    } else if matches!(occurrence, Occurrence::Deleted { .. }) {
                        let last =
                            if is_reported { Some(&*change.object) } else { before.as_ref() };
                        let is_deleted = after.is_none() && (before.is_some() || is_reported);
                        let own = before.as_ref().or(last);
                        is_deleted
                            && own.is_some_and(has)
                            && last.is_some_and(|last| is_asked(last, None))
                    } else if matches!(occurrence, Occurrence::Changed { .. }) {
                        match (&before, &after) {
                            (Some(before), Some(after)) if before != after => {
                                (has(before) || has(after)) && is_asked(after, Some(before))
                            }
                            _ => false,
                        }
                    } else {
                        change.event != ObjectEvent::Initial && !matches(&before) && matches(&after)
                    };
                    if happens {
                        happened.push((id, is_certain && (is_reported || after.is_some())));
                    }
                }
                happened
            }
            _ => Vec::new(),
        }
    }

    fn kinds_of(&self, occurrence: &Occurrence) -> Vec<&'static str> {
        match (occurrence.objects(), occurrence) {
            (Some((selection, _)), _) => vec![self.selection(selection).0],
            (None, Occurrence::Holds { holds }) => self.kinds(holds),
            (None, _) => Vec::new(),
        }
    }

    pub(super) fn order(&self, order: &[Occurrence], window: Window) -> Judged {
        let kinds: Vec<&str> =
            order.iter().flat_map(|occurrence| self.kinds_of(occurrence)).collect();
        let mut happened = vec![false; order.len()];
        for at in window.first..=window.last {
            let missed = self.relisted(&kinds, window.first, at) || self.is_lost(&kinds, at);
            for index in 0..order.len() {
                let certain = self
                    .occurred(&order[index], window, at)
                    .iter()
                    .any(|(_, is_certain)| *is_certain);
                if !certain || happened[index] {
                    continue;
                }
                happened[index] = true;
                if happened[..index].contains(&false) {
                    let verdict = if missed { Verdict::Inconclusive } else { Verdict::Fail };
                    return (verdict, self.entries[at].at);
                }
            }
            if !happened.contains(&false) {
                let verdict = if missed { Verdict::Inconclusive } else { Verdict::Pass };
                return (verdict, self.entries[at].at);
            }
        }
        self.time_is_up(&kinds, window)
    }

    pub(super) fn count(
        &self,
        of: &Occurrence,
        fits: impl Fn(u64) -> bool,
        most: u64,
        window: Window,
    ) -> Judged {
        let kinds = self.kinds_of(of);
        let (mut seen, mut doubtful) = (0, false);
        for at in window.first..=window.last {
            for (_, is_certain) in self.occurred(of, window, at) {
                seen += u64::from(is_certain);
                doubtful |= !is_certain;
            }
            if seen > most {
                return (Verdict::Fail, self.entries[at].at);
            }
        }
        let verdict = match window.end {
            End::CutShort(_) => Verdict::Inconclusive,
            _ if doubtful
                || self.relisted(&kinds, window.first, window.last)
                || self.is_lost(&kinds, window.last) =>
            {
                Verdict::Inconclusive
            }
            _ if fits(seen) => Verdict::Pass,
            _ => Verdict::Fail,
        };
        (verdict, window.end.at())
    }

    pub(super) fn after(&self, after: &After, within: Option<Duration>, window: Window) -> Judged {
        let kinds: Vec<&str> =
            self.kinds_of(&after.event).into_iter().chain(self.kinds_of(&after.then)).collect();
        let last_of_all = self.entries.len() - 1;
        let close = window.end.at();
        let cut_short = matches!(window.end, End::CutShort(_));
        // The moment at which the result of each event is certain, and the result.
        let (mut seen, mut doubtful) = (0, false);
        let mut fates: Vec<(Moment, Option<Verdict>)> = Vec::new();
        for at in window.first..=window.last {
            for (uid, is_certain) in self.occurred(&after.event, window, at) {
                if !is_certain {
                    doubtful = true;
                    continue;
                }
                seen += 1;
                fates.push(self.fate((after, within), window, &kinds, at, &uid));
            }
        }
        let final_moment = self.entries[last_of_all].at;
        // A failure decides at once, even before the end of the span.
        let failed =
            fates.iter().filter(|(_, fate)| *fate == Some(Verdict::Fail)).map(|(at, _)| *at).min();
        let missed =
            self.relisted(&kinds, window.first, window.last) || self.is_lost(&kinds, window.last);
        let lost = self.lost_since(&kinds, window.from, window.first, window.last);
        let too_few = !cut_short
            && seen < after.at_least
            && !lost
            && !doubtful
            && !missed
            && !fates
                .iter()
                .any(|(at, fate)| *fate == Some(Verdict::Inconclusive) && window.end.lets(*at));
        if let Some(at) = failed.filter(|at| !too_few || window.end.lets(*at) || *at < close) {
            return (Verdict::Fail, at);
        }
        if too_few {
            return (Verdict::Fail, close);
        }
        if cut_short || fates.iter().any(|(_, fate)| fate.is_none()) {
            return (Verdict::Inconclusive, final_moment);
        }
        let decided = fates.iter().map(|(at, _)| *at).max().unwrap_or(close).max(close);
        let is_seen = !doubtful
            && !missed
            && seen >= after.at_least
            && fates.iter().all(|(_, fate)| *fate == Some(Verdict::Pass));
        (if is_seen { Verdict::Pass } else { Verdict::Inconclusive }, decided)
    }

    /// Whether an event is followed, and when that is certain; `None` if the run ends before.
    fn fate(
        &self,
        (after, within): (&After, Option<Duration>),
        window: Window,
        kinds: &[&str],
        event: usize,
        uid: &str,
    ) -> (Moment, Option<Verdict>) {
        let due = within.map(|within| self.entries[event].at + within);
        let end = match due {
            Some(due) => due,
            None if matches!(window.end, End::CutShort(_)) => Moment(u64::MAX),
            None => window.end.at(),
        };
        let last = match due {
            Some(_) => self.entries.len() - 1,
            None => window.last,
        };
        let within = (event..=last).take_while(|at| self.entries[*at].at <= end);
        let mut seen_last = event;
        for at in within {
            seen_last = at;
            let follows = match &after.then {
                Occurrence::Holds { holds: condition } => self.value(condition, at) == Truth::True,
                _ => self
                    .occurred(&after.then, window, at)
                    .iter()
                    .any(|(then, _)| !after.same_object || then == uid),
            };
            if follows {
                return (self.entries[at].at, Some(Verdict::Pass));
            }
        }
        let final_moment = self.entries.last().unwrap().at;
        if end > final_moment {
            return (final_moment, None);
        }
        let lost = self.lost_since(kinds, self.entries[event].at, window.first, seen_last);
        (end, Some(if lost { Verdict::Inconclusive } else { Verdict::Fail }))
    }
}
