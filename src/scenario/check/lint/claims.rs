//! Rules about what an assertion claims.

use super::linter::Linter;
use super::walk::AssertionAt;
use crate::scenario::language::{
    Assertion, Condition, Occurrence, Quantified, Selection, SelectionRef,
};
use crate::yaml::list;

/// A claim with the fields that it uses, besides its own.
struct Claim {
    field: &'static str,
    /// Fields used in a step and in the background.
    uses: &'static [&'static str],
    /// Fields used in a step only.
    in_steps: &'static [&'static str],
}

const CLAIMS: [Claim; 8] = [
    Claim { field: "eventually", uses: &["within"], in_steps: &[] },
    Claim { field: "always", uses: &["grace"], in_steps: &["for"] },
    Claim { field: "never", uses: &["grace"], in_steps: &["for"] },
    Claim { field: "stable", uses: &["for", "within"], in_steps: &[] },
    Claim { field: "until", uses: &["within", "grace"], in_steps: &[] },
    Claim { field: "order", uses: &["within"], in_steps: &[] },
    Claim { field: "count", uses: &[], in_steps: &["for"] },
    Claim { field: "after", uses: &["within"], in_steps: &[] },
];

/// The claims that an assertion makes.
pub(super) fn claims(assertion: &Assertion) -> Vec<&'static str> {
    let has = |field: &str| match field {
        "eventually" => assertion.eventually.is_some(),
        "always" => assertion.always.is_some(),
        "never" => assertion.never.is_some(),
        "stable" => assertion.stable.is_some(),
        "until" => assertion.until.is_some(),
        "order" => assertion.order.is_some(),
        "count" => assertion.count.is_some(),
        _ => assertion.after.is_some(),
    };
    CLAIMS.iter().map(|claim| claim.field).filter(|field| has(field)).collect()
}

