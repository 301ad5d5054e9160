//! The program that a scenario compiles to: tables of what to look at, and claims about it. Equal parts
//! share one entry, so that each is evaluated once.
//!
//! - A **selection** is a set of objects of one kind.
//! - A **predicate** is a question about one object.
//! - A **tally** counts the objects of a selection for which a predicate is true. Changes of objects
//!   update it one by one.
//! - A **CEL expression** is the rest of a condition: what tallies cannot express. It is evaluated again
//!   when an object of one of its selections changes.
//! - A **condition** combines tallies, sizes of selections and CEL expressions.
//! - A **claim** is an assertion, or a step that waits: a rule about conditions and occurrences over time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cel::common::ast::IdedExpr;
use kube::core::Expression as LabelExpression;
use serde_json::Value;

use super::table::{Id, Table};
use super::truth::Truth;
use crate::scenario::history::{FaultState, KindName};
use crate::scenario::judge::expression::{Direct, Expression, write};
use crate::scenario::language::{Selection, SelectionRef};

pub(super) type KindId = Id<KindName>;
pub(super) type SelectionId = Id<SelectionPlan>;
pub(super) type PredicateId = Id<Predicate>;
pub(super) type TallyId = Id<Tally>;
pub(super) type CelId = Id<CelExpression>;
pub(super) type ConditionId = Id<ConditionPlan>;
pub(super) type ClaimId = Id<ClaimPlan>;
/// The place of an occurrence in its claim.
pub(super) type OccurrenceId = Id<OccurrencePlan>;
/// The names of nested fields, such as `["status", "phase"]`.
pub(super) type FieldPath = Vec<String>;
pub(super) type FieldPathId = Id<FieldPath>;

/// A scenario's selections, conditions and assertions, compiled.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) kinds: Table<KindName>,
    pub(super) selections: Table<SelectionPlan>,
    pub(super) named: BTreeMap<String, SelectionId>,
    pub(super) inline: Vec<(Selection, SelectionId)>,
    pub(super) predicates: Table<Predicate>,
    pub(super) tallies: Table<Tally>,
    pub(super) expressions: Table<CelExpression>,
    pub(super) conditions: Table<ConditionPlan>,
    pub(super) claims: Table<ClaimPlan>,
    pub(super) variables: Value,
    pub(super) uses: Uses,
    /// The paths of fields that are read from objects of each kind.
    pub(super) paths: Table<KindName, Table<FieldPath>>,
}

/// Which parts depend on which.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) selections_of_kind: Table<KindName, Vec<SelectionId>>,
    pub(super) tallies_of_selection: Table<SelectionPlan, Vec<TallyId>>,
    pub(super) expressions_of_selection: Table<SelectionPlan, Vec<(CelId, Dependence)>>,
    /// Conditions that read the number of objects in a selection.
    pub(super) conditions_of_selection: Table<SelectionPlan, Vec<ConditionId>>,
    pub(super) conditions_of_tally: Table<Tally, Vec<ConditionId>>,
    pub(super) conditions_of_expression: Table<CelExpression, Vec<ConditionId>>,
    pub(super) claims_of_condition: Table<ConditionPlan, Vec<ClaimId>>,
    /// The occurrences that are about objects of a selection, and the fields that decide whether they
    /// happen.
    pub(super) occurrences_of_selection:
        Table<SelectionPlan, Vec<(ClaimId, OccurrenceId, Dependence)>>,
    /// The fields that decide whether an object is in a selection.
    pub(super) membership: Table<SelectionPlan, Dependence>,
    /// The fields that decide whether an object counts in a tally.
    pub(super) tallies: Table<Tally, Dependence>,
}

/// The fields of an object that decide a result: while they stay the same, the result does too.
#[derive(Debug, Clone, Default)]
pub(super) enum Dependence {
    /// Any field can.
    #[default]
    Everything,
    Paths(Vec<FieldPathId>),
}

impl Program {
    /// The kinds that selections read.
    pub fn kinds(&self) -> BTreeSet<KindName> {
        self.kinds.values().cloned().collect()
    }

