//! A reference evaluator, as simple as possible: it keeps all states of the cluster, and computes every
//! value from the full state of its moment.

mod occurrences;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::scenario::history::{Change, Entry, GapState, Moment, ObjectEvent, StepState};
use crate::scenario::judge::expression::{Expression, Scope, evaluate};
use crate::scenario::language::{
    self, Assertion, Bounds, Claim, Condition, Filter, Quantifier, Scenario, SelectionRef, Step,
};
use crate::scenario::outcome::Verdict;

/// Namespace and name, in the order of selections.
type Key = (String, String);

#[derive(Debug, Clone, Default)]
struct Moments {
    objects: BTreeMap<String, BTreeMap<Key, Value>>,
    lost: BTreeMap<String, bool>,
    api_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Error,
    Unknown,
}

impl From<Result<bool, String>> for Truth {
    fn from(result: Result<bool, String>) -> Self {
        match result {
            Ok(true) => Self::True,
            Ok(false) => Self::False,
            Err(_) => Self::Error,
        }
    }
}

/// A verdict, and the moment at which it became certain.
pub(super) type Judged = (Verdict, Moment);

pub(super) struct Reference<'a> {
    scenario: &'a Scenario,
    entries: &'a [Entry],
    states: Vec<Moments>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    first: usize,
    last: usize,
    from: Moment,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// An entry at that moment ends the window. Nothing that is due at the moment itself counts.
    Entry(Moment),
    /// A time limit or the end of the record ends the window.
    Time(Moment),
    /// The run ended early.
    CutShort(Moment),
}

impl End {
    fn at(self) -> Moment {
        match self {
            Self::Entry(at) | Self::Time(at) | Self::CutShort(at) => at,
        }
    }

    /// Whether `due` is still inside the window.
    fn lets(self, due: Moment) -> bool {
        match self {
            Self::Entry(at) => due < at,
            Self::Time(at) | Self::CutShort(at) => due <= at,
        }
    }
}

impl<'a> Reference<'a> {
    pub(super) fn new(scenario: &'a Scenario, entries: &'a [Entry]) -> Self {
        let mut states = Vec::new();
        let mut now = Moments::default();
        for entry in entries {
            match &entry.change {
                Change::Object(change) => {
                    let field = |name: &str| {
                        change.object["metadata"][name].as_str().unwrap_or_default().to_owned()
                    };
                    let objects = now.objects.entry(change.kind.to_string()).or_default();
                    let key = (field("namespace"), field("name"));
                    match change.event {
                        ObjectEvent::Deleted | ObjectEvent::Missed => {
                            objects.remove(&key);
                        }
                        _ => {
                            objects.insert(key, (*change.object).clone());
                        }
                    }
                }
                Change::Gap(gap) => {
                    now.lost.insert(gap.kind.to_string(), gap.state == GapState::Lost);
                }
                Change::Api(api) => now.api_lost = !api.available,
                _ => {}
            }
            states.push(now.clone());
        }
        Self { scenario, entries, states }
    }

    fn selection(&self, selection: &SelectionRef) -> (&'static str, fn(&Value) -> bool) {
        let SelectionRef::Named(name) = selection else { panic!("expected a named selection") };
        match name.as_str() {
            "web" => ("v1/Pod", |object| object["metadata"]["labels"]["app"] == "web"),
            "nodes" => ("v1/Node", |_| true),
            "failed" => ("v1/Pod", |object| object["status"]["phase"] == "Failed"),
            other => panic!("{other}"),
        }
    }

    fn members(&self, at: usize, name: &str) -> Vec<&Value> {
        let (kind, has) = self.selection(&SelectionRef::Named(name.to_owned()));
        let objects = self.states[at].objects.get(kind);
        objects
            .into_iter()
            .flatten()
            .map(|(_, object)| object)
            .filter(|object| has(object))
            .collect()
    }

