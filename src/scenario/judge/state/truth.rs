//! How the truth of a condition follows from objects, tallies and expressions.

use serde_json::Value;

use super::objects::metadata;
use crate::scenario::judge::expression::{OLD, Scope, VARIABLES, evaluate};
use crate::scenario::judge::labels;
use crate::scenario::judge::pattern;
use crate::scenario::judge::program::{
    CelId, Node, Predicate, Program, Quantifier, Quantity, SelectionId, SelectionPlan, TallyId,
    Term,
};
use crate::scenario::judge::truth::Truth;

impl Predicate {
    /// Evaluates the predicate for an object; `old` is the object before a change.
    pub(in crate::scenario::judge) fn test(
        &self,
        object: &Value,
        old: Option<&Value>,
        variables: &Value,
    ) -> Truth {
        if self.matches.as_ref().is_some_and(|part| !pattern::matches(part, Some(object))) {
            return Truth::False;
        }
        let Some(filter) = &self.filter else { return Truth::True };
        if let Some(truth) = filter.evaluate_direct(object, variables) {
            return truth;
        }
        let mut scope = Scope::default().with(&filter.variable, object).with(VARIABLES, variables);
        if let Some(old) = old {
            scope = scope.with(OLD, old);
        }
        evaluate(&filter.root, &scope).into()
    }
}

impl SelectionPlan {
    /// Whether an object of the selection's kind is in the selection.
    pub(in crate::scenario::judge) fn has(&self, object: &Value, program: &Program) -> bool {
        let namespace = metadata(object, "namespace");
        if self.name.as_deref().is_some_and(|name| name != metadata(object, "name"))
            || self
                .namespace
                .as_deref()
                .is_some_and(|own| !namespace.is_empty() && own != namespace)
        {
            return false;
        }
        if !self.labels.is_empty() {
            let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
            if !self.labels.iter().all(|expression| labels::matches(expression, labels)) {
                return false;
            }
        }
        let predicate = &program.predicates[self.predicate];
        predicate.is_empty() || predicate.test(object, None, &program.variables) == Truth::True
    }
}

/// The objects of a selection, counted by the truth of a predicate.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::scenario::judge) struct Counts {
    pub(in crate::scenario::judge) all: usize,
    pub(in crate::scenario::judge) matching: usize,
    pub(in crate::scenario::judge) errors: usize,
}

impl Counts {
    fn others(self) -> usize {
        self.all - self.matching - self.errors
    }

    /// The truth of CEL's `all`.
    fn every(self) -> Truth {
        match self {
            _ if self.others() > 0 => Truth::False,
            Self { errors: 0, .. } => Truth::True,
            _ => Truth::Error,
        }
    }

    /// The truth of CEL's `exists`.
    fn some(self) -> Truth {
        match self {
            _ if self.matching > 0 => Truth::True,
            Self { errors: 0, .. } => Truth::False,
            _ => Truth::Error,
        }
    }
}

impl Quantity {
    fn truth(&self, counts: Counts) -> Truth {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        match self.quantifier {
            Quantifier::All => {
                let enough = counts.all > 0 && self.range.contains(count(counts.all));
                Truth::from(enough).and(counts.every())
            }
            Quantifier::Any => counts.some(),
            Quantifier::None => counts.some().not(),
            Quantifier::Count => {
                let (least, most) =
                    (count(counts.matching), count(counts.matching + counts.errors));
                let mut possible = (least..=most).map(|count| self.range.contains(count));
                let first = possible.next().unwrap_or_default();
                if possible.all(|other| other == first) { first.into() } else { Truth::Error }
            }
        }
    }
}

/// The values that conditions combine.
pub(super) trait Leaves {
    fn counts(&self, tally: TallyId) -> Counts;
    fn size(&self, selection: SelectionId) -> usize;
    fn cel(&self, expression: CelId) -> Truth;
}

impl Node {
    pub(super) fn truth(&self, leaves: &dyn Leaves) -> Truth {
        match self {
            Self::Constant(truth) => (*truth).into(),
            // The right side is evaluated even when the left one decides: that is cheap.
            Self::And(left, right) => left.truth(leaves).and(right.truth(leaves)),
            Self::Or(left, right) => left.truth(leaves).or(right.truth(leaves)),
            Self::Not(operand) => operand.truth(leaves).not(),
            Self::If(condition, then, otherwise) => match condition.truth(leaves) {
                Truth::True => then.truth(leaves),
                Truth::False => otherwise.truth(leaves),
                Truth::Error => Truth::Error,
            },
            Self::Compare(left, comparison, right) => {
                match (left.value(leaves), right.value(leaves)) {
                    (Some(left), Some(right)) => comparison.holds(left, right).into(),
                    _ => Truth::Error,
                }
            }
            Self::All(tally) => leaves.counts(*tally).every(),
            Self::Exists(tally) => leaves.counts(*tally).some(),
            Self::Cel(expression) => leaves.cel(*expression),
            Self::Quantified(quantity) => quantity.truth(leaves.counts(quantity.tally)),
        }
    }
}

impl Term {
    /// `None` where a filter has no value for one of the objects.
    fn value(self, leaves: &dyn Leaves) -> Option<i64> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        match self {
            Self::Number(number) => Some(number),
            Self::Size(selection) => Some(count(leaves.size(selection))),
            Self::Count(tally) => {
                let counts = leaves.counts(tally);
                (counts.errors == 0).then(|| count(counts.matching))
            }
        }
    }
}
