use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::check;
use super::signatures::{SIGNATURES, TYPE_NAMES};
use super::{Type, object_type};
use crate::scenario::judge::Invalid;
use crate::scenario::language::{
    Action, Assertion, Condition, Objects, Occurrence, Part, Scenario, Selection, SelectionRef,
    Step,
};

/// Names that stand for something else in every text.
const TAKEN_NAMES: &[&str] = &["vars", "object", "old"];

/// Words that CEL keeps for itself.
const RESERVED_WORDS: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Everything wrong in the CEL texts of a scenario: its conditions, over the named selections and
/// `vars`, and every `where`, over `object`; in the order of the fields.
pub fn scenario_mistakes(scenario: &Scenario) -> Vec<Invalid> {
    let variables = variables_type(scenario);
    let selections = scenario
        .selections
        .iter()
        .map(|(name, selection)| (name.clone(), Type::list(kind_type(&selection.kind))));
    let mut names: BTreeMap<String, Type> = selections.collect();
    names.insert("vars".to_owned(), variables.clone());
    let mut texts = Texts { scenario, variables, names, found: Vec::new() };
    for (name, selection) in &scenario.selections {
        texts.selection_name(name);
        texts.selection(&format!("selections.{name}"), selection);
    }
    for (index, selection) in scenario.record.logs.iter().enumerate() {
        texts.reference(&format!("record.logs[{index}]"), selection);
    }
    for (index, assertion) in scenario.assertions.iter().enumerate() {
        texts.assertion(&format!("assertions[{index}]"), assertion);
    }
    texts.steps("steps", &scenario.steps);
    texts.found
}

struct Texts<'a> {
    scenario: &'a Scenario,
    /// The type of `vars`.
    variables: Type,
    /// What conditions may name.
    names: BTreeMap<String, Type>,
    found: Vec<Invalid>,
}

impl Texts<'_> {
    fn steps(&mut self, path: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{path}[{index}]");
            for (field, action) in step.actions() {
                self.action(&format!("{path}.{field}"), action);
            }
        }
    }

    fn action(&mut self, path: &str, action: Action<'_>) {
        if let Some((path, part)) = action.part(path) {
            self.part(&path, part);
        }
    }

    fn part(&mut self, path: &str, part: Part<'_>) {
        match part {
            Part::Objects(objects) => self.objects(path, objects),
            Part::Condition(condition) => self.condition(path, condition),
            Part::Occurrence(occurrence) => self.occurrence(path, occurrence),
            Part::Assertion(assertion) => self.assertion(path, assertion),
            Part::Steps(steps) => self.steps(path, steps),
        }
    }

    fn objects(&mut self, path: &str, objects: &Objects) {
        if let Some(selection) = &objects.select {
            self.reference(&format!("{path}.select"), selection);
        }
    }

    fn assertion(&mut self, path: &str, assertion: &Assertion) {
        for (path, part) in assertion.parts(path) {
            self.part(&path, part);
        }
    }

    fn condition(&mut self, path: &str, condition: &Condition) {
        let quantified = match condition {
            Condition::Cel(text) => {
                let names = self.names.clone();
                return self.text(path, text, &names);
            }
            Condition::Quantified(quantified) => quantified,
        };
        let selections = [
            ("all", &quantified.all),
            ("any", &quantified.any),
            ("none", &quantified.none),
            ("count", &quantified.count),
        ];
        let object = self.references(path, &selections);
        if let Some(text) = &quantified.filter {
            let names = self.names_of_object(object, false);
            self.text(&format!("{path}.where"), text, &names);
        }
    }

    fn occurrence(&mut self, path: &str, occurrence: &Occurrence) {
        let selections = [
            ("created", &occurrence.created),
            ("deleted", &occurrence.deleted),
            ("changed", &occurrence.changed),
            ("becomes", &occurrence.becomes),
        ];
        let object = self.references(path, &selections);
        if let Some(condition) = &occurrence.holds {
            self.condition(&format!("{path}.holds"), condition);
        }
        if let Some(text) = &occurrence.filter {
            let names = self.names_of_object(object, occurrence.changed.is_some());
            self.text(&format!("{path}.where"), text, &names);
        }
    }

    /// Checks all selections that are there; the type of the objects of the first.
    fn references(&mut self, path: &str, selections: &[(&str, &Option<SelectionRef>)]) -> Type {
        let mut object = None;
        for (field, selection) in selections {
            if let Some(selection) = selection {
                self.reference(&format!("{path}.{field}"), selection);
                object.get_or_insert_with(|| self.object_of(selection));
            }
        }
        object.unwrap_or(Type::Dyn)
    }

    fn reference(&mut self, path: &str, selection: &SelectionRef) {
        if let SelectionRef::Inline(selection) = selection {
            self.selection(path, selection);
        }
    }

    fn selection(&mut self, path: &str, selection: &Selection) {
        if let Some(text) = &selection.filter {
            let names = self.names_of_object(kind_type(&selection.kind), false);
            self.text(&format!("{path}.where"), text, &names);
        }
    }

    fn object_of(&self, selection: &SelectionRef) -> Type {
        let selection = match selection {
            SelectionRef::Inline(selection) => Some(selection),
            SelectionRef::Named(name) => self.scenario.selections.get(name),
        };
        selection.map_or(Type::Dyn, |selection| kind_type(&selection.kind))
    }

    fn names_of_object(&self, object: Type, with_old: bool) -> BTreeMap<String, Type> {
        let mut names = BTreeMap::from([("vars".to_owned(), self.variables.clone())]);
        if with_old {
            names.insert("old".to_owned(), object.clone());
        }
        names.insert("object".to_owned(), object);
        names
    }

    fn text(&mut self, path: &str, text: &str, names: &BTreeMap<String, Type>) {
        self.found.extend(check(text, names, &Type::Bool).into_iter().map(|mistake| Invalid {
            path: path.to_owned(),
            message: mistake.message,
            suggestion: mistake.suggestion,
            offset: mistake.range,
        }));
    }

    fn selection_name(&mut self, name: &str) {
        let mut characters = name.chars();
        let is_identifier =
            characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
        let is_namespace = || {
            SIGNATURES.iter().any(|known| known.name.split_once('.').is_some_and(|s| s.0 == name))
        };
        let (message, suggestion) = if !is_identifier {
            let spelled = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let is_better = spelled.starts_with(|c: char| !c.is_ascii_digit());
            ("must be a name that CEL can use: letters, digits and _", is_better.then_some(spelled))
        } else if RESERVED_WORDS.contains(&name) || TYPE_NAMES.contains(&name) || is_namespace() {
            ("is a word of CEL's own", None)
        } else if TAKEN_NAMES.contains(&name) {
            ("stands for something else in CEL", None)
        } else {
            return;
        };
        self.found.push(Invalid {
            path: format!("selections.{name}"),
            message: message.to_owned(),
            suggestion,
            offset: None,
        });
    }
}