    /// The value of a condition, even while a watch is lost.
    fn raw(&self, condition: &Condition, at: usize) -> Truth {
        let variables = Value::Object(self.scenario.variables.clone());
        match condition {
            Condition::Cel(text) => {
                let expression = Expression::compile(text).unwrap();
                let scope = Scope::default()
                    .with("vars", &variables)
                    .with_objects("web", self.members(at, "web"))
                    .with_objects("nodes", self.members(at, "nodes"))
                    .with_objects("failed", self.members(at, "failed"));
                evaluate(expression.root(), &scope).into()
            }
            Condition::Quantified(quantified) => {
                let (quantifier, filter) = (&quantified.quantifier, &quantified.filter);
                let SelectionRef::Named(name) = quantifier.selection() else { panic!() };
                let truths: Vec<Truth> = self
                    .members(at, name)
                    .into_iter()
                    .map(|object| asked(object, None, filter))
                    .collect();
                let number =
                    |wanted: Truth| truths.iter().filter(|truth| **truth == wanted).count();
                let fits = |bounds: &Bounds, count: usize| fits(bounds, count as u64);
                let errors = number(Truth::Error);
                if let Quantifier::All { bounds, .. } = quantifier {
                    return match () {
                        () if truths.is_empty() || !fits(bounds, truths.len()) => Truth::False,
                        () if number(Truth::False) > 0 => Truth::False,
                        () if errors > 0 => Truth::Error,
                        () => Truth::True,
                    };
                }
                if let Quantifier::Count { bounds, .. } = quantifier {
                    let possible: Vec<bool> = (0..=errors)
                        .map(|errors| fits(bounds, number(Truth::True) + errors))
                        .collect();
                    return match () {
                        () if possible.iter().all(|fits| *fits) => Truth::True,
                        () if possible.iter().any(|fits| *fits) => Truth::Error,
                        () => Truth::False,
                    };
                }
                let some = match () {
                    () if number(Truth::True) > 0 => Truth::True,
                    () if errors > 0 => Truth::Error,
                    () => Truth::False,
                };
                match (matches!(quantifier, Quantifier::None { .. }), some) {
                    (true, Truth::True) => Truth::False,
                    (true, Truth::False) => Truth::True,
                    (_, some) => some,
                }
            }
        }
    }

