use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::view::{time, times};
use super::{Decision, Ending, Monitor, Occurred, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::AfterRule;
use crate::scenario::judge::state::uid;
use crate::scenario::outcome::Verdict;

/// Something must follow each time that something else happens.
#[derive(Debug)]
pub(super) struct After {
    rule: AfterRule,
    seen: u64,
    /// The events that nothing has followed yet, oldest first.
    pending: Vec<Pending>,
    /// The longest time between an event and what followed.
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
    pub(super) fn new(rule: AfterRule) -> Self {
        Self {
            rule,
            seen: 0,
            pending: Vec::new(),
            slowest: Duration::ZERO,
            is_doubtful: false,
            is_over: false,
        }
    }

    fn happened(&mut self, view: &View<'_>, event: &Occurred) {
        if event.is_doubtful {
            self.is_doubtful = true;
            return;
        }
        self.seen += 1;
        self.pending.push(Pending { at: view.now, object: event.object.clone() });
    }

    fn followed(&mut self, view: &View<'_>, object: Option<&Value>) {
        let same_object = self.rule.same_object;
        let mut slowest = self.slowest;
        self.pending.retain(|pending| {
            let is_about_another =
                same_object && pending.object.as_deref().map(uid) != object.map(uid);
            if !is_about_another {
                slowest = slowest.max(view.now - pending.at);
            }
            is_about_another
        });
        self.slowest = slowest;
    }

    fn not_followed(&self, view: &View<'_>, pending: &Pending, ending: &str) -> Decision {
        let event = &view.plan.occurrences[self.rule.event];
        let occurred = Occurred {
            occurrence: self.rule.event,
            object: pending.object.clone(),
            is_doubtful: false,
        };
        let object = explain::happened_to(view, &occurred);
        let before = format!("at {}{object}: {}, but", pending.at, event.text);
        match self.rule.condition {
            Some(condition) => {
                let then = &view.state.program.conditions[condition].text;
                let explanation = explain::condition(view.state, condition, true);
                let before = format!("{before} {then} did not follow {ending}");
                Decision::explained(Verdict::Fail, &before, explanation).at(pending.at)
            }
            None => {
                let then = &view.plan.occurrences[self.rule.then].text;
                let summary = format!("{before} \"{then}\" did not follow {ending}");
                let mut decision = Decision::new(Verdict::Fail, summary).at(pending.at);
                decision.explanation.breaches = explain::not_followed(view, &occurred, ending);
                decision
            }
        }
    }

    fn complete(&self, view: &View<'_>) -> Decision {
        let times = times(self.seen);
        if self.is_doubtful || self.seen < self.rule.at_least {
            let summary = match self.seen {
                0 => "was not seen to happen, but not every change was seen".to_owned(),
                _ => format!("happened {times}, followed each time, but not every change was seen"),
            };
            return Decision::new(Verdict::Inconclusive, summary);
        }
        let summary = match self.seen {
            0 => "never happened".to_owned(),
            _ => format!("happened {times}, followed within {} each time", time(self.slowest)),
        };
        Decision::new(Verdict::Pass, summary).at(view.now)
    }
}

impl Monitor for After {
    fn last_wait(&self) -> Option<Moment> {
        self.pending.last().and_then(|pending| Some(pending.at + self.rule.within?))
    }

    fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision> {
        for occurrence in occurred {
            if occurrence.occurrence == self.rule.then {
                self.followed(view, occurrence.object.as_deref());
            } else if !self.is_over {
                self.happened(view, occurrence);
            }
        }
        if self.rule.condition.is_some_and(|condition| view.observe(condition).is_true()) {
            self.followed(view, None);
        }
        (self.is_over && self.pending.is_empty()).then(|| self.complete(view))
    }

    fn timer(&self) -> Option<Moment> {
        self.pending.first().and_then(|pending| Some(pending.at + self.rule.within?))
    }

    fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        if self.pending.is_empty() {
            return None;
        }
        let pending = self.pending.remove(0);
        if !view.was_lost_since(pending.at) {
            let within = self.rule.within.unwrap_or_default();
            return Some(self.not_followed(view, &pending, &format!("within {}", time(within))));
        }
        self.is_doubtful = true;
        (self.is_over && self.pending.is_empty()).then(|| self.complete(view))
    }

    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        self.is_over = true;
        // An event of the span that appears only later does not count.
        self.is_doubtful |= view.may_have_missed();
        if self.rule.within.is_none() {
            while !self.pending.is_empty() {
                let pending = self.pending.remove(0);
                if !view.was_lost_since(pending.at) {
                    return Some(self.not_followed(view, &pending, &ending.text(view.plan)));
                }
                self.is_doubtful = true;
            }
        }
        if self.seen < self.rule.at_least && !view.was_lost() && !self.is_doubtful {
            let event = &view.plan.occurrences[self.rule.event].text;
            let happened = match self.seen {
                0 => "never happened".to_owned(),
                _ => format!("happened {}", times(self.seen)),
            };
            let summary =
                format!("\"{event}\" {happened}, expected at least {}", self.rule.at_least);
            return Some(Decision::new(Verdict::Fail, summary).at(view.now));
        }
        self.pending.is_empty().then(|| self.complete(view))
    }
}
