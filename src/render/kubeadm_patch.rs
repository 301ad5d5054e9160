use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::kubernetes::Version;

/// Keys whose value is a map before kubeadm's API v1beta4, and a list of names and values since.
const ARGUMENT_KEYS: [&str; 2] = ["extraArgs", "kubeletExtraArgs"];

/// Applies the patches for the kind of `document` as JSON merge patches (RFC 7386), in order. Extra
/// arguments can be a map or a list of names and values, and are merged by name, whatever the
/// version of kubeadm's API.
///
/// # Errors
/// [`Failure::Input`] when a patch is not YAML or not a mapping.
pub(super) fn apply_patches(document: &mut Value, patches: &[&String]) -> Result<(), Failure> {
    for patch in patches {
        let mut patch: Value = serde_yaml::from_str(patch)
            .map_err(|error| Failure::input(format!("invalid kubeadmConfigPatch: {error}")))?;
        let Some(fields) = patch.as_object_mut() else {
            return Err(Failure::input("invalid kubeadmConfigPatch: expected a mapping"));
        };
        if fields.get("kind") != document.get("kind") {
            continue;
        }
        // The document keeps its version, and accepts a patch written for another one.
        fields.remove("apiVersion");
        collect_arguments(&mut patch);
        json_patch::merge(document, &patch);
    }
    Ok(())
}

/// Converts every set of extra arguments to the form that the kubeadm of `version` reads.
pub(super) fn write_arguments(value: &mut Value, version: &Version) {
    each_argument_set(value, &|arguments| {
        let Value::Object(by_name) = arguments else { return };
        if version.kubeadm_api() == "kubeadm.k8s.io/v1beta4" {
            let list = by_name.iter().flat_map(|(name, values)| {
                values_of(values)
                    .into_iter()
                    .map(move |value| serde_json::json!({ "name": name, "value": value }))
            });
            *arguments = Value::Array(list.collect());
        } else {
            let last = |values: &Value| values_of(values).pop().unwrap_or_default();
            let map = by_name.iter().map(|(name, values)| (name.clone(), last(values).into()));
            *arguments = Value::Object(map.collect());
        }
    });
}

/// Converts every list of names and values to a map from a name to its values.
fn collect_arguments(value: &mut Value) {
    each_argument_set(value, &|arguments| {
        let Value::Array(list) = arguments else { return };
        let mut by_name: Map<String, Value> = Map::new();
        for entry in list.iter() {
            let Some(name) = entry.get("name").and_then(Value::as_str) else { continue };
            let value = entry.get("value").map(text_of).unwrap_or_default();
            let values = by_name.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(values) = values {
                values.push(value.into());
            }
        }
        *arguments = Value::Object(by_name);
    });
}

fn each_argument_set(value: &mut Value, change: &dyn Fn(&mut Value)) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if ARGUMENT_KEYS.contains(&key.as_str()) {
                    change(field);
                } else {
                    each_argument_set(field, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_argument_set(item, change)),
        _ => {}
    }
}

fn values_of(values: &Value) -> Vec<String> {
    match values {
        Value::Array(values) => values.iter().map(text_of).collect(),
        value => vec![text_of(value)],
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(patch: &str, version: &Version) -> Value {
        let mut document = json!({
            "apiVersion": version.kubeadm_api(),
            "kind": "ClusterConfiguration",
            "apiServer": { "extraArgs": { "v": "2", "runtime-config": "" } },
        });
        apply_patches(&mut document, &[&patch.to_owned()]).unwrap();
        write_arguments(&mut document, version);
        document
    }

    #[test]
    fn merges_arguments_by_name_in_either_form() {
        let as_map =
            "kind: ClusterConfiguration\napiServer: {extraArgs: {v: 4, profiling: 'false'}}";
        let as_list = "kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\napiServer:\n  extraArgs: [{name: v, value: '4'}, {name: profiling, value: 'false'}]";
        for patch in [as_map, as_list] {
            assert_eq!(
                patched(patch, &Version::new(1, 37, 2))["apiServer"]["extraArgs"],
                json!([
                    { "name": "v", "value": "4" },
                    { "name": "runtime-config", "value": "" },
                    { "name": "profiling", "value": "false" },
                ])
            );
            let old = patched(patch, &Version::new(1, 31, 0));
            assert_eq!(
                old["apiServer"]["extraArgs"],
                json!({ "v": "4", "runtime-config": "", "profiling": "false" })
            );
            assert_eq!(old["apiVersion"], "kubeadm.k8s.io/v1beta3");
        }
    }

    #[test]
    fn keeps_a_repeated_argument() {
        let patch = "kind: ClusterConfiguration\napiServer:\n  extraArgs: [{name: v, value: '4'}, {name: v, value: '5'}]";
        let arguments = &patched(patch, &Version::new(1, 36, 0))["apiServer"]["extraArgs"];
        assert_eq!(arguments[0], json!({ "name": "v", "value": "4" }));
        assert_eq!(arguments[1], json!({ "name": "v", "value": "5" }));
    }

    #[test]
    fn ignores_patches_for_other_kinds_and_null_removes() {
        let version = Version::new(1, 37, 2);
        let other = patched("kind: InitConfiguration\napiServer: {}", &version);
        assert_eq!(other["apiServer"]["extraArgs"][0]["name"], "v");
        let removed = patched("kind: ClusterConfiguration\napiServer: null", &version);
        assert!(removed.get("apiServer").is_none());
    }
}
