use std::io::Cursor;
use std::time::Duration;

use regex::Regex;

use super::target::targets;
use crate::cluster::access::ADMIN_CONF;
use crate::cluster::inventory::{self, NodeSummary};
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::runtime::{ByteSource, ContainerState, Engine, ExecOutput};
use crate::scenario::history::{Change, LogLine};
use crate::scenario::language::{Drain, Exec, Expect, KubectlCommand, Step};
use crate::scenario::run::api_probe;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::retry::retry;
use crate::scenario::run::session::Session;

/// The number of characters of a command's output that a step shows.
const SHOWN: usize = 200;

/// The pause between checks whether the node of a command still runs. A frozen node gives no sign.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// After the deadline of its step and this time, a command is killed.
const GRACE: Duration = Duration::from_secs(2);
/// A drain gives up this long before the deadline of its step, to report the reason.
const REPORT_MARGIN: Duration = Duration::from_secs(2);

/// Texts by which kubectl reports that it got no answer. Its exit code does not tell.
const NO_ANSWER: [&str; 10] = [
    "Unable to connect to the server",
    "The connection to the server",
    "was refused - did you specify the right host or port",
    "connection refused",
    "connection reset by peer",
    "i/o timeout",
    "TLS handshake timeout",
    "the server is currently unable to handle the request",
    "etcdserver: ",
    "error dialing backend",
];

/// Runs kubectl on a control plane.
pub(super) async fn kubectl(
    session: &Session,
    step: &Step,
    command: &KubectlCommand,
) -> anyhow::Result<String> {
    let arguments: Vec<&str> = command.args.iter().map(String::as_str).collect();
    run(session, step, &arguments, command.stdin.as_deref(), &command.expect).await
}

/// Runs a command in a container of a pod.
pub(super) async fn exec(session: &Session, step: &Step, exec: &Exec) -> anyhow::Result<String> {
    let found = targets(session, &exec.pod).await?;
    let Some(pod) = found.first() else {
        return Err(Failure::input("the selection has no pods now").into());
    };
    let mut arguments = vec!["--namespace", pod.namespace.as_str(), "exec", &pod.name];
    if let Some(container) = &exec.container {
        arguments.extend(["--container", container]);
    }
    arguments.push("--");
    arguments.extend(exec.command.iter().map(String::as_str));
    run(session, step, &arguments, None, &exec.expect).await
}

/// Drains a node, as kubectl does.
pub(super) async fn drain(session: &Session, step: &Step, drain: &Drain) -> anyhow::Result<String> {
    let nodes = kube::Api::all(session.client.clone());
    retry(|| session.state.cleanup.before_node_change(&drain.node, &nodes)).await?;
    let limit = step.deadline().0;
    let timeout =
        format!("--timeout={}ms", limit.saturating_sub(REPORT_MARGIN).max(limit / 2).as_millis());
    let grace;
    let mut arguments = vec![
        "drain",
        &drain.node,
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--force",
        &timeout,
    ];
    if let Some(seconds) = drain.grace_period_seconds {
        grace = format!("--grace-period={seconds}");
        arguments.push(&grace);
    }
    run(session, step, &arguments, None, &Expect::default()).await
}

/// Runs kubectl. An unexpected result is unknown, not failed, if the API server or the node did not answer.
async fn run(
    session: &Session,
    step: &Step,
    arguments: &[&str],
    input: Option<&str>,
    expect: &Expect,
) -> anyhow::Result<String> {
    let node = control_plane(session).await?;
    let limit = (step.deadline().0 + GRACE).as_secs_f64().to_string();
    // Ends the command if the step ends first.
    let mut command = vec!["timeout", "--kill-after=1", &limit, "kubectl"];
    command.extend(["--kubeconfig", ADMIN_CONF, "--namespace", &session.scenario.namespace]);
    command.extend(arguments);
    let input = input.map(|text| -> ByteSource { Box::new(Cursor::new(text.to_owned())) });
    let output = tokio::select! {
        output = session.engine.exec(&node, &command, input) => output?,
        state = no_longer_runs(session.engine.as_ref(), &node) => {
            let message = format!("the command ran on node {node}, which is {state}");
            return Err(Unmet::Unknown(message).into());
        }
    };
    let name = step.name.as_deref().unwrap_or_default();
    let unmet = match check(session, name, &output, expect) {
        Err(error) => error,
        done => return done,
    };
    let Some(Unmet::Failed(message)) = unmet.downcast_ref::<Unmet>() else { return Err(unmet) };
    let stderr = String::from_utf8_lossy(&output.stderr);
    if NO_ANSWER.iter().any(|sign| stderr.contains(sign)) {
        return Err(Unmet::Unknown(message.clone()).into());
    }
    match api_probe::answer(&session.client).await {
        Ok(()) => Err(unmet),
        Err(reason) => Err(Unmet::Unknown(format!("{message} (API server: {reason})")).into()),
    }
}

/// Returns the name of a running control plane. Waits until there is one.
async fn control_plane(session: &Session) -> anyhow::Result<String> {
    loop {
        let nodes = inventory::require(session.engine.as_ref(), &session.cluster).await?;
        let runs =
            |node: &NodeSummary| node.role == ContainerRole::CONTROL_PLANE && node.is_running();
        if let Some(node) = nodes.into_iter().find(runs) {
            return Ok(node.name);
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

/// Waits until a node stops, and returns its state.
async fn no_longer_runs(engine: &dyn Engine, node: &str) -> String {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        match engine.container(node).await {
            Ok(Some(container)) if container.state == ContainerState::Running => {}
            Ok(Some(container)) => return container.state.to_string(),
            Ok(None) => return "deleted".to_owned(),
            Err(error) => tracing::debug!("{node}: {error}"),
        }
    }
}

/// Records the output, and compares it with the expectation.
fn check(
    session: &Session,
    step: &str,
    output: &ExecOutput,
    expect: &Expect,
) -> anyhow::Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    for line in stdout.lines().chain(stderr.lines()) {
        let log = LogLine { source: format!("step/{step}"), line: line.to_owned() };
        session.recorder.record(Change::Log(Box::new(log)));
    }
    if output.code != i64::from(expect.exit_code) {
        let text = if stderr.trim().is_empty() { &stdout } else { &stderr };
        return Err(Unmet::Failed(format!(
            "exit code {}, expected {}: {}",
            output.code,
            expect.exit_code,
            text.trim()
        ))
        .into());
    }
    for (name, pattern, text) in
        [("stdout", &expect.stdout, &stdout), ("stderr", &expect.stderr, &stderr)]
    {
        let Some(pattern) = pattern else { continue };
        let regex = Regex::new(pattern)
            .map_err(|error| Failure::input(format!("expect.{name}: {error}")))?;
        if !regex.is_match(text) {
            return Err(Unmet::Failed(format!(
                "{name} does not match `{pattern}`: {}",
                text.trim()
            ))
            .into());
        }
    }
    let line = stdout.trim().lines().next().unwrap_or_default();
    Ok(line.chars().take(SHOWN).collect())
}
