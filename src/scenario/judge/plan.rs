//! A scenario, compiled: tables of what is looked at, and claims about it. What is the same is there
//! once, so that it is evaluated once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cel::common::ast::IdedExpr;
use serde_json::Value;

use super::labels::Requirement;
use crate::scenario::history::{FaultState, KindName};
use crate::scenario::judge::expression::{Answer, Direct, Expression, write};
use crate::scenario::language::{Selection, SelectionRef};

/// A scenario's selections, conditions and assertions, compiled.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) kinds: Vec<KindName>,
    pub(super) selections: Vec<SelectionPlan>,
    pub(super) named: BTreeMap<String, usize>,
    pub(super) inline: Vec<(Selection, usize)>,
    pub(super) predicates: Vec<Predicate>,
    pub(super) tallies: Vec<Tally>,
    pub(super) wholes: Vec<Whole>,
    pub(super) conditions: Vec<ConditionPlan>,
    pub(super) claims: Vec<ClaimPlan>,
    pub(super) variables: Value,
    pub(super) uses: Uses,
    /// Of each kind, the paths of fields that are read.
    pub(super) paths: Vec<Vec<Vec<String>>>,
}

/// Which parts depend on which.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) selections_of_kind: Vec<Vec<usize>>,
    pub(super) tallies_of_selection: Vec<Vec<usize>>,
    pub(super) wholes_of_selection: Vec<Vec<(usize, Dependence)>>,
    /// Conditions that read how many objects a selection has.
    pub(super) conditions_of_selection: Vec<Vec<usize>>,
    pub(super) conditions_of_tally: Vec<Vec<usize>>,
    pub(super) conditions_of_whole: Vec<Vec<usize>>,
    pub(super) claims_of_condition: Vec<Vec<usize>>,
    /// Claims, the numbers of their occurrences, and on what it depends whether an object becomes so.
    pub(super) occurrences_of_selection: Vec<Vec<(usize, usize, Dependence)>>,
    pub(super) membership: Vec<Dependence>,
    pub(super) tallies: Vec<Dependence>,
}

/// Which fields of an object decide something: while they stay as they are, so does that.
#[derive(Debug, Clone, Default)]
pub(super) enum Dependence {
    /// Any may.
    #[default]
    Everything,
    /// By their numbers among the paths of the object's kind.
    Paths(Vec<usize>),
}

impl Program {
    /// The kinds that selections read.
    pub fn kinds(&self) -> BTreeSet<KindName> {
        self.kinds.iter().cloned().collect()
    }

    /// The number of a selection.
    pub(super) fn selection(&self, selection: &SelectionRef) -> Option<usize> {
        match selection {
            SelectionRef::Named(name) => self.named.get(name).copied(),
            SelectionRef::Inline(selection) => {
                self.inline.iter().find(|(known, _)| known == selection).map(|(_, number)| *number)
            }
        }
    }
}

/// Objects of one kind.
#[derive(Debug, PartialEq)]
pub(super) struct SelectionPlan {
    pub(super) kind: usize,
    /// The namespace of objects that have one; `None` for all.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) labels: Vec<Requirement>,
    pub(super) predicate: usize,
    /// What people call its objects: `web`, or `pods` where it has no name.
    pub(super) label: String,
}

/// What is asked of one object.
#[derive(Debug, Default)]
pub(super) struct Predicate {
    pub(super) matches: Option<Value>,
    pub(super) body: Option<Body>,
}

/// An expression over one object and the variables.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) root: IdedExpr,
    pub(super) variable: String,
    /// Its text, by which equal ones are known.
    pub(super) text: String,
    direct: Option<Direct>,
}

impl Body {
    pub(super) fn new(root: IdedExpr, variable: String) -> Self {
        let (text, direct) = (write(&root), Direct::of(&root, &variable));
        Self { root, variable, text, direct }
    }

    /// The answer, where it needs no CEL.
    pub(super) fn answer(&self, object: &Value, variables: &Value) -> Option<Answer> {
        self.direct.as_ref()?.answer(object, variables)
    }
}

impl Predicate {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let key = |body: &Option<Body>| {
            body.as_ref().map(|body| (body.text.clone(), body.variable.clone()))
        };
        self.matches == other.matches && key(&self.body) == key(&other.body)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.matches.is_none() && self.body.is_none()
    }
}

/// How many objects of a selection are as a predicate asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) selection: usize,
    pub(super) predicate: usize,
}

/// An expression that is evaluated anew when anything in one of its selections changes.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) root: IdedExpr,
    pub(super) text: String,
    pub(super) selections: Vec<(String, usize)>,
}

/// A condition.
#[derive(Debug)]
pub(super) struct ConditionPlan {
    pub(super) node: Node,
    pub(super) source: Source,
    pub(super) kinds: Vec<usize>,
    /// It in one line.
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
    All(usize),
    Exists(usize),
    Whole(usize),
    Quantified(Quantity),
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Term {
    Number(i64),
    Size(usize),
    Count(usize),
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
    pub(super) form: Form,
    pub(super) tally: usize,
    pub(super) range: Range,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    All,
    Any,
    None,
    Count,
}

/// How many there may be.
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

    /// As `exactly 3 times`, `at least once`.
    pub(super) fn times(self) -> String {
        match (self.exactly, self.min, self.max) {
            (Some(1), ..) => "exactly once".to_owned(),
            (None, Some(1), None) => "at least once".to_owned(),
            (None, None, Some(1)) => "at most once".to_owned(),
            _ => format!("{} times", self.text()),
        }
    }

    /// As `exactly 3`, `at least 1`, `1 to 3`.
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

/// An assertion, or what a step waits for.
#[derive(Debug)]
pub(super) struct ClaimPlan {
    pub(super) name: String,
    /// The step that it is.
    pub(super) step: Option<String>,
    pub(super) text: String,
    pub(super) rule: Rule,
    /// The step with whose start the span begins; `None` in the background for the first one.
    pub(super) from: Option<String>,
    /// In the background, the step with whose end the span ends.
    pub(super) to: Option<String>,
    /// How long it has, from the step's own start or the span's.
    pub(super) limit: Option<Duration>,
    /// Whether it is judged when its step starts.
    pub(super) looks_back: bool,
    /// Whether its step may be tried again.
    pub(super) retries: bool,
    pub(super) occurrences: Vec<OccurrencePlan>,
    pub(super) conditions: Vec<usize>,
    pub(super) kinds: Vec<usize>,
}

/// What must be so over time. Occurrences are known by their number in the claim.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Eventually { condition: usize },
    Invariant { condition: usize, expected: bool, grace: Duration },
    Stable { condition: usize, lasting: Duration },
    Until { hold: usize, until: usize, grace: Duration },
    Order,
    Count { range: Range },
    After { then: Option<usize>, within: Option<Duration>, same_object: bool, at_least: u64 },
}

/// Something that happens.
#[derive(Debug)]
pub(super) struct OccurrencePlan {
    pub(super) what: What,
    /// In words, as `a pod of web is created`.
    pub(super) text: String,
    pub(super) kinds: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum What {
    Object { event: ObjectEventKind, selection: usize, predicate: usize },
    Holds(usize),
    Step { step: String, started: bool },
    Fault { step: String, state: FaultState },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectEventKind {
    Created,
    Deleted,
    Changed,
    Becomes,
}
