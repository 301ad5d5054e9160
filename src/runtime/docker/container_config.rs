//! Converts a [`ContainerSpec`] into the API's types.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings, HostConfig,
    HostConfigCgroupnsModeEnum, Mount as VolumeMount, MountType, MountVolumeOptions,
    NetworkingConfig, PortBinding as HostPort, PortMap, RestartPolicy, RestartPolicyNameEnum,
};

use crate::runtime::{
    ContainerSpec, EngineError, Mount, MountSource, NetworkAttachment, PortBinding, Propagation,
};

/// The body of the request that creates the container. Fails when a mount's path has a colon.
pub(super) fn create_body(spec: &ContainerSpec) -> Result<ContainerCreateBody, EngineError> {
    // An empty list would keep the image's entrypoint; one empty word removes it.
    let entrypoint = spec
        .entrypoint
        .clone()
        .map(|words| if words.is_empty() { vec![String::new()] } else { words });
    Ok(ContainerCreateBody {
        hostname: (!spec.hostname.is_empty()).then(|| spec.hostname.clone()),
        image: Some(spec.image.clone()),
        labels: Some(hash_map(&spec.labels)),
        entrypoint,
        cmd: spec.command.clone(),
        env: Some(spec.environment.clone()),
        tty: Some(false),
        exposed_ports: Some(exposed_ports(&spec.ports)),
        host_config: Some(host_config(spec)?),
        networking_config: spec.network.as_ref().map(networking_config),
        ..Default::default()
    })
}

fn host_config(spec: &ContainerSpec) -> Result<HostConfig, EngineError> {
    let binds = spec
        .mounts
        .iter()
        .filter_map(|mount| match &mount.source {
            MountSource::Host(path) => Some(bind(spec, mount, path)),
            MountSource::Volume(_) => None,
        })
        .collect::<Result<Vec<_>, _>>()?;
    let drops = !spec.capabilities.is_empty();
    Ok(HostConfig {
        binds: Some(binds),
        mounts: Some(spec.mounts.iter().filter_map(|mount| volume_mount(spec, mount)).collect()),
        tmpfs: Some(hash_map(&spec.tmpfs)),
        cap_add: drops.then(|| spec.capabilities.clone()),
        cap_drop: drops.then(|| vec!["ALL".to_owned()]),
        security_opt: Some(spec.security_options.clone()),
        // Empty lists are what `--security-opt systempaths=unconfined` sends; the engine does
        // not know that option itself.
        masked_paths: spec.unconfined_system_paths.then(Vec::new),
        readonly_paths: spec.unconfined_system_paths.then(Vec::new),
        device_cgroup_rules: Some(spec.device_cgroup_rules.clone()),
        devices: Some(spec.devices.iter().map(|path| device(path)).collect()),
        cgroupns_mode: spec.private_cgroup_namespace.then_some(HostConfigCgroupnsModeEnum::PRIVATE),
        port_bindings: Some(port_map(&spec.ports)),
        network_mode: Some(match &spec.network {
            Some(attachment) => attachment.network.clone(),
            None => "none".to_owned(),
        }),
        sysctls: Some(hash_map(&spec.sysctls)),
        restart_policy: spec.restart.then(restart_policy),
        // The node's own init is process 1.
        init: Some(false),
        ..Default::default()
    })
}

/// Restarts once after a failure. systemd exits with a code other than 0 even when the engine stops
/// it, so nodes start again after a restart of the engine or the host, which resets the count. A
/// node that cannot boot fails at its second start, and a node that the user stopped stays down.
fn restart_policy() -> RestartPolicy {
    RestartPolicy { name: Some(RestartPolicyNameEnum::ON_FAILURE), maximum_retry_count: Some(1) }
}

/// The `SOURCE:TARGET:OPTIONS` form, which creates a missing folder on the host in every version of
/// the API, as users of `docker run -v` and kind expect. A mount does so only from 1.42.
fn bind(spec: &ContainerSpec, mount: &Mount, source: &str) -> Result<String, EngineError> {
    if let Some(path) = [source, mount.target.as_str()].iter().find(|path| path.contains(':')) {
        return Err(EngineError::refused(
            format!("mounting {path} in container {}", spec.name),
            "Docker cannot mount a path with a colon",
        ));
    }
    let access = if mount.read_only { "ro" } else { "rw" };
    let propagation = match mount.propagation {
        Propagation::None => "rprivate",
        Propagation::HostToContainer => "rslave",
        Propagation::Bidirectional => "rshared",
    };
    Ok(format!("{source}:{}:{access},{propagation}", mount.target))
}

