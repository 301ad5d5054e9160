//! The published JSON Schema, for editors: the schema of the types, which also accepts a variable wherever
//! it expects another type than a text.

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::file::{DECODER, HEADER};

const ID: &str =
    "https://raw.githubusercontent.com/kindrs/kindrs/main/configs/scenario.schema.json";
/// A text that is one variable.
const VARIABLE: &str = r"^\$\{[^}]+\}$";

/// The JSON Schema of scenarios, draft 2020-12.
pub fn schema() -> Schema {
    let mut root = DECODER.schema().clone();
    allow_variables(&mut root);
    let mut fields = Map::new();
    if let Value::Object(mut body) = root {
        fields.extend(body.shift_remove_entry("$schema"));
        fields.insert("$id".into(), ID.into());
        body.insert("title".into(), "kindrs scenario".into());
        fields.extend(body);
    }
    constant(&mut fields, "kind", HEADER.kind);
    constant(&mut fields, "apiVersion", HEADER.api_version);
    fields.into()
}

fn constant(schema: &mut Map<String, Value>, field: &str, value: &str) {
    let properties = schema.get_mut("properties").and_then(|all| all.get_mut(field));
    if let Some(property) = properties.and_then(Value::as_object_mut) {
        property.insert("const".into(), value.into());
    }
}

/// Accepts a variable wherever a number, a boolean or one of a few words is expected, and removes the
/// keywords that only kindrs reads.
fn allow_variables(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_variables),
        Value::Object(fields) => {
            fields.retain(|keyword, _| !keyword.starts_with("x-"));
            if let Some(Value::Array(branches)) = fields.get_mut("oneOf")
                && branches.iter().all(is_words)
            {
                branches.push(variable());
                return;
            }
            if fields.contains_key("enum") {
                let words = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".into(), vec![words, variable()].into());
                return;
            }
            let types: Vec<String> = match fields.get("type") {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(several)) => {
                    several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            };
            let is_value =
                |name: &String| ["integer", "number", "boolean"].contains(&name.as_str());
            if types.iter().any(is_value) && !types.contains(&"string".to_owned()) {
                let types: Vec<String> = types.into_iter().chain(["string".to_owned()]).collect();
                fields.insert("type".into(), types.into());
                fields.insert("pattern".into(), VARIABLE.into());
            }
            fields.values_mut().for_each(allow_variables);
        }
        _ => {}
    }
}

/// Whether a schema is for words only.
fn is_words(schema: &Value) -> bool {
    schema.get("const").is_some_and(Value::is_string) || schema.get("enum").is_some()
}

fn variable() -> Value {
    json!({ "type": "string", "pattern": VARIABLE })
}