    pub(super) fn selection(&self, selection: &SelectionRef) -> Option<SelectionId> {
        match selection {
            SelectionRef::Named(name) => self.named.get(name).copied(),
            SelectionRef::Inline(selection) => {
                self.inline.iter().find(|(known, _)| known == selection).map(|(_, id)| *id)
            }
        }
    }
}

/// Objects of one kind.
#[derive(Debug, PartialEq)]
pub(super) struct SelectionPlan {
    pub(super) kind: KindId,
    /// The namespace of namespaced objects; `None` for all namespaces.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) labels: Vec<LabelExpression>,
    pub(super) predicate: PredicateId,
    /// How texts call its objects: the selection's name, or the plural of its kind.
    pub(super) label: String,
}

/// A question about one object: a partial object that it must match, and an expression (`where`).
#[derive(Debug, Default)]
pub(super) struct Predicate {
    pub(super) matches: Option<Value>,
    pub(super) filter: Option<ObjectExpression>,
}

/// An expression over one object and the variables.
#[derive(Debug, Clone)]
pub(super) struct ObjectExpression {
    pub(super) root: IdedExpr,
    pub(super) variable: String,
    /// The text, by which equal expressions are recognised.
    pub(super) text: String,
    /// The form that needs no CEL, where the expression has one.
    direct: Option<Direct>,
}

impl ObjectExpression {
    pub(super) fn new(root: IdedExpr, variable: String) -> Self {
        let (text, direct) = (write(&root), Direct::of(&root, &variable));
        Self { root, variable, text, direct }
    }

    /// Evaluates the expression without CEL; `None` where only CEL can.
    pub(super) fn evaluate_direct(&self, object: &Value, variables: &Value) -> Option<Truth> {
        self.direct.as_ref()?.evaluate(object, variables)
    }
}

impl Predicate {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        fn key(predicate: &Predicate) -> Option<(&str, &str)> {
            let filter = predicate.filter.as_ref()?;
            Some((&filter.text, &filter.variable))
        }
        self.matches == other.matches && key(self) == key(other)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.matches.is_none() && self.filter.is_none()
    }
}

/// The number of objects in a selection for which a predicate is true.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) selection: SelectionId,
    pub(super) predicate: PredicateId,
}

/// An expression that is evaluated again when an object of one of its selections changes.
#[derive(Debug)]
pub(super) struct CelExpression {
    pub(super) root: IdedExpr,
    pub(super) text: String,
    pub(super) selections: Vec<(String, SelectionId)>,
}

#[derive(Debug)]
pub(super) struct ConditionPlan {
    pub(super) node: Node,
    pub(super) source: Source,
    pub(super) kinds: Vec<KindId>,
    /// The condition in one line.
    pub(super) text: String,
}

/// A condition as it was written, for explanations.
#[derive(Debug)]
pub(super) enum Source {
    Cel(Arc<Expression>),
    Quantified(Quantity),
}

