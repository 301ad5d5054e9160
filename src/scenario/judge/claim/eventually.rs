use super::{Decision, Ending, View};
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::judge::verdict::Verdict;

pub(super) fn update(condition: ConditionId, view: &View<'_>) -> Option<Decision> {
    view.observe(condition).is_true().then(|| {
        Decision::new(Verdict::Pass, format!("held after {}", view.elapsed())).at(view.now)
    })
}

pub(super) fn end(condition: ConditionId, view: &View<'_>, ending: &Ending) -> Decision {
    let explanation = explain::condition(view.state, condition, true);
    let ending = ending.text(view.plan);
    let decision = if view.was_lost() {
        let before =
            format!("was not seen to hold {ending}, but part of that time was not observed");
        Decision::explained(Verdict::Inconclusive, &before, explanation)
    } else {
        Decision::explained(Verdict::Fail, &format!("did not hold {ending}"), explanation)
    };
    decision.at(view.now)
}
