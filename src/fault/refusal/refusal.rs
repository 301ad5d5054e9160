use crate::config::Role;
use crate::failure::Failure;
use crate::runtime::ContainerState;

use super::{Inability, Notation, PodRefusal};

/// The shape of a partition that has a direction.
pub const ISOLATE: &str = "isolate";

/// The targets of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Nodes,
    ControlPlanes,
    Pods,
}

impl Target {
    /// A number of targets, such as `1 node` or `2 nodes`.
    fn count(self, number: usize) -> String {
        let one = match self {
            Self::Nodes => "node",
            Self::ControlPlanes => "control plane",
            Self::Pods => "pod",
        };
        format!("{number} {one}{}", if number == 1 { "" } else { "s" })
    }
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
    /// The duration is zero.
    NoDuration,
    /// A fault that ends at once has a duration.
    EndsAtOnce {
        fault: String,
    },
    /// Two parameters exclude each other.
    Exclusive {
        parameter: &'static str,
        other: &'static str,
    },
    /// None of these parameters is given, and the fault does nothing without one.
    NeedsOneOf(&'static [&'static str]),
    /// The fault hits only what is named, and nothing is.
    NoTarget(Target),
    /// No target is named, and several control planes fit.
    SeveralControlPlanes(usize),
    /// No request with these verbs names an object.
    UnnamedObject {
        verbs: Vec<&'static str>,
    },
    /// The delay varies by more than its own length.
    JitterBeyondDelay {
        jitter: String,
        delay: String,
    },
    /// The cuts of this shape go both ways.
    ShapeWithDirection(&'static str),
    /// The shape needs more nodes.
    ShapeNeedsNodes {
        shape: &'static str,
        needed: usize,
        found: usize,
    },
    UnknownNode {
        cluster: String,
        name: String,
        nodes: Vec<String>,
        /// The node that was probably meant.
        near: Option<String>,
    },
    /// No node has what these parameters ask for.
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
    /// Fewer targets fit than are requested.
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
    /// A node has no peer but itself.
    NoPeer {
        node: String,
    },
    /// The cluster has no node of a peer role.
    NoPeerOfRole {
        cluster: String,
        role: Role,
    },
    NotRunning {
        node: String,
        state: ContainerState,
    },
    /// An active fault is in the way.
    Conflict {
        node: String,
        id: String,
        fault: String,
        effect: String,
    },
    /// The cluster would lose too much.
    Total(Loss),
    /// A pod cannot have this fault.
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
    NotScheduled {
        pod: String,
    },
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
    NoNetwork {
        cluster: String,
    },
    /// A node was probed, and lacks what the fault needs.
    Unable(Inability),
}

