use super::{Decision, Ending, Monitor, Occurred, View};
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::outcome::Verdict;

#[derive(Debug)]
pub(super) struct Eventually {
    pub(super) condition: ConditionId,
}

impl Monitor for Eventually {
    fn update(&mut self, view: &View<'_>, _: &[Occurred]) -> Option<Decision> {
        view.observe(self.condition).is_true().then(|| {
            Decision::new(Verdict::Pass, format!("held after {}", view.elapsed())).at(view.now)
        })
    }

    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        let explanation = explain::condition(view.state, self.condition, true);
        let ending = ending.text(view.plan);
        let unseen = format!("was not seen to hold {ending}");
        Some(Decision::late(view, &unseen, &format!("did not hold {ending}"), explanation))
    }
}
