use std::time::Duration;

use super::{Compiler, seconds};
use crate::scenario::judge::program::{
    AfterRule, ClaimPlan, ConditionId, KindId, OccurrencePlan, Range, Rule, SpanStart, Trigger,
};
use crate::scenario::judge::table::Table;
use crate::scenario::language::{
    After, Assertion, Condition, Count, DEFAULT_DEADLINE, Occurrence, Step, Until,
};

/// A rule with what it is about.
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
    pub(super) fn assertion(&mut self, path: &str, assertion: &Assertion, step: Option<&Step>) {
        let name = step.map_or(&assertion.name, |step| &step.name).clone().unwrap_or_default();
        for (field, named) in [("from", &assertion.from), ("to", &assertion.to)] {
            if let Some(named) = named {
                self.require_step(&format!("{path}.{field}"), named);
            }
        }
        let fields = [
            assertion.eventually.is_some(),
            assertion.always.is_some(),
            assertion.never.is_some(),
            assertion.stable.is_some(),
            assertion.until.is_some(),
            assertion.order.is_some(),
            assertion.count.is_some(),
            assertion.after.is_some(),
        ];
        if fields.iter().filter(|is_given| **is_given).count() != 1 {
            self.mistake(
                path,
                "expected exactly one of `eventually`, `always`, `never`, `stable`, `until`, `order`, \
                 `count` and `after`",
            );
            return;
        }
        let Some(compiled) = self.rule(path, assertion) else { return };
        let looks_back = step.is_some()
            && assertion.lasting.is_none()
            && match compiled.rule {
                Rule::Invariant { .. } | Rule::Count { .. } => true,
                Rule::After(_) => assertion.from.is_some(),
                _ => false,
            };
        if looks_back && assertion.from.is_none() {
            self.mistake(
                path,
                "a step needs `for`, how long, or `from`, from which step's start on",
            );
            return;
        }
        let retries = step.is_some_and(|step| step.retries.is_some());
        if retries && assertion.from.is_some() && matches!(compiled.rule, Rule::After(_)) {
            self.mistake(path, "`after` with `from` looks back: trying it again changes nothing");
            return;
        }
        let limit = time_limit(&compiled.rule, assertion, step).filter(|_| !looks_back);
        let mut text = compiled.text;
        if let (Rule::Invariant { .. } | Rule::Count { .. }, Some(limit)) = (&compiled.rule, limit)
        {
            text.push_str(&format!(" for {}", seconds(limit)));
        } else if let (
            Rule::Eventually { .. } | Rule::Stable { .. } | Rule::Until { .. } | Rule::Order,
            Some(limit),
        ) = (&compiled.rule, limit)
        {
            text.push_str(&format!(" within {}", seconds(limit)));
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

    fn rule(&mut self, path: &str, assertion: &Assertion) -> Option<Compiled> {
        let grace = assertion.grace.map_or(Duration::ZERO, |grace| grace.0);
        if let Some(condition) = &assertion.eventually {
            let (condition, text) = self.one(path, "eventually", condition)?;
            let rule = Rule::Eventually { condition };
            return Some(Compiled::of_conditions(rule, text, vec![condition]));
        }
        for (field, given, expected) in
            [("always", &assertion.always, true), ("never", &assertion.never, false)]
        {
            if let Some(condition) = given {
                let (condition, text) = self.one(path, field, condition)?;
                let rule = Rule::Invariant { condition, expected, grace };
                return Some(Compiled::of_conditions(rule, text, vec![condition]));
            }
        }
        if let Some(condition) = &assertion.stable {
            let (condition, text) = self.one(path, "stable", condition)?;
            let Some(lasting) = assertion.lasting else {
                self.mistake(path, "`stable` needs `for`: how long the condition holds");
                return None;
            };
            let text = format!("{text} for {}", seconds(lasting.0));
            let rule = Rule::Stable { condition, lasting: lasting.0 };
            return Some(Compiled::of_conditions(rule, text, vec![condition]));
        }
        if let Some(until) = &assertion.until {
            return self.until(path, until, grace);
        }
        if let Some(order) = &assertion.order {
            return self.order(path, order);
        }
        if let Some(count) = &assertion.count {
            return self.count(path, count);
        }
        self.after(path, assertion.after.as_ref()?, assertion.within.map(|within| within.0))
    }

    fn one(
        &mut self,
        path: &str,
        field: &str,
        condition: &Condition,
    ) -> Option<(ConditionId, String)> {
        let condition = self.condition(&format!("{path}.{field}"), condition)?;
        Some((condition, format!("{field} {}", self.program.conditions[condition].text)))
    }

    fn until(&mut self, path: &str, until: &Until, grace: Duration) -> Option<Compiled> {
        let hold = self.condition(&format!("{path}.until.hold"), &until.hold);
        let ends = self.condition(&format!("{path}.until.until"), &until.until);
        let (hold, until) = (hold?, ends?);
        let texts = [hold, until].map(|number| self.program.conditions[number].text.as_str());
        let text = format!("{} until {}", texts[0], texts[1]);
        Some(Compiled::of_conditions(Rule::Until { hold, until, grace }, text, vec![hold, until]))
    }

    fn order(&mut self, path: &str, order: &[Occurrence]) -> Option<Compiled> {
        let path = format!("{path}.order");
        if order.len() < 2 {
            self.mistake(&path, "expected at least two, in the order in which they must happen");
            return None;
        }
        let compiled: Vec<_> = order
            .iter()
            .enumerate()
            .map(|(index, occurrence)| self.occurrence(&format!("{path}[{index}]"), occurrence))
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
        let path = format!("{path}.count");
        let occurrence = self.occurrence(&format!("{path}.of"), &count.of);
        let range = Range { exactly: count.exactly, min: count.min, max: count.max };
        if range == Range::default() {
            self.mistake(&path, "`count` needs `exactly`, `min` or `max`");
            return None;
        }
        let occurrence = occurrence?;
        let text = format!("{}: {}", range.times(), occurrence.text);
        let mut occurrences = Table::default();
        occurrences.push(occurrence);
        let conditions = conditions_of(occurrences.values());
        Some(Compiled { rule: Rule::Count { range }, text, conditions, occurrences })
    }

    fn after(&mut self, path: &str, after: &After, within: Option<Duration>) -> Option<Compiled> {
        let path = format!("{path}.after");
        let event = self.occurrence(&format!("{path}.event"), &after.event);
        let then = self.occurrence(&format!("{path}.then"), &after.then);
        let (event, then) = (event?, then?);
        let about_objects = [&event, &then]
            .iter()
            .all(|occurrence| matches!(occurrence.trigger, Trigger::Object { .. }));
        if after.same_object && !about_objects {
            self.mistake(&path, "with `sameObject`, both must be about objects");
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

/// How long an assertion has from its own start on; `None` in the background without a limit.
fn time_limit(rule: &Rule, assertion: &Assertion, step: Option<&Step>) -> Option<Duration> {
    let lasting = assertion.lasting.map(|lasting| lasting.0);
    let deadline = step.map(|step| step.deadline().0);
    match rule {
        Rule::Invariant { .. } | Rule::Count { .. } => lasting,
        // Its own `within` is about each time that something happens.
        Rule::After(_) => lasting.or(deadline),
        Rule::Stable { lasting, .. } => assertion.within.map(|within| within.0).or_else(|| {
            let step = step?;
            Some(step.deadline.map_or(DEFAULT_DEADLINE.0 + *lasting, |deadline| deadline.0))
        }),
        Rule::Eventually { .. } | Rule::Until { .. } | Rule::Order => {
            assertion.within.map(|within| within.0).or(deadline)
        }
    }
}
