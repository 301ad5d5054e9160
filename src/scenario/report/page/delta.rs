use serde_json::{Map, Value};

/// What makes one version of an object the next one. Versions are kept as such: most differ by a
/// condition or a counter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Delta {
    /// All of it is another value.
    Set(Value),
    /// Fields of a mapping: those that changed or came, and those that went.
    Fields(Map<String, Value>, Vec<String>),
    /// Elements of a list that is as long as before.
    Elements(Map<String, Value>),
}

impl Delta {
    /// The change from `old` to `new`; `None` where they are the same.
    pub(super) fn between(old: &Value, new: &Value) -> Option<Self> {
        if old == new {
            return None;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                let mut fields = Map::new();
                for (key, value) in new {
                    let delta = match old.get(key) {
                        Some(before) => Self::between(before, value),
                        None => Some(Self::Set(value.clone())),
                    };
                    if let Some(delta) = delta {
                        fields.insert(key.clone(), delta.to_value());
                    }
                }
                let gone = old.keys().filter(|key| !new.contains_key(*key)).cloned().collect();
                Some(Self::Fields(fields, gone))
            }
            (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                let changed = old.iter().zip(new).enumerate().filter_map(|(place, (old, new))| {
                    Some((place.to_string(), Self::between(old, new)?.to_value()))
                });
                Some(Self::Elements(changed.collect()))
            }
            _ => Some(Self::Set(new.clone())),
        }
    }

    /// As the page's script reads it.
    pub(super) fn to_value(&self) -> Value {
        let (sign, value) = match self {
            Self::Set(value) => ("=", value.clone()),
            Self::Fields(fields, gone) => {
                let mut both = vec![Value::Object(fields.clone())];
                if !gone.is_empty() {
                    both.push(Value::from(gone.clone()));
                }
                ("+", Value::Array(both))
            }
            Self::Elements(elements) => ("#", Value::Object(elements.clone())),
        };
        Value::Object(Map::from_iter([(sign.to_owned(), value)]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What the page's script does.
    fn apply(old: &Value, delta: &Value) -> Value {
        let (sign, change) = delta.as_object().unwrap().iter().next().unwrap();
        match sign.as_str() {
            "+" => {
                let mut fields = old.as_object().unwrap().clone();
                for key in change.get(1).and_then(Value::as_array).into_iter().flatten() {
                    fields.shift_remove(key.as_str().unwrap());
                }
                for (key, delta) in change[0].as_object().unwrap() {
                    let before = fields.get(key).cloned().unwrap_or_default();
                    fields.insert(key.clone(), apply(&before, delta));
                }
                Value::Object(fields)
            }
            "#" => {
                let mut elements = old.as_array().unwrap().clone();
                for (place, delta) in change.as_object().unwrap() {
                    let place: usize = place.parse().unwrap();
                    elements[place] = apply(&elements[place], delta);
                }
                Value::Array(elements)
            }
            _ => change.clone(),
        }
    }

    #[test]
    fn only_what_changed_is_kept() {
        let old = json!({ "a": { "b": 1, "c": [1, { "d": 2 }] }, "gone": true });
        let new = json!({ "a": { "b": 1, "c": [1, { "d": 3 }] }, "new": null });
        let delta = Delta::between(&old, &new).unwrap().to_value();
        assert_eq!(
            delta,
            json!({ "+": [
                { "a": { "+": [{ "c": { "#": { "1": { "+": [{ "d": { "=": 3 } }] } } } }] },
                  "new": { "=": null } },
                ["gone"],
            ] })
        );
        assert_eq!(apply(&old, &delta), new);
        assert_eq!(Delta::between(&old, &old), None);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
            "[ab=+#]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[abc=+#]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_delta_leads_from_the_old_to_the_new(old in any_value(), new in any_value()) {
            let after = match Delta::between(&old, &new) {
                Some(delta) => apply(&old, &delta.to_value()),
                None => old,
            };
            prop_assert_eq!(after, new);
        }
    }
}
