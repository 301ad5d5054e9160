use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A version of Go: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoVersion(u32, u32, u32);

impl GoVersion {
    /// The oldest that knows how `go.mod` says which version it needs.
    pub const OLDEST: Self = Self(1, 21, 0);

    /// The image with this version, or a newer patch of it.
    pub fn image(self) -> String {
        format!("golang:{}.{}", self.0, self.1)
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for GoVersion {
    type Err = String;

    /// Reads `1.26`, `1.26.0`, `go1.26.8` and `go1.27rc1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is no version of Go");
        let body = text.strip_prefix("go").unwrap_or(text);
        let mut numbers = [0; 3];
        let mut parts = body.split(['.', ' ', '-']);
        for (place, number) in numbers.iter_mut().enumerate() {
            let Some(part) = parts.next().filter(|_| place < 3) else {
                if place < 2 {
                    return Err(error());
                }
                break;
            };
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            match part[..digits].parse() {
                Ok(parsed) => *number = parsed,
                Err(_) if place == 2 => break,
                Err(_) => return Err(error()),
            }
        }
        Ok(Self(numbers[0], numbers[1], numbers[2]))
    }
}

/// The Go that is installed on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGo {
    /// The `go` command.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    /// The folder it is installed in.
    pub root: PathBuf,
    /// Where it keeps modules.
    pub module_cache: PathBuf,
    /// Where it keeps compiled packages.
    pub build_cache: PathBuf,
}

impl HostGo {
    /// Looks for Go on PATH and where its own archive is unpacked; `None` when there is none.
    pub async fn find() -> Option<Self> {
        for program in ["go", "/usr/local/go/bin/go"] {
            let output = Command::new(program)
                .args(["env", "GOVERSION", "GOROOT", "GOMODCACHE", "GOCACHE"])
                .current_dir("/")
                .env("GOTOOLCHAIN", "local")
                .stdin(Stdio::null())
                .output()
                .await;
            let Ok(output) = output else { continue };
            if let Some(found) = Self::of_env(program, &String::from_utf8_lossy(&output.stdout)) {
                return Some(found);
            }
        }
        None
    }

    fn of_env(program: &str, env: &str) -> Option<Self> {
        let mut lines = env.lines();
        let version = lines.next()?.parse().ok()?;
        let mut folder = || lines.next().filter(|line| line.starts_with('/')).map(PathBuf::from);
        Some(Self {
            program: program.into(),
            version,
            root: folder()?,
            module_cache: folder()?,
            build_cache: folder()?,
        })
    }
}

/// What Go is told, wherever it runs: the pinned module decides, not the user's settings.
///
/// Where modules come from and how they are checked stays the user's choice.
pub fn go_environment(
    architecture: &str,
    uses_c: bool,
    temporary: &Path,
) -> HashMap<String, String> {
    let temporary = temporary.display().to_string();
    let cgo = if uses_c { "1" } else { "0" };
    [
        ("CGO_ENABLED", cgo),
        ("GO111MODULE", "on"),
        ("GOARCH", architecture),
        ("GOFLAGS", ""),
        ("GOOS", "linux"),
        ("GOTMPDIR", &temporary),
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
        ("LC_ALL", "C"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The settings of the user that are passed on into a container.
pub const PASSED_ON: [&str; 12] = [
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOINSECURE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Names of an architecture outside Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Debian's name: `arm64`.
    pub debian: &'static str,
    /// The prefix of its compiler: `aarch64-linux-gnu`.
    pub triplet: &'static str,
    /// That prefix as packages' names write it: `aarch64-linux-gnu`, `x86-64-linux-gnu`.
    pub package: &'static str,
}

/// The names of an architecture in Go's words.
pub fn names(architecture: &str) -> Names {
    match architecture {
        "arm64" => {
            Names { debian: "arm64", triplet: "aarch64-linux-gnu", package: "aarch64-linux-gnu" }
        }
        _ => Names { debian: "amd64", triplet: "x86_64-linux-gnu", package: "x86-64-linux-gnu" },
    }
}

/// The architecture of this machine in Go's words.
pub fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The C compiler of this machine that compiles for an architecture, when it is there.
pub async fn c_compiler(architecture: &str) -> Option<String> {
    if std::env::consts::OS != "linux" {
        return None;
    }
    let compiler = if architecture == host_architecture() {
        "cc".to_owned()
    } else {
        format!("{}-gcc", names(architecture).triplet)
    };
    let output = Command::new(&compiler).arg("--version").stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| output.status.success()).then_some(compiler)
}

/// Whether a static program with libseccomp can be linked: libseccomp's headers and archive,
/// the C library's, and pkg-config all have to be there.
pub async fn links_seccomp(compiler: &str, temporary: &Path) -> bool {
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "--static", "libseccomp"])
        .stdin(Stdio::null())
        .output()
        .await;
    let Ok(flags) = flags else { return false };
    if !flags.status.success() {
        return false;
    }
    let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
    let child = Command::new(compiler)
        .args(["-static", "-x", "c", "-o"])
        .arg(temporary.join("probe"))
        .arg("-")
        .args(flags.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else { return false };
    if let Some(mut input) = child.stdin.take() {
        let program = b"#include <seccomp.h>\nint main(void) { return !seccomp_init(0); }\n";
        if input.write_all(program).await.is_err() {
            return false;
        }
    }
    child.wait().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_of_go_are_read_and_compared() {
        let read = |text: &str| text.parse::<GoVersion>().unwrap();
        assert!(read("go1.26.8") >= read("1.26.0"));
        assert!(read("go1.9.7") < read("1.26"));
        assert_eq!(read("go1.27rc1"), GoVersion(1, 27, 0));
        assert_eq!(read("go1.26.8 X:nosynctest"), GoVersion(1, 26, 8));
        assert_eq!(read("1.26.3").image(), "golang:1.26");
        for text in ["", "go", "devel", "1", "go1.x"] {
            assert!(text.parse::<GoVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_go_needs_all_its_folders() {
        let env = "go1.26.8\n/usr/local/go\n/root/go/pkg/mod\n/root/.cache/go-build\n";
        let go = HostGo::of_env("go", env).unwrap();
        assert_eq!(go.version, GoVersion(1, 26, 8));
        assert_eq!(go.build_cache, Path::new("/root/.cache/go-build"));
        assert_eq!(HostGo::of_env("go", "go1.26.8\n/usr/local/go\n\noff\n"), None);
        assert_eq!(HostGo::of_env("go", ""), None);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<GoVersion>();
        }
    }
}
