use std::collections::BTreeMap;

use cel::{Context, Value};

use super::signatures::{MACROS, Part, SIGNATURES, Signature, TYPE_NAMES};
use super::*;
use crate::scenario::judge::expression::environment;

/// A value that the parameter takes.
fn sample(function: &str, part: Part) -> &'static str {
    match (function, part) {
        ("timestamp", Part::Text) => "'2026-01-31T12:00:00Z'",
        ("duration", Part::Text) => "'5s'",
        ("bool", Part::Text) => "'true'",
        ("int" | "uint" | "double", Part::Text) => "'1'",
        (name, Part::Text) if name.starts_with("get") => "'UTC'",
        ("format", Part::Text) => "'%s'",
        (_, Part::Text) => "'abc'",
        (_, Part::Any | Part::T | Part::Int | Part::Number) => "1",
        (_, Part::Bool) => "true",
        (_, Part::Uint) => "1u",
        (_, Part::Double) => "1.0",
        (_, Part::Bytes) => "b'abc'",
        (_, Part::Timestamp) => "timestamp('2026-01-31T12:00:00Z')",
        (_, Part::Duration) => "duration('5s')",
        (_, Part::Type) => "int",
        (_, Part::Map | Part::Object) => {
            "{'status': {'conditions': [{'type': 'abc', 'status': 'True'}]}}"
        }
        (_, Part::List | Part::ListOfT | Part::ListOfNumbers) => "[1, 2]",
        (_, Part::ListOfText) => "['a', 'b']",
        (_, Part::OptionalOfT) => "optional.of(1)",
    }
}

fn call(signature: &Signature) -> String {
    let name = signature.name;
    let samples: Vec<_> =
        signature.parameters.iter().map(|parameter| sample(name, *parameter)).collect();
    // CEL cannot call the expansion of a macro by its name.
    match name {
        "math.@max" => return format!("math.greatest({})", samples.join(", ")),
        "math.@min" => return format!("math.least({})", samples.join(", ")),
        "@sortByAssociatedKeys" => return "[2, 1].map(x, x).sortBy(x, -x)".to_owned(),
        _ => {}
    }
    match samples.split_first() {
        Some((target, arguments)) if signature.member => {
            format!("{target}.{name}({})", arguments.join(", "))
        }
        _ => format!("{name}({})", samples.join(", ")),
    }
}

/// The type that is inferred, without that of its elements; `None` for `dyn`.
fn inferred(text: &str) -> Option<String> {
    let mistakes = check(text, &BTreeMap::new(), &Type::Null);
    let message = &mistakes.first()?.message;
    let name = message.strip_prefix("expected null, found ").unwrap_or_else(|| panic!("{message}"));
    name.split('(').next().map(str::to_owned)
}

/// The type of the value that it has.
fn evaluated(text: &str) -> &'static str {
    let program = environment().compile(text).unwrap();
    let value = program.execute(&Context::with_env(environment()));
    match value.unwrap_or_else(|error| panic!("{text}: {error}")) {
        Value::List(_) => "list",
        Value::Int(_) => "int",
        Value::UInt(_) => "uint",
        Value::Float(_) => "double",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::Bool(_) => "bool",
        Value::Duration(_) => "duration",
        Value::Timestamp(_) => "timestamp",
        Value::Opaque(_) => "optional",
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn every_function_has_the_result_of_its_signature() {
    for signature in SIGNATURES {
        let text = call(signature);
        match inferred(&text).as_deref() {
            // Types become texts when they leave CEL.
            Some("type") => assert_eq!(evaluated(&text), "string", "{text}"),
            Some(inferred) => assert_eq!(inferred, evaluated(&text), "{text}"),
            None => assert_eq!(signature.result, Part::Any, "{text}"),
        }
    }
}

#[test]
fn cel_knows_the_macros_and_types() {
    for text in [
        "has({'a': 1}.a)",
        "[1].all(x, x > 0)",
        "[1].exists(x, x > 0)",
        "[1].exists_one(x, x > 0)",
        "[1].existsOne(x, x > 0)",
        "[1].filter(x, x > 0) == [1]",
        "[1].map(x, x) == [1] && [1].map(x, x > 0, x) == [1]",
        "[1].sortBy(x, x) == [1]",
        "optional.of(1).optMap(x, x) == optional.of(1)",
        "optional.of(1).optFlatMap(x, optional.of(x)) == optional.of(1)",
        "math.greatest(1, 2, 3) == 3",
        "math.least(1, 2, 3) == 1",
    ] {
        assert_eq!(check(text, &BTreeMap::new(), &Type::Bool), Vec::new(), "{text}");
        let program = environment().compile(text).unwrap();
        let value = program.execute(&Context::with_env(environment()));
        assert_eq!(value, Ok(true.into()), "{text}");
        assert!(MACROS.iter().any(|(name, _)| text.contains(name)), "{text}");
    }
    for name in TYPE_NAMES {
        let program = environment().compile(name).unwrap();
        assert!(program.execute(&Context::with_env(environment())).is_ok(), "{name}");
    }
}