/// How a condition's truth follows from tallies, sizes and expressions.
#[derive(Debug)]
pub(super) enum Node {
    Constant(bool),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Compare(Term, Comparison, Term),
    All(TallyId),
    Exists(TallyId),
    Cel(CelId),
    Quantified(Quantity),
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Term {
    Number(i64),
    Size(SelectionId),
    Count(TallyId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// How many objects of a selection must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) quantifier: Quantifier,
    pub(super) tally: TallyId,
    pub(super) range: Range,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Any,
    None,
    Count,
}

/// The numbers that a count can have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) exactly: Option<u64>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

impl Range {
    pub(super) fn least(self) -> u64 {
        self.exactly.or(self.min).unwrap_or(0)
    }

    pub(super) fn most(self) -> u64 {
        self.exactly.or(self.max).unwrap_or(u64::MAX)
    }

    pub(super) fn contains(self, count: u64) -> bool {
        let holds = |limit: Option<u64>, compare: fn(&u64, &u64) -> bool| {
            limit.is_none_or(|limit| compare(&count, &limit))
        };
        holds(self.exactly, u64::eq) && holds(self.min, u64::ge) && holds(self.max, u64::le)
    }

    /// Such as `exactly 3 times` or `at least once`.
    pub(super) fn times(self) -> String {
        match (self.exactly, self.min, self.max) {
            (Some(1), ..) => "exactly once".to_owned(),
            (None, Some(1), None) => "at least once".to_owned(),
            (None, None, Some(1)) => "at most once".to_owned(),
            _ => format!("{} times", self.text()),
        }
    }

    /// Such as `exactly 3`, `at least 1` or `1 to 3`.
    pub(super) fn text(self) -> String {
        match (self.exactly, self.min, self.max) {
            (Some(exactly), ..) => format!("exactly {exactly}"),
            (_, Some(min), Some(max)) => format!("{min} to {max}"),
            (_, Some(min), None) => format!("at least {min}"),
            (_, None, Some(max)) => format!("at most {max}"),
            _ => "any number".to_owned(),
        }
    }
}

/// An assertion, or the condition that a step waits for.
#[derive(Debug)]
pub(super) struct ClaimPlan {
    pub(super) name: String,
    /// The step that the claim is; `None` for an assertion in the background.
    pub(super) step: Option<String>,
    pub(super) text: String,
    pub(super) rule: Rule,
    pub(super) from: SpanStart,
    /// For an assertion in the background, the step at whose end the span ends.
    pub(super) to: Option<String>,
    /// The longest time until the verdict, from the start of the claim's step, or of the span where it
    /// has no step.
    pub(super) limit: Option<Duration>,
    /// Whether the claim is judged when its step starts.
    pub(super) looks_back: bool,
    /// Whether the claim's step can be retried.
    pub(super) retries: bool,
    pub(super) occurrences: Table<OccurrencePlan>,
    pub(super) conditions: Vec<ConditionId>,
    pub(super) kinds: Vec<KindId>,
}

/// When the span of a claim begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SpanStart {
    /// At the start of the first step.
    FirstStep,
    /// At the start of the claim's own step, each time that it is tried.
    OwnStep,
    /// At the start of the step with this name.
    Step(String),
}

/// What must hold over time.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Eventually {
        condition: ConditionId,
    },
    Invariant {
        condition: ConditionId,
        expected: bool,
        grace: Duration,
    },
    Stable {
        condition: ConditionId,
        lasting: Duration,
    },
    Until {
        hold: ConditionId,
        until: ConditionId,
        grace: Duration,
    },
    /// All occurrences of the claim, in their order.
    Order,
    /// The number of times that the claim's occurrence happens.
    Count {
        range: Range,
    },
    After(AfterRule),
}

/// Each time that `event` happens, `then` must follow.
#[derive(Debug, Clone)]
pub(super) struct AfterRule {
    pub(super) event: OccurrenceId,
    pub(super) then: OccurrenceId,
    /// The condition of `then`, where it is one: it can hold already when `event` happens.
    pub(super) condition: Option<ConditionId>,
    /// The time for `then`; without it, until the span ends.
    pub(super) within: Option<Duration>,
    /// Whether `then` must happen to the object of `event`.
    pub(super) same_object: bool,
    /// How often `event` must happen.
    pub(super) at_least: u64,
}

/// An event that a claim is about.
#[derive(Debug)]
pub(super) struct OccurrencePlan {
    pub(super) trigger: Trigger,
    /// In words, such as `one of web is created`.
    pub(super) text: String,
    pub(super) kinds: Vec<KindId>,
}

#[derive(Debug)]
pub(super) enum Trigger {
    Object {
        event: ObjectEventKind,
        selection: SelectionId,
        predicate: PredicateId,
    },
    /// A condition begins to hold.
    Holds(ConditionId),
    Step {
        step: String,
        phase: StepPhase,
    },
    Fault {
        step: String,
        state: FaultState,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectEventKind {
    Created,
    Deleted,
    Changed,
    Becomes,
}

/// The part of a step that an occurrence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepPhase {
    Started,
    Finished,
}
