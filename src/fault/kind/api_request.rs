//! Requests to the API server that are delayed, fail or are cut off. A proxy in the control plane node
//! takes the API server's place: the firewall of the node redirects every connection to the API server
//! to the proxy, except those over loopback, which the proxy itself uses.
//!
//! One proxy serves all faults of a node, with one rule file for each. The first fault starts the
//! proxy, and the last one stops it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cluster::inventory::NodeSummary;
use crate::duration;
use crate::fault::action::{Action, Impact, Subject};
use crate::fault::parameter::{Format, Formatted, OneOrMany, Text, Whole, is_off};
use crate::fault::refusal::Refusal;
use crate::fault::targeting::{NodeTargets, View};
use crate::image::api_faults_version;

use super::control_plane::{Untargeted, control_planes};

/// The proxy in a node.
pub(in crate::fault) const PROGRAM: &str = "/kindrs/bin/api-faults";

/// A shell command that succeeds if a node has this version of the proxy.
pub(in crate::fault) fn has_program() -> String {
    format!("[ \"$({PROGRAM} -version 2>/dev/null)\" = {} ]", api_faults_version())
}

/// Parameters of `api-request`: which requests, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct ApiRequest {
    /// Requests of programs with this User-Agent, such as 'kubelet/*'
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "GLOB"))]
    pub user_agent: Option<Text>,
    /// Requests of this user, such as system:node:dev-worker or 'system:serviceaccount:shop:*'
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "GLOB"))]
    pub user: Option<Text>,
    /// Requests with these verbs
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "VERB"))]
    pub verb: OneOrMany<Verb>,
    /// Requests for these resources, such as pods, pods/status or deployments.apps
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "RESOURCE"))]
    pub resource: OneOrMany<Formatted<Resource>>,
    /// Requests for objects in this namespace
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "NAMESPACE"))]
    pub in_namespace: Option<Text>,
    /// Requests that name this object; requests to create it do not
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "NAME"))]
    pub object: Option<Text>,
    /// Share of these requests to hit, in percent
    #[schemars(extend("x-heading" = REQUESTS, "x-value-name" = "PERCENT"))]
    pub probability: Whole<1, 100>,
    /// Delay the requests, such as 2s
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "DURATION"))]
    pub delay: Option<Formatted<RequestDelay>>,
    /// Answer the requests with this HTTP status, 400 to 599, after the delay if there is one
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "STATUS"))]
    pub error: Option<Whole<400, 599>>,
    /// Cut the requests off without an answer, including running watches
    #[serde(skip_serializing_if = "is_off")]
    pub drop: bool,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// The heading of the parameters that choose requests.
const REQUESTS: &str = "Requests";

impl Default for ApiRequest {
    fn default() -> Self {
        Self {
            user_agent: None,
            user: None,
            verb: OneOrMany::default(),
            resource: OneOrMany::default(),
            in_namespace: None,
            object: None,
            probability: Whole::MAX,
            delay: None,
            error: None,
            drop: false,
            targets: NodeTargets::default(),
        }
    }
}

/// A verb of the Kubernetes API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether requests with this verb are about a collection, and name no object.
    fn is_unnamed(self) -> bool {
        matches!(self, Self::Create | Self::DeleteCollection)
    }
}

