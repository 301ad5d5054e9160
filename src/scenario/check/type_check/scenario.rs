use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::check;
use super::signatures::{SIGNATURES, TYPE_NAMES};
use super::{Type, object_type};
use crate::scenario::judge::Invalid;
use crate::scenario::language::{
    ObjectScope, Scenario, Scope, Selection, Subject, Visitor, walk_scenario,
};

/// Names with a meaning of their own in CEL.
const TAKEN_NAMES: &[&str] = &["vars", "object", "old"];

/// Reserved words of CEL.
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

/// All mistakes in the CEL expressions of a scenario, in the order of the fields: conditions over the
/// named selections and `vars`, and every `where` over `object`.
pub fn scenario_mistakes(scenario: &Scenario) -> Vec<Invalid> {
    let variables = variables_type(scenario);
    let selections = scenario
        .selections
        .iter()
        .map(|(name, selection)| (name.clone(), Type::list(kind_type(&selection.kind))));
    let mut names: BTreeMap<String, Type> = selections.collect();
    names.insert("vars".to_owned(), variables.clone());
    let mut check = Check { scenario, variables, names, found: Vec::new() };
    walk_scenario(&mut check, scenario);
    check.found
}

struct Check<'s> {
    scenario: &'s Scenario,
    /// The type of `vars`.
    variables: Type,
    /// What conditions can name.
    names: BTreeMap<String, Type>,
    found: Vec<Invalid>,
}

impl<'s> Visitor<'s> for Check<'s> {
    fn named_selection(&mut self, path: &str, name: &'s str, selection: &'s Selection) {
        self.selection_name(path, name);
        self.selection(path, selection);
    }

    fn expression(&mut self, path: &str, text: &'s str, scope: Scope<'s>) {
        let mistakes = match scope {
            Scope::Selections => check(text, &self.names, &Type::Bool),
            Scope::Object(ObjectScope { of, with_old }) => {
                check(text, &self.names_of_object(of, with_old), &Type::Bool)
            }
        };
        self.found.extend(mistakes.into_iter().map(|mistake| Invalid {
            rule: "cel",
            path: path.to_owned(),
            message: mistake.message,
            suggestion: mistake.suggestion,
            offset: mistake.range,
        }));
    }
}

impl Check<'_> {
    fn names_of_object(&self, of: Subject<'_>, with_old: bool) -> BTreeMap<String, Type> {
        let selection = self.scenario.selection(of);
        let object = selection.map_or(Type::Dyn, |selection| kind_type(&selection.kind));
        let mut names = BTreeMap::from([("vars".to_owned(), self.variables.clone())]);
        if with_old {
            names.insert("old".to_owned(), object.clone());
        }
        names.insert("object".to_owned(), object);
        names
    }

    fn selection_name(&mut self, path: &str, name: &str) {
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
            (
                "expected a name for CEL: letters, digits and `_`, not starting with a digit",
                is_better.then_some(spelled),
            )
        } else if RESERVED_WORDS.contains(&name) || TYPE_NAMES.contains(&name) || is_namespace() {
            ("the name is reserved in CEL", None)
        } else if TAKEN_NAMES.contains(&name) {
            ("the name has another meaning in CEL", None)
        } else {
            return;
        };
        self.found.push(Invalid {
            rule: "cel",
            path: path.to_owned(),
            message: message.to_owned(),
            suggestion,
            offset: None,
        });
    }
}

fn kind_type(kind: &str) -> Type {
    object_type(kind).map_or(Type::Dyn, Type::Object)
}

/// The type of `vars`: each variable has the common type of all its values.
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
            let Invalid { path, message, suggestion, offset, .. } = invalid;
            let suggestion = suggestion.map_or(String::new(), |text| format!(" -> {text}"));
            let offset = offset.map_or(String::new(), |at| format!(" @{}..{}", at.start, at.end));
            format!("{path}: {message}{suggestion}{offset}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn checks_every_expression_of_a_scenario() {
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
