use super::{Action, Assertion, Condition, Objects, Occurrence, Step};

/// What a step's action or an assertion refers to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Part<'a> {
    Objects(&'a Objects),
    Condition(&'a Condition),
    Occurrence(&'a Occurrence),
    Assertion(&'a Assertion),
    Steps(&'a [Step]),
}

impl<'a> Action<'a> {
    /// What it refers to, with the path of the field that does; its own is `path`. `None` for one that
    /// refers to nothing.
    pub fn part(self, path: &str) -> Option<(String, Part<'a>)> {
        let (field, part) = match self {
            Self::Patch(patch) => (".target", Part::Objects(&patch.target)),
            Self::Scale(scale) => (".target", Part::Objects(&scale.target)),
            Self::Label(label) => (".target", Part::Objects(&label.target)),
            Self::Delete(delete) => (".target", Part::Objects(&delete.target)),
            Self::Exec(exec) => (".pod", Part::Objects(&exec.pod)),
            Self::Wait(condition) => ("", Part::Condition(condition)),
            Self::Inject(inject) => (".when", Part::Condition(inject.when.as_ref()?)),
            Self::Assert(assertion) => ("", Part::Assertion(assertion)),
            Self::Parallel(steps) | Self::Steps(steps) => ("", Part::Steps(steps)),
            Self::Apply(_)
            | Self::Create(_)
            | Self::Cordon(_)
            | Self::Drain(_)
            | Self::Taint(_)
            | Self::LoadImage(_)
            | Self::Kubectl(_)
            | Self::Heal(_)
            | Self::Sleep(_) => return None,
        };
        Some((format!("{path}{field}"), part))
    }
}

impl Assertion {
    /// Its conditions and occurrences with the paths of their fields; its own is `path`.
    pub fn parts(&self, path: &str) -> Vec<(String, Part<'_>)> {
        let conditions = [
            ("eventually", &self.eventually),
            ("always", &self.always),
            ("never", &self.never),
            ("stable", &self.stable),
        ];
        let mut parts: Vec<(String, Part<'_>)> = conditions
            .into_iter()
            .filter_map(|(field, condition)| Some((field, condition.as_ref()?)))
            .map(|(field, condition)| (field.to_owned(), Part::Condition(condition)))
            .collect();
        if let Some(until) = &self.until {
            parts.push(("until.hold".to_owned(), Part::Condition(&until.hold)));
            parts.push(("until.until".to_owned(), Part::Condition(&until.until)));
        }
        for (index, occurrence) in self.order.iter().flatten().enumerate() {
            parts.push((format!("order[{index}]"), Part::Occurrence(occurrence)));
        }
        if let Some(count) = &self.count {
            parts.push(("count.of".to_owned(), Part::Occurrence(&count.of)));
        }
        if let Some(after) = &self.after {
            parts.push(("after.event".to_owned(), Part::Occurrence(&after.event)));
            parts.push(("after.then".to_owned(), Part::Occurrence(&after.then)));
        }
        parts.into_iter().map(|(field, part)| (format!("{path}.{field}"), part)).collect()
    }
}