fn kind_type(kind: &str) -> Type {
    object_type(kind).map_or(Type::Dyn, Type::Object)
}

/// The type of `vars`: each variable has the type of all its values.
fn variables_type(scenario: &Scenario) -> Type {
    let of_values = |values: &[serde_json::Value]| {
        values.iter().map(Type::of_value).fold(Type::Nothing, Type::join)
    };
    let mut types: BTreeMap<String, Type> = scenario
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), Type::of_value(value)))
        .collect();
    for (name, values) in scenario.matrix.iter().flat_map(|matrix| &matrix.variables) {
        let inferred = of_values(values);
        let whole = match types.remove(name) {
            Some(known) => known.join(inferred),
            None => inferred,
        };
        types.insert(name.clone(), whole);
    }
    types.entry("cluster".to_owned()).or_insert(Type::String);
    Type::Record(Arc::new(types))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(scenario: &str) -> String {
        let scenario: Scenario = serde_yaml::from_str(scenario).unwrap();
        let lines = scenario_mistakes(&scenario).into_iter().map(|invalid| {
            let Invalid { path, message, suggestion, offset } = invalid;
            let suggestion = suggestion.map_or(String::new(), |text| format!(" -> {text}"));
            let offset = offset.map_or(String::new(), |at| format!(" @{}..{}", at.start, at.end));
            format!("{path}: {message}{suggestion}{offset}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_text_of_a_scenario_is_checked() {
        let scenario = "
apiVersion: kindrs.dev/v1alpha1
kind: Scenario
metadata: {name: x}
variables: {replicas: 3, image: web}
matrix: {variables: {workers: [1, 2], replicas: [5, 6]}}
selections:
  web: {kind: Pod, labels: app=web, where: object.metadata.labls == vars.image}
  my-pods: {kind: Pod}
  vars: {kind: Pod}
  list: {kind: Pod}
  widgets: {kind: example.com/v1/Widget, where: object.anything.at.all > 3}
record: {logs: [{kind: Pod, where: object.x}]}
assertions:
- always: size(web) <= vars.replicas
- never: {any: web, where: object.status.phse == 'x'}
- order:
  - {changed: web, where: object.status.phase != old.status.fase}
  - {created: web, where: has(old.status)}
  - holds: size(webs) == vars.replcas
- count: {of: {deleted: {kind: Node, where: ready(vars.image)}}, min: 1}
- after: {event: {becomes: web, where: 'true'}, then: {holds: {none: web, where: '1'}}}
- until: {hold: size(web), until: 'web.all(p, ready(p))'}
steps:
- wait: size(widgets) == widgets[0].spec.size
- inject: {fault: node-stop, nodes: ['${cluster}-worker'], when: 'web[0] == 1'}
- parallel:
  - steps:
    - assert: {stable: vars.cluster == vars.workers, for: 1s}
- delete: {target: {select: {kind: Pod, where: object.spec.nodName == 'x'}}}
- exec: {pod: {select: {kind: Pod, where: 'object.'}}, command: [x]}
";
        insta::assert_snapshot!(mistakes(scenario));
    }
}
