use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::Type;
use crate::kubernetes::{Kind, find_kind, kinds};

/// A Kubernetes object, or a part of one: a place in a kind's schema with named fields.
#[derive(Debug, Clone, Copy)]
pub struct ObjectType {
    root: &'static Value,
    schema: &'static Value,
    name: &'static str,
}

impl PartialEq for ObjectType {
    fn eq(&self, other: &Self) -> bool {
        // Every kind has its own copy of what it shares with others.
        self.name == other.name
    }
}

impl ObjectType {
    /// Its name, such as `Pod` or `PodStatus`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The type of its field `name`; `None` for an unknown field.
    pub fn field(&self, name: &str) -> Option<Type> {
        self.field_node(name).map(Node::cel_type)
    }

    pub(super) fn field_node(&self, name: &str) -> Option<Node> {
        let schema = self.schema.get("properties")?.get(name)?;
        Some(Node { root: self.root, schema })
    }

    /// The names of its fields.
    pub fn fields(&self) -> Vec<&'static str> {
        let fields = self.schema.get("properties").and_then(Value::as_object);
        fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect()
    }

    /// The names of the required fields.
    pub(super) fn required(&self) -> Vec<&'static str> {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// The type of the objects of a kind, by any of its names; `None` for custom resources, which have no
/// known fields.
pub fn object_type(kind: &str) -> Option<ObjectType> {
    let kind = find_kind(kind)?;
    let root = schema_of(kind)?;
    Some(ObjectType { root, schema: root, name: kind.kind })
}

/// The whole schema of a kind, created once.
pub(super) fn schema_of(kind: &Kind) -> Option<&'static Value> {
    type Schemas = HashMap<(String, &'static str), OnceLock<Value>>;
    static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
        kinds().iter().map(|kind| ((kind.api_version(), kind.kind), OnceLock::new())).collect()
    });
    let schema = SCHEMAS.get(&(kind.api_version(), kind.kind))?;
    Some(schema.get_or_init(|| kind.schema().to_value()))
}

/// A place in a kind's schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    root: &'static Value,
    schema: &'static Value,
}

/// The type of a place in a schema.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Unknown.
    Any,
    Boolean,
    Integer,
    Number,
    String,
    /// A quantity such as `500m` or `2Gi`; the API server returns a string.
    Quantity,
    IntOrString,
    List(Node),
    Map(Node),
    Object(ObjectType),
}

impl Node {
    /// The whole of a kind.
    pub fn of_kind(kind: &Kind) -> Option<Self> {
        let root = schema_of(kind)?;
        Some(Self { root, schema: root })
    }

    /// The type here.
    pub fn shape(self) -> Shape {
        let (schema, reference) = self.resolve();
        let Some(schema) = schema else { return Shape::Any };
        let title = || schema.get("title").and_then(Value::as_str).unwrap_or("object");
        let name = reference.unwrap_or_else(title).rsplit('.').next().unwrap_or_default();
        if name == "Quantity" {
            return Shape::Quantity;
        }
        if schema.get("x-kubernetes-int-or-string").is_some() {
            return Shape::IntOrString;
        }
        let within = |keyword| {
            let schema = schema.get(keyword)?;
            Some(Self { root: self.root, schema })
        };
        match schema.get("type").and_then(Value::as_str) {
            Some("boolean") => Shape::Boolean,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("string") => Shape::String,
            Some("array") => within("items").map_or(Shape::Any, Shape::List),
            Some("object") if schema.get("properties").is_some() => {
                Shape::Object(ObjectType { root: self.root, schema, name })
            }
            Some("object") => within("additionalProperties").map_or(Shape::Any, Shape::Map),
            _ => Shape::Any,
        }
    }

    /// The type of the values here, as a recorded object has them.
    pub fn cel_type(self) -> Type {
        match self.shape() {
            // A double without a fraction is an int in JSON.
            Shape::Any | Shape::IntOrString | Shape::Number => Type::Dyn,
            Shape::Boolean => Type::Bool,
            Shape::Integer => Type::Int,
            Shape::String | Shape::Quantity => Type::String,
            Shape::List(element) => Type::list(element.cel_type()),
            Shape::Map(value) => Type::map_of(value.cel_type()),
            Shape::Object(object) => Type::Object(object),
        }
    }

    /// The target of its `$ref`, if any, with its name.
    fn resolve(self) -> (Option<&'static Value>, Option<&'static str>) {
        let Some(reference) = self.schema.get("$ref").and_then(Value::as_str) else {
            return (Some(self.schema), None);
        };
        let name = reference.strip_prefix("#/$defs/");
        (name.and_then(|name| self.root.get("$defs")?.get(name)), name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_at(kind: &str, path: &[&str]) -> String {
        let mut at = Type::Object(object_type(kind).unwrap());
        for step in path {
            at = match (at, *step) {
                (Type::List(element), "[]") => *element,
                (Type::Object(object), field) => object.field(field).unwrap(),
                (other, field) => panic!("{field} of {other}"),
            };
        }
        at.to_string()
    }

    #[test]
    fn fields_have_the_types_of_recorded_objects() {
        for (kind, path, expected) in [
            ("Pod", &[][..], "Pod"),
            ("po", &["metadata"], "ObjectMeta"),
            ("Pod", &["metadata", "labels"], "map(string, string)"),
            ("Pod", &["metadata", "creationTimestamp"], "string"),
            ("Pod", &["status", "conditions"], "list(PodCondition)"),
            ("Pod", &["status", "containerStatuses", "[]", "restartCount"], "int"),
            ("Pod", &["spec", "hostNetwork"], "bool"),
            ("Pod", &["spec", "overhead"], "map(string, string)"),
            ("Deployment", &["spec", "strategy", "rollingUpdate", "maxSurge"], "dyn"),
            ("ConfigMap", &["data"], "map(string, string)"),
            ("ControllerRevision", &["data"], "dyn"),
        ] {
            assert_eq!(type_at(kind, path), expected, "{kind} {path:?}");
        }
    }

    #[test]
    fn other_kinds_and_fields_have_none() {
        assert!(object_type("example.com/v1/Widget").is_none());
        let pod = object_type("Pod").unwrap();
        assert!(pod.field("status2").is_none());
        assert!(pod.fields().contains(&"spec"));
    }

    #[test]
    fn every_kind_is_an_object_with_metadata() {
        for kind in kinds() {
            let name = format!("{}/{}", kind.api_version(), kind.kind);
            let object = object_type(&name).unwrap();
            let Some(Type::Object(metadata)) = object.field("metadata") else {
                panic!("{name} has no metadata");
            };
            assert_eq!(metadata.name(), "ObjectMeta", "{name}");
        }
    }
}