impl ApiRequest {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.drop && self.error.is_some() {
            return Err(Refusal::Exclusive { parameter: "drop", other: "error" });
        }
        if self.delay.is_none() && self.error.is_none() && !self.drop {
            return Err(Refusal::NeedsOneOf(&["delay", "error", "drop"]));
        }
        let is_unnamed = !self.verb.is_empty() && self.verb.iter().all(|verb| verb.is_unnamed());
        if self.object.is_some() && is_unnamed {
            return Err(Refusal::UnnamedObject { verbs: self.verbs() });
        }
        Ok(())
    }

    fn verbs(&self) -> Vec<&'static str> {
        self.verb.iter().map(|verb| verb.name()).collect()
    }

    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let nodes = control_planes(&self.targets, view, Untargeted::All, "has no API server")?;
        let impact = if self.matches_all() { Impact::Total } else { Impact::None };
        Ok(nodes
            .into_iter()
            .map(|node| {
                let subject = Subject::Node { name: node.name.clone() };
                Action { impact, ..proxied(node, subject, &self.rule(), self.effect()) }
            })
            .collect())
    }

    /// Whether the fault hits every request of everybody.
    fn matches_all(&self) -> bool {
        self.user_agent.is_none()
            && self.user.is_none()
            && self.verb.is_empty()
            && self.resource.is_empty()
            && self.in_namespace.is_none()
            && self.object.is_none()
    }

    /// The rule in the format of the proxy.
    fn rule(&self) -> serde_json::Value {
        let delay = self.delay.as_ref().map(|delay| *delay.value()).unwrap_or_default();
        json!({
            "userAgent": self.user_agent.as_deref().unwrap_or_default(),
            "user": self.user.as_deref().unwrap_or_default(),
            "verbs": self.verb,
            "resources": self.resource,
            "namespace": self.in_namespace.as_deref().unwrap_or_default(),
            "object": self.object.as_deref().unwrap_or_default(),
            "delayMilliseconds": delay.as_millis(),
            "error": self.error.map_or(0, Whole::get),
            "drop": self.drop,
            "percent": self.probability,
        })
    }

    fn effect(&self) -> String {
        let requests = self.requests();
        let mut done: Vec<String> = Vec::new();
        done.extend(self.delay.as_ref().map(|delay| format!("delays {requests} by {delay}")));
        done.extend(self.error.map(|status| match done.is_empty() {
            true => format!("answers {requests} with {status}"),
            false => format!("answers with {status}"),
        }));
        if self.drop {
            done.push(match done.is_empty() {
                true => format!("drops {requests}"),
                false => "drops them".to_owned(),
            });
        }
        done.join(" and ")
    }

    /// The requests that the fault hits, such as `5% of requests to get`.
    fn requests(&self) -> String {
        let all = if self.matches_all() { "all requests" } else { "requests" };
        let mut requests = match self.probability {
            Whole::MAX => all.to_owned(),
            probability => format!("{probability}% of {all}"),
        };
        let resources: Vec<String> = self.resource.iter().map(ToString::to_string).collect();
        let text = |value: &Option<Text>| value.as_ref().map(ToString::to_string);
        let list = |words: &[String]| (!words.is_empty()).then(|| words.join(", "));
        let verbs: Vec<String> = self.verbs().into_iter().map(str::to_owned).collect();
        for (word, value) in [
            ("to", list(&verbs)),
            ("for", list(&resources)),
            ("named", text(&self.object)),
            ("in namespace", text(&self.in_namespace)),
            ("of user", text(&self.user)),
            ("from", text(&self.user_agent)),
        ] {
            if let Some(value) = value {
                requests.push_str(&format!(" {word} {value}"));
            }
        }
        requests
    }
}

/// Rejects the heartbeats of nodes: the kubelet's updates of its lease and of its node's status. The
/// kubelet can use any control plane, so each of them rejects the updates.
pub(super) fn heartbeat_loss(targets: &NodeTargets, view: &View) -> Result<Vec<Action>, Refusal> {
    let nodes = targets.resolve(view)?;
    let refused = |node: &NodeSummary| {
        json!({
            "user": format!("system:node:{}", node.name),
            "verbs": ["create", "update", "patch"],
            "resources": ["leases.coordination.k8s.io", "nodes/status"],
            "error": 503,
        })
    };
    Ok(view
        .control_planes()
        .flat_map(|control_plane| nodes.iter().map(move |node| (control_plane, *node)))
        .map(|(control_plane, node)| {
            let name = &node.name;
            let subject = Subject::Node { name: name.clone() };
            let effect = format!("rejects the heartbeats of {name}");
            Action {
                healing: format!("accepts the heartbeats of {name}"),
                impact: Impact::Node,
                ..proxied(control_plane, subject, &refused(node), effect)
            }
        })
        .collect())
}

