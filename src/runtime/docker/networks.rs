//! Networks, and the label filter that every list uses.

use std::collections::HashMap;

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use bollard::{BollardRequest, body_full};
use bytes::Bytes;

use super::Docker;
use super::error::missing_is_fine;
use crate::runtime::{EngineError, Label, NetworkInfo, NetworkSpec};

/// The filter for objects with all these labels; an empty value matches any value.
pub(super) fn label_filter(labels: &[Label]) -> HashMap<String, Vec<String>> {
    let labels = labels
        .iter()
        .map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") })
        .collect::<Vec<_>>();
    if labels.is_empty() { HashMap::new() } else { HashMap::from([("label".to_owned(), labels)]) }
}

impl Docker {
    pub(super) async fn make_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let object = format!("network {}", spec.name);
        let request = create_request(spec);
        let body = unique_name_body(&request).map_err(|error| {
            EngineError::refused(format!("creating {object}"), error.to_string())
        })?;
        let client = self.client.clone().with_request_modifier(move |request: BollardRequest| {
            request.map(|_| body_full(body.clone()))
        });
        client.create_network(request).await.map_err(self.failed("creating", &object))?;
        Ok(())
    }

    pub(super) async fn list_networks(
        &self,
        labels: &[Label],
    ) -> Result<Vec<NetworkInfo>, EngineError> {
        let options = ListNetworksOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self
            .client
            .list_networks(Some(options))
            .await
            .map_err(self.failed("listing", "networks"))?;
        Ok(list.into_iter().map(network_info).collect())
    }

    pub(super) async fn delete_network(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("network {name}");
        missing_is_fine(
            self.client.remove_network(name).await.map_err(self.failed("removing", &object)),
        )
    }
}

fn create_request(spec: &NetworkSpec) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: spec.name.clone(),
        driver: Some("bridge".to_owned()),
        ipam: Some(Ipam {
            driver: Some("default".to_owned()),
            config: Some(vec![IpamConfig {
                subnet: Some(spec.subnet.to_string()),
                gateway: spec.subnet.hosts().next().map(|address| address.to_string()),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        options: Some(spec.options.clone().into_iter().collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        ..Default::default()
    }
}

/// The request's body with `CheckDuplicate`: without it, engines before API 1.44 create a second
/// network of the same name. Newer ones ignore the field, and `bollard` does not have it.
fn unique_name_body(request: &NetworkCreateRequest) -> serde_json::Result<Bytes> {
    let mut body = serde_json::to_value(request)?;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("CheckDuplicate".to_owned(), true.into());
    }
    Ok(serde_json::to_vec(&body)?.into())
}

fn network_info(network: Network) -> NetworkInfo {
    let ranges = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    NetworkInfo {
        id: network.id.unwrap_or_default(),
        name: network.name.unwrap_or_default(),
        labels: network.labels.unwrap_or_default().into_iter().collect(),
        subnets: ranges.into_iter().filter_map(|range| range.subnet?.parse().ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_label_value_filters_by_key() {
        let labels = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(label_filter(&labels)["label"], ["a=1", "b"]);
        assert!(label_filter(&[]).is_empty());
    }

    #[test]
    fn a_network_has_its_gateway_and_a_unique_name() {
        let body = unique_name_body(&create_request(&NetworkSpec {
            name: "n".into(),
            subnet: "10.9.8.0/24".parse().unwrap(),
            labels: [("k".into(), "v".into())].into(),
            options: [("com.docker.network.driver.mtu".into(), "1400".into())].into(),
        }))
        .unwrap();
        let mut body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        body.sort_all_objects();
        insta::assert_snapshot!(body);
    }
}
