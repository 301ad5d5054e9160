use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::sight::time;
use super::{Decision, Ending, Look, Occurred};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::pattern::counted;
use crate::scenario::judge::state::uid;
use crate::scenario::judge::verdict::Verdict;

/// The numbers of its occurrences.
const EVENT: usize = 0;
const THEN: usize = 1;

/// Something that must follow each time that something else happens.
#[derive(Debug)]
pub(in crate::scenario::judge) struct After {
    then: Option<usize>,
    within: Option<Duration>,
    same_object: bool,
    at_least: u64,
    seen: u64,
    /// What has not been followed yet, in the order of time.
    pending: Vec<Pending>,
    /// The longest time that it took.
    slowest: Duration,
    is_doubtful: bool,
    is_over: bool,
}

#[derive(Debug)]
struct Pending {
    at: Moment,
    object: Option<Arc<Value>>,
}

impl After {
    pub(super) fn new(
        then: Option<usize>,
        within: Option<Duration>,
        same_object: bool,
        at_least: u64,
    ) -> Self {
        Self {
            then,
            within,
            same_object,
            at_least,
            seen: 0,
            pending: Vec::new(),
            slowest: Duration::ZERO,
            is_doubtful: false,
            is_over: false,
        }
    }

    /// Until when it has to look on after its span.
    pub(in crate::scenario::judge) fn last_wait(&self) -> Option<Moment> {
        self.pending.last().and_then(|pending| Some(pending.at + self.within?))
    }

    pub(super) fn update(&mut self, look: &Look<'_>, occurred: &[Occurred]) -> Option<Decision> {
        for occurrence in occurred {
            match occurrence.index {
                EVENT if self.is_over => {}
                EVENT if occurrence.is_doubtful => self.is_doubtful = true,
                EVENT => {
                    self.seen += 1;
                    let object = occurrence.object.clone();
                    self.pending.push(Pending { at: look.now, object });
                }
                THEN => self.followed(look, occurrence.object.as_deref()),
                _ => {}
            }
        }
        if self.then.is_some_and(|condition| look.value(condition).is_true()) {
            self.followed(look, None);
        }
        (self.is_over && self.pending.is_empty()).then(|| self.complete(look))
    }

    fn followed(&mut self, look: &Look<'_>, object: Option<&Value>) {
        let same_object = self.same_object;
        let mut slowest = self.slowest;
        self.pending.retain(|pending| {
            let is_about_another =
                same_object && pending.object.as_deref().map(uid) != object.map(uid);
            if !is_about_another {
                slowest = slowest.max(look.now - pending.at);
            }
            is_about_another
        });
        self.slowest = slowest;
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        self.pending.first().and_then(|pending| Some(pending.at + self.within?))
    }

    pub(super) fn expired(&mut self, look: &Look<'_>) -> Option<Decision> {
        if self.pending.is_empty() {
            return None;
        }
        let pending = self.pending.remove(0);
        if !look.was_lost_since(pending.at) {
            let within = self.within.unwrap_or_default();
            return Some(self.not_followed(look, &pending, &format!("within {}", time(within))));
        }
        self.is_doubtful = true;
        (self.is_over && self.pending.is_empty()).then(|| self.complete(look))
    }

    fn not_followed(&self, look: &Look<'_>, pending: &Pending, ending: &str) -> Decision {
        let event = &look.plan.occurrences[EVENT];
        let occurred =
            Occurred { index: EVENT, object: pending.object.clone(), is_doubtful: false };
        let object = explain::happened_to(look, &occurred);
        let before = format!("at {}{object}: {}, and", pending.at, event.text);
        match self.then {
            Some(condition) => {
                let then = &look.state.program.conditions[condition].text;
                let explanation = explain::condition(look.state, condition, true);
                let before = format!("{before} {then} did not follow {ending}");
                Decision::explained(Verdict::Fail, &before, explanation).at(pending.at)
            }
            None => {
                let then = &look.plan.occurrences[THEN].text;
                let summary = format!("{before} \"{then}\" did not follow {ending}");
                let mut decision = Decision::new(Verdict::Fail, summary).at(pending.at);
                decision.explanation.breaches = explain::not_followed(look, &occurred, ending);
                decision
            }
        }
    }

    pub(super) fn end(&mut self, look: &Look<'_>, ending: &Ending) -> Option<Decision> {
        self.is_over = true;
        // What is not seen by now came too late to count.
        self.is_doubtful |= look.may_have_missed();
        if self.within.is_none() {
            while !self.pending.is_empty() {
                let pending = self.pending.remove(0);
                if !look.was_lost_since(pending.at) {
                    return Some(self.not_followed(look, &pending, &ending.text(look.plan)));
                }
                self.is_doubtful = true;
            }
        }
        if self.seen < self.at_least && !look.was_lost() && !self.is_doubtful {
            let event = &look.plan.occurrences[EVENT].text;
            let happened = match self.seen {
                0 => "never happened".to_owned(),
                _ => format!("happened {}", self.times()),
            };
            let summary = format!("\"{event}\" {happened}, expected at least {}", self.at_least);
            return Some(Decision::new(Verdict::Fail, summary).at(look.now));
        }
        self.pending.is_empty().then(|| self.complete(look))
    }

    fn times(&self) -> String {
        counted(usize::try_from(self.seen).unwrap_or(usize::MAX), "time")
    }

    fn complete(&self, look: &Look<'_>) -> Decision {
        let times = self.times();
        if self.is_doubtful || self.seen < self.at_least {
            let summary = format!(
                "happened {times} and was followed as far as was seen, but not every change was"
            );
            return Decision::new(Verdict::Inconclusive, summary);
        }
        let summary = match self.seen {
            0 => "never happened".to_owned(),
            _ => format!("happened {times}, followed within {} each time", time(self.slowest)),
        };
        Decision::new(Verdict::Pass, summary).at(look.now)
    }
}
