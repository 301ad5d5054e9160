use super::*;
use crate::fault::fixture::{fault, view, words};
use crate::fault::kind::FaultKind;

fn targets(line: &str) -> NodeTargets {
    match fault(&format!("node-stop {line}")) {
        FaultKind::NodeStop(targets) => targets,
        other => panic!("{other:?}"),
    }
}

fn names(line: &str, view: &View) -> Vec<String> {
    let targets = targets(line).resolve(view).unwrap();
    targets.into_iter().map(|node| node.name.clone()).collect()
}

fn refusal(line: &str) -> String {
    words(&targets(line).resolve(&view(1, 2)).unwrap_err())
}

#[test]
fn full_and_short_names_add_up_in_the_clusters_order() {
    let line = "--node worker2,dev-control-plane,worker2";
    assert_eq!(names(line, &view(3, 2)), ["dev-control-plane", "dev-worker2"]);
}

#[test]
fn finds_nodes_by_role_selector_and_leader() {
    assert_eq!(names("--role worker", &view(3, 2)), ["dev-worker", "dev-worker2"]);
    assert_eq!(names("--all-nodes", &view(3, 2)).len(), 5);
    let mut view = view(1, 2);
    view.labelled.insert("dev-worker".into());
    view.leaders.insert("etcd".into(), "dev-control-plane".into());
    let found = names("--selector zone=a --leader-of etcd", &view);
    assert_eq!(found, ["dev-control-plane", "dev-worker"]);
}

#[test]
fn a_random_choice_alone_is_among_all_nodes() {
    let chosen = || names("--random --seed 7", &view(3, 2));
    assert_eq!(chosen().len(), 1);
    assert_eq!(chosen(), chosen());
}

#[test]
fn refuses_targets_without_a_match() {
    insta::assert_snapshot!(refusal("--node dev-wroker"), @r"
    cluster `dev` has no node `dev-wroker`
    did you mean `dev-worker`? the nodes are dev-control-plane, dev-worker and dev-worker2
    ");
    let short = refusal("--node wroker2");
    assert!(short.contains("did you mean `worker2`?"), "{short}");
    insta::assert_snapshot!(refusal("--selector zone=z"), @r"
    no node matches <selector=zone=z>
    the nodes are dev-control-plane, dev-worker and dev-worker2
    ");
    insta::assert_snapshot!(refusal(""), @r"
    no target is specified
    use <node>, <role>, <selector>, <running-pod>, <leader-of>, <random> or <all-nodes>
    ");
}
