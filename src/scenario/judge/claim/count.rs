use super::view::times;
use super::{Decision, Ending, Monitor, Occurred, View};
use crate::scenario::judge::explain;
use crate::scenario::judge::program::Range;
use crate::scenario::outcome::Verdict;

/// The largest number of occurrences that an explanation names.
const NAMED: usize = 20;

#[derive(Debug)]
pub(super) struct Count {
    range: Range,
    seen: u64,
    named: Vec<String>,
    is_doubtful: bool,
}

impl Count {
    pub(super) fn new(range: Range) -> Self {
        Self { range, seen: 0, named: Vec::new(), is_doubtful: false }
    }

    fn happened(&self) -> String {
        match self.seen {
            0 => "never happened".to_owned(),
            seen => format!("happened {}", times(seen)),
        }
    }

    fn with_parts(&self, mut decision: Decision) -> Decision {
        decision.explanation.parts.clone_from(&self.named);
        decision
    }
}

impl Monitor for Count {
    fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision> {
        for occurrence in occurred {
            if occurrence.is_doubtful {
                self.is_doubtful = true;
                continue;
            }
            self.seen += 1;
            if self.named.len() < NAMED {
                let object = explain::happened_to(view, occurrence);
                self.named.push(format!("{}{object}", view.now));
            }
        }
        (self.seen > self.range.most()).then(|| {
            let summary = format!("{}, expected {}", self.happened(), self.range.text());
            self.with_parts(Decision::new(Verdict::Fail, summary)).at(view.now)
        })
    }

    fn end(&mut self, view: &View<'_>, _: &Ending) -> Option<Decision> {
        let happened = self.happened();
        let expected = self.range.text();
        let decision = if view.may_have_missed() || self.is_doubtful {
            let summary = format!("{happened}, but not every change was seen");
            Decision::new(Verdict::Inconclusive, summary)
        } else if self.range.contains(self.seen) {
            Decision::new(Verdict::Pass, happened)
        } else {
            Decision::new(Verdict::Fail, format!("{happened}, expected {expected}")).at(view.now)
        };
        Some(self.with_parts(decision))
    }
}
