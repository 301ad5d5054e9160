use super::{Decision, Ending, Look};
use crate::scenario::judge::explain;
use crate::scenario::judge::verdict::Verdict;

pub(super) fn update(condition: usize, look: &Look<'_>) -> Option<Decision> {
    look.value(condition).is_true().then(|| {
        Decision::new(Verdict::Pass, format!("held after {}", look.elapsed())).at(look.now)
    })
}

pub(super) fn end(condition: usize, look: &Look<'_>, ending: &Ending) -> Decision {
    let explanation = explain::condition(look.state, condition, true);
    let ending = ending.text(look.plan);
    let decision = if look.was_lost() {
        let before = format!("was not seen to hold {ending}, but not all of that time was seen");
        Decision::explained(Verdict::Inconclusive, &before, explanation)
    } else {
        Decision::explained(Verdict::Fail, &format!("did not hold {ending}"), explanation)
    };
    decision.at(look.now)
}
