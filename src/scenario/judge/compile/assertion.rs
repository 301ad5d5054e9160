use std::time::Duration;

use super::{Compiler, seconds};
use crate::scenario::judge::program::{
    AfterRule, ClaimPlan, ConditionId, KindId, OccurrencePlan, Range, Rule, SpanStart, Trigger,
};
use crate::scenario::judge::table::Table;
use crate::scenario::language::{
    After, Assertion, Bounds, BoundsMistake, Claim, Condition, Count, DEFAULT_DEADLINE, Occurrence,
    Step, Until,
};

/// A rule with the conditions and occurrences that it reads.
struct Compiled {
    rule: Rule,
    text: String,
    conditions: Vec<ConditionId>,
    occurrences: Table<OccurrencePlan>,
}

impl Compiled {
    fn of_conditions(rule: Rule, text: String, conditions: Vec<ConditionId>) -> Self {
        Self { rule, text, conditions, occurrences: Table::default() }
    }
}

impl Compiler<'_> {
    /// Compiles an assertion: of a step, or in the background.
    pub(super) fn claim(&mut self, path: &str, assertion: &Assertion, step: Option<&Step>) {
        let name = step.map_or(&assertion.name, |step| &step.name).clone().unwrap_or_default();
        for (field, named) in [("from", &assertion.from), ("to", &assertion.to)] {
            if let Some(named) = named {
                self.require_step(&format!("{path}.{field}"), named);
            }
        }
        let claim = &assertion.claim;
        let Some(compiled) = self.rule(&format!("{path}.{}", claim.name()), claim) else { return };
        let looks_back = step.is_some()
            && match claim {
                Claim::After { .. } => assertion.from.is_some(),
                claim => claim.needs_span() && claim.lasting().is_none(),
            };
        if looks_back && assertion.from.is_none() {
            let message = format!(
                "`{}` in a step needs `for`, to look ahead from the step's start, or `from`, to look back \
                 to the start of another step",
                claim.name()
            );
            self.mistake("no-span", path, message);
            return;
        }
        let retries = step.is_some_and(|step| step.retries.is_some());
        if retries && looks_back && matches!(claim, Claim::After { .. }) {
            let message = "`after` with `from` looks back: a retry cannot change its verdict";
            self.mistake("condition", path, message);
            return;
        }
        let limit = time_limit(claim, step).filter(|_| !looks_back);
        let mut text = compiled.text;
        match limit {
            Some(limit) if claim.needs_span() => text.push_str(&format!(" for {}", seconds(limit))),
            Some(limit) if !matches!(claim, Claim::After { .. }) => {
                text.push_str(&format!(" within {}", seconds(limit)));
            }
            _ => {}
        }
        let mut kinds: Vec<KindId> = compiled
            .conditions
            .iter()
            .flat_map(|condition| self.program.conditions[*condition].kinds.iter())
            .chain(compiled.occurrences.values().flat_map(|occurrence| &occurrence.kinds))
            .copied()
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let own = step.map(|_| name.clone());
        let from = match (&assertion.from, &own) {
            (Some(from), own) if own.as_ref() != Some(from) => SpanStart::Step(from.clone()),
            (_, Some(_)) => SpanStart::OwnStep,
            (_, None) => SpanStart::FirstStep,
        };
        self.program.claims.push(ClaimPlan {
            name,
            text,
            from,
            to: assertion.to.clone().filter(|_| own.is_none()),
            step: own,
            rule: compiled.rule,
            limit,
            looks_back,
            retries,
            occurrences: compiled.occurrences,
            conditions: compiled.conditions,
            kinds,
        });
    }

    /// Compiles a claim, which is the field at `path`.
    fn rule(&mut self, path: &str, claim: &Claim) -> Option<Compiled> {
        let time = |time: &Option<crate::scenario::language::Duration>| time.map(|time| time.0);
        match claim {
            Claim::Eventually { condition, .. } => {
                self.one(path, claim, condition, |condition| Rule::Eventually { condition })
            }
            Claim::Always { condition, grace, .. } | Claim::Never { condition, grace, .. } => {
                let expected = matches!(claim, Claim::Always { .. });
                let grace = time(grace).unwrap_or_default();
                let rule = |condition| Rule::Invariant { condition, expected, grace };
                self.one(path, claim, condition, rule)
            }
            Claim::Stable { condition, lasting, .. } => {
                let lasting = lasting.0;
                let rule = |condition| Rule::Stable { condition, lasting };
                let compiled = self.one(path, claim, condition, rule)?;
                let text = format!("{} for {}", compiled.text, seconds(lasting));
                Some(Compiled { text, ..compiled })
            }
            Claim::Until { until, grace, .. } => {
                self.until(path, until, time(grace).unwrap_or_default())
            }
            Claim::Order { order, .. } => self.order(path, order),
            Claim::Count { count, .. } => self.count(path, count),
            Claim::After { after, within } => self.after(path, after, time(within)),
        }
    }

    fn one(
        &mut self,
        path: &str,
        claim: &Claim,
        condition: &Condition,
        rule: impl FnOnce(ConditionId) -> Rule,
    ) -> Option<Compiled> {
        let number = self.compile_condition(path, condition)?;
        let text = format!("{} {}", claim.name(), self.program.conditions[number].text);
        Some(Compiled::of_conditions(rule(number), text, vec![number]))
    }

    fn until(&mut self, path: &str, until: &Until, grace: Duration) -> Option<Compiled> {
        let hold = self.compile_condition(&format!("{path}.hold"), &until.hold);
        let ends = self.compile_condition(&format!("{path}.until"), &until.until);
        let (hold, until) = (hold?, ends?);
        let texts = [hold, until].map(|number| self.program.conditions[number].text.as_str());
        let text = format!("{} until {}", texts[0], texts[1]);
        Some(Compiled::of_conditions(Rule::Until { hold, until, grace }, text, vec![hold, until]))
    }

    fn order(&mut self, path: &str, order: &[Occurrence]) -> Option<Compiled> {
        let compiled: Vec<_> = order
            .iter()
            .enumerate()
            .map(|(index, one)| self.compile_occurrence(&format!("{path}[{index}]"), one))
            .collect();
        let mut occurrences = Table::default();
        for occurrence in compiled {
            occurrences.push(occurrence?);
        }
        let texts: Vec<_> = occurrences.values().map(|one| one.text.as_str()).collect();
        let text = format!("in this order: {}", texts.join("; "));
        let conditions = conditions_of(occurrences.values());
        Some(Compiled { rule: Rule::Order, text, conditions, occurrences })
    }

    fn count(&mut self, path: &str, count: &Count) -> Option<Compiled> {
        let occurrence = self.compile_occurrence(&format!("{path}.of"), &count.of);
        let range = self.range(path, &count.bounds, count.bounds.check_given());
        let (occurrence, range) = (occurrence?, range?);
        let text = format!("{}: {}", range.times(), occurrence.text);
        let mut occurrences = Table::default();
        occurrences.push(occurrence);
        let conditions = conditions_of(occurrences.values());
        Some(Compiled { rule: Rule::Count { range }, text, conditions, occurrences })
    }

    /// The limits of a number in the object at `path`.
    pub(super) fn range(
        &mut self,
        path: &str,
        bounds: &Bounds,
        check: Result<(), BoundsMistake>,
    ) -> Option<Range> {
        if let Err(mistake) = check {
            let path = match mistake.field() {
                Some(field) => format!("{path}.{field}"),
                None => path.to_owned(),
            };
            self.mistake("count-bounds", &path, mistake.to_string());
            return None;
        }
        let Bounds { exactly, min, max } = *bounds;
        Some(Range { exactly, min, max })
    }

    fn after(&mut self, path: &str, after: &After, within: Option<Duration>) -> Option<Compiled> {
        let event = self.compile_occurrence(&format!("{path}.event"), &after.event);
        let then = self.compile_occurrence(&format!("{path}.then"), &after.then);
        let (event, then) = (event?, then?);
        let about_objects = [&event, &then]
            .iter()
            .all(|occurrence| matches!(occurrence.trigger, Trigger::Object { .. }));
        if after.same_object && !about_objects {
            let path = format!("{path}.sameObject");
            self.mistake("unused-field", &path, "needs `event` and `then` to be about objects");
            return None;
        }
        let condition = match then.trigger {
            Trigger::Holds(condition) => Some(condition),
            _ => None,
        };
        let follows = match condition {
            Some(condition) => self.program.conditions[condition].text.clone(),
            None => then.text.clone(),
        };
        let limit = within.map(|within| format!(" within {}", seconds(within))).unwrap_or_default();
        let text = format!("each time {}: {follows}{limit}", event.text);
        let mut conditions = conditions_of(std::iter::once(&event));
        conditions.extend(condition);
        let (same_object, at_least) = (after.same_object, after.at_least);
        let mut occurrences = Table::default();
        let (event, then) = (occurrences.push(event), occurrences.push(then));
        let rule = AfterRule { event, then, condition, within, same_object, at_least };
        Some(Compiled { rule: Rule::After(rule), text, conditions, occurrences })
    }
}

fn conditions_of<'o>(occurrences: impl Iterator<Item = &'o OccurrencePlan>) -> Vec<ConditionId> {
    let conditions = occurrences.filter_map(|occurrence| match occurrence.trigger {
        Trigger::Holds(condition) => Some(condition),
        _ => None,
    });
    conditions.collect()
}

/// How long an assertion has from its own start; `None` in the background without a limit.
fn time_limit(claim: &Claim, step: Option<&Step>) -> Option<Duration> {
    let deadline = step.map(|step| step.deadline().0);
    match claim {
        Claim::Always { .. } | Claim::Never { .. } | Claim::Count { .. } => {
            claim.lasting().map(|lasting| lasting.0)
        }
        // Its own `within` is about each time that something happens.
        Claim::After { .. } => deadline,
        Claim::Stable { lasting, within, .. } => within.map(|within| within.0).or_else(|| {
            let step = step?;
            Some(step.deadline.map_or(DEFAULT_DEADLINE.0 + lasting.0, |deadline| deadline.0))
        }),
        Claim::Eventually { .. } | Claim::Until { .. } | Claim::Order { .. } => {
            claim.within().map(|within| within.0).or(deadline)
        }
    }
}