impl Linter<'_> {
    pub(super) fn claims(&mut self) {
        let assertions = std::mem::take(&mut self.walk.assertions);
        for at in &assertions {
            self.assertion(at);
        }
        self.walk.assertions = assertions;
        let conditions = std::mem::take(&mut self.walk.conditions);
        for (path, condition) in &conditions {
            if let Condition::Quantified(quantified) = condition {
                self.quantified(path, quantified);
            }
        }
        self.walk.conditions = conditions;
        let occurrences = std::mem::take(&mut self.walk.occurrences);
        for (path, occurrence) in &occurrences {
            self.occurrence(path, occurrence);
        }
        self.walk.occurrences = occurrences;
    }

    fn assertion(&mut self, at: &AssertionAt<'_>) {
        let AssertionAt { path, assertion, step } = at;
        let all: Vec<&str> = CLAIMS.iter().map(|claim| claim.field).collect();
        let claim = match claims(assertion).as_slice() {
            [] => {
                let message = format!("claims nothing: expected one of {}", list(&all, "or"));
                self.report("one-claim", path.as_str(), message);
                return;
            }
            [one] => *one,
            several => {
                let message = format!(
                    "claims several things, {}: make an assertion of each",
                    list(several, "and")
                );
                self.report("one-claim", path.as_str(), message);
                return;
            }
        };
        let uses = |field: &str| {
            CLAIMS.iter().any(|known| {
                known.field == claim
                    && (known.uses.contains(&field)
                        || (step.is_some() && known.in_steps.contains(&field)))
            })
        };
        for (field, is_given) in [
            ("within", assertion.within.is_some()),
            ("for", assertion.lasting.is_some()),
            ("grace", assertion.grace.is_some()),
        ] {
            if is_given && !uses(field) {
                let message = match (step, field) {
                    (None, "for") => {
                        format!(
                            "is not used by `{claim}` in the background: its span is that of steps, by `from` and `to`"
                        )
                    }
                    _ => format!("is not used by `{claim}`"),
                };
                self.report_name("unused-field", format!("{path}.{field}"), message);
            }
        }
        if step.is_some() && assertion.to.is_some() {
            let message = "is not used in a step, whose span ends with it";
            self.report_name("unused-field", format!("{path}.to"), message);
        }
        let spans = ["always", "never", "count"].contains(&claim);
        if step.is_some() && spans && assertion.lasting.is_none() && assertion.from.is_none() {
            let message = format!(
                "`{claim}` in a step needs `for`, to look at the time after its start, or `from`, to look \
                 back at the time since a step"
            );
            self.report("no-span", path.as_str(), message);
        }
        if claim == "stable" && assertion.lasting.is_none() {
            let message = "`stable` needs `for`: how long it holds without a break";
            self.report("no-span", path.as_str(), message);
        }
        if let Some(count) = &assertion.count {
            let bounds = Bounds { exactly: count.exactly, min: count.min, max: count.max };
            self.bounds(&format!("{path}.count"), &bounds, true);
        }
        if let Some(order) = &assertion.order
            && order.len() < 2
        {
            let message = format!("an order needs two occurrences or more, not {}", order.len());
            self.report("one-claim", format!("{path}.order"), message);
        }
        if let Some(after) = &assertion.after {
            let are_objects =
                object_claim(&after.event).is_some() && object_claim(&after.then).is_some();
            if after.same_object && !are_objects {
                let message = "is not used: not both are about objects";
                self.report_name("unused-field", format!("{path}.after.sameObject"), message);
            }
        }
    }

    fn quantified(&mut self, path: &str, quantified: &Quantified) {
        let given = [
            ("all", &quantified.all),
            ("any", &quantified.any),
            ("none", &quantified.none),
            ("count", &quantified.count),
        ];
        let fields: Vec<&str> =
            given.iter().filter(|(_, value)| value.is_some()).map(|(field, _)| *field).collect();
        let Quantified { exactly, min, max, .. } = *quantified;
        let bounds = Bounds { exactly, min, max };
        match fields.as_slice() {
            [] => {
                let message =
                    "says of nothing that it holds: expected `all`, `any`, `none` or `count`";
                self.report("one-quantifier", path, message);
            }
            [one @ ("any" | "none")] => {
                for field in bounds.given() {
                    let message = format!("is not used by `{one}`; it goes with `count` or `all`");
                    self.report_name("unused-field", format!("{path}.{field}"), message);
                }
            }
            [one] => self.bounds(path, &bounds, *one == "count"),
            several => {
                let message = format!("has {}: leave out all but one", list(several, "and"));
                self.report("one-quantifier", path, message);
            }
        }
    }

    fn bounds(&mut self, path: &str, bounds: &Bounds, needed: bool) {
        match (bounds.exactly, bounds.min, bounds.max) {
            (None, None, None) if needed => {
                let message = "has no number: expected `exactly`, `min` or `max`";
                self.report("count-bounds", path, message);
            }
            (Some(_), min, max) if min.is_some() || max.is_some() => {
                let message = "leaves nothing to `min` and `max`: leave out either";
                self.report_name("count-bounds", format!("{path}.exactly"), message);
            }
            (_, Some(min), Some(max)) if min > max => {
                let message =
                    format!("{min} is more than `max`, which is {max}: no number is both");
                self.report("count-bounds", format!("{path}.min"), message);
            }
            (None, Some(0), None) => {
                let message = "0 or more is always true";
                self.report("count-bounds", format!("{path}.min"), message);
            }
            _ => {}
        }
    }

    fn occurrence(&mut self, path: &str, occurrence: &Occurrence) {
        let given = [
            ("created", occurrence.created.is_some()),
            ("deleted", occurrence.deleted.is_some()),
            ("changed", occurrence.changed.is_some()),
            ("becomes", occurrence.becomes.is_some()),
            ("holds", occurrence.holds.is_some()),
            ("step", occurrence.step.is_some()),
            ("injected", occurrence.injected.is_some()),
            ("healed", occurrence.healed.is_some()),
        ];
        let all: Vec<&str> = given.iter().map(|(field, _)| *field).collect();
        let fields: Vec<&str> =
            given.iter().filter(|(_, given)| *given).map(|(field, _)| *field).collect();
        match fields.as_slice() {
            [] => {
                let message =
                    format!("is nothing that happens: expected one of {}", list(&all, "or"));
                self.report("one-occurrence", path, message);
                return;
            }
            [_] => {}
            several => {
                let message = format!("has {}: leave out all but one", list(several, "and"));
                self.report("one-occurrence", path, message);
                return;
            }
        }
        let parts =
            [("match", occurrence.matches.is_some()), ("where", occurrence.filter.is_some())];
        if object_claim(occurrence).is_none() {
            for (field, _) in parts.into_iter().filter(|(_, given)| *given) {
                let message = format!("is not used by `{}`, which is not about objects", fields[0]);
                self.report_name("unused-field", format!("{path}.{field}"), message);
            }
        }
        if let Some(reference) = &occurrence.becomes
            && parts.iter().all(|(_, given)| !given)
            && self.selects_whole_kind(reference)
        {
            let message = "needs `match` or `where`, what an object begins to be: every object of the \
                           selection is of it from its creation on";
            self.report("one-occurrence", path, message);
        }
        if let Some(phase) = &occurrence.step
            && phase.started.is_some() == phase.finished.is_some()
        {
            let message = "expected either `started` or `finished`";
            self.report("one-occurrence", format!("{path}.step"), message);
        }
    }
}

impl Linter<'_> {
    /// Whether objects cannot come into a selection later than by their creation.
    fn selects_whole_kind(&self, reference: &SelectionRef) -> bool {
        let selection = match reference {
            SelectionRef::Inline(selection) => Some(selection),
            SelectionRef::Named(name) => self.scenario.selections.get(name),
        };
        selection.is_some_and(|selection| {
            let Selection { labels, matches, filter, .. } = selection;
            labels.is_none() && matches.is_none() && filter.is_none()
        })
    }
}

/// The field by which an occurrence is about objects.
fn object_claim(occurrence: &Occurrence) -> Option<&'static str> {
    [
        ("created", &occurrence.created),
        ("deleted", &occurrence.deleted),
        ("changed", &occurrence.changed),
        ("becomes", &occurrence.becomes),
    ]
    .into_iter()
    .find_map(|(field, selection)| selection.as_ref().map(|_| field))
}

/// How many there may be.
struct Bounds {
    exactly: Option<u64>,
    min: Option<u64>,
    max: Option<u64>,
}

impl Bounds {
    fn given(&self) -> impl Iterator<Item = &'static str> {
        [("exactly", self.exactly), ("min", self.min), ("max", self.max)]
            .into_iter()
            .filter_map(|(field, value)| value.map(|_| field))
    }
}
