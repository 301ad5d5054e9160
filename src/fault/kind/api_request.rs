//! Requests to the API server that wait, fail or are cut off. A proxy in the control plane's node
//! takes the API server's place: the node's own firewall sends it every connection that is meant for
//! the API server, but for those over loopback, by which the proxy itself reaches it.
//!
//! One proxy serves all faults of a node, each with a file of its rule. The first starts it, the
//! last ends it.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cluster::inventory::NodeSummary;
use crate::duration;
use crate::failure::Failure;
use crate::fault::action::{Action, Impact, Subject};
use crate::fault::targeting::{NodeTargets, View};
use crate::image::api_faults_version;

use super::control_plane::{Unsaid, control_planes};

/// Where the proxy is in a node.
pub(in crate::fault) const PROGRAM: &str = "/kindrs/bin/api-faults";

/// A shell command that succeeds where a node has the proxy, of this version.
pub(in crate::fault) fn has_program() -> String {
    format!("[ \"$({PROGRAM} -version 2>/dev/null)\" = {} ]", api_faults_version())
}

const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Which requests, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiRequest {
    /// Requests of programs with this User-Agent, as 'kubelet/*'
    #[arg(long, value_name = "GLOB", help_heading = REQUESTS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Requests of a user, as system:node:dev-worker or 'system:serviceaccount:shop:*'
    #[arg(long, value_name = "GLOB", help_heading = REQUESTS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Requests with these verbs
    #[arg(
        long,
        value_name = "VERB",
        value_delimiter = ',',
        value_parser = VERBS,
        help_heading = REQUESTS
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verb: Vec<String>,
    /// Requests for these resources, as pods, pods/status or deployments.apps
    #[arg(
        long,
        value_name = "RESOURCE",
        value_delimiter = ',',
        value_parser = resource,
        help_heading = REQUESTS
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// Requests for objects of a namespace
    #[arg(long, value_name = "NAMESPACE", help_heading = REQUESTS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_namespace: Option<String>,
    /// Requests that name this object; what creates one does not
    #[arg(long, value_name = "NAME", help_heading = REQUESTS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// How likely it is that one of them is hit, in percent
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 100,
        value_parser = clap::value_parser!(u8).range(1..=100),
        help_heading = REQUESTS
    )]
    pub probability: u8,
    /// Let them wait so long, as 2s
    #[arg(long, value_name = "DURATION", value_parser = delay)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
    /// Answer them with this HTTP status, 400 to 599, after the delay if there is one
    #[arg(
        long,
        value_name = "STATUS",
        value_parser = clap::value_parser!(u16).range(400..=599),
        conflicts_with = "drop"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// Cut them off without an answer; watches that run are cut, too
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
    /// Which control planes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

const REQUESTS: &str = "Requests";

impl Default for ApiRequest {
    fn default() -> Self {
        Self {
            user_agent: None,
            user: None,
            verb: Vec::new(),
            resource: Vec::new(),
            in_namespace: None,
            object: None,
            probability: 100,
            delay: None,
            error: None,
            drop: false,
            targets: NodeTargets::default(),
        }
    }
}

