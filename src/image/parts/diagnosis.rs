use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::failure::Failure;

/// Number of lines of a compiler's output in an error.
const SHOWN_LINES: usize = 20;

const FULL_DISK_HINT: &str = "compiling everything needs about 8 GB: free some space, or move the cache with \
     KINDRS_CACHE_DIR, and Go's caches with GOCACHE and GOMODCACHE";

const TRUST_HINT: &str = "trust the module proxy alone by setting GONOSUMDB='k8s.io/*'";

/// Texts in the output of Go when the network fails.
const NETWORK_SIGNS: [&str; 9] = [
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "TLS handshake timeout",
    "network is unreachable",
    "proxyconnect tcp",
    "x509: ",
];

/// Texts in the output of Go when a version of a module does not exist.
const ABSENCE_SIGNS: [&str; 5] =
    ["unknown revision", "404 Not Found", "410 Gone", "invalid version", "no matching versions"];

/// The failure of reading or writing.
pub fn io(what: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::StorageFull {
        return Failure::environment(format!("{what}: the disk is full")).with_hint(FULL_DISK_HINT);
    }
    Failure::environment(format!("{what}: {error}"))
}

/// Whether the module proxy refuses a version. Some do so if the version does not exist.
pub fn is_refused(output: &str) -> bool {
    output.contains("403 Forbidden")
}

/// Whether Go reports that the version does not exist.
pub fn is_absent(output: &str) -> bool {
    ABSENCE_SIGNS.iter().any(|sign| output.contains(sign))
}

/// The failure of a compiler. `doing` follows "cannot", such as "compile etcd v3.7.0".
pub fn compilation(doing: &str, output: &str, log: &Path) -> Failure {
    let shown = last_lines(output);
    if output.contains("no space left on device") {
        return Failure::environment(format!("cannot {doing}: the disk is full"))
            .with_hint(FULL_DISK_HINT);
    }
    if let Some(line) = output.lines().find(|line| line.contains("requires go >=")) {
        return Failure::environment(format!("cannot {doing}: Go is too old: {line}"))
            .with_hint("install a newer Go from https://go.dev/dl/, or pull a newer golang image");
    }
    if output.contains("checksum mismatch") || output.contains("SECURITY ERROR") {
        return Failure::environment(format!(
            "cannot {doing}: a downloaded module is not the pinned one\n{shown}"
        ))
        .with_hint("run `go clean -modcache` to empty Go's module cache, and check GOPROXY");
    }
    if output.contains("verifying ") && output.contains("/sumdb/") {
        return Failure::environment(format!(
            "cannot {doing}: Go's checksum database lacks some of its modules\n{shown}"
        ))
        .with_hint(format!("choose a version that kindrs pins, or {TRUST_HINT}"));
    }
    if NETWORK_SIGNS.iter().any(|sign| output.contains(sign)) {
        return Failure::environment(format!(
            "cannot {doing}: Go cannot download modules\n{shown}"
        ))
        .with_hint(
            "check the network, set GOPROXY to a module proxy that this machine can reach, or use an \
             archive of binaries: --kubernetes file:PATH",
        );
    }
    if is_refused(output) || is_absent(output) || output.contains("GOPROXY=off") {
        return Failure::environment(format!(
            "cannot {doing}: the module proxy does not serve all modules\n{shown}"
        ))
        .with_hint(
            "set GOPROXY to another proxy, such as https://proxy.golang.org,direct, or choose \
             another version",
        );
    }
    let log = log.display();
    Failure::environment(format!("cannot {doing}:\n{shown}"))
        .with_hint(format!("the full output of the compiler is in {log}"))
}

