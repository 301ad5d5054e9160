//! The published JSON Schema, for editors: that of the types, with the kinds of faults and their options,
//! and with variables allowed where something else than a text is expected.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};
use schemars::Schema;
use serde_json::{Map, Value, json};

use super::fault::{self, fault_commands};
use super::file::{DECODER, HEADER};

const ID: &str =
    "https://raw.githubusercontent.com/kindrs/kindrs/main/configs/scenario.schema.json";
/// A text that is one variable.
const VARIABLE: &str = r"^\$\{[^}]+\}$";

/// The JSON Schema of scenarios, draft 2020-12.
pub fn schema() -> Schema {
    let mut root = DECODER.schema().clone();
    let commands = fault_commands();
    let shared = shared_options(&commands);
    if let Some(inject) = root.pointer_mut("/$defs/Inject") {
        add_faults(inject, &commands, &shared);
    }
    if let Some(Value::Object(definitions)) = root.get_mut("$defs") {
        definitions.extend(shared.into_iter().map(|(name, schema)| (shared_name(&name), schema)));
    }
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

/// The options that several kinds of faults have and that mean the same in all.
fn shared_options(commands: &[Command]) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for argument in commands.iter().flat_map(|command| fault::options(command)) {
        let name = argument.get_long().unwrap_or_default();
        found.entry(name.to_owned()).or_default().push(option(argument));
    }
    found.retain(|_, schemas| schemas.len() > 1 && schemas.iter().all(|one| *one == schemas[0]));
    found.into_iter().filter_map(|(name, mut schemas)| Some((name, schemas.pop()?))).collect()
}

fn shared_name(option: &str) -> String {
    format!("option-{option}")
}

/// Each kind of fault has its own options.
fn add_faults(inject: &mut Value, commands: &[Command], shared: &BTreeMap<String, Value>) {
    let names: Vec<&str> = commands.iter().map(Command::get_name).collect();
    let property = |argument: &Arg| {
        let name = argument.get_long().unwrap_or_default();
        let schema = match shared.get(name) {
            Some(_) => json!({"$ref": format!("#/$defs/{}", shared_name(name))}),
            None => option(argument),
        };
        (name.to_owned(), schema)
    };
    let cases: Vec<Value> = commands
        .iter()
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            let properties: Map<String, Value> =
                fault::options(command).into_iter().map(property).collect();
            let required: Vec<&str> = command
                .get_arguments()
                .filter(|argument| argument.is_required_set())
                .filter_map(Arg::get_long)
                .collect();
            json!({
                "if": {"properties": {"fault": {"const": command.get_name()}}},
                "then": {"description": about, "properties": properties, "required": required},
            })
        })
        .collect();
    let Some(fields) = inject.as_object_mut() else { return };
    if let Some(Value::Object(fault)) =
        fields.get_mut("properties").and_then(|p| p.get_mut("fault"))
    {
        fault.insert("enum".into(), names.into());
    }
    fields.shift_remove("additionalProperties");
    fields.insert("allOf".into(), cases.into());
    fields.insert("unevaluatedProperties".into(), false.into());
}

/// The schema of an option's value.
fn option(argument: &Arg) -> Value {
    let help = argument.get_help().map(ToString::to_string);
    if !argument.get_action().takes_values() {
        return json!({"type": "boolean", "description": help});
    }
    let words: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let one = match words.as_slice() {
        [] => json!({"type": ["string", "number"]}),
        words => json!({"anyOf": [{"enum": words}, {"type": "string", "pattern": VARIABLE}]}),
    };
    let mut schema = match argument.get_action() {
        ArgAction::Append => json!({"anyOf": [one, {"type": "array", "items": one}]}),
        _ => one,
    };
    if let (Some(fields), Some(help)) = (schema.as_object_mut(), help) {
        fields.insert("description".into(), help.into());
    }
    schema
}

/// Lets a variable stand where a number or boolean is expected.
fn allow_variables(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_variables),
        Value::Object(fields) => {
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