impl ApiRequest {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        if self.delay.is_none() && self.error.is_none() && !self.drop {
            return Err(Failure::input("nothing is said of what becomes of the requests")
                .with_hint("give --delay, --error or --drop"));
        }
        let unnamed = ["create", "deletecollection"];
        if self.object.is_some()
            && !self.verb.is_empty()
            && self.verb.iter().all(|verb| unnamed.contains(&verb.as_str()))
        {
            return Err(Failure::input(format!(
                "no request to {} names an object",
                self.verb.join(" or ")
            ))
            .with_hint("leave out --object, or give --resource and --in-namespace in its place"));
        }
        let nodes = control_planes(
            &self.targets,
            view,
            Unsaid::All,
            "has no API server to put a proxy before",
        )?;
        let impact = if self.matches_all() { Impact::Total } else { Impact::None };
        Ok(nodes
            .into_iter()
            .map(|node| {
                let subject = Subject::Node { name: node.name.clone() };
                Action { impact, ..proxied(node, subject, &self.rule(), self.effect()) }
            })
            .collect())
    }

    /// Whether it is for every request of everybody.
    fn matches_all(&self) -> bool {
        self.user_agent.is_none()
            && self.user.is_none()
            && self.verb.is_empty()
            && self.resource.is_empty()
            && self.in_namespace.is_none()
            && self.object.is_none()
    }

    /// The rule as the proxy reads it.
    fn rule(&self) -> serde_json::Value {
        let delay = self.delay.as_deref().and_then(|text| duration::parse(text).ok());
        json!({
            "userAgent": self.user_agent.as_deref().unwrap_or_default(),
            "user": self.user.as_deref().unwrap_or_default(),
            "verbs": self.verb,
            "resources": self.resource,
            "namespace": self.in_namespace.as_deref().unwrap_or_default(),
            "object": self.object.as_deref().unwrap_or_default(),
            "delayMilliseconds": delay.unwrap_or_default().as_millis(),
            "error": self.error.unwrap_or_default(),
            "drop": self.drop,
            "percent": self.probability,
        })
    }

    fn effect(&self) -> String {
        let mut done: Vec<String> = Vec::new();
        done.extend(self.delay.as_ref().map(|delay| format!("delays by {delay}")));
        done.extend(self.error.map(|status| format!("answers with {status}")));
        done.extend(self.drop.then(|| "drops".to_owned()));
        let mut which: Vec<String> = Vec::new();
        if !self.verb.is_empty() {
            which.push(format!("to {}", self.verb.join(", ")));
        }
        if !self.resource.is_empty() {
            which.push(format!("for {}", self.resource.join(", ")));
        }
        let mut named = |word: &str, value: &Option<String>| {
            which.extend(value.as_ref().map(|value| format!("{word} {value}")));
        };
        named("named", &self.object);
        named("in namespace", &self.in_namespace);
        named("by user", &self.user);
        named("by", &self.user_agent);
        let share = match self.probability {
            100 => "requests".to_owned(),
            probability => format!("{probability} % of requests"),
        };
        let all = if self.matches_all() { " of everybody" } else { "" };
        let which: String = which.iter().map(|part| format!(" {part}")).collect();
        format!("{}: {share}{which}{all}", done.join(" and "))
    }
}

/// Heartbeats of nodes that do not come through: kubelet's updates of its lease and of its node's
/// status are refused. They are asked of any control plane, so each refuses them.
pub(super) fn heartbeat_loss(targets: &NodeTargets, view: &View) -> Result<Vec<Action>, Failure> {
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
            let effect = format!("refuses the heartbeats of {name}");
            Action {
                healing: format!("accepts the heartbeats of {name}"),
                impact: Impact::Node,
                ..proxied(control_plane, subject, &refused(node), effect)
            }
        })
        .collect())
}

/// An action that gives a node's proxy a rule.
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
        ..Action::on(&node.name, subject, effect)
    }
}

/// Puts the rule beside the others, and the proxy in place. Pods of this node reach the API server
/// by its Service's address, which kube-proxy would turn into the node's: so the proxy comes first.
/// Connections that are there already are reset, to come back through the proxy.
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

/// Takes the rule away, and the proxy with the last one. Its clients come back to the API server.
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

/// Reads a resource as `pods`, `pods/status` or `deployments.apps`.
fn resource(text: &str) -> Result<String, String> {
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
    if is_name(resource) && subresource.is_none_or(is_name) {
        return Ok(text.to_owned());
    }
    Err("expected a resource as pods, pods/status or deployments.apps".to_owned())
}

/// Reads how long requests wait.
fn delay(text: &str) -> Result<String, String> {
    let delay = duration::parse(text).map_err(|error| error.to_string())?;
    if delay.is_zero() {
        return Err("a delay of nothing has no effect".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "api_request_tests.rs"]
mod tests;
