use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

/// Time between [`Seen::Tick`]s.
pub const TICK: Duration = Duration::from_millis(500);

/// An event of a running command.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// A line of its standard error.
    Line(&'a str),
    /// Time passed.
    Tick,
}

/// Receives the events of a running command.
pub type Watcher<'a> = &'a mut (dyn FnMut(Seen<'_>) + Send);

/// The result of a command.
#[derive(Debug)]
pub struct Ended {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end, and appends its standard error to `log`.
///
/// Dropping the future kills the command's process group, which includes the children of a compiler.
pub async fn run(command: &mut Command, log: &Path, watch: Watcher<'_>) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let group = Group::of(child.id());
    let mut log = File::options().create(true).append(true).open(log).await?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());

    let read_stdout = async {
        let mut bytes = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut bytes).await?;
        }
        Ok::<_, io::Error>(bytes)
    };
    let read_stderr = async {
        let mut all = String::new();
        let Some(stderr) = stderr else { return Ok(all) };
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                read = stderr.read_until(b'\n', &mut line) => {
                    if read? == 0 && line.is_empty() {
                        break;
                    }
                    log.write_all(&line).await?;
                    let text = String::from_utf8_lossy(&line);
                    watch(Seen::Line(text.trim_end()));
                    all.push_str(&text);
                    line.clear();
                }
                _ = tick.tick() => watch(Seen::Tick),
            }
        }
        log.flush().await?;
        Ok::<_, io::Error>(all)
    };
    let (stdout, stderr) = tokio::try_join!(read_stdout, read_stderr)?;
    let status: ExitStatus = child.wait().await?;
    group.ended();
    Ok(Ended {
        success: status.success(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr,
    })
}

/// A process group, which is killed on drop unless it ended.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reports_returns_and_logs_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo one >&2; printf two >&2; exit 3"]);
        let ended = run(&mut command, &log, &mut |seen| {
            if let Seen::Line(line) = seen {
                lines.push(line.to_owned());
            }
        })
        .await
        .unwrap();
        assert!(!ended.success);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "one\ntwo"));
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\ntwo");
    }

    #[tokio::test]
    async fn dropping_a_run_kills_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let (send, receive) = tokio::sync::oneshot::channel();
        let mut send = Some(send);
        let work = tokio::spawn(async move {
            let mut command = Command::new("sh");
            // The grandchild is like a child of a compiler.
            command.args(["-c", "sleep 600 & echo $! >&2; wait"]);
            run(&mut command, &log, &mut |seen| {
                if let (Seen::Line(line), Some(send)) =
                    (seen, send.take_if(|_| matches!(seen, Seen::Line(_))))
                {
                    let _ = send.send(line.parse::<i32>().unwrap());
                }
            })
            .await
        });
        let grandchild = receive.await.unwrap();
        work.abort();
        let _ = work.await;
        let is_alive = || {
            std::fs::read_to_string(format!("/proc/{grandchild}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        while is_alive() {
            tokio::task::yield_now().await;
        }
    }
}
