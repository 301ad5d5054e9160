use crate::config::Role;
use crate::failure::Failure;
use crate::plural::plural;
use crate::runtime::ContainerState;

use super::{Inability, Notation, PodRefusal};

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Target {
    #[strum(serialize = "node")]
    Nodes,
    #[strum(serialize = "control plane")]
    ControlPlanes,
    #[strum(serialize = "pod")]
    Pods,
}

/// What a cluster would lose, for the guard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    #[error("the whole cluster")]
    Cluster,
    #[error("every node of the cluster")]
    EveryNode,
    #[error("the only control plane")]
    OnlyControlPlane,
    #[error("the API servers of all {0} control planes")]
    ApiServers(usize),
    #[error("etcd's quorum: {left} of {all} members would be left")]
    Quorum { left: usize, all: usize },
}

/// Why a fault is refused. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    NoDuration,
    EndsAtOnce(&'static str),
    Exclusive(&'static str, &'static str),
    /// None of these parameters is given, and the fault does nothing without one.
    NeedsOneOf(&'static [&'static str]),
    NoTarget(Target),
    /// No target is named, and several control planes fit.
    SeveralControlPlanes(usize),
    /// No request with these verbs names an object.
    UnnamedObject(Vec<&'static str>),
    JitterBeyondDelay {
        jitter: String,
        delay: String,
    },
    /// The cuts of this shape go both ways.
    ShapeWithDirection(&'static str),
    ShapeNeedsNodes {
        shape: &'static str,
        needed: usize,
        found: usize,
    },
    UnknownNode {
        cluster: String,
        name: String,
        nodes: Vec<String>,
        near: Option<String>,
    },
    NoNodeFits {
        given: Vec<(&'static str, String)>,
        nodes: Vec<String>,
    },
    UnknownPod {
        cluster: String,
        namespace: String,
        name: String,
    },
    NoPodFits {
        namespace: String,
        selector: String,
    },
    TooFew {
        target: Target,
        requested: usize,
        found: usize,
    },
    /// A worker cannot have this fault. `lacks` says why: `runs no etcd`.
    NotControlPlane {
        node: String,
        lacks: String,
    },
    /// This node has no peer but itself.
    NoPeer(String),
    NoPeerOfRole {
        cluster: String,
        role: Role,
    },
    NotRunning {
        node: String,
        state: ContainerState,
    },
    Conflict {
        node: String,
        id: String,
        fault: String,
        effect: String,
    },
    /// The cluster would lose too much.
    Total(Loss),
    Pod {
        /// The pod as kubectl writes it: `pod/shop/web-1`.
        pod: String,
        reason: PodRefusal,
    },
    /// The API server refuses to look up what a parameter names.
    LookUp {
        parameter: &'static str,
        value: String,
        message: String,
    },
    /// The pod that should tell a node has none.
    NotScheduled(String),
    /// The holder of a lease is neither a node nor a pod.
    UnknownHolder {
        lease: String,
        holder: String,
    },
    /// The API server does not answer, and the targets depend on it.
    NoApiServer {
        parameter: &'static str,
        value: String,
        reason: String,
    },
    NoEtcdLeader,
    NothingRuns {
        cluster: String,
        nodes: Vec<String>,
    },
    /// The network of this cluster does not exist.
    NoNetwork(String),
    /// A node was probed, and lacks what the fault needs.
    Unable(Inability),
}

impl Refusal {
    /// The parameter that the refusal is about, where it is about one.
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::NoDuration | Self::EndsAtOnce(_) => Some("for"),
            Self::Exclusive(parameter, _) => Some(parameter),
            Self::UnnamedObject(_) => Some("object"),
            Self::JitterBeyondDelay { .. } => Some("jitter"),
            Self::ShapeWithDirection(_) => Some("direction"),
            _ => None,
        }
    }

    /// The refusal in the words of a reader: a message, and what to do next. It counts as wrong input
    /// if other input avoids it. Otherwise the cluster or its host has to change.
    pub fn failure(&self, notation: &dyn Notation) -> Failure {
        let name = |parameter: &str| notation.name(parameter);
        let given = |parameter: &str, value: &str| notation.given(parameter, value);
        let names = |parameters: &[&str], conjunction| {
            let names: Vec<String> = parameters.iter().map(|one| name(one)).collect();
            series(&names, conjunction)
        };
        let every_control_plane =
            || format!("{} for every control plane", given("role", "control-plane"));
        match self {
            Self::NoDuration => input(
                "a fault with a duration of zero has no effect",
                format!("leave out {} to heal the fault yourself", name("for")),
            ),
            Self::EndsAtOnce(fault) => input(
                format!("{fault} ends at once and cannot have a duration"),
                format!("leave out {}", name("for")),
            ),
            Self::Exclusive(parameter, other) => Failure::input(format!(
                "{} cannot be used together with {}",
                name(parameter),
                name(other)
            )),
            Self::NeedsOneOf(parameters) => {
                input("the fault would do nothing", format!("use {}", names(parameters, "or")))
            }
            Self::NoTarget(target) => {
                let ways: &[&str] = match target {
                    Target::Pods => &["pod", "selector"],
                    _ => &[
                        "node",
                        "role",
                        "selector",
                        "running-pod",
                        "leader-of",
                        "random",
                        "all-nodes",
                    ],
                };
                input("no target is specified", format!("use {}", names(ways, "or")))
            }
            Self::SeveralControlPlanes(count) => input(
                format!("no target is specified, and there are {count} control planes"),
                format!(
                    "use {}, or {}",
                    names(&["node", "leader-of", "random"], "or"),
                    every_control_plane()
                ),
            ),
            Self::UnnamedObject(verbs) => input(
                format!("requests to {} do not name an object", verbs.join(" or ")),
                format!(
                    "use {} instead of {}",
                    names(&["resource", "in-namespace"], "and"),
                    name("object")
                ),
            ),
            Self::JitterBeyondDelay { jitter, delay } => input(
                format!("{} is longer than {}", given("jitter", jitter), given("delay", delay)),
                "packets cannot be early: use less jitter or more delay",
            ),
            Self::ShapeWithDirection(shape) => {
                let (direction, shape) = (name("direction"), given("shape", shape));
                input(
                    format!(
                        "{direction} cannot be used together with {shape}: the shape cuts both ways"
                    ),
                    format!("leave out {direction}, or use {}", given("shape", "isolate")),
                )
            }
            Self::ShapeNeedsNodes { shape, needed, found } => input(
                format!("{} needs at least {needed} nodes, found {found}", given("shape", shape)),
                "target more nodes, or leave out the targets to use all nodes",
            ),
            Self::UnknownNode { cluster, name, nodes, near } => {
                let near = near.as_ref().map(|near| format!("did you mean `{near}`? "));
                input(
                    format!("cluster `{cluster}` has no node `{name}`"),
                    near.unwrap_or_default() + &known_nodes(nodes),
                )
            }
            Self::NoNodeFits { given: parameters, nodes } => {
                let given: Vec<String> =
                    parameters.iter().map(|(name, value)| given(name, value)).collect();
                input(format!("no node matches {}", series(&given, "or")), known_nodes(nodes))
            }
            Self::UnknownPod { cluster, namespace, name } => input(
                format!("pod `{name}` does not exist in namespace `{namespace}`"),
                format!(
                    "run `kubectl --context kindrs-{cluster} get pods --namespace {namespace}` to \
                     list pods"
                ),
            ),
            Self::NoPodFits { namespace, selector } => input(
                format!(
                    "no pod in namespace `{namespace}` matches {}",
                    given("selector", selector)
                ),
                format!("use {} for pods of another namespace", name("namespace")),
            ),
            Self::TooFew { target, requested, found } => {
                let requested = plural(*requested, target.into());
                let found = if *found == 0 { "none".to_owned() } else { format!("only {found}") };
                Failure::input(format!("{requested} requested, but {found} available"))
            }
            Self::NotControlPlane { node, lacks } => input(
                format!("node `{node}` is not a control plane: it {lacks}"),
                format!("use {}", every_control_plane()),
            ),
            Self::NoPeer(node) => input(
                format!("node `{node}` has no peer but itself"),
                format!(
                    "name another node with {}, or leave out {}",
                    name("peer"),
                    name("peer-role")
                ),
            ),
            Self::NoPeerOfRole { cluster, role } => {
                let given = given("peer-role", role.name());
                Failure::input(format!("{given}: cluster `{cluster}` has no such node"))
            }
            Self::NotRunning { node, state } => input(
                format!("node `{node}` is {state}, not running"),
                format!("run `docker start {node}` first"),
            ),
            Self::Conflict { node, id, fault, effect } => input(
                format!("node `{node}` already has a conflicting fault: {id} ({fault}) {effect}"),
                format!("run `kindrs fault heal {id}` first"),
            ),
            Self::Total(loss) => input(
                format!("this would take down {loss}"),
                format!("use {} to allow it", notation.allow_total()),
            ),
            Self::Pod { pod, reason } => reason.failure(pod),
            Self::LookUp { parameter, value, message } => {
                Failure::input(format!("{}: {message}", given(parameter, value)))
            }
            Self::NotScheduled(pod) => Failure::input(format!("pod `{pod}` is not on a node yet")),
            Self::UnknownHolder { lease, holder } => Failure::input(format!(
                "the holder of lease `{lease}` is neither a node nor a pod: `{holder}`"
            )),
            Self::NoApiServer { parameter, value, reason } => environment(
                format!("{}: the API server does not answer: {reason}", given(parameter, value)),
                format!(
                    "use {}, which need no API server",
                    names(&["node", "role", "all-nodes"], "or")
                ),
            ),
            Self::NoEtcdLeader => Failure::environment("etcd has no leader"),
            Self::NothingRuns { cluster, nodes } => environment(
                format!("no node of cluster `{cluster}` is running"),
                format!("run `docker start {}` first", nodes.join(" ")),
            ),
            Self::NoNetwork(cluster) => environment(
                format!("the network of cluster `{cluster}` does not exist"),
                format!("name the peers with {}", name("peer")),
            ),
            Self::Unable(inability) => {
                let failure = Failure::environment(inability.to_string());
                match inability.hint(notation) {
                    Some(hint) => failure.with_hint(hint),
                    None => failure,
                }
            }
        }
    }
}

pub(super) fn input(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::input(message).with_hint(hint)
}

fn environment(message: String, hint: String) -> Failure {
    Failure::environment(message).with_hint(hint)
}

/// Words as a person lists them: `a`, `a or b`, `a, b or c`.
fn series(words: &[String], conjunction: &str) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn known_nodes(nodes: &[String]) -> String {
    format!("the nodes are {}", series(nodes, "and"))
}
