use proptest::prelude::*;

use super::*;
use crate::config::Role;
use crate::fault::fixture::{try_fault, view, words};
use crate::fault::kind::FaultKind;

fn parsed(line: &str) -> Result<ApiRequest, String> {
    match try_fault(&format!("api-request {line}"))? {
        FaultKind::ApiRequest(request) => Ok(request),
        other => Err(other.name()),
    }
}

fn actions(line: &str, view: &View) -> Result<Vec<Action>, Refusal> {
    let request = parsed(line).unwrap();
    request.check()?;
    request.actions(view)
}

#[test]
fn actions_on_requests() {
    let line = "--user-agent kubectl/* --user jane --verb get,list,watch --resource \
                pods,deployments.apps/scale --in-namespace shop --object web --delay 1500ms \
                --error 503 --probability 50";
    insta::assert_debug_snapshot!("api-request", actions(line, &view(1, 2)).unwrap());
}

#[test]
fn rejects_heartbeats_at_every_control_plane() {
    let targets = NodeTargets { role: Some(Role::Worker), ..Default::default() };
    let actions = heartbeat_loss(&targets, &view(3, 2)).unwrap();
    let lines: Vec<String> = actions
        .iter()
        .map(|action| format!("{}: {} {}", action.node, action.effect, action.subject.path()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    dev-control-plane: rejects the heartbeats of dev-worker node/dev-worker
    dev-control-plane: rejects the heartbeats of dev-worker2 node/dev-worker2
    dev-control-plane2: rejects the heartbeats of dev-worker node/dev-worker
    dev-control-plane2: rejects the heartbeats of dev-worker2 node/dev-worker2
    dev-control-plane3: rejects the heartbeats of dev-worker node/dev-worker
    dev-control-plane3: rejects the heartbeats of dev-worker2 node/dev-worker2
    ");
    insta::assert_snapshot!(actions[0].files[0].1, @r#"{"user":"system:node:dev-worker","verbs":["create","update","patch"],"resources":["leases.coordination.k8s.io","nodes/status"],"error":503}"#);
}

#[test]
fn hits_every_control_plane_unless_one_is_specified() {
    assert_eq!(actions("--verb get --drop", &view(3, 1)).unwrap().len(), 3);
    let one = actions("--verb get --drop --node control-plane2", &view(3, 1)).unwrap();
    assert_eq!(one[0].node, "dev-control-plane2");
    let failure = actions("--verb get --drop --node worker", &view(3, 1)).unwrap_err();
    assert!(matches!(failure, Refusal::NotControlPlane { .. }), "{failure:?}");
}

#[test]
fn a_fault_of_every_request_takes_down_the_cluster() {
    let impact = |line: &str| actions(line, &view(1, 1)).unwrap()[0].impact;
    assert_eq!(impact("--drop --probability 10"), Impact::Total);
    for matcher in [
        "--user-agent a",
        "--user a",
        "--verb get",
        "--resource a",
        "--in-namespace a",
        "--object a",
    ] {
        assert_eq!(impact(&format!("--drop {matcher}")), Impact::None, "{matcher}");
    }
}

#[test]
fn describes_the_effect() {
    let effect = |line: &str| actions(line, &view(1, 1)).unwrap().remove(0).effect;
    insta::assert_snapshot!(effect("--drop"), @"drops all requests");
    insta::assert_snapshot!(
        effect("--delay 2s --error 503 --verb get,list --resource pods --probability 5"),
        @"delays 5% of requests to get, list for pods by 2s and answers with 503"
    );
    insta::assert_snapshot!(
        effect("--delay 2s --user jane --object web --in-namespace shop --user-agent a/*"),
        @"delays requests named web in namespace shop of user jane from a/* by 2s"
    );
}

#[test]
fn refuses_what_makes_no_sense() {
    let refusal = |line: &str| words(&actions(line, &view(1, 1)).unwrap_err());
    insta::assert_snapshot!(refusal("--verb get"), @r"
    the fault would do nothing
    use <delay>, <error> or <drop>
    ");
    insta::assert_snapshot!(refusal("--verb create --object web --drop"), @r"
    requests to create do not name an object
    use <resource> and <in-namespace> instead of <object>
    ");
    let exclusive = Refusal::Exclusive { parameter: "drop", other: "error" };
    assert_eq!(actions("--error 503 --drop", &view(1, 1)), Err(exclusive));
    for line in [
        "--error 200",
        "--error 600",
        "--verb fetch --drop",
        "--resource Pods --drop",
        "--delay 0s",
        "--delay 5",
        "--drop --probability 0",
        "--drop --probability 101",
    ] {
        assert!(parsed(line).is_err(), "{line}");
    }
}

#[test]
fn writes_and_reads_a_fault() {
    let request = parsed("--verb get --delay 2s --node control-plane").unwrap();
    let fault = FaultKind::ApiRequest(request);
    let text = serde_json::to_string(&fault).unwrap();
    assert_eq!(serde_json::from_str::<FaultKind>(&text).unwrap(), fault);
    let short = r#"{"fault":"api-request","drop":true}"#;
    let read: FaultKind = serde_json::from_str(short).unwrap();
    assert_eq!(read, FaultKind::ApiRequest(parsed("--drop").unwrap()));
    let plain = serde_json::to_string(&FaultKind::EtcdQuorumLoss).unwrap();
    assert_eq!(plain, r#"{"fault":"etcd-quorum-loss"}"#);
}

proptest! {
    #[test]
    fn a_resource_has_valid_names(text in ".*") {
        let is_read = is_resource(&text);
        let fits = text.split('/').count() <= 2
            && text.split('/').all(|name| !name.is_empty())
            && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.' | '/'));
        prop_assert_eq!(is_read, fits);
    }
}