impl Refusal {
    /// The parameter that the refusal is about, where it is about one.
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::NoDuration | Self::EndsAtOnce { .. } => Some("for"),
            Self::Exclusive { parameter, .. } => Some(parameter),
            Self::UnnamedObject { .. } => Some("object"),
            Self::JitterBeyondDelay { .. } => Some("jitter"),
            Self::ShapeWithDirection(_) => Some("direction"),
            _ => None,
        }
    }

    /// The refusal in the words of a reader: a message, and what to do next.
    pub fn failure(&self, notation: &dyn Notation) -> Failure {
        let (message, hint) = self.words(notation);
        let failure =
            if self.is_input() { Failure::input(message) } else { Failure::environment(message) };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    /// Whether other input avoids the refusal. Otherwise the cluster or its host has to change.
    fn is_input(&self) -> bool {
        !matches!(
            self,
            Self::NoApiServer { .. }
                | Self::NoEtcdLeader
                | Self::NothingRuns { .. }
                | Self::NoNetwork { .. }
                | Self::Unable(_)
        )
    }

    fn words(&self, notation: &dyn Notation) -> (String, Option<String>) {
        let name = |parameter| notation.name(parameter);
        let names = |parameters: &[&str], conjunction| {
            let names: Vec<String> = parameters.iter().map(|one| notation.name(one)).collect();
            series(&names, conjunction)
        };
        let every_control_plane =
            || format!("{} for every control plane", notation.given("role", "control-plane"));
        match self {
            Self::NoDuration => (
                "a fault with a duration of zero has no effect".to_owned(),
                Some(format!("leave out {} to heal the fault yourself", name("for"))),
            ),
            Self::EndsAtOnce { fault } => (
                format!("{fault} ends at once and cannot have a duration"),
                Some(format!("leave out {}", name("for"))),
            ),
            Self::Exclusive { parameter, other } => {
                (format!("{} cannot be used together with {}", name(parameter), name(other)), None)
            }
            Self::NeedsOneOf(parameters) => (
                "the fault would do nothing".to_owned(),
                Some(format!("use {}", names(parameters, "or"))),
            ),
            Self::NoTarget(Target::Pods) => (
                "no target is specified".to_owned(),
                Some(format!("use {}", names(&["pod", "selector"], "or"))),
            ),
            Self::NoTarget(_) => {
                let ways =
                    ["node", "role", "selector", "running-pod", "leader-of", "random", "all-nodes"];
                ("no target is specified".to_owned(), Some(format!("use {}", names(&ways, "or"))))
            }
            Self::SeveralControlPlanes(count) => (
                format!("no target is specified, and there are {count} control planes"),
                Some(format!(
                    "use {}, or {}",
                    names(&["node", "leader-of", "random"], "or"),
                    every_control_plane()
                )),
            ),
            Self::UnnamedObject { verbs } => (
                format!("requests to {} do not name an object", verbs.join(" or ")),
                Some(format!(
                    "use {} instead of {}",
                    names(&["resource", "in-namespace"], "and"),
                    name("object")
                )),
            ),
            Self::JitterBeyondDelay { jitter, delay } => (
                format!(
                    "{} is longer than {}",
                    notation.given("jitter", jitter),
                    notation.given("delay", delay)
                ),
                Some("packets cannot be early: use less jitter or more delay".to_owned()),
            ),
            Self::ShapeWithDirection(shape) => (
                format!(
                    "{} cannot be used together with {}: the shape cuts both ways",
                    name("direction"),
                    notation.given("shape", shape)
                ),
                Some(format!(
                    "leave out {}, or use {}",
                    name("direction"),
                    notation.given("shape", ISOLATE)
                )),
            ),
            Self::ShapeNeedsNodes { shape, needed, found } => (
                format!(
                    "{} needs at least {needed} nodes, found {found}",
                    notation.given("shape", shape)
                ),
                Some("target more nodes, or leave out the targets to use all nodes".to_owned()),
            ),
            Self::UnknownNode { cluster, name, nodes, near } => {
                let known = known_nodes(nodes);
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`? {known}"),
                    None => known,
                };
                (format!("cluster `{cluster}` has no node `{name}`"), Some(hint))
            }
            Self::NoNodeFits { given, nodes } => {
                let given: Vec<String> =
                    given.iter().map(|(name, value)| notation.given(name, value)).collect();
                (format!("no node matches {}", series(&given, "or")), Some(known_nodes(nodes)))
            }
            Self::UnknownPod { cluster, namespace, name } => (
                format!("pod `{name}` does not exist in namespace `{namespace}`"),
                Some(format!(
                    "run `kubectl --context kindrs-{cluster} get pods --namespace {namespace}` to \
                     list pods"
                )),
            ),
            Self::NoPodFits { namespace, selector } => (
                format!(
                    "no pod in namespace `{namespace}` matches {}",
                    notation.given("selector", selector)
                ),
                Some(format!("use {} for pods of another namespace", name("namespace"))),
            ),
            Self::TooFew { target, requested, found } => {
                let requested = target.count(*requested);
                let found = if *found == 0 { "none".to_owned() } else { format!("only {found}") };
                (format!("{requested} requested, but {found} available"), None)
            }
            Self::NotControlPlane { node, lacks } => (
                format!("node `{node}` is not a control plane: it {lacks}"),
                Some(format!("use {}", every_control_plane())),
            ),
            Self::NoPeer { node } => (
                format!("node `{node}` has no peer but itself"),
                Some(format!(
                    "name another node with {}, or leave out {}",
                    name("peer"),
                    name("peer-role")
                )),
            ),
            Self::NoPeerOfRole { cluster, role } => (
                format!(
                    "{}: cluster `{cluster}` has no such node",
                    notation.given("peer-role", role.name())
                ),
                None,
            ),
            Self::NotRunning { node, state } => (
                format!("node `{node}` is {state}, not running"),
                Some(format!("run `docker start {node}` first")),
            ),
            Self::Conflict { node, id, fault, effect } => (
                format!("node `{node}` already has a conflicting fault: {id} ({fault}) {effect}"),
                Some(format!("run `kindrs fault heal {id}` first")),
            ),
            Self::Total(loss) => (
                format!("this would take down {loss}"),
                Some(format!("use {} to allow it", notation.allow_total())),
            ),
            Self::Pod { pod, reason } => (reason.message(pod), reason.hint()),
            Self::LookUp { parameter, value, message } => {
                (format!("{}: {message}", notation.given(parameter, value)), None)
            }
            Self::NotScheduled { pod } => (format!("pod `{pod}` is not on a node yet"), None),
            Self::UnknownHolder { lease, holder } => (
                format!("the holder of lease `{lease}` is neither a node nor a pod: `{holder}`"),
                None,
            ),
            Self::NoApiServer { parameter, value, reason } => (
                format!(
                    "{}: the API server does not answer: {reason}",
                    notation.given(parameter, value)
                ),
                Some(format!(
                    "use {}, which need no API server",
                    names(&["node", "role", "all-nodes"], "or")
                )),
            ),
            Self::NoEtcdLeader => ("etcd has no leader".to_owned(), None),
            Self::NothingRuns { cluster, nodes } => (
                format!("no node of cluster `{cluster}` is running"),
                Some(format!("run `docker start {}` first", nodes.join(" "))),
            ),
            Self::NoNetwork { cluster } => (
                format!("the network of cluster `{cluster}` does not exist"),
                Some(format!("name the peers with {}", name("peer"))),
            ),
            Self::Unable(inability) => (inability.to_string(), inability.hint(notation)),
        }
    }
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
