use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::Action;
use crate::fault::parameter::{Format, Formatted, Text};
use crate::fault::refusal::{PodRefusal, Refusal};
use crate::fault::targeting::{PodTargets, View};
use crate::words::nearest;

use super::pod::{node_of, refuse, subject};

/// The signals that end a process or that a process handles. Those that halt it are left out,
/// because nothing would let it continue.
const SIGNALS: [&str; 13] = [
    "HUP", "INT", "QUIT", "ILL", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "ALRM",
    "TERM",
];

/// Parameters of `container-kill`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct ContainerKill {
    /// Container of the pod [default: the first]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "NAME"))]
    pub container: Option<Text>,
    /// Signal to send, such as KILL, TERM or SEGV
    #[schemars(extend("x-value-name" = "SIGNAL"))]
    pub signal: Formatted<Signal>,
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl Default for ContainerKill {
    fn default() -> Self {
        let signal = Formatted::new("KILL", "KILL");
        Self { container: None, signal, targets: PodTargets::default() }
    }
}

impl ContainerKill {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let signal = self.signal.value();
        let pods = self.targets.resolve(view)?;
        pods.into_iter()
            .map(|pod| {
                let node = node_of(pod, view)?;
                let (name, id) = running_container(pod, self.container.as_deref())?;
                Ok(Action {
                    inject: Some(format!(
                        "pid=$(ctr -n k8s.io tasks ls 2>/dev/null | \
                         awk '$1 == \"{id}\" && $3 == \"RUNNING\" {{ print $2 }}')\n\
                         [ -n \"$pid\" ] || {{ echo 'container {name} has just ended' >&2; exit 1; }}\n\
                         kill -s {signal} \"$pid\"\n"
                    )),
                    ..Action::on(
                        node,
                        subject(pod),
                        format!("sends SIG{signal} to container {name}"),
                    )
                })
            })
            .collect()
    }
}

/// Name and ID of the running container with this name, or of the first.
fn running_container(pod: &Pod, wanted: Option<&str>) -> Result<(String, String), Refusal> {
    let first = || {
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
        containers.and_then(<[_]>::first).map(|container| container.name.clone())
    };
    let wanted = wanted.map(str::to_owned).or_else(first).unwrap_or_default();
    let status = pod.status.as_ref();
    let all: Vec<&ContainerStatus> = status
        .into_iter()
        .flat_map(|status| {
            [
                &status.container_statuses,
                &status.init_container_statuses,
                &status.ephemeral_container_statuses,
            ]
        })
        .flat_map(|list| list.iter().flatten())
        .collect();
    let runs = |container: &ContainerStatus| {
        container.state.as_ref().is_some_and(|state| state.running.is_some())
    };
    let running: Vec<String> = all
        .iter()
        .filter(|container| runs(container))
        .map(|container| container.name.clone())
        .collect();
    let found = all.iter().find(|container| container.name == wanted);
    let id = found.filter(|container| runs(container)).and_then(|container| {
        let (_, id) = container.container_id.as_deref()?.split_once("://")?;
        id.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| id.to_owned())
    });
    match (id, found) {
        (Some(id), _) => Ok((wanted, id)),
        (None, Some(_)) => {
            Err(refuse(pod, PodRefusal::ContainerNotRunning { name: wanted, running }))
        }
        (None, None) => {
            let containers = all.iter().map(|container| container.name.clone()).collect();
            Err(refuse(pod, PodRefusal::NoContainer { name: wanted, containers }))
        }
    }
}

/// A signal, with or without `SIG` and in any case. Its value is the name without `SIG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal;

impl Format for Signal {
    const NAME: &'static str = "kindrs-signal";
    type Value = &'static str;

    fn read(text: &str) -> Result<&'static str, String> {
        signal(text)
    }
}

fn signal(text: &str) -> Result<&'static str, String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(known) = SIGNALS.into_iter().find(|known| *known == name) {
        return Ok(known);
    }
    if ["STOP", "TSTP", "TTIN", "TTOU"].contains(&name) {
        return Err(format!(
            "SIG{name} would halt the container for ever; use node-pause to freeze a node"
        ));
    }
    let known = format!("expected one of {}", SIGNALS.join(", "));
    Err(match nearest(name, &SIGNALS) {
        Some(near) => format!("{known}; did you mean {near}?"),
        None => known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_signal_by_name() {
        for text in ["KILL", "SIGKILL", "kill", "SigKill"] {
            assert_eq!(signal(text), Ok("KILL"));
        }
        for text in ["", "SIG", "9", "KILLED?", "CHLD", "KILL;"] {
            assert!(signal(text).is_err(), "{text}");
        }
        assert!(signal("SIGSTOP").unwrap_err().contains("for ever"));
    }
}