/// The last lines of a compiler's output, indented.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| is_relevant(line)).collect();
    let mut text = String::new();
    for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
        let _ = writeln!(text, "  {line}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// Whether a line is more than progress, such as the name of a package or a download.
fn is_relevant(line: &str) -> bool {
    let is_progress = line.starts_with("go: downloading")
        || (!line.contains([' ', '\t', ':']) && (line.contains('/') || line.is_empty()));
    !is_progress
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(output: &str) -> String {
        let failure = compilation("compile etcd v3.7.0", output, Path::new("/cache/logs/etcd.log"));
        assert!(matches!(failure, Failure::Environment { .. }));
        format!("{failure}\nhint: {}", failure.hint().unwrap_or_default())
    }

    #[test]
    fn shows_the_error_of_a_compiler_without_its_progress() {
        let output = "go: downloading go.uber.org/zap v1.27.0\ngo.uber.org/zap\n\
                      # go.etcd.io/etcd/server/v3\n./main.go:3:1: syntax error\n";
        insta::assert_snapshot!(described(output), @"
            cannot compile etcd v3.7.0:
              # go.etcd.io/etcd/server/v3
              ./main.go:3:1: syntax error
            hint: the full output of the compiler is in /cache/logs/etcd.log
            ");
    }

    #[test]
    fn shows_only_the_last_lines_of_long_output() {
        let output: String = (0..100).map(|n| format!("error number {n}\n")).collect();
        let text = described(&output);
        assert!(text.contains("error number 99") && text.contains("error number 80"));
        assert!(!text.contains("error number 79"));
    }

    #[test]
    fn reports_a_full_disk() {
        let text = described("write $WORK/b001/_pkg_.a: no space left on device");
        assert!(text.starts_with("cannot compile etcd v3.7.0: the disk is full"), "{text}");
        let error = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(io("cannot write x", &error).to_string(), "cannot write x: the disk is full");
    }

    #[test]
    fn reports_an_old_go() {
        let output = "go: go.mod requires go >= 1.26.3 (running go 1.26.0; GOTOOLCHAIN=local)\n";
        let text = described(output);
        assert!(text.contains("Go is too old: go: go.mod requires go >= 1.26.3"), "{text}");
    }

    #[test]
    fn reports_an_unreachable_network() {
        let output = "go: go.uber.org/zap@v1.27.0: Get \"https://proxy.golang.org/x\": dial tcp: \
                      lookup proxy.golang.org: no such host";
        insta::assert_snapshot!(described(output), @r#"
            cannot compile etcd v3.7.0: Go cannot download modules
              go: go.uber.org/zap@v1.27.0: Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org: no such host
            hint: check the network, set GOPROXY to a module proxy that this machine can reach, or use an archive of binaries: --kubernetes file:PATH
            "#);
    }

    #[test]
    fn reports_a_proxy_that_refuses() {
        let output = "go: k8s.io/mount-utils@v0.31.14: reading https://proxy.golang.org/x.zip: \
                      403 Forbidden";
        insta::assert_snapshot!(described(output), @"
            cannot compile etcd v3.7.0: the module proxy does not serve all modules
              go: k8s.io/mount-utils@v0.31.14: reading https://proxy.golang.org/x.zip: 403 Forbidden
            hint: set GOPROXY to another proxy, such as https://proxy.golang.org,direct, or choose another version
            ");
    }

    #[test]
    fn reports_a_checksum_database_that_lacks_a_module() {
        let output = "k8s.io/kms@v0.31.14: verifying module: k8s.io/kms@v0.31.14: reading \
                      https://proxy.golang.org/sumdb/sum.golang.org/lookup/k8s.io/kms@v0.31.14: \
                      404 Not Found";
        let text = described(output);
        assert!(text.contains("checksum database") && text.contains("GONOSUMDB"), "{text}");
    }

    #[test]
    fn distinguishes_absence_from_failure() {
        assert!(is_absent(
            "k8s.io/kubernetes@v1.37.99: invalid version: unknown revision v1.37.99"
        ));
        assert!(is_absent("reading https://proxy.golang.org/x.info: 404 Not Found"));
        assert!(!is_absent("dial tcp: lookup proxy.golang.org: no such host"));
    }
}
