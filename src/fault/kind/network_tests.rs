use std::fmt::Write as _;

use super::FaultKind;
use crate::fault::action::{Action, Impact, Probe};
use crate::fault::fixture::{fault, message, try_fault, view};
use crate::fault::targeting::View;
use crate::runtime::ContainerState;

fn refused_line(line: &str) -> String {
    match try_fault(line) {
        Ok(fault) => message(&fault.check().unwrap_err()),
        Err(error) => error,
    }
}

/// All that an action is, as text.
pub(super) fn show(actions: &[Action]) -> String {
    let mut text = String::new();
    for action in actions {
        let _ = writeln!(text, "== {} ({}): {}", action.node, action.subject.path(), action.effect);
        let _ = writeln!(text, "impact {:?}, holds {:?}", action.impact, action.holds);
        if let Some(api) = action.api {
            let _ = writeln!(text, "api {api:?}");
        }
        if let Some(Probe { script, inability }) = &action.probe {
            let _ = writeln!(text, "-- probe\n{script}\n-- otherwise: {inability}");
        }
        if let Some(script) = &action.inject {
            let _ = write!(text, "-- inject\n{script}");
        }
        if let Some(script) = &action.heal {
            let _ = write!(text, "-- heal: {}\n{script}", action.healing);
        }
    }
    text
}

fn shown(line: &str, view: &View) -> String {
    show(&fault(line).actions(view).unwrap())
}

/// In short: who is cut off from whom, and what the cluster loses.
fn cuts(line: &str, view: &View) -> Vec<(String, String, Impact)> {
    let actions = fault(line).actions(view).unwrap();
    actions.into_iter().map(|action| (action.node, action.effect, action.impact)).collect()
}

fn refused(line: &str, view: &View) -> String {
    let fault = fault(line);
    let refusal = fault.check().and_then(|()| fault.actions(view).map(drop)).unwrap_err();
    message(&refusal)
}

#[test]
fn partitions_from_everything() {
    insta::assert_snapshot!(shown("network-partition --node worker", &view(1, 2)));
}

#[test]
fn partitions_from_nodes() {
    let line = "network-partition --node worker2 --peer worker,control-plane2 --direction in";
    insta::assert_snapshot!(shown(line, &view(3, 2)));
}

#[test]
fn a_partition_from_control_planes_includes_the_load_balancer() {
    let cut = |line: &str, view: &View| {
        let cuts = cuts(line, view);
        cuts.into_iter().map(|(_, effect, impact)| (effect, impact)).next().unwrap()
    };
    let from_control_planes = "network-partition --node worker --peer-role control-plane";
    assert_eq!(
        cut(from_control_planes, &view(3, 1)),
        (
            "cuts the node off from dev-control-plane, dev-control-plane2, dev-control-plane3, \
             dev-external-load-balancer"
                .to_owned(),
            Impact::Node
        )
    );
    assert_eq!(cut(from_control_planes, &view(1, 1)).1, Impact::Node);
    let from_balancer = "network-partition --node worker --peer external-load-balancer";
    assert_eq!(cut(from_balancer, &view(3, 1)).1, Impact::Node);
    let balancer_from = "network-partition --node control-plane --peer external-load-balancer";
    assert_eq!(cut(balancer_from, &view(3, 1)).1, Impact::ApiServer);
}

#[test]
fn a_partition_has_the_impact_of_its_far_end() {
    for (line, view, impact) in [
        ("--node worker --peer worker2", view(1, 2), Impact::None),
        ("--node worker --peer control-plane", view(3, 2), Impact::None),
        ("--node worker --peer control-plane", view(1, 2), Impact::Node),
        ("--node control-plane --peer-role worker", view(1, 2), Impact::Node),
        ("--node control-plane --peer-role worker", view(3, 2), Impact::None),
        ("--node control-plane --peer control-plane2", view(3, 2), Impact::Etcd),
        ("--node control-plane --peer control-plane2,control-plane3", view(3, 2), Impact::Node),
        ("--node control-plane", view(3, 2), Impact::Node),
    ] {
        let cuts = cuts(&format!("network-partition {line}"), &view);
        assert_eq!(cuts[0].2, impact, "{line}");
    }
}

