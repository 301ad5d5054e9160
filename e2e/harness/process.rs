use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A guard against hanging, far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(600);

/// A command that has ended.
pub struct Ran {
    command: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Its standard output, when it succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.code == Some(0), "{self}");
        self.stdout
    }

    /// Its standard error, when it failed with `code`.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert!(self.code == Some(code), "expected exit code {code} of {self}");
        self.stderr
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\ncode: {code:?}\nstdout: {stdout}\nstderr: {stderr}")
    }
}

/// Runs a command to its end with `input` as its standard input.
pub fn run(command: Command, input: &str) -> Ran {
    let name = format!("{command:?}");
    let mut command = assert_cmd::Command::from_std(command);
    let output = command.timeout(LIMIT).write_stdin(input).output().expect("the command starts");
    Ran {
        command: name,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The arguments of a command line without quotes.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a command in a folder; it must succeed.
#[track_caller]
pub fn run_in(command: &mut Command, folder: &Path) {
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