fn volume_mount(spec: &ContainerSpec, mount: &Mount) -> Option<VolumeMount> {
    let MountSource::Volume(name) = &mount.source else { return None };
    Some(VolumeMount {
        typ: Some(MountType::VOLUME),
        source: Some(name.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        // The engine creates a missing volume, even one that was removed during the request for its
        // container. With labels, `delete` finds and removes it.
        volume_options: Some(MountVolumeOptions {
            labels: Some(hash_map(&spec.labels)),
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn device(path: &str) -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(path.to_owned()),
        path_in_container: Some(path.to_owned()),
        cgroup_permissions: Some("rwm".to_owned()),
    }
}

fn port_key(port: &PortBinding) -> String {
    format!("{}/{}", port.container_port, port.protocol.name())
}

fn exposed_ports(ports: &[PortBinding]) -> Vec<String> {
    let mut keys: Vec<String> = ports.iter().map(port_key).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn port_map(ports: &[PortBinding]) -> PortMap {
    let mut map = PortMap::new();
    for port in ports {
        map.entry(port_key(port)).or_default().get_or_insert_default().push(HostPort {
            host_ip: Some(port.host_address.to_string()),
            host_port: Some(port.host_port.to_string()),
        });
    }
    map
}

fn networking_config(attachment: &NetworkAttachment) -> NetworkingConfig {
    let settings = EndpointSettings {
        ipam_config: attachment.address.map(|address| EndpointIpamConfig {
            ipv4_address: Some(address.to_string()),
            ..Default::default()
        }),
        ..Default::default()
    };
    NetworkingConfig {
        endpoints_config: Some(HashMap::from([(attachment.network.clone(), settings)])),
    }
}

fn hash_map(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.clone().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Protocol;

    fn json(spec: &ContainerSpec) -> String {
        let mut body = serde_json::to_value(create_body(spec).unwrap()).unwrap();
        body.sort_all_objects();
        serde_json::to_string_pretty(&body).unwrap()
    }

    fn mount(source: MountSource, read_only: bool, propagation: Propagation) -> Mount {
        Mount { source, target: "/in".into(), read_only, propagation }
    }

    fn port(host_address: &str, host_port: u16) -> PortBinding {
        PortBinding {
            container_port: 6443,
            protocol: Protocol::Tcp,
            host_address: host_address.parse().unwrap(),
            host_port,
        }
    }

    #[test]
    fn every_field_arrives() {
        insta::assert_snapshot!(json(&ContainerSpec {
            name: "node".into(),
            image: "kindrs/node:v1".into(),
            hostname: "node".into(),
            labels: [("role".into(), "worker".into())].into(),
            entrypoint: Some(vec!["/entry".into(), "-x".into()]),
            command: Some(vec!["/sbin/init".into()]),
            environment: vec!["A=1".into()],
            capabilities: vec!["SYS_ADMIN".into(), "NET_ADMIN".into()],
            security_options: vec!["seccomp=unconfined".into()],
            unconfined_system_paths: true,
            device_cgroup_rules: vec!["a *:* rwm".into()],
            devices: vec!["/dev/kmsg".into()],
            private_cgroup_namespace: true,
            tmpfs: [("/run".into(), "exec".into())].into(),
            mounts: vec![
                mount(MountSource::Host("/lib/modules".into()), true, Propagation::None),
                mount(MountSource::Host("/a".into()), false, Propagation::HostToContainer),
                mount(MountSource::Host("/b".into()), false, Propagation::Bidirectional),
                mount(MountSource::Volume("var".into()), false, Propagation::None),
            ],
            ports: vec![port("127.0.0.1", 0), port("::1", 7443)],
            network: Some(NetworkAttachment {
                network: "net".into(),
                address: Some([10, 0, 0, 2].into()),
            }),
            sysctls: [("net.ipv4.ip_forward".into(), "1".into())].into(),
            restart: true,
        }));
    }

    #[test]
    fn a_bare_container_keeps_the_engines_defaults() {
        insta::assert_snapshot!(json(&ContainerSpec {
            name: "bare".into(),
            image: "debian".into(),
            ..Default::default()
        }));
    }

    #[test]
    fn a_path_with_a_colon_is_refused() {
        let spec = ContainerSpec {
            name: "node".into(),
            mounts: vec![mount(MountSource::Host("/a:b".into()), false, Propagation::None)],
            ..Default::default()
        };
        let error = create_body(&spec).unwrap_err().to_string();
        assert!(error.contains("/a:b") && error.contains("container node"), "{error}");
    }
}
