use serde_json::Value;

use super::objects::metadata;
use crate::scenario::judge::expression::{Answer, Scope, evaluate};
use crate::scenario::judge::pattern;
use crate::scenario::judge::plan::Form;
use crate::scenario::judge::plan::{Node, Predicate, Program, Quantity, SelectionPlan, Term};

/// What comes of a condition or predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario::judge) enum Truth {
    False,
    True,
    /// It has no value, as of a field that is not there.
    Error,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            Self::Error => Self::Error,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Error,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl From<Result<bool, String>> for Truth {
    fn from(result: Result<bool, String>) -> Self {
        result.map_or(Self::Error, Self::from)
    }
}

impl Predicate {
    /// Whether an object is as asked; `old` is what it was before.
    pub(in crate::scenario::judge) fn test(
        &self,
        object: &Value,
        old: Option<&Value>,
        variables: &Value,
    ) -> Truth {
        if self.matches.as_ref().is_some_and(|part| !pattern::matches(part, Some(object))) {
            return Truth::False;
        }
        let Some(body) = &self.body else { return Truth::True };
        if let Some(answer) = body.answer(object, variables) {
            return match answer {
                Answer::Yes => Truth::True,
                Answer::No => Truth::False,
                Answer::Missing => Truth::Error,
            };
        }
        let mut scope = Scope::default().with(&body.variable, object).with("vars", variables);
        if let Some(old) = old {
            scope = scope.with("old", old);
        }
        evaluate(&body.root, &scope).into()
    }
}

impl SelectionPlan {
    /// Whether a selection has an object of its kind.
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
            if !self.labels.iter().all(|requirement| requirement.holds(labels)) {
                return false;
            }
        }
        let predicate = &program.predicates[self.predicate];
        predicate.is_empty() || predicate.test(object, None, &program.variables) == Truth::True
    }
}

/// How many of a selection's objects are as asked.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::scenario::judge) struct Counts {
    pub(in crate::scenario::judge) all: usize,
    pub(in crate::scenario::judge) yes: usize,
    pub(in crate::scenario::judge) errors: usize,
}

impl Counts {
    fn no(self) -> usize {
        self.all - self.yes - self.errors
    }

    /// Whether all are as asked, as CEL's `all` says it.
    fn every(self) -> Truth {
        match self {
            _ if self.no() > 0 => Truth::False,
            Self { errors: 0, .. } => Truth::True,
            _ => Truth::Error,
        }
    }

    fn some(self) -> Truth {
        match self {
            _ if self.yes > 0 => Truth::True,
            Self { errors: 0, .. } => Truth::False,
            _ => Truth::Error,
        }
    }
}

impl Quantity {
    fn truth(&self, counts: Counts) -> Truth {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        match self.form {
            Form::All => {
                let enough = counts.all > 0 && self.range.contains(count(counts.all));
                Truth::from(enough).and(counts.every())
            }
            Form::Any => counts.some(),
            Form::None => counts.some().not(),
            Form::Count => {
                let (least, most) = (count(counts.yes), count(counts.yes + counts.errors));
                let mut possible = (least..=most).map(|count| self.range.contains(count));
                let first = possible.next().unwrap_or_default();
                if possible.all(|other| other == first) { first.into() } else { Truth::Error }
            }
        }
    }
}

/// What nodes' truths follow from.
pub(super) trait Leaves {
    fn counts(&self, tally: usize) -> Counts;
    fn size(&self, selection: usize) -> usize;
    fn whole(&self, whole: usize) -> Truth;
}

impl Node {
    pub(super) fn truth(&self, leaves: &dyn Leaves) -> Truth {
        match self {
            Self::Constant(truth) => (*truth).into(),
            // The right side is looked at even when the left one decides: it is cheap.
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
            Self::Whole(whole) => leaves.whole(*whole),
            Self::Quantified(quantity) => quantity.truth(leaves.counts(quantity.tally)),
        }
    }
}

impl Term {
    /// `None` where a filter has no value for some object.
    fn value(self, leaves: &dyn Leaves) -> Option<i64> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        match self {
            Self::Number(number) => Some(number),
            Self::Size(selection) => Some(count(leaves.size(selection))),
            Self::Count(tally) => {
                let counts = leaves.counts(tally);
                (counts.errors == 0).then(|| count(counts.yes))
            }
        }
    }
}
