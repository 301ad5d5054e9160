use super::{ContainerRole, Role};
use crate::failure::Failure;

/// Longest name of a node: it is a host name and a label's value in Kubernetes
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>).
const LONGEST: usize = 63;

/// Checks a cluster's name. As in kind, lowercase letters, digits, `-` and `.` are allowed. Node
/// names contain the name and are DNS names: each part between dots starts and ends with a letter or
/// digit, and the name of the first node is not too long.
///
/// [`validate`](super::validate()) checks the names of all nodes.
///
/// # Errors
/// [`Failure::Input`] with the rule that the name breaks.
pub fn validate_cluster_name(name: &str) -> Result<(), Failure> {
    check_cluster_name(name, &[Role::ControlPlane]).map_err(|why| {
        Failure::input(format!("cluster name: {why}"))
            .with_hint("choose another name, such as `--name dev`")
    })
}

/// Checks a name for a cluster with nodes of these roles.
pub(super) fn check_cluster_name(name: &str, roles: &[Role]) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() {
        return Err("the name is empty".into());
    }
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "`{}` contains `{}`; lowercase letters, digits, `-` and `.` are allowed",
            name.escape_debug(),
            bad.escape_debug()
        ));
    }
    let alphanumeric = |c: char| c != '-';
    if !name.split('.').all(|part| part.starts_with(alphanumeric) && part.ends_with(alphanumeric)) {
        return Err(format!(
            "`{name}` must start and end with a letter or digit, and so must each part between dots"
        ));
    }
    let control_planes = roles.iter().filter(|role| **role == Role::ControlPlane).count();
    let balancer = (control_planes > 1).then(|| load_balancer_name(name));
    let longest = node_names(name, roles).into_iter().chain(balancer).max_by_key(String::len);
    match longest {
        Some(longest) if longest.len() > LONGEST => Err(format!(
            "too long by {}: `{longest}` would have {} characters, and a host name has at most {LONGEST}",
            longest.len() - LONGEST,
            longest.len()
        )),
        _ => Ok(()),
    }
}

/// The nodes' names, in the order of `roles`: `NAME-control-plane`, `NAME-control-plane2`, …,
/// `NAME-worker`, `NAME-worker2`, …, as kind names them.
pub fn node_names(cluster_name: &str, roles: &[Role]) -> Vec<String> {
    let (mut control_planes, mut workers) = (0_usize, 0_usize);
    let mut name = |role: &Role| {
        let count = match role {
            Role::ControlPlane => &mut control_planes,
            Role::Worker => &mut workers,
        };
        *count += 1;
        let number = if *count == 1 { String::new() } else { count.to_string() };
        format!("{cluster_name}-{role}{number}")
    };
    roles.iter().map(&mut name).collect()
}

/// Returns the name of the load balancer in front of several control planes, as in kind.
pub fn load_balancer_name(cluster_name: &str) -> String {
    format!("{cluster_name}-{}", ContainerRole::LoadBalancer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> String {
        validate_cluster_name(name).unwrap_err().to_string()
    }

    #[test]
    fn nodes_are_numbered_by_role_from_the_second() {
        use Role::{ControlPlane, Worker};
        let roles = [ControlPlane, Worker, ControlPlane, Worker, ControlPlane];
        assert_eq!(
            node_names("dev", &roles),
            [
                "dev-control-plane",
                "dev-worker",
                "dev-control-plane2",
                "dev-worker2",
                "dev-control-plane3"
            ]
        );
        assert_eq!(load_balancer_name("dev"), "dev-external-load-balancer");
    }

    #[test]
    fn good_names() {
        for name in ["kind", "a", "0", "dev-1", "team.dev", "a--b", &"n".repeat(49)] {
            assert!(validate_cluster_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn bad_names() {
        insta::assert_snapshot!(refused(""), @"cluster name: the name is empty");
        insta::assert_snapshot!(refused("Dev"), @"cluster name: `Dev` contains `D`; lowercase letters, digits, `-` and `.` are allowed");
        insta::assert_snapshot!(refused("a b"), @"cluster name: `a b` contains ` `; lowercase letters, digits, `-` and `.` are allowed");
        insta::assert_snapshot!(refused("a_b\n"), @r"cluster name: `a_b\n` contains `_`; lowercase letters, digits, `-` and `.` are allowed");
        insta::assert_snapshot!(refused("-a"), @"cluster name: `-a` must start and end with a letter or digit, and so must each part between dots");
        insta::assert_snapshot!(refused("a."), @"cluster name: `a.` must start and end with a letter or digit, and so must each part between dots");
        insta::assert_snapshot!(refused("a..b"), @"cluster name: `a..b` must start and end with a letter or digit, and so must each part between dots");
        insta::assert_snapshot!(refused(&"n".repeat(50)), @"cluster name: too long by 1: `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-control-plane` would have 64 characters, and a host name has at most 63");
    }

    #[test]
    fn more_nodes_have_longer_names() {
        let name = "n".repeat(49);
        let planes = [Role::ControlPlane; 3];
        assert!(check_cluster_name(&name, &planes[..1]).is_ok());
        insta::assert_snapshot!(check_cluster_name(&name, &planes).unwrap_err(), @"too long by 9: `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-external-load-balancer` would have 72 characters, and a host name has at most 63");
        assert!(check_cluster_name(&"n".repeat(40), &planes).is_ok());
        let mut workers = vec![Role::ControlPlane];
        workers.extend([Role::Worker; 9]);
        assert!(check_cluster_name(&name, &workers).is_ok());
    }
}