/// An action that adds a rule to a node's proxy.
fn proxied(
    node: &NodeSummary,
    subject: Subject,
    rule: &serde_json::Value,
    effect: String,
) -> Action {
    let address = node.address.map(|address| address.to_string()).unwrap_or_default();
    Action {
        files: vec![("rule.json".to_owned(), rule.to_string())],
        inject: Some(START.replace("@ADDRESS@", &address).replace("@PROGRAM@", PROGRAM)),
        heal: Some(END.to_owned()),
        healing: "lets the requests pass".to_owned(),
        ..Action::on(node, subject, effect)
    }
}

/// Adds the rule and starts the proxy. Pods of this node reach the API server by the address of its
/// Service, which kube-proxy would translate to the node's, so the redirection comes before. Existing
/// connections are reset, so that clients reconnect through the proxy.
const START: &str = "\
exec 8</kindrs/faults
flock 8
rules=/run/kindrs/api-faults
mkdir -p $rules
cp \"$fault/rule.json\" \"$rules/$id.new\"
mv \"$rules/$id.new\" \"$rules/$id.json\"
if systemctl --quiet is-active kindrs-api-faults.service; then
    systemctl kill --signal=HUP kindrs-api-faults.service
else
    start() {
        systemd-run --quiet --unit=kindrs-api-faults --service-type=notify --property=Restart=always @PROGRAM@
    }
    start 2>/dev/null || { stop_unit kindrs-api-faults.service; start; }
fi
service=$(cat /etc/kubernetes/manifests/kube-apiserver.yaml /kindrs/faults/*/kube-apiserver.yaml 2>/dev/null |
    sed -n 's/.*--service-cluster-ip-range=\\([0-9.]*\\).*/\\1/p' | head -n 1)
[ -n \"$service\" ] || { echo 'the API server has no range of Services' >&2; exit 1; }
service=${service%.*}.$((${service##*.} + 1))
nft -f - <<RULES
table ip kindrs-api-faults
delete table ip kindrs-api-faults
table ip kindrs-api-faults {
    chain proxied {
        ip daddr @ADDRESS@ tcp dport 6443 redirect to :26443
        ip daddr $service tcp dport 443 redirect to :26443
    }
    chain prerouting {
        type nat hook prerouting priority -110;
        jump proxied
    }
    chain output {
        type nat hook output priority -110;
        jump proxied
    }
    chain input {
        type filter hook input priority -110;
        ct status dnat accept
        ip daddr @ADDRESS@ tcp dport 6443 reject with tcp reset
    }
}
RULES
ss -K -t state established src @ADDRESS@:6443 >/dev/null 2>&1 || true
";

/// Removes the rule, and stops the proxy after the last one. Its clients reconnect to the API server.
const END: &str = "\
exec 8</kindrs/faults
flock 8
rules=/run/kindrs/api-faults
rm -f \"$rules/$id.new\" \"$rules/$id.json\"
if ls $rules/*.json >/dev/null 2>&1; then
    systemctl kill --signal=HUP kindrs-api-faults.service 2>/dev/null || true
else
    nft delete table ip kindrs-api-faults 2>/dev/null || true
    stop_unit kindrs-api-faults.service
    rm -rf $rules
    rmdir /run/kindrs 2>/dev/null || true
fi
";

/// A resource such as `pods`, `pods/status` or `deployments.apps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource;

impl Format for Resource {
    const NAME: &'static str = "kindrs-resource";
    type Value = ();

    fn read(text: &str) -> Result<(), String> {
        if is_resource(text) {
            return Ok(());
        }
        Err("expected a resource such as pods, pods/status or deployments.apps".to_owned())
    }
}

fn is_resource(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    let (resource, subresource) = match text.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (text, None),
    };
    is_name(resource) && subresource.is_none_or(is_name)
}

/// How long requests are delayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDelay;

impl Format for RequestDelay {
    const NAME: &'static str = "kindrs-request-delay";
    type Value = Duration;

    fn read(text: &str) -> Result<Duration, String> {
        let length = duration::parse(text)?;
        if length.is_zero() {
            return Err("a delay of zero has no effect".to_owned());
        }
        Ok(length)
    }
}

#[cfg(test)]
#[path = "api_request_tests.rs"]
mod tests;
