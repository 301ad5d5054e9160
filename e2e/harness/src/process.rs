use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// Far longer than any command here takes: a guard against one that hangs.
const LIMIT: Duration = Duration::from_secs(600);

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Sets the kindrs that sandboxes run. To be called once, before the first.
pub fn set_program(path: impl Into<PathBuf>) {
    PROGRAM.set(path.into()).expect("the program is set once");
}

pub(crate) fn program() -> &'static Path {
    PROGRAM.get().expect("set_program is called before a sandbox is used")
}

/// A command that has ended.
pub struct Ran {
    command: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Returns the standard output of a command that has to have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.code == Some(0), "{self}");
        self.stdout
    }

    /// Returns the standard error of a command that has to have failed with `code`.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert!(self.code == Some(code), "expected exit code {code}: {self}");
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

/// The words of a command line that needs no quotes.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a command in a folder, which has to succeed.
#[track_caller]
pub fn run_in(command: &mut Command, folder: &Path) {
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
