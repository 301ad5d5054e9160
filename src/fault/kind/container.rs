use clap::Args;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::Action;
use crate::fault::targeting::{PodTargets, View};
use crate::words::nearest;

use super::pod::{node_of, path, subject};

/// The signals that end a process or that it may act upon. Those that only halt it are left out:
/// nothing would let it go on.
const SIGNALS: [&str; 13] = [
    "HUP", "INT", "QUIT", "ILL", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "ALRM",
    "TERM",
];

/// Containers that get a signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerKill {
    /// Which of the pod's containers [default: the first]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What its first process is sent, as KILL, TERM or SEGV
    #[arg(long, value_name = "SIGNAL", default_value = "KILL", value_parser = signal)]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub signal: String,
    /// Which pods.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl ContainerKill {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let signal = match self.signal.as_str() {
            "" => "KILL".to_owned(),
            given => signal(given)
                .map_err(|reason| Failure::input(format!("--signal {given}: {reason}")))?,
        };
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

/// Name and ID of a container that runs: the one with this name, or else the first.
fn running_container(pod: &Pod, wanted: Option<&str>) -> Result<(String, String), Failure> {
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
    let running: Vec<&str> = all
        .iter()
        .filter(|container| runs(container))
        .map(|container| container.name.as_str())
        .collect();
    let hint = if running.is_empty() {
        "none of its containers runs".to_owned()
    } else {
        format!("these run: {}", running.join(", "))
    };
    let found = all.iter().find(|container| container.name == wanted);
    let id = found.filter(|container| runs(container)).and_then(|container| {
        let (_, id) = container.container_id.as_deref()?.split_once("://")?;
        id.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| id.to_owned())
    });
    match (id, found) {
        (Some(id), _) => Ok((wanted, id)),
        (None, Some(_)) => {
            Err(Failure::input(format!("container `{wanted}` of {} does not run", path(pod)))
                .with_hint(hint))
        }
        (None, None) => {
            Err(Failure::input(format!("{} has no container `{wanted}`", path(pod)))
                .with_hint(hint))
        }
    }
}

/// Reads the name of a signal, with or without `SIG`, in any case.
fn signal(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if SIGNALS.contains(&name) {
        return Ok(name.to_owned());
    }
    if ["STOP", "TSTP", "TTIN", "TTOU"].contains(&name) {
        return Err(
            "it would halt the container without an end; node-pause freezes a node".to_owned()
        );
    }
    let known = format!("expected one of {}", SIGNALS.join(", "));
    Err(match nearest(name, &SIGNALS) {
        Some(near) => format!("did you mean {near}? {known}"),
        None => known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_name() {
        for text in ["KILL", "SIGKILL", "kill", "SigKill"] {
            assert_eq!(signal(text).as_deref(), Ok("KILL"));
        }
        for text in ["", "SIG", "9", "KILLED?", "CHLD", "KILL;"] {
            assert!(signal(text).is_err(), "{text}");
        }
        assert!(signal("SIGSTOP").unwrap_err().contains("without an end"));
    }
}