#[test]
fn partitions_by_a_shape() {
    let shape = |line: &str, view: &View| {
        let mut text = String::new();
        for (node, effect, impact) in cuts(&format!("network-partition {line}"), view) {
            let _ = writeln!(text, "{node}: {effect} ({impact:?})");
        }
        text
    };
    insta::assert_snapshot!(shape("--shape halves", &view(3, 2)), @r"
    dev-worker: cuts the node off from dev-control-plane, dev-control-plane2, dev-control-plane3, dev-external-load-balancer (Node)
    dev-worker2: cuts the node off from dev-control-plane, dev-control-plane2, dev-control-plane3, dev-external-load-balancer (Node)
    ");
    insta::assert_snapshot!(shape("--shape halves --role worker", &view(3, 2)), @"dev-worker2: cuts the node off from dev-worker (None)");
    insta::assert_snapshot!(shape("--shape isolate --node worker --direction out", &view(3, 2)), @"dev-worker: drops packets to dev-control-plane, dev-control-plane2, dev-control-plane3, dev-worker2, dev-external-load-balancer (Node)");
    insta::assert_snapshot!(shape("--shape ring", &view(3, 2)), @r"
    dev-control-plane3: cuts the node off from dev-control-plane (Etcd)
    dev-worker: cuts the node off from dev-control-plane, dev-control-plane2 (None)
    dev-worker2: cuts the node off from dev-control-plane2, dev-control-plane3 (None)
    ");
}

#[test]
fn a_ring_leaves_two_neighbours() {
    for workers in 3..9 {
        let view = view(1, workers);
        let count = view.nodes.len();
        let mut reached = vec![count - 1; count];
        for (node, effect, _) in cuts("network-partition --shape ring", &view) {
            let others = effect.split(" from ").nth(1).unwrap();
            for other in others.split(", ").chain([node.as_str()]) {
                let lost = if other == node { others.split(", ").count() } else { 1 };
                let place = view.nodes.iter().position(|it| it.name == other).unwrap();
                reached[place] -= lost;
            }
        }
        assert_eq!(reached, vec![2; count]);
    }
}

#[test]
fn refuses_partitions_that_make_no_sense() {
    let refusal = |line: &str| refused(&format!("network-partition {line}"), &view(1, 2));
    insta::assert_snapshot!(refusal("--node worker --peer worker3"), @"cluster `dev` has no node `worker3`");
    insta::assert_snapshot!(refusal("--node worker --peer worker"), @"node `dev-worker` has no peer but itself");
    insta::assert_snapshot!(refusal("--shape ring"), @"<shape=ring> needs at least 4 nodes, found 3");
    insta::assert_snapshot!(refusal("--shape halves --node worker"), @"<shape=halves> needs at least 2 nodes, found 1");
    insta::assert_snapshot!(refusal("--shape halves --direction in"), @"<direction> cannot be used together with <shape=halves>: the shape cuts both ways");
    insta::assert_snapshot!(refusal("--peer worker"), @"no target is specified");
    insta::assert_snapshot!(
        refused_line("network-partition --shape ring --peer worker"), @"<shape> cannot be used together with <peer>");
    let mut unborn = view(1, 2);
    unborn.nodes[2].address = None;
    unborn.nodes[2].state = ContainerState::Created;
    insta::assert_snapshot!(
        refused("network-partition --node worker --peer worker2", &unborn), @"node `dev-worker2` is created, not running");
}

#[test]
fn drops_packets() {
    let line =
        "network-loss --probability 12.5% --node worker --peer control-plane --direction out";
    insta::assert_snapshot!(shown(line, &view(1, 1)));
    let all = cuts("network-loss --probability 100 --node worker", &view(1, 1));
    assert_eq!(all[0].2, Impact::Node);
    insta::assert_snapshot!(refused_line("network-loss --probability 0 --node worker"), @"expected more than 0% and at most 100%, such as 10 or 0.5%");
    insta::assert_snapshot!(refused_line("network-loss --node worker"), @"missing field `probability`");
}

#[test]
fn delays_duplicates_and_corrupts_packets() {
    let text = [
        "network-delay --delay 100ms --jitter 20ms --node worker",
        "network-duplicate --probability 3 --node worker",
        "network-corrupt --probability 0.5% --node worker",
    ]
    .map(|line| shown(line, &view(1, 1)))
    .concat();
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(
        refused("network-delay --delay 10ms --jitter 20ms --node worker", &view(1, 1)), @"<jitter=20ms> is longer than <delay=10ms>");
    insta::assert_snapshot!(refused_line("network-delay --delay 100 --node worker"), @"missing unit; did you mean 100s or 100m?");
}

#[test]
fn limits_the_bandwidth() {
    let text = ["both", "in", "out"]
        .map(|way| {
            let line = format!("network-bandwidth --rate 1mbit --direction {way} --node worker");
            shown(&line, &view(1, 1))
        })
        .concat();
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(refused_line("network-bandwidth --rate 1mb --node worker"), @"expected a rate from 8kbit to 10gbit, such as 512kbit, 10mbit or 1gbit");
}

#[test]
fn the_journal_keeps_all_parameters() {
    for line in [
        "network-partition --node worker --peer worker2 --direction out",
        "network-partition --shape halves --role worker --count 2 --seed 5",
        "network-loss --probability 12.5% --all-nodes",
        "network-bandwidth --rate 1mbit --direction in --node worker",
    ] {
        let requested = fault(line);
        let kept = serde_json::to_string(&requested).unwrap();
        assert_eq!(serde_json::from_str::<FaultKind>(&kept).unwrap(), requested, "{kept}");
    }
}
