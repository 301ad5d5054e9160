use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::plan::ClusterPlan;

/// Makes the startup probes of a static pod run every second instead of every ten, with the same
/// total timeout.
///
/// # Errors
/// [`Failure::Environment`] when the manifest is not YAML.
pub fn quicken_static_pod(manifest: &str) -> Result<String, Failure> {
    let mut pod: Value = serde_yaml::from_str(manifest).map_err(|error| unreadable(&error))?;
    if let Some(containers) = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
        for container in containers {
            if let Some(probe) = container.get_mut("startupProbe") {
                quicken(probe);
            }
        }
    }
    serde_yaml::to_string(&pod).map_err(|error| unreadable(&error))
}

/// The objects of a manifest, ready to be created. The readiness probe of CoreDNS, which never
/// succeeds at first, runs every second instead of every ten.
///
/// # Errors
/// [`Failure::Environment`] when the manifest is not YAML.
pub fn addon_objects(manifest: &str) -> Result<Vec<Value>, Failure> {
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(manifest) {
        let mut object = Value::deserialize(document).map_err(|error| unreadable(&error))?;
        if object.is_null() {
            continue;
        }
        if object["kind"] == "Deployment" && object["metadata"]["name"] == "coredns" {
            let probe = object.pointer_mut("/spec/template/spec/containers/0/readinessProbe");
            if let Some(probe) = probe {
                probe["periodSeconds"] = json!(1);
            }
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            // Only updates can contain it.
            metadata.remove("resourceVersion");
        }
        objects.push(object);
    }
    Ok(objects)
}

/// Merges `overrides` into the configuration in kube-proxy's ConfigMap.
///
/// # Errors
/// [`Failure::Environment`] when the configuration is not YAML.
pub fn override_kube_proxy(objects: &mut [Value], overrides: &Value) -> Result<(), Failure> {
    for object in objects {
        if object["kind"] != "ConfigMap" || object["metadata"]["name"] != "kube-proxy" {
            continue;
        }
        if let Some(Value::String(text)) = object.pointer_mut("/data/config.conf") {
            let mut config: Value =
                serde_yaml::from_str(text).map_err(|error| unreadable(&error))?;
            json_patch::merge(&mut config, overrides);
            *text = serde_yaml::to_string(&config).map_err(|error| unreadable(&error))?;
        }
    }
    Ok(())
}

/// Fills in the pod subnet, the only variable of a node image's CNI manifest.
pub fn template_cni_manifest(manifest: &str, plan: &ClusterPlan) -> String {
    let subnet = plan.pod_subnet.to_string();
    ["{{ .PodSubnet }}", "{{.PodSubnet}}"]
        .iter()
        .fold(manifest.to_owned(), |text, variable| text.replace(variable, &subnet))
}

fn quicken(probe: &mut Value) {
    let number = |field: &str, default| probe.get(field).and_then(Value::as_u64).unwrap_or(default);
    let seconds = number("initialDelaySeconds", 0)
        + number("periodSeconds", 10) * number("failureThreshold", 3);
    probe["initialDelaySeconds"] = json!(0);
    probe["periodSeconds"] = json!(1);
    probe["failureThreshold"] = json!(seconds);
}

fn unreadable(error: &serde_yaml::Error) -> Failure {
    Failure::environment(format!("a manifest of the node image is not YAML: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_startup_probe_keeps_its_timeout() {
        let manifest = "spec: {containers: [{name: a, startupProbe: {failureThreshold: 24, initialDelaySeconds: 10, periodSeconds: 10}}]}";
        let pod: Value = serde_yaml::from_str(&quicken_static_pod(manifest).unwrap()).unwrap();
        let probe = &pod["spec"]["containers"][0]["startupProbe"];
        assert_eq!(
            *probe,
            json!({ "failureThreshold": 250, "initialDelaySeconds": 0, "periodSeconds": 1 })
        );
    }

    #[test]
    fn overrides_the_configuration_of_kube_proxy() {
        let mut objects = addon_objects(
            "kind: ConfigMap\nmetadata: {name: kube-proxy}\ndata:\n  config.conf: |-\n    clusterCIDR: 10.244.0.0/16\n    conntrack: {maxPerCore: null, min: 1}\n",
        )
        .unwrap();
        let overrides = json!({ "conntrack": { "maxPerCore": 0 }, "mode": "iptables" });
        override_kube_proxy(&mut objects, &overrides).unwrap();
        let text = objects[0]["data"]["config.conf"].as_str().unwrap();
        let config: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(
            config,
            json!({
                "clusterCIDR": "10.244.0.0/16",
                "conntrack": { "maxPerCore": 0, "min": 1 },
                "mode": "iptables",
            })
        );
    }

    #[test]
    fn drops_empty_documents_and_resource_versions() {
        let objects = addon_objects(
            "---\n---\nkind: Service\nmetadata: {name: x, resourceVersion: '0'}\n---\nkind: Deployment\nmetadata: {name: coredns}\nspec: {template: {spec: {containers: [{readinessProbe: {}}]}}}\n",
        )
        .unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0], json!({ "kind": "Service", "metadata": { "name": "x" } }));
        let probe =
            objects[1].pointer("/spec/template/spec/containers/0/readinessProbe/periodSeconds");
        assert_eq!(probe, Some(&json!(1)));
    }
}
