use crate::fault::action::{Action, EngineAction, Hold, Impact};
use crate::fault::refusal::Refusal;
use crate::fault::targeting::{NodeTargets, View};

/// Stops, kills, freezes or restarts whole nodes.
pub(super) fn power(
    targets: &NodeTargets,
    view: &View,
    engine: EngineAction,
) -> Result<Vec<Action>, Refusal> {
    let (effect, healing) = match engine {
        EngineAction::Stop => ("shuts down the node", "starts the node"),
        EngineAction::Kill => ("cuts the node's power", "starts the node"),
        EngineAction::Pause => ("freezes every process of the node", "unfreezes the node"),
        EngineAction::Restart => ("shuts down the node and starts it again", "starts the node"),
    };
    let nodes = targets.resolve(view)?;
    Ok(nodes
        .into_iter()
        .map(|node| Action {
            engine: Some(engine),
            healing: healing.to_owned(),
            holds: vec![Hold::Node],
            impact: Impact::Node,
            ..Action::on_node(node, effect)
        })
        .collect())
}

pub(super) fn kubelet_stop(targets: &NodeTargets, view: &View) -> Result<Vec<Action>, Refusal> {
    let nodes = targets.resolve(view)?;
    Ok(nodes
        .into_iter()
        .map(|node| Action {
            inject: Some("systemctl stop kubelet.service\n".to_owned()),
            heal: Some("systemctl start kubelet.service\n".to_owned()),
            healing: "starts kubelet".to_owned(),
            holds: vec![Hold::Kubelet],
            impact: Impact::Node,
            ..Action::on_node(node, "stops kubelet")
        })
        .collect())
}

pub(super) fn runtime_stop(targets: &NodeTargets, view: &View) -> Result<Vec<Action>, Refusal> {
    let nodes = targets.resolve(view)?;
    Ok(nodes
        .into_iter()
        .map(|node| Action {
            inject: Some("systemctl stop containerd.service\n".to_owned()),
            // systemd stops the kubelet together with containerd, which it requires.
            heal: Some("systemctl start containerd.service kubelet.service\n".to_owned()),
            healing: "starts containerd".to_owned(),
            holds: vec![Hold::Runtime],
            impact: Impact::Node,
            ..Action::on_node(node, "stops containerd")
        })
        .collect())
}
