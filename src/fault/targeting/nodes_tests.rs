use super::*;
use crate::fault::fixture::{view, words};
use crate::fault::parameter::Whole;

fn names(targets: &NodeTargets) -> Vec<String> {
    let view = view(3, 2);
    targets.resolve(&view).unwrap().into_iter().map(|node| node.name.clone()).collect()
}

fn refusal(targets: &NodeTargets) -> String {
    let view = view(1, 2);
    words(&targets.resolve(&view).unwrap_err())
}

#[test]
fn full_and_short_names_add_up_in_the_clusters_order() {
    let targets = NodeTargets {
        node: ["worker2", "dev-control-plane", "worker2"].map(Text::from).into_iter().collect(),
        ..Default::default()
    };
    assert_eq!(names(&targets), ["dev-control-plane", "dev-worker2"]);
}

#[test]
fn finds_nodes_by_role_selector_and_leader() {
    let of = |targets: NodeTargets| names(&targets);
    let role = NodeTargets { role: Some(Role::Worker), ..Default::default() };
    assert_eq!(of(role), ["dev-worker", "dev-worker2"]);
    let all = NodeTargets { all_nodes: true, ..Default::default() };
    assert_eq!(of(all).len(), 5);
    let mut view = view(1, 2);
    view.labelled.insert("dev-worker".into());
    view.leaders.insert("etcd".into(), "dev-control-plane".into());
    let targets = NodeTargets {
        selector: Some("zone=a".into()),
        leader_of: Some("etcd".into()),
        ..Default::default()
    };
    let found: Vec<&str> =
        targets.resolve(&view).unwrap().into_iter().map(|node| node.name.as_str()).collect();
    assert_eq!(found, ["dev-control-plane", "dev-worker"]);
}

#[test]
fn a_random_choice_alone_is_among_all_nodes() {
    let choice = Choice { random: true, seed: Whole::new(7), ..Default::default() };
    let targets = NodeTargets { choice, ..Default::default() };
    assert_eq!(names(&targets).len(), 1);
    assert_eq!(names(&targets), names(&targets));
}

#[test]
fn refuses_targets_without_a_match() {
    let unknown = NodeTargets { node: OneOrMany::One("dev-wroker".into()), ..Default::default() };
    insta::assert_snapshot!(refusal(&unknown), @r"
    cluster `dev` has no node `dev-wroker`
    did you mean `dev-worker`? the nodes are dev-control-plane, dev-worker and dev-worker2
    ");
    let short = NodeTargets { node: OneOrMany::One("wroker2".into()), ..Default::default() };
    assert!(refusal(&short).contains("did you mean `worker2`?"), "{}", refusal(&short));
    let nothing = NodeTargets { selector: Some("zone=z".into()), ..Default::default() };
    insta::assert_snapshot!(refusal(&nothing), @r"
    no node matches <selector=zone=z>
    the nodes are dev-control-plane, dev-worker and dev-worker2
    ");
    insta::assert_snapshot!(refusal(&NodeTargets::default()), @r"
    no target is specified
    use <node>, <role>, <selector>, <running-pod>, <leader-of>, <random> or <all-nodes>
    ");
}