    fn kinds(&self, condition: &Condition) -> Vec<&'static str> {
        let names = match condition {
            Condition::Cel(text) => {
                Expression::compile(text).unwrap().variables().iter().cloned().collect()
            }
            Condition::Quantified(quantified) => {
                let SelectionRef::Named(name) = quantified.quantifier.selection() else { panic!() };
                vec![name.clone()]
            }
        };
        let selections = names.into_iter().filter(|name| name != "vars");
        selections.map(|name| self.selection(&SelectionRef::Named(name)).0).collect()
    }

    fn is_lost(&self, kinds: &[&str], at: usize) -> bool {
        let state = &self.states[at];
        let is_lost = |kind: &&str| state.lost.get(*kind).copied().unwrap_or_default();
        !kinds.is_empty() && (state.api_lost || kinds.iter().any(is_lost))
    }

    fn value(&self, condition: &Condition, at: usize) -> Truth {
        match self.is_lost(&self.kinds(condition), at) {
            true => Truth::Unknown,
            false => self.raw(condition, at),
        }
    }

    fn relisted(&self, kinds: &[&str], first: usize, last: usize) -> bool {
        self.entries[first..=last].iter().any(|entry| match &entry.change {
            Change::Gap(gap) => gap.state == GapState::Relisted && kinds.contains(&&*gap.kind.0),
            _ => false,
        })
    }

    /// Whether there was a gap between `since` and the entry `last`.
    fn lost_since(&self, kinds: &[&str], since: Moment, first: usize, last: usize) -> bool {
        self.is_lost(kinds, last)
            || (first + 1..=last).any(|at| {
                self.is_lost(kinds, at - 1)
                    && !self.is_lost(kinds, at)
                    && self.entries[at].at > since
            })
    }

    fn starts(&self, step: Option<&str>) -> Vec<usize> {
        let is_start = |entry: &Entry| match &entry.change {
            Change::Step(entry) => {
                entry.state == StepState::Started && step.is_none_or(|step| entry.step == step)
            }
            _ => false,
        };
        (0..self.entries.len()).filter(|at| is_start(&self.entries[*at])).collect()
    }

    fn finish(&self, step: &str) -> Option<usize> {
        self.entries.iter().position(|entry| match &entry.change {
            Change::Step(entry) => {
                entry.step == step
                    && matches!(
                        entry.state,
                        StepState::Passed | StepState::Failed | StepState::Inconclusive
                    )
            }
            _ => false,
        })
    }

    /// The window from an entry to a time limit, a last entry, or the end of the record.
    fn window(
        &self,
        first: usize,
        limit: Option<Moment>,
        last: Option<usize>,
        lasts_to_the_end: bool,
    ) -> Window {
        let from = self.entries[first].at;
        let window = |last, end| Window { first, last, from, end };
        for at in first..self.entries.len() {
            let entry = &self.entries[at];
            if let Some(limit) = limit.filter(|limit| entry.at > *limit) {
                return window(at - 1, End::Time(limit));
            }
            if last == Some(at) {
                return window(at, End::Entry(entry.at));
            }
            if let Change::End(end) = &entry.change {
                if let Some(limit) = limit.filter(|limit| entry.at >= *limit) {
                    return window(at, End::Time(limit));
                }
                let skipped = self.entries.iter().any(|entry| match &entry.change {
                    Change::Step(entry) => entry.state == StepState::Skipped,
                    _ => false,
                });
                let is_complete = lasts_to_the_end && !end.interrupted && !skipped;
                let end = if is_complete { End::Time(entry.at) } else { End::CutShort(entry.at) };
                return window(at, end);
            }
        }
        panic!("the record has no end")
    }

    /// The verdict on an assertion: the last one if its step is retried.
    pub(super) fn judge(&self, assertion: &Assertion, step: Option<&Step>) -> Judged {
        let never = (Verdict::Inconclusive, self.entries.last().unwrap().at);
        let Some(step) = step else {
            let Some(first) = self.starts(assertion.from.as_deref()).first().copied() else {
                return never;
            };
            // The time limit of `after` starts at each event.
            let limit = match &assertion.claim {
                Claim::After { .. } => None,
                claim if claim.needs_span() => duration(claim.lasting()),
                claim => duration(claim.within()),
            };
            let limit = limit.map(|limit| self.entries[first].at + limit);
            let last = assertion.to.as_ref().map(|to| self.finish(to).unwrap_or(usize::MAX));
            return self.rule(assertion, self.window(first, limit, last, last.is_none()));
        };
        let own = step.name.as_deref();
        let Some(start) = self.starts(own).last().copied() else { return never };
        let first = match &assertion.from {
            Some(from) => match self.starts(Some(from)).first().copied() {
                Some(first) if first < start => first,
                _ => return never,
            },
            None => start,
        };
        let started = self.entries[start].at;
        let deadline = step.deadline.map_or(Duration::from_secs(60), |time| time.0);
        let claim = &assertion.claim;
        let is_span = claim.needs_span() || matches!(claim, Claim::After { .. });
        let limit = match (is_span, claim.lasting(), claim.within()) {
            (true, Some(lasting), _) => Some(lasting.0),
            (true, None, _) if assertion.from.is_some() => None,
            (true, None, _) => Some(deadline),
            (false, _, Some(within)) => Some(within.0),
            (false, Some(lasting), None) => Some(match step.deadline {
                Some(deadline) => deadline.0,
                None => Duration::from_secs(60) + lasting.0,
            }),
            (false, None, None) => Some(deadline),
        };
        let window = match limit {
            Some(limit) => self.window(first, Some(started + limit), None, false),
            None => self.window(first, None, Some(start), false),
        };
        let (verdict, decided) = self.rule(assertion, window);
        // There is no verdict before the step starts.
        (verdict, decided.max(started))
    }

    fn rule(&self, assertion: &Assertion, window: Window) -> Judged {
        match &assertion.claim {
            Claim::Eventually { condition, .. } => self.eventually(condition, window),
            Claim::Always { condition, grace, .. } => self.invariant(
                condition,
                Truth::False,
                duration(*grace).unwrap_or_default(),
                window,
            ),
            Claim::Never { condition, grace, .. } => {
                self.invariant(condition, Truth::True, duration(*grace).unwrap_or_default(), window)
            }
            Claim::Stable { condition, lasting, .. } => self.stable(condition, lasting.0, window),
            Claim::Until { until, grace, .. } => {
                let grace = duration(*grace).unwrap_or_default();
                self.until(&until.hold, &until.until, grace, window)
            }
            Claim::Order { order, .. } => self.order(order, window),
            Claim::Count { count, .. } => {
                let most = count.bounds.exactly.or(count.bounds.max).unwrap_or(u64::MAX);
                self.count(&count.of, |number| fits(&count.bounds, number), most, window)
            }
            Claim::After { after, within } => self.after(after, duration(*within), window),
        }
    }

    /// The verdict at the end of a window without a decision.
    fn time_is_up(&self, kinds: &[&str], window: Window) -> Judged {
        let verdict = match window.end {
            End::CutShort(_) => Verdict::Inconclusive,
            _ if self.lost_since(kinds, window.from, window.first, window.last) => {
                Verdict::Inconclusive
            }
            _ => Verdict::Fail,
        };
        (verdict, window.end.at())
    }

    fn eventually(&self, condition: &Condition, window: Window) -> Judged {
        for at in window.first..=window.last {
            if self.value(condition, at) == Truth::True {
                return (Verdict::Pass, self.entries[at].at);
            }
        }
        self.time_is_up(&self.kinds(condition), window)
    }

    /// The stretches of entries at which `holds` is true: the first entry of each, and the first entry after
    /// it, if that is in the window.
    fn stretches(
        &self,
        window: Window,
        holds: impl Fn(usize) -> bool,
    ) -> Vec<(usize, Option<usize>)> {
        let mut stretches: Vec<(usize, Option<usize>)> = Vec::new();
        let mut inside = false;
        for at in window.first..=window.last {
            match (inside, holds(at)) {
                (false, true) => stretches.push((at, None)),
                (true, false) => stretches.last_mut().unwrap().1 = Some(at),
                _ => {}
            }
            inside = holds(at);
        }
        stretches
    }

    /// The moment at which a stretch has lasted for `time`, if it lasts that long.
    fn lasts(
        &self,
        window: Window,
        (first, over): (usize, Option<usize>),
        time: Duration,
    ) -> Option<Moment> {
        let due = self.entries[first].at + time;
        let lasts = match over {
            Some(over) => self.entries[over].at > due,
            None => window.end.lets(due),
        };
        lasts.then_some(due)
    }

    fn invariant(
        &self,
        condition: &Condition,
        bad: Truth,
        grace: Duration,
        window: Window,
    ) -> Judged {
        let values: Vec<Truth> = (0..=window.last).map(|at| self.value(condition, at)).collect();
        let kinds = self.kinds(condition);
        let mut doubtful = false;
        for stretch in self.stretches(window, |at| values[at] == bad) {
            if grace.is_zero() {
                return (Verdict::Fail, self.entries[stretch.0].at);
            }
            if let Some(due) = self.lasts(window, stretch, grace) {
                return (Verdict::Fail, due);
            }
            doubtful |= stretch.1.is_some_and(|over| values[over] == Truth::Unknown);
        }
        let verdict = match window.end {
            End::CutShort(_) => Verdict::Inconclusive,
            _ if values[window.first..].contains(&Truth::Error)
                || doubtful
                || self.relisted(&kinds, window.first, window.last)
                || self.is_lost(&kinds, window.last) =>
            {
                Verdict::Inconclusive
            }
            _ => Verdict::Pass,
        };
        (verdict, window.end.at())
    }

    fn stable(&self, condition: &Condition, lasting: Duration, window: Window) -> Judged {
        for stretch in self.stretches(window, |at| self.value(condition, at) == Truth::True) {
            if let Some(due) = self.lasts(window, stretch, lasting) {
                return (Verdict::Pass, due);
            }
        }
        self.time_is_up(&self.kinds(condition), window)
    }

    fn until(
        &self,
        hold: &Condition,
        until: &Condition,
        grace: Duration,
        window: Window,
    ) -> Judged {
        let reached = (window.first..=window.last).find(|at| self.value(until, *at) == Truth::True);
        let before = Window { last: reached.unwrap_or(window.last), ..window };
        // The moment at which `until` holds ends each breach.
        let is_breach = |at: usize| Some(at) != reached && self.value(hold, at) == Truth::False;
        let (hold_kinds, until_kinds) = (self.kinds(hold), self.kinds(until));
        let mut doubtful = false;
        for (first, over) in self.stretches(before, is_breach) {
            let due = match grace.is_zero() {
                true => Some(self.entries[first].at),
                false => self.lasts(before, (first, over), grace),
            };
            if let Some(due) = due {
                let last = match grace.is_zero() {
                    true => first,
                    false => {
                        (first..=before.last).rev().find(|at| self.entries[*at].at <= due).unwrap()
                    }
                };
                let unseen = self.relisted(&until_kinds, window.first, first)
                    || (first..=last).any(|at| self.value(until, at) == Truth::Unknown);
                let verdict = if unseen { Verdict::Inconclusive } else { Verdict::Fail };
                return (verdict, due);
            }
            doubtful |= over.is_some_and(|over| {
                Some(over) != reached && self.value(hold, over) == Truth::Unknown
            });
        }
        let kinds: Vec<&str> = hold_kinds.into_iter().chain(until_kinds).collect();
        let Some(reached) = reached else { return self.time_is_up(&kinds, window) };
        let is_seen = !doubtful
            && !self.relisted(&kinds, window.first, reached)
            && self.value(hold, reached) != Truth::Unknown
            && (window.first..reached).all(|at| self.value(hold, at) != Truth::Error);
        let verdict = if is_seen { Verdict::Pass } else { Verdict::Inconclusive };
        (verdict, self.entries[reached].at)
    }
}

fn fits(bounds: &Bounds, number: u64) -> bool {
    bounds.exactly.is_none_or(|exactly| number == exactly)
        && bounds.min.is_none_or(|min| number >= min)
        && bounds.max.is_none_or(|max| number <= max)
}

fn duration(time: Option<language::Duration>) -> Option<Duration> {
    time.map(|time| time.0)
}

fn asked(object: &Value, old: Option<&Value>, filter: &Filter) -> Truth {
    // The tests match phases only.
    let is_other = |part: &Value| object["status"]["phase"] != part["status"]["phase"];
    if filter.matches.as_ref().is_some_and(is_other) {
        return Truth::False;
    }
    let Some(text) = &filter.expression else { return Truth::True };
    let expression = Expression::compile(text).unwrap();
    let variables = serde_json::json!({});
    let mut scope = Scope::default().with("object", object).with("vars", &variables);
    if let Some(old) = old {
        scope = scope.with("old", old);
    }
    evaluate(expression.root(), &scope).into()
}
