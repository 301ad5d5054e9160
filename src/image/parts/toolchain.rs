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
    /// The oldest version that supports toolchain versions in `go.mod`.
    pub const OLDEST: Self = Self(1, 21, 0);

    /// The image with this minor version.
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
        let error = || format!("invalid version of Go `{text}`");
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

/// The Go installation of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGo {
    /// The `go` command.
    pub program: PathBuf,
    pub version: GoVersion,
    /// The directory of the installation.
    pub root: PathBuf,
    /// `GOMODCACHE`.
    pub module_cache: PathBuf,
    /// `GOCACHE`.
    pub build_cache: PathBuf,
}

impl HostGo {
    /// Finds Go on PATH or in the directory of its own installer.
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

/// The environment of Go, which replaces the user's settings of how to build. The user's settings of
/// where to download modules and how to verify them remain.
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

/// The user's settings that kindrs passes to a container.
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

/// Other names of an architecture than Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Debian's name, such as `arm64`.
    pub debian: &'static str,
    /// The prefix of its compiler, such as `aarch64-linux-gnu`.
    pub triplet: &'static str,
    /// The prefix in names of packages, such as `x86-64-linux-gnu`.
    pub package: &'static str,
}

/// The other names of an architecture with Go's name.
pub fn names(architecture: &str) -> Names {
    match architecture {
        "arm64" => {
            Names { debian: "arm64", triplet: "aarch64-linux-gnu", package: "aarch64-linux-gnu" }
        }
        _ => Names { debian: "amd64", triplet: "x86_64-linux-gnu", package: "x86-64-linux-gnu" },
    }
}

/// Go's name of this machine's architecture.
pub fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// This machine's C compiler for an architecture, if it exists.
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

/// Whether this machine can link a static program with libseccomp. That needs the headers and static
/// libraries of libseccomp and the C library, and pkg-config.
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
    fn reads_and_compares_versions_of_go() {
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
    fn an_installation_needs_all_its_directories() {
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
