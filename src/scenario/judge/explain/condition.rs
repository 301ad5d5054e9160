use super::{cel, quantified};
use crate::scenario::judge::program::{ConditionId, Source};
use crate::scenario::judge::state::State;
use crate::scenario::outcome::Explanation;

pub fn condition(state: &State, condition: ConditionId, expected: bool) -> Explanation {
    match &state.program.conditions[condition].source {
        Source::Cel(expression) => cel::explain(state, expression, expected),
        Source::Quantified(quantity) => quantified::explain(state, quantity, expected),
    }
}

pub fn error(state: &State, id: ConditionId) -> String {
    match &state.program.conditions[id].source {
        Source::Cel(expression) => cel::error(state, expression),
        Source::Quantified(_) => {
            let explanation = condition(state, id, true);
            let first = explanation.breaches.first();
            let line = first.and_then(|breach| breach.differences.first().cloned());
            line.unwrap_or(explanation.summary)
        }
    }
}
