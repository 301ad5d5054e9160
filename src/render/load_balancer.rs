use std::fmt::Write as _;

use crate::plan::ClusterPlan;

/// The configuration of haproxy, which forwards TCP to the API servers whose `/readyz` succeeds.
///
/// Source: <https://docs.haproxy.org/3.0/configuration.html>
pub fn haproxy_configuration(plan: &ClusterPlan) -> String {
    let mut text = String::from(
        "\
global
    log stdout format raw local0 notice

defaults
    mode tcp
    log global
    option dontlognull
    retries 3
    option redispatch
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h

frontend control-plane
    bind :6443
    default_backend kube-apiservers

backend kube-apiservers
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check check-ssl verify none inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
",
    );
    for node in plan.control_planes() {
        let _ = writeln!(text, "    server {} {}:6443", node.name, node.address);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;

    #[test]
    fn haproxy_configuration_of_a_cluster() {
        let plan = sample_plan(3, 1, &Version::new(1, 37, 2));
        insta::assert_snapshot!(haproxy_configuration(&plan));
    }
}
