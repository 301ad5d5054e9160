use super::{Decision, Ending, Look, Occurred};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::verdict::Verdict;

#[derive(Debug)]
pub(in crate::scenario::judge) struct Order {
    /// When each happened first, and to what.
    first: Vec<Option<(Moment, String)>>,
}

impl Order {
    pub(super) fn new(length: usize) -> Self {
        Self { first: vec![None; length] }
    }

    pub(super) fn occurred(&mut self, look: &Look<'_>, occurred: &[Occurred]) -> Option<Decision> {
        for occurrence in occurred {
            let index = occurrence.index;
            if occurrence.is_doubtful || self.first[index].is_some() {
                continue;
            }
            self.first[index] = Some((look.now, explain::happened_to(look, occurrence)));
            if let Some(missing) = self.first[..index].iter().position(Option::is_none) {
                return Some(self.out_of_order(look, index, missing));
            }
        }
        self.first.iter().all(Option::is_some).then(|| self.complete(look))
    }

    fn complete(&self, look: &Look<'_>) -> Decision {
        let decision = if look.may_have_missed() {
            let summary = "all happened in order, but not every change was seen";
            Decision::new(Verdict::Inconclusive, summary)
        } else {
            Decision::new(Verdict::Pass, format!("all happened in order, in {}", look.elapsed()))
        };
        self.with_parts(look, decision).at(look.now)
    }

    fn out_of_order(&self, look: &Look<'_>, index: usize, missing: usize) -> Decision {
        let texts = [index, missing].map(|index| look.plan.occurrences[index].text.as_str());
        let summary = format!("\"{}\" came before \"{}\"", texts[0], texts[1]);
        let decision = if look.may_have_missed() {
            let summary = format!("{summary}, as far as was seen");
            Decision::new(Verdict::Inconclusive, summary)
        } else {
            Decision::new(Verdict::Fail, summary)
        };
        self.with_parts(look, decision).at(look.now)
    }

    pub(super) fn end(&self, look: &Look<'_>, ending: &Ending) -> Decision {
        let missing = self.first.iter().position(Option::is_none).unwrap_or_default();
        let (text, ending) = (&look.plan.occurrences[missing].text, ending.text(look.plan));
        let decision = if look.was_lost() {
            let summary =
                format!("\"{text}\" was not seen {ending}, but not all of that time was seen");
            Decision::new(Verdict::Inconclusive, summary)
        } else {
            Decision::new(Verdict::Fail, format!("\"{text}\" did not happen {ending}"))
        };
        self.with_parts(look, decision).at(look.now)
    }

    fn with_parts(&self, look: &Look<'_>, mut decision: Decision) -> Decision {
        let occurrences = (1..).zip(look.plan.occurrences.iter().zip(&self.first));
        let parts = occurrences.map(|(number, (occurrence, first))| match first {
            Some((moment, object)) => format!("{number}. {}: at {moment}{object}", occurrence.text),
            None => format!("{number}. {}: not yet", occurrence.text),
        });
        decision.explanation.parts = parts.collect();
        decision
    }
}
