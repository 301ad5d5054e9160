use std::net::IpAddr;

use crate::config::Role;
use crate::plan::{ClusterPlan, NodePlan};

/// A certificate authority of the cluster.
///
/// Source: <https://kubernetes.io/docs/setup/best-practices/certificates/>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// Signs the API server's certificate and its clients'.
    Kubernetes,
    /// Signs the certificates of etcd's members and clients.
    Etcd,
    /// Signs the API server's client certificate for aggregated APIs.
    FrontProxy,
}

impl Authority {
    pub const ALL: [Self; 3] = [Self::Kubernetes, Self::Etcd, Self::FrontProxy];

    /// The common name that kubeadm uses.
    pub fn common_name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Etcd => "etcd-ca",
            Self::FrontProxy => "front-proxy-ca",
        }
    }

    /// The path below /etc/kubernetes/pki, without an extension.
    pub fn path(self) -> &'static str {
        match self {
            Self::Kubernetes => "ca",
            Self::Etcd => "etcd/ca",
            Self::FrontProxy => "front-proxy-ca",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    Server,
    Client,
    ServerAndClient,
}

/// The subject of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePlan {
    /// A path below /etc/kubernetes/pki without an extension, or the name of a kubeconfig.
    pub id: &'static str,
    pub authority: Authority,
    /// For a client, the user.
    pub common_name: String,
    /// For a client, the group.
    pub organization: Option<&'static str>,
    pub usage: Usage,
    pub dns_names: Vec<String>,
    pub addresses: Vec<IpAddr>,
}

/// The kubeconfig certificates by id; each becomes `/etc/kubernetes/ID.conf`.
pub(crate) const KUBECONFIG_IDS: [&str; 4] =
    ["admin", "super-admin", "controller-manager", "scheduler"];

/// The certificates of one node.
pub fn certificates(plan: &ClusterPlan, node: &NodePlan) -> Vec<CertificatePlan> {
    let client = |id, common_name: &str, organization| CertificatePlan {
        id,
        authority: Authority::Kubernetes,
        common_name: common_name.to_owned(),
        organization,
        usage: Usage::Client,
        dns_names: Vec::new(),
        addresses: Vec::new(),
    };
    let mut all =
        vec![client("kubelet", &format!("system:node:{}", node.name), Some("system:nodes"))];
    if node.role == Role::Worker {
        return all;
    }

    let localhost = IpAddr::from([127, 0, 0, 1]);
    let loopback6 = IpAddr::from(std::net::Ipv6Addr::LOCALHOST);
    let mut api_addresses = vec![
        plan.kubernetes_service_address().into(),
        node.address.into(),
        localhost,
        plan.control_plane_address().into(),
    ];
    if !plan.api_host.is_unspecified() {
        api_addresses.push(plan.api_host);
    }
    let mut api_names: Vec<String> =
        ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
            .map(str::to_owned)
            .to_vec();
    api_names.push(format!("kubernetes.default.svc.{}", plan.settings.dns_domain));
    api_names.push(node.name.clone());
    api_names.extend(plan.load_balancer.iter().map(|balancer| balancer.name.clone()));
    for name in &plan.settings.certificate_names {
        match name.parse() {
            Ok(address) => api_addresses.push(address),
            Err(_) => api_names.push(name.clone()),
        }
    }
    api_names.sort();
    api_names.dedup();
    api_addresses.sort();
    api_addresses.dedup();

    let etcd = |id, usage| CertificatePlan {
        id,
        authority: Authority::Etcd,
        common_name: node.name.clone(),
        organization: None,
        usage,
        dns_names: vec!["localhost".into(), node.name.clone()],
        addresses: vec![node.address.into(), localhost, loopback6],
    };
    let etcd_client = |id, common_name: &str| CertificatePlan {
        authority: Authority::Etcd,
        ..client(id, common_name, None)
    };
    all.extend([
        client("admin", "kubernetes-admin", Some("kubeadm:cluster-admins")),
        client("super-admin", "kubernetes-super-admin", Some("system:masters")),
        client("controller-manager", "system:kube-controller-manager", None),
        client("scheduler", "system:kube-scheduler", None),
        client(
            "apiserver-kubelet-client",
            "kube-apiserver-kubelet-client",
            Some("kubeadm:cluster-admins"),
        ),
        CertificatePlan {
            usage: Usage::Server,
            dns_names: api_names,
            addresses: api_addresses,
            ..client("apiserver", "kube-apiserver", None)
        },
        CertificatePlan {
            authority: Authority::FrontProxy,
            ..client("front-proxy-client", "front-proxy-client", None)
        },
        etcd_client("apiserver-etcd-client", "kube-apiserver-etcd-client"),
        etcd_client("etcd/healthcheck-client", "kube-etcd-healthcheck-client"),
        etcd("etcd/server", Usage::ServerAndClient),
        etcd("etcd/peer", Usage::ServerAndClient),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;

    #[test]
    fn the_certificates_of_a_control_plane() {
        let plan = sample_plan(3, 1, &Version::new(1, 37, 2));
        insta::assert_debug_snapshot!(certificates(&plan, &plan.nodes[1]));
    }

    #[test]
    fn a_worker_has_only_a_certificate_for_kubelet() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        let all = certificates(&plan, &plan.nodes[1]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].common_name, "system:node:dev-worker");
        assert_eq!(all[0].organization, Some("system:nodes"));
    }
}
