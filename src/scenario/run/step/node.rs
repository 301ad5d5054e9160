use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Node, Taint as NodeTaint};
use kube::Error;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::failure::Failure;
use crate::scenario::history::KindName;
use crate::scenario::language::{Cordon, Taint};
use crate::scenario::run::recorder::{Written, WrittenState};
use crate::scenario::run::retry::retry;
use crate::scenario::run::session::Session;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Cordons or uncordons nodes.
pub(super) async fn cordon(session: &Session, cordon: &Cordon) -> anyhow::Result<String> {
    let nodes: Api<Node> = Api::all(session.client.clone());
    let unschedulable = if cordon.undo { serde_json::Value::Null } else { true.into() };
    let body = Patch::Merge(json!({ "spec": { "unschedulable": unschedulable } }));
    for node in &cordon.nodes {
        let (cleanup, parameters) = (&session.state.cleanup, PatchParams::default());
        let cordoned = async {
            retry(|| cleanup.before_node_change(node, &nodes)).await?;
            retry(|| nodes.patch(node, &parameters, &body)).await
        };
        let changed = cordoned.await.with_context(|| format!("Node {node}"))?;
        recorded(session, &changed).await;
    }
    Ok(cordon.nodes.join(", "))
}

/// Sets and removes taints.
pub(super) async fn taint(session: &Session, taint: &Taint) -> anyhow::Result<String> {
    let nodes: Api<Node> = Api::all(session.client.clone());
    let set: Vec<NodeTaint> = taint.set.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    for name in &taint.nodes {
        let tainted = async {
            retry(|| session.state.cleanup.before_node_change(name, &nodes)).await?;
            retry(|| taint_one(&nodes, name, taint, &set)).await
        };
        let changed = tainted.await.with_context(|| format!("Node {name}"))?;
        recorded(session, &changed).await;
    }
    Ok(taint.nodes.join(", "))
}

async fn taint_one(
    nodes: &Api<Node>,
    name: &str,
    taint: &Taint,
    set: &[NodeTaint],
) -> Result<Node, Error> {
    loop {
        let node = nodes.get(name).await?;
        let version = node.metadata.resource_version.clone();
        let mut taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
        taints.retain(|known| {
            !taint.remove.iter().any(|text| is_named(known, text))
                && !set.iter().any(|new| same(new, known))
        });
        taints.extend(set.iter().cloned());
        // If a controller adds taints in between, this is a conflict and they are not lost.
        let body =
            json!({ "metadata": { "resourceVersion": version }, "spec": { "taints": taints } });
        match nodes.patch(name, &PatchParams::default(), &Patch::Merge(body)).await {
            Err(Error::Api(status)) if status.code == 409 => {}
            result => return result,
        }
    }
}

/// Waits until a change of a node is in the record.
async fn recorded(session: &Session, node: &Node) {
    let version = node.metadata.resource_version.as_deref();
    let version = version.and_then(|version| version.parse().ok()).unwrap_or_default();
    let kind = KindName("v1/Node".into());
    session.recorder.caught_up(&Written { kind, state: WrittenState::Version(version) }).await;
}

fn same(one: &NodeTaint, other: &NodeTaint) -> bool {
    one.key == other.key && one.effect == other.effect
}

/// Whether `key`, `key:effect` or `key=value:effect` names a taint.
fn is_named(taint: &NodeTaint, text: &str) -> bool {
    let (name, effect) = match text.rsplit_once(':') {
        Some((name, effect)) => (name, Some(effect)),
        None => (text, None),
    };
    let (key, value) = match name.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (name, None),
    };
    taint.key == key
        && effect.is_none_or(|effect| taint.effect == effect)
        && value.is_none_or(|value| taint.value.as_deref() == Some(value))
}

fn parse(text: &str) -> Result<NodeTaint, Failure> {
    let expected = || {
        Failure::input(format!("invalid taint `{text}`"))
            .with_hint(format!("write key=value:EFFECT, with EFFECT one of {}", EFFECTS.join(", ")))
    };
    let (name, effect) = text.rsplit_once(':').ok_or_else(expected)?;
    let (key, value) = match name.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (name, None),
    };
    if key.is_empty() || !EFFECTS.contains(&effect) {
        return Err(expected());
    }
    Ok(NodeTaint { key: key.to_owned(), value, effect: effect.to_owned(), time_added: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_taints_as_kubectl_does() {
        let taint = parse("dedicated=gpu:NoSchedule").unwrap();
        assert_eq!((taint.key.as_str(), taint.value.as_deref()), ("dedicated", Some("gpu")));
        assert_eq!(parse("lost:NoExecute").unwrap().value, None);
        for text in ["dedicated=gpu", ":NoSchedule", "a:Never", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
        for (text, named) in [
            ("dedicated", true),
            ("dedicated:NoSchedule", true),
            ("dedicated=gpu:NoSchedule", true),
            ("dedicated:NoExecute", false),
            ("dedicated=cpu:NoSchedule", false),
            ("other", false),
        ] {
            assert_eq!(is_named(&taint, text), named, "{text}");
        }
    }
}
