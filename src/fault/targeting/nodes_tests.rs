use super::*;
use crate::fault::fixture::view;

fn names(targets: &NodeTargets) -> Vec<String> {
    let view = view(3, 2);
    targets.resolve(&view).unwrap().into_iter().map(|node| node.name.clone()).collect()
}

fn refusal(targets: &NodeTargets) -> String {
    let view = view(1, 2);
    let failure = targets.resolve(&view).unwrap_err();
    format!("{failure}\n{}", failure.hint().unwrap_or_default())
}

#[test]
fn nodes_by_full_and_short_name_add_up_in_the_clusters_order() {
    let targets = NodeTargets {
        node: vec!["worker2".into(), "dev-control-plane".into(), "worker2".into()],
        ..Default::default()
    };
    assert_eq!(names(&targets), ["dev-control-plane", "dev-worker2"]);
}

#[test]
fn nodes_by_role_selector_pod_and_leader() {
    let of = |targets: NodeTargets| names(&targets);
    let role = NodeTargets { role: Some("worker".into()), ..Default::default() };
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
fn chance_alone_chooses_of_all_nodes() {
    let choice = Choice { random: true, seed: Some(7), ..Default::default() };
    let targets = NodeTargets { choice, ..Default::default() };
    assert_eq!(names(&targets).len(), 1);
    assert_eq!(names(&targets), names(&targets));
}

#[test]
fn what_fits_nothing_is_refused() {
    let unknown = NodeTargets { node: vec!["dev-wroker".into()], ..Default::default() };
    insta::assert_snapshot!(refusal(&unknown), @r"
    cluster `dev` has no node `dev-wroker`
    did you mean `dev-worker`? the nodes are: dev-control-plane, dev-worker, dev-worker2
    ");
    let short = NodeTargets { node: vec!["wroker2".into()], ..Default::default() };
    assert!(refusal(&short).contains("did you mean `worker2`?"), "{}", refusal(&short));
    let nothing = NodeTargets { selector: Some("zone=z".into()), ..Default::default() };
    insta::assert_snapshot!(refusal(&nothing), @r"
    no node fits --selector zone=z
    the nodes are: dev-control-plane, dev-worker, dev-worker2
    ");
    insta::assert_snapshot!(refusal(&NodeTargets::default()), @r"
    no target is given
    say which with --node, --role, --selector, --running-pod, --leader-of, --random or --all-nodes
    ");
}
