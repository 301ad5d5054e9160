//! The parts of the control plane, one by one. Each is a static pod: kubelet runs it as long as its
//! manifest is there, and starts its container again when that ends.

use std::fmt;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::fault::action::{Action, Hold, Impact};
use crate::fault::targeting::{Choice, NodeTargets, View};

/// A part of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Serves the API.
    KubeApiserver,
    /// Runs the controllers; one of several leads.
    KubeControllerManager,
    /// Gives pods their nodes; one of several leads.
    KubeScheduler,
    /// Keeps what the API server serves.
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
            // Without it, what there is stays as it is.
            Self::KubeControllerManager | Self::KubeScheduler => Impact::None,
        }
    }

    fn manifest(self) -> String {
        format!("/etc/kubernetes/manifests/{}.yaml", self.name())
    }

    /// A shell command that prints the processes of the component's running container. containerd
    /// keeps each running container's specification in a folder named by its id, and every process
    /// of a container is in a control group whose name has that id.
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

/// A component on some control planes.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentTargets {
    /// The component
    #[arg(long)]
    pub component: Component,
    /// Which control planes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl ComponentTargets {
    fn on_each(
        &self,
        view: &View,
        action: impl Fn(&NodeSummary) -> Action,
    ) -> Result<Vec<Action>, Failure> {
        let runs = format!("runs no {}", self.component);
        let nodes = control_planes(&self.targets, view, Unsaid::Only, &runs)?;
        Ok(nodes.into_iter().map(action).collect())
    }

    pub(super) fn stop(&self, view: &View) -> Result<Vec<Action>, Failure> {
        self.on_each(view, |node| stopped(self.component, &node.name))
    }

    pub(super) fn pause(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let component = self.component;
        self.on_each(view, |node| {
            let processes = component.processes(&node.name);
            Action {
                heal: Some(format!(
                    "processes=$({processes})\n\
                     [ -z \"$processes\" ] || kill -CONT $processes 2>/dev/null || true\n"
                )),
                healing: format!("thaws {component}"),
                ..self.signal(&node.name, "STOP", format!("freezes {component}"))
            }
        })
    }

    pub(super) fn kill(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let effect = format!("kills {}", self.component);
        self.on_each(view, |node| self.signal(&node.name, "KILL", effect.clone()))
    }

    pub(super) fn restart(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let effect = format!("restarts {}", self.component);
        self.on_each(view, |node| self.signal(&node.name, "TERM", effect.clone()))
    }

    /// An action that sends every process of the component a signal.
    fn signal(&self, node: &str, signal: &str, effect: String) -> Action {
        let component = self.component;
        let processes = component.processes(node);
        Action {
            probe: Some((
                format!("[ -n \"$({processes})\" ]"),
                format!("{component} does not run on {node}"),
            )),
            inject: Some(format!("kill -{signal} $({processes})\n")),
            holds: vec![Hold::Component(component.name().to_owned())],
            impact: component.impact(),
            ..Action::on_node(node, effect)
        }
    }
}

