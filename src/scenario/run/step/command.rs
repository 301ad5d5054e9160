use regex::Regex;

use super::target::targets;
use crate::cluster::access::ADMIN_CONF;
use crate::cluster::inventory;
use crate::cluster::labels::ContainerRole;
use crate::failure::Failure;
use crate::runtime::{ByteSource, ExecOutput};
use crate::scenario::history::{Change, LogLine};
use crate::scenario::language::{Drain, Exec, Expect, KubectlCommand};
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::session::Session;

/// Longest part of a command's output that a step's line shows.
const SHOWN: usize = 200;

/// Runs kubectl in a control plane.
pub(super) async fn kubectl(
    session: &Session,
    step: &str,
    command: &KubectlCommand,
) -> anyhow::Result<String> {
    let arguments: Vec<&str> = command.args.iter().map(String::as_str).collect();
    let output = run(session, &arguments, command.stdin.clone()).await?;
    judge(session, step, &output, &command.expect)
}

/// Runs a command in a container of a pod.
pub(super) async fn exec(session: &Session, step: &str, exec: &Exec) -> anyhow::Result<String> {
    let found = targets(session, &exec.pod).await?;
    let Some(pod) = found.first() else { return Err(Failure::input("there is no pod").into()) };
    let mut arguments = vec!["exec", &pod.name];
    if let Some(container) = &exec.container {
        arguments.extend(["--container", container]);
    }
    arguments.push("--");
    arguments.extend(exec.command.iter().map(String::as_str));
    let namespace = ["--namespace", pod.namespace.as_str()];
    let arguments: Vec<&str> = namespace.into_iter().chain(arguments).collect();
    let output = run(session, &arguments, None).await?;
    judge(session, step, &output, &exec.expect)
}

/// Drains a node, as kubectl does.
pub(super) async fn drain(session: &Session, step: &str, drain: &Drain) -> anyhow::Result<String> {
    let client = session.client.clone();
    session.tidying.before_changing_node(&drain.node, &kube::Api::all(client)).await;
    let grace;
    let mut arguments =
        vec!["drain", &drain.node, "--ignore-daemonsets", "--delete-emptydir-data", "--force"];
    if let Some(seconds) = drain.grace_period_seconds {
        grace = format!("--grace-period={seconds}");
        arguments.push(&grace);
    }
    let output = run(session, &arguments, None).await?;
    judge(session, step, &output, &Expect::default())
}

async fn run(
    session: &Session,
    arguments: &[&str],
    input: Option<String>,
) -> anyhow::Result<ExecOutput> {
    let nodes = inventory::require(session.engine.as_ref(), &session.cluster).await?;
    let node = nodes
        .iter()
        .find(|node| node.role == ContainerRole::ControlPlane && node.is_running())
        .ok_or_else(|| Unmet::Unknown("no control plane is running".to_owned()))?;
    let mut command =
        vec!["kubectl", "--kubeconfig", ADMIN_CONF, "--namespace", &session.scenario.namespace];
    command.extend(arguments);
    let input = input.map(|text| -> ByteSource { Box::new(std::io::Cursor::new(text)) });
    Ok(session.engine.exec(&node.name, &command, input).await?)
}

/// Records the output, and holds it against what is expected.
fn judge(
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
