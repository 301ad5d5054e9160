use ipnet::Ipv4Net;

use super::cluster::Networking;
use super::violation::Violation;

/// Prefix length of a node's pod subnet: kube-controller-manager's `--node-cidr-mask-size`
/// (<https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/>).
const NODE_PREFIX: u8 = 24;
/// kubeadm and kube-controller-manager reject a pod subnet that is more than 16 bits larger than a node's.
const LARGEST_POD_SUBNET: u8 = NODE_PREFIX - 16;
/// kubeadm rejects Service subnets with more than 20 host bits.
const LARGEST_SERVICE_SUBNET: u8 = 32 - 20;
/// Cluster DNS uses the tenth address, and a /29 has only 8.
const SMALLEST_SERVICE_SUBNET: u8 = 28;

pub(super) fn subnet_violations(networking: &Networking, nodes: usize, found: &mut Vec<Violation>) {
    let Networking { pod_subnet: pods, service_subnet: services, .. } = networking;
    let pod_path = "networking.podSubnet";
    let service_path = "networking.serviceSubnet";
    for (path, subnet) in [(pod_path, pods), (service_path, services)] {
        found.extend(network_violation(path, subnet));
    }
    let needed = pod_prefix_for(nodes);
    if pods.prefix_len() > needed {
        let message = format!(
            "{pods} is too small: each node gets a /{NODE_PREFIX} of it, and {nodes} {} a /{needed}",
            if nodes == 1 { "node needs" } else { "nodes need" }
        );
        found.push(Violation::new(pod_path, message).suggest(resized(pods, needed)));
    } else if pods.prefix_len() < LARGEST_POD_SUBNET {
        let message = format!("{pods} is too large: at most a /{LARGEST_POD_SUBNET} is allowed");
        found.push(Violation::new(pod_path, message));
    }
    if services.prefix_len() > SMALLEST_SERVICE_SUBNET {
        let message =
            format!("{services} is too small: at least a /{SMALLEST_SERVICE_SUBNET} is needed");
        let suggestion = resized(services, SMALLEST_SERVICE_SUBNET);
        found.push(Violation::new(service_path, message).suggest(suggestion));
    } else if services.prefix_len() < LARGEST_SERVICE_SUBNET {
        let message =
            format!("{services} is too large: at most a /{LARGEST_SERVICE_SUBNET} is allowed");
        let suggestion = resized(services, LARGEST_SERVICE_SUBNET);
        found.push(Violation::new(service_path, message).suggest(suggestion));
    }
    if pods.contains(&services.network()) || services.contains(&pods.network()) {
        // Report the subnet that the user has probably chosen.
        let defaults = Networking::default();
        let (path, subnet, other_path, other) = if *services == defaults.service_subnet {
            (pod_path, pods, service_path, services)
        } else {
            (service_path, services, pod_path, pods)
        };
        let message = format!("{subnet} overlaps {other_path}, which is {other}");
        found.push(Violation::new(path, message).with_other(other_path));
    }
}

/// Rejects a subnet with host bits, or one that is reserved
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry/>).
fn network_violation(path: &str, subnet: &Ipv4Net) -> Option<Violation> {
    if subnet.addr() != subnet.network() {
        let message = format!(
            "{subnet} has address bits beyond its /{}, expected a network's own address",
            subnet.prefix_len()
        );
        return Some(Violation::new(path, message).suggest(subnet.trunc().to_string()));
    }
    let purpose = match subnet.network().octets() {
        [0, ..] => "this host",
        [127, ..] => "loopback",
        [169, 254, ..] => "link-local addresses",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "future use",
        _ => return None,
    };
    Some(Violation::new(path, format!("{subnet} is reserved for {purpose}")))
}

/// Returns the prefix length of a subnet with a /24 for each node.
fn pod_prefix_for(nodes: usize) -> u8 {
    let bits = nodes.max(1).next_power_of_two().trailing_zeros();
    u8::try_from(bits).map_or(0, |bits| NODE_PREFIX.saturating_sub(bits))
}

fn resized(subnet: &Ipv4Net, prefix: u8) -> String {
    Ipv4Net::new(subnet.addr(), prefix).unwrap_or(*subnet).trunc().to_string()
}