/// An action that takes a component's manifest away. A rename is whole or not at all, so that the
/// manifest is always in one of the two places.
fn stopped(component: Component, node: &str) -> Action {
    let manifest = component.manifest();
    let processes = component.processes(node);
    // Without etcd the API server hangs, and with it kubelet, which asks it to delete the pod that
    // it shows of etcd: for half a minute each time, in which it starts nothing. One that ends is
    // no reason to wait, and both come back beside etcd.
    let then = match component {
        Component::Etcd => format!(
            "if [ -z \"$({processes})\" ]; then\n    \
                 processes=$({})\n    \
                 [ -z \"$processes\" ] || kill -KILL $processes 2>/dev/null || true\n    \
                 systemctl try-restart kubelet.service\n\
             fi\n",
            Component::KubeApiserver.processes(node)
        ),
        _ => String::new(),
    };
    Action {
        probe: Some((
            format!("[ -e {manifest} ]"),
            format!("{node} has no static pod of {component}: {manifest} is not there"),
        )),
        // kubelet would give it half a minute to end.
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

/// Stops etcd on the last control planes, on so many that the rest are no majority.
pub(super) fn etcd_quorum_loss(view: &View) -> Vec<Action> {
    let members: Vec<&NodeSummary> = view.control_planes().collect();
    let left = members.len() / 2;
    members.into_iter().skip(left).map(|node| stopped(Component::Etcd, &node.name)).collect()
}

/// Which control planes are meant when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// The only one there is; an error when there are several.
    Only,
    /// Every one.
    All,
}

/// The control planes meant. `lacks` is what is wrong with a worker: `runs no etcd`.
///
/// # Errors
/// [`Failure::Input`] as [`NodeTargets::resolve`], and for a node that is no control plane.
pub(super) fn control_planes<'a>(
    targets: &NodeTargets,
    view: &'a View,
    unsaid: Unsaid,
    lacks: &str,
) -> Result<Vec<&'a NodeSummary>, Failure> {
    let hint = "--role control-plane stands for every control plane";
    let meant: Vec<&NodeSummary> = if targets.is_empty() {
        view.control_planes().collect()
    } else {
        let all = NodeTargets { choice: Choice::default(), ..targets.clone() };
        all.resolve(view)?
    };
    if let Some(other) = meant.iter().find(|node| node.role != ContainerRole::CONTROL_PLANE) {
        return Err(Failure::input(format!("{} is no control plane: it {lacks}", other.name))
            .with_hint(hint));
    }
    let is_said = !targets.is_empty() || targets.choice.is_random();
    if !is_said && unsaid == Unsaid::Only && meant.len() > 1 {
        return Err(Failure::input(format!(
            "no target is given, and there are {} control planes",
            meant.len()
        ))
        .with_hint(format!("say which with --node, --leader-of or --random; {hint}")));
    }
    targets.choice.of(meant, "control planes", view.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::fixture::view;

    fn on(nodes: &[&str]) -> NodeTargets {
        let node = nodes.iter().map(|node| (*node).to_owned()).collect();
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
    fn what_is_lost_with_a_component() {
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
    fn no_majority_is_left() {
        assert_eq!(hit(&etcd_quorum_loss(&view(1, 1))), ["dev-control-plane"]);
        assert_eq!(hit(&etcd_quorum_loss(&view(2, 1))), ["dev-control-plane2"]);
        let three = view(3, 1);
        assert_eq!(hit(&etcd_quorum_loss(&three)), ["dev-control-plane2", "dev-control-plane3"]);
        assert_eq!(etcd_quorum_loss(&view(5, 0)).len(), 3);
    }

    #[test]
    fn only_control_planes_are_meant() {
        let meant = |targets: NodeTargets, view: &View| {
            of(Component::Etcd, targets)
                .stop(view)
                .map_err(|failure| format!("{failure}\n{}", failure.hint().unwrap_or_default()))
        };
        let (one, three) = (view(1, 2), view(3, 1));
        assert_eq!(hit(&meant(NodeTargets::default(), &one).unwrap()), ["dev-control-plane"]);
        let role = NodeTargets { role: Some("control-plane".into()), ..Default::default() };
        assert_eq!(meant(role, &three).unwrap().len(), 3);
        assert_eq!(hit(&meant(on(&["control-plane2"]), &three).unwrap()), ["dev-control-plane2"]);
        let random = Choice { random: true, seed: Some(1), ..Choice::default() };
        let chosen =
            meant(NodeTargets { choice: random.clone(), ..Default::default() }, &three).unwrap();
        assert!(chosen.len() == 1 && chosen[0].node.starts_with("dev-control-plane"));

        insta::assert_snapshot!(meant(NodeTargets::default(), &three).unwrap_err(), @r"
        no target is given, and there are 3 control planes
        say which with --node, --leader-of or --random; --role control-plane stands for every control plane
        ");
        insta::assert_snapshot!(meant(on(&["worker"]), &one).unwrap_err(), @r"
        dev-worker is no control plane: it runs no etcd
        --role control-plane stands for every control plane
        ");
        // What chance would choose is no way around it.
        let all = NodeTargets { all_nodes: true, choice: random, ..Default::default() };
        assert!(meant(all, &one).is_err());
    }
}
