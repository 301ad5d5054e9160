//! How unions appear in the JSON Schema.

use schemars::Schema;
use serde_json::Value;

/// Says `oneOf` where derive says `anyOf`, and moves the description of an alternative to the field
/// that stands for it, where editors show it.
pub(super) fn one_of(schema: &mut Schema) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(alternatives) = fields.remove("anyOf") {
        fields.insert("oneOf".to_owned(), alternatives);
    }
    for alternative in alternatives(fields.get_mut("oneOf")) {
        let key = alternative["required"][0].as_str().unwrap_or_default().to_owned();
        let description = alternative.as_object_mut().and_then(|own| own.remove("description"));
        let field = alternative.pointer_mut(&format!("/properties/{key}"));
        if let (Some(text), Some(field)) = (description, field.and_then(Value::as_object_mut)) {
            field.entry("description").or_insert(text);
        }
    }
}

/// Moves the fields that the alternatives of a `oneOf` share into each of them, so that one without a
/// field of its own is an alternative too.
pub(super) fn separate(schema: &mut Schema) {
    let Some(fields) = schema.as_object_mut() else { return };
    let shared = fields.remove("properties");
    fields.remove("unevaluatedProperties");
    for alternative in alternatives(fields.get_mut("oneOf")) {
        if let (Value::Object(own), Some(Value::Object(shared))) =
            (&mut alternative["properties"], &shared)
        {
            own.extend(shared.clone());
        }
        alternative["additionalProperties"] = false.into();
    }
}

fn alternatives(union: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    union.and_then(Value::as_array_mut).into_iter().flatten()
}
