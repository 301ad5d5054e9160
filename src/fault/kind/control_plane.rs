//! Faults of single control plane components. Each component is a static pod: the kubelet runs the
//! pod while its manifest exists, and restarts its container.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::fault::action::{Action, Hold, Impact, Probe};
use crate::fault::refusal::{Inability, Refusal, Target};
use crate::fault::targeting::{Choice, NodeTargets, View};

/// A control plane component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Serves the API
    KubeApiserver,
    /// Runs the controllers; one of several leads
    KubeControllerManager,
    /// Assigns pods to nodes; one of several leads
    KubeScheduler,
    /// Stores the objects of the API server
    Etcd,
}

impl Component {
    fn name(self) -> &'static str {
        match self {
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Etcd => "etcd",
        }
    }

    fn impact(self) -> Impact {
        match self {
            Self::KubeApiserver => Impact::ApiServer,
            Self::Etcd => Impact::Etcd,
            // Everything that exists stays as it is.
            Self::KubeControllerManager | Self::KubeScheduler => Impact::None,
        }
    }

    fn manifest(self) -> String {
        format!("/etc/kubernetes/manifests/{}.yaml", self.name())
    }

    /// A shell command that prints the processes of the component's running container. containerd
    /// keeps the specification of each running container in a folder named after the container's ID,
    /// and the control groups of its processes contain that ID.
    fn processes(self, node: &str) -> String {
        let name = self.name();
        format!(
            "grep -ls '\"io.kubernetes.cri.container-type\":\"container\".*\
             \"io.kubernetes.cri.sandbox-name\":\"{name}-{node}\",\
             \"io.kubernetes.cri.sandbox-namespace\":\"kube-system\"' \
             /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json | \
             while read -r config; do folder=${{config%/config.json}}; \
             grep -ls \"${{folder##*/}}\" /proc/[0-9]*/cgroup | cut -d/ -f3; done"
        )
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parameters of the `component-…` faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ComponentTargets {
    /// Control plane component
    #[schemars(extend("x-value-name" = "COMPONENT"))]
    pub component: Component,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl ComponentTargets {
    fn on_each(
        &self,
        view: &View,
        action: impl Fn(&NodeSummary) -> Action,
    ) -> Result<Vec<Action>, Refusal> {
        let runs = format!("runs no {}", self.component);
        let nodes = control_planes(&self.targets, view, Untargeted::Only, &runs)?;
        Ok(nodes.into_iter().map(action).collect())
    }

    pub(super) fn stop(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        self.on_each(view, |node| stopped(self.component, node))
    }

    pub(super) fn pause(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let component = self.component;
        self.on_each(view, |node| {
            let processes = component.processes(&node.name);
            Action {
                heal: Some(format!(
                    "processes=$({processes})\n\
                     [ -z \"$processes\" ] || kill -CONT $processes 2>/dev/null || true\n"
                )),
                healing: format!("unfreezes {component}"),
                ..self.signal(node, "STOP", format!("freezes {component}"))
            }
        })
    }

    pub(super) fn kill(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let effect = format!("kills {}", self.component);
        self.on_each(view, |node| self.signal(node, "KILL", effect.clone()))
    }

    pub(super) fn restart(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let effect = format!("restarts {}", self.component);
        self.on_each(view, |node| self.signal(node, "TERM", effect.clone()))
    }

    /// An action that sends a signal to every process of the component.
    fn signal(&self, node: &NodeSummary, signal: &str, effect: String) -> Action {
        let component = self.component;
        let processes = component.processes(&node.name);
        Action {
            probe: Some(Probe {
                script: format!("[ -n \"$({processes})\" ]"),
                inability: Inability::NotRunning {
                    component: component.name(),
                    node: node.name.clone(),
                },
            }),
            inject: Some(format!("kill -{signal} $({processes})\n")),
            holds: vec![Hold::Component(component.name().to_owned())],
            impact: component.impact(),
            ..Action::on_node(node, effect)
        }
    }
}

/// An action that moves a component's manifest away. The rename is atomic, so the manifest is always
/// in one of the two places.
fn stopped(component: Component, node: &NodeSummary) -> Action {
    let manifest = component.manifest();
    let processes = component.processes(&node.name);
    // Without etcd the API server hangs, and so does the kubelet, which asks the API server to delete
    // etcd's mirror pod: for half a minute each time, in which it starts nothing. So healing also
    // restarts both, if etcd is not running.
    let then = match component {
        Component::Etcd => format!(
            "if [ -z \"$({processes})\" ]; then\n    \
                 processes=$({})\n    \
                 [ -z \"$processes\" ] || kill -KILL $processes 2>/dev/null || true\n    \
                 systemctl try-restart kubelet.service\n\
             fi\n",
            Component::KubeApiserver.processes(&node.name)
        ),
        _ => String::new(),
    };
    Action {
        probe: Some(Probe {
            script: format!("[ -e {manifest} ]"),
            inability: Inability::NoManifest {
                component: component.name(),
                node: node.name.clone(),
                manifest: manifest.clone(),
            },
        }),
        // The kubelet would wait half a minute for the process to end.
        inject: Some(format!(
            "processes=$({processes})\n\
             mv {manifest} \"$fault/{component}.yaml\"\n\
             if [ -n \"$processes\" ]; then\n    \
                 kill -TERM $processes 2>/dev/null || true\n    \
                 sleep 0.05\n    \
                 kill -KILL $processes 2>/dev/null || true\n\
             fi\n"
        )),
        heal: Some(format!(
            "if [ -e \"$fault/{component}.yaml\" ] && [ ! -e {manifest} ]; then\n    \
                 mv \"$fault/{component}.yaml\" {manifest}\n\
             fi\n{then}"
        )),
        healing: format!("starts {component}"),
        holds: vec![Hold::Component(component.name().to_owned())],
        impact: component.impact(),
        ..Action::on_node(node, format!("stops {component}"))
    }
}

/// Stops etcd on the last control planes, so that the others are not a majority.
pub(super) fn etcd_quorum_loss(view: &View) -> Vec<Action> {
    let members: Vec<&NodeSummary> = view.control_planes().collect();
    let left = members.len() / 2;
    members.into_iter().skip(left).map(|node| stopped(Component::Etcd, node)).collect()
}

/// The control planes that a fault without targets hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Untargeted {
    /// The only one; several are an error.
    Only,
    /// All of them.
    All,
}

/// Returns the targeted control planes. `lacks` says why a worker cannot be a target: `runs no etcd`.
///
/// # Errors
/// As [`NodeTargets::resolve`], and for a target that is not a control plane.
pub(super) fn control_planes<'a>(
    targets: &NodeTargets,
    view: &'a View,
    untargeted: Untargeted,
    lacks: &str,
) -> Result<Vec<&'a NodeSummary>, Refusal> {
    let chosen: Vec<&NodeSummary> = if targets.is_empty() {
        view.control_planes().collect()
    } else {
        let all = NodeTargets { choice: Choice::default(), ..targets.clone() };
        all.resolve(view)?
    };
    if let Some(other) = chosen.iter().find(|node| node.role != ContainerRole::CONTROL_PLANE) {
        return Err(Refusal::NotControlPlane { node: other.name.clone(), lacks: lacks.to_owned() });
    }
    let is_targeted = !targets.is_empty() || targets.choice.is_random();
    if !is_targeted && untargeted == Untargeted::Only && chosen.len() > 1 {
        return Err(Refusal::SeveralControlPlanes(chosen.len()));
    }
    targets.choice.choose(chosen, Target::ControlPlanes, view.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;
    use crate::fault::fixture::{view, words};
    use crate::fault::parameter::Whole;

    fn on(nodes: &[&str]) -> NodeTargets {
        let node = nodes.iter().map(|node| (*node).into()).collect();
        NodeTargets { node, ..Default::default() }
    }

    fn of(component: Component, targets: NodeTargets) -> ComponentTargets {
        ComponentTargets { component, targets }
    }

    fn hit(actions: &[Action]) -> Vec<&str> {
        actions.iter().map(|action| action.node.as_str()).collect()
    }

    #[test]
    fn actions_on_a_component() {
        let view = view(1, 2);
        let scheduler = of(Component::KubeScheduler, NodeTargets::default());
        insta::assert_debug_snapshot!("component-stop", scheduler.stop(&view).unwrap());
        insta::assert_debug_snapshot!("component-pause", scheduler.pause(&view).unwrap());
        insta::assert_debug_snapshot!("component-kill", scheduler.kill(&view).unwrap());
        insta::assert_debug_snapshot!("etcd-quorum-loss", etcd_quorum_loss(&view));
        let restarted = scheduler.restart(&view).unwrap();
        assert_eq!(restarted[0].effect, "restarts kube-scheduler");
        assert!(!restarted[0].lasts());
    }

    #[test]
    fn a_component_has_an_impact() {
        let impact = |component| {
            let actions = of(component, NodeTargets::default()).pause(&view(1, 0)).unwrap();
            actions[0].impact
        };
        assert_eq!(impact(Component::KubeApiserver), Impact::ApiServer);
        assert_eq!(impact(Component::Etcd), Impact::Etcd);
        assert_eq!(impact(Component::KubeScheduler), Impact::None);
        assert_eq!(impact(Component::KubeControllerManager), Impact::None);
    }

    #[test]
    fn leaves_no_majority() {
        assert_eq!(hit(&etcd_quorum_loss(&view(1, 1))), ["dev-control-plane"]);
        assert_eq!(hit(&etcd_quorum_loss(&view(2, 1))), ["dev-control-plane2"]);
        let three = view(3, 1);
        assert_eq!(hit(&etcd_quorum_loss(&three)), ["dev-control-plane2", "dev-control-plane3"]);
        assert_eq!(etcd_quorum_loss(&view(5, 0)).len(), 3);
    }

    #[test]
    fn hits_control_planes_only() {
        let stopped = |targets: NodeTargets, view: &View| {
            of(Component::Etcd, targets).stop(view).map_err(|refusal| words(&refusal))
        };
        let (one, three) = (view(1, 2), view(3, 1));
        assert_eq!(hit(&stopped(NodeTargets::default(), &one).unwrap()), ["dev-control-plane"]);
        let role = NodeTargets { role: Some(Role::ControlPlane), ..Default::default() };
        assert_eq!(stopped(role, &three).unwrap().len(), 3);
        assert_eq!(hit(&stopped(on(&["control-plane2"]), &three).unwrap()), ["dev-control-plane2"]);
        let random = Choice { random: true, seed: Whole::new(1), ..Choice::default() };
        let chosen =
            stopped(NodeTargets { choice: random.clone(), ..Default::default() }, &three).unwrap();
        assert!(chosen.len() == 1 && chosen[0].node.starts_with("dev-control-plane"));

        insta::assert_snapshot!(stopped(NodeTargets::default(), &three).unwrap_err(), @r"
        no target is specified, and there are 3 control planes
        use <node>, <leader-of> or <random>, or <role=control-plane> for every control plane
        ");
        insta::assert_snapshot!(stopped(on(&["worker"]), &one).unwrap_err(), @r"
        node `dev-worker` is not a control plane: it runs no etcd
        use <role=control-plane> for every control plane
        ");
        // A random choice does not help.
        let all = NodeTargets { all_nodes: true, choice: random, ..Default::default() };
        assert!(stopped(all, &one).is_err());
    }
}
