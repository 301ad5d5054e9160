use k8s_openapi::api::core::v1::{ContainerPort, Pod};

use super::situation::{Situation, name, spec};

/// Host ports of the pod that are in use on the node.
pub(super) fn reasons(situation: &Situation<'_>, node: usize) -> Vec<String> {
    let wanted = host_ports(situation.pod);
    let mut reasons = Vec::new();
    for port in wanted {
        let holder = situation
            .on(node)
            .find(|placed| host_ports(placed.pod).iter().any(|taken| is_conflict(&port, taken)));
        if let Some(holder) = holder {
            let HostPort { port, protocol, .. } = port;
            let holder = name(holder.pod);
            reasons.push(format!("host port {port}/{protocol} is in use by {holder}"));
        }
    }
    reasons
}

struct HostPort<'a> {
    address: &'a str,
    protocol: &'a str,
    port: i32,
}

/// The ports of all containers and sidecars.
fn host_ports(pod: &Pod) -> Vec<HostPort<'_>> {
    let Some(spec) = spec(pod) else { return Vec::new() };
    let sidecars = spec
        .init_containers
        .iter()
        .flatten()
        .filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let uses_host_network = spec.host_network.unwrap_or_default();
    let port = |port: &ContainerPort| {
        let on_host = port.host_port.or(uses_host_network.then_some(port.container_port));
        on_host.filter(|number| *number > 0)
    };
    let containers = spec.containers.iter().chain(sidecars);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports
        .filter_map(|declared| {
            Some(HostPort {
                address: match declared.host_ip.as_deref() {
                    None | Some("") => "0.0.0.0",
                    Some(address) => address,
                },
                protocol: declared.protocol.as_deref().unwrap_or("TCP"),
                port: port(declared)?,
            })
        })
        .collect()
}

fn is_conflict(one: &HostPort<'_>, other: &HostPort<'_>) -> bool {
    let is_everywhere = |port: &HostPort<'_>| port.address == "0.0.0.0";
    one.port == other.port
        && one.protocol == other.protocol
        && (one.address == other.address || is_everywhere(one) || is_everywhere(other))
}
