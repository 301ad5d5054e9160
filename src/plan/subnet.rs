use ipnet::Ipv4Net;

/// Subnets for a cluster's network: the /24s of 172.28.0.0/14 that overlap none of `taken` (other
/// networks of the engine, routes of the host, the cluster's pods and Services).
///
/// The range is in RFC 1918 and in Docker's default pools, but in no cloud's default VPC.
pub fn cluster_subnets(taken: &[Ipv4Net]) -> impl Iterator<Item = Ipv4Net> + '_ {
    let range = Ipv4Net::new_assert([172, 28, 0, 0].into(), 14);
    range.subnets(24).into_iter().flatten().filter(move |subnet| {
        !taken.iter().any(|other| {
            // The default route overlaps everything.
            other.prefix_len() > 0 && (other.contains(subnet) || subnet.contains(other))
        })
    })
}

/// One subnet of `pods` for each of `nodes` nodes: /24s, the controller manager's default, or smaller
/// if they do not fit. `None` if even /28s do not fit.
pub fn pod_subnets(pods: Ipv4Net, nodes: usize) -> Option<Vec<Ipv4Net>> {
    (24..=28).filter(|length| *length >= pods.prefix_len()).find_map(|length| {
        let subnets: Vec<Ipv4Net> = pods.subnets(length).ok()?.take(nodes).collect();
        (subnets.len() == nodes).then_some(subnets)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn skips_taken_subnets() {
        let taken = [net("0.0.0.0/0"), net("172.28.0.0/23"), net("172.28.2.7/32")];
        assert_eq!(cluster_subnets(&taken).next(), Some(net("172.28.3.0/24")));
    }

    #[test]
    fn all_subnets_can_be_taken() {
        assert_eq!(cluster_subnets(&[net("172.16.0.0/12")]).next(), None);
    }

    #[test]
    fn each_node_gets_a_subnet_for_its_pods() {
        let subnets = pod_subnets(net("10.244.0.0/16"), 3).unwrap();
        assert_eq!(subnets, [net("10.244.0.0/24"), net("10.244.1.0/24"), net("10.244.2.0/24")]);
        assert_eq!(pod_subnets(net("10.1.0.0/24"), 3).unwrap()[2], net("10.1.0.128/26"));
        assert_eq!(pod_subnets(net("10.1.0.0/27"), 3), None);
    }
}
