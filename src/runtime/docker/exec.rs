//! Commands run in containers.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures::{Stream, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Docker;
use crate::runtime::{ByteSource, EngineError, ExecOutput};

/// Bytes of input sent at once.
const CHUNK: usize = 256 * 1024;

impl Docker {
    pub(super) async fn run_command(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError> {
        let object = format!("container {container}");
        let action = format!("running `{}` in", command.join(" "));
        let failed = self.failed(&action, &object);

        let options = CreateExecOptions {
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.to_vec()),
            ..Default::default()
        };
        let exec = self.client.create_exec(container, options).await.map_err(failed)?;
        let StartExecResults::Attached { output, input: stdin } =
            self.client.start_exec(&exec.id, None).await.map_err(failed)?
        else {
            return Err(EngineError::refused(
                format!("{action} {object}"),
                "the engine did not attach to the command",
            ));
        };

        let reading = collect(output);
        let feeding = async {
            match input {
                Some(source) => feed(source, stdin).await,
                None => Ok(()),
            }
        };
        tokio::pin!(reading, feeding);
        let mut fed = false;
        // Both at once: a command that writes before it has read all would block otherwise. The
        // end of the output is the end of the command, whatever is left of the input.
        let mut result = loop {
            tokio::select! {
                output = &mut reading => break output.map_err(failed)?,
                done = &mut feeding, if !fed => {
                    done.map_err(|source| EngineError::Io {
                        what: format!("reading the input for `{}`", command.join(" ")),
                        source,
                    })?;
                    fed = true;
                }
            }
        };
        result.code = self.exit_code(&exec.id).await.map_err(failed)?;
        Ok(result)
    }

    /// The engine notices the end of a command shortly after its output closes, and has no call that
    /// waits for it.
    async fn exit_code(&self, exec: &str) -> Result<i64, Error> {
        let mut pause = Duration::from_millis(2);
        loop {
            let state = self.client.inspect_exec(exec).await?;
            match state.exit_code {
                Some(code) if state.running != Some(true) => return Ok(code),
                _ => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }
}

async fn collect(
    mut output: impl Stream<Item = Result<LogOutput, Error>> + Unpin,
) -> Result<ExecOutput, Error> {
    let mut result = ExecOutput::default();
    while let Some(chunk) = output.next().await {
        match chunk? {
            LogOutput::StdErr { message } => result.stderr.extend_from_slice(&message),
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                result.stdout.extend_from_slice(&message);
            }
            LogOutput::StdIn { .. } => {}
        }
    }
    Ok(result)
}

/// Sends all of `source`, then closes. Only reading can fail: a command that stops reading ends
/// the input early, and the output reports a lost connection.
async fn feed(
    mut source: ByteSource,
    mut stdin: impl AsyncWrite + Unpin,
) -> Result<(), std::io::Error> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = source.read(&mut chunk).await?;
        if length == 0 {
            break;
        }
        if stdin.write_all(&chunk[..length]).await.is_err() {
            return Ok(());
        }
    }
    let _ = stdin.shutdown().await;
    Ok(())
}
