use super::{Decision, Ending, Monitor, Occurred, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::{OccurrenceId, OccurrencePlan};
use crate::scenario::judge::table::Table;
use crate::scenario::outcome::{Explanation, Verdict};

#[derive(Debug)]
pub(super) struct Order {
    /// The first time that each occurrence happened, and the object that it happened to.
    first: Table<OccurrencePlan, Option<(Moment, String)>>,
}

impl Order {
    pub(super) fn new(occurrences: &Table<OccurrencePlan>) -> Self {
        Self { first: Table::for_each_of(occurrences, || None) }
    }

    fn missing(&self) -> Option<OccurrenceId> {
        self.first.find(Option::is_none)
    }

    fn complete(&self, view: &View<'_>) -> Decision {
        let decision = if view.may_have_missed() {
            let summary = "all happened in order, but not every change was seen";
            Decision::new(Verdict::Inconclusive, summary)
        } else {
            Decision::new(Verdict::Pass, format!("all happened in order within {}", view.elapsed()))
        };
        self.with_parts(view, decision.at(view.now))
    }

    fn out_of_order(
        &self,
        view: &View<'_>,
        early: OccurrenceId,
        missing: OccurrenceId,
    ) -> Decision {
        let [early, missing] = [early, missing].map(|id| &view.plan.occurrences[id].text);
        let summary = format!("\"{early}\" happened before \"{missing}\"");
        let decision = if view.may_have_missed() {
            let summary = format!("{summary}, but not every change was seen");
            Decision::new(Verdict::Inconclusive, summary)
        } else {
            Decision::new(Verdict::Fail, summary)
        };
        self.with_parts(view, decision.at(view.now))
    }

    fn with_parts(&self, view: &View<'_>, mut decision: Decision) -> Decision {
        let occurrences = (1..).zip(view.plan.occurrences.values().zip(self.first.values()));
        let parts = occurrences.map(|(number, (occurrence, first))| match first {
            Some((moment, object)) => format!("{number}. {}: at {moment}{object}", occurrence.text),
            None => format!("{number}. {}: not yet", occurrence.text),
        });
        decision.explanation.parts = parts.collect();
        decision
    }
}

impl Monitor for Order {
    fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision> {
        for occurrence in occurred {
            let id = occurrence.occurrence;
            if occurrence.is_doubtful || self.first[id].is_some() {
                continue;
            }
            self.first[id] = Some((view.now, explain::happened_to(view, occurrence)));
            if let Some(missing) = self.missing().filter(|missing| *missing < id) {
                return Some(self.out_of_order(view, id, missing));
            }
        }
        self.missing().is_none().then(|| self.complete(view))
    }

    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        let missing = self.missing().map(|id| view.plan.occurrences[id].text.as_str());
        let (text, ending) = (missing.unwrap_or_default(), ending.text(view.plan));
        let unseen = format!("\"{text}\" was not seen {ending}");
        let failed = format!("\"{text}\" did not happen {ending}");
        let decision = Decision::late(view, &unseen, &failed, Explanation::default());
        Some(self.with_parts(view, decision))
    }
}
