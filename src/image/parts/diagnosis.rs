use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::failure::Failure;

/// How many lines of a compiler's output an error shows.
const SHOWN_LINES: usize = 20;

/// What to do about a full disk.
const FULL_DISK_HINT: &str = "compiling everything needs about 8 GB: free some, or put the cache elsewhere with \
     KINDRS_CACHE_DIR and Go's with GOCACHE and GOMODCACHE";

/// How modules are taken without the checksum database.
const TRUST_HINT: &str = "trust the module proxy alone by setting GONOSUMDB='k8s.io/*'";

/// What the network said, when it is the network that failed.
const NETWORK_SIGNS: [&str; 8] = [
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "TLS handshake timeout",
    "network is unreachable",
    "proxyconnect tcp",
];

/// What Go says of a module version that does not exist.
const ABSENCE_SIGNS: [&str; 5] =
    ["unknown revision", "404 Not Found", "410 Gone", "invalid version", "no matching versions"];

/// A failure to read or write, with a full disk named as such.
pub fn io(what: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::StorageFull {
        return Failure::environment(format!("{what}: the disk is full")).with_hint(FULL_DISK_HINT);
    }
    Failure::environment(format!("{what}: {error}"))
}

/// Whether the module proxy refuses a version, as some do with those that do not exist.
pub fn is_refused(output: &str) -> bool {
    output.contains("403 Forbidden")
}

/// Whether Go said that the version it was asked for does not exist.
pub fn is_absent(output: &str) -> bool {
    ABSENCE_SIGNS.iter().any(|sign| output.contains(sign))
}

/// What a failed run of a compiler means. `doing` reads on from "cannot": "compile etcd v3.7.0".
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
            "cannot {doing}: a downloaded module is not the one that kindrs pins\n{shown}"
        ))
        .with_hint("empty Go's module cache (`go clean -modcache`), and check GOPROXY");
    }
    if output.contains("verifying ") && output.contains("/sumdb/") {
        return Failure::environment(format!(
            "cannot {doing}: Go's checksum database does not vouch for all of its modules\n{shown}"
        ))
        .with_hint(format!("choose a version that kindrs pins, or {TRUST_HINT}"));
    }
    if NETWORK_SIGNS.iter().any(|sign| output.contains(sign)) {
        return Failure::environment(format!(
            "cannot {doing}: Go modules cannot be downloaded\n{shown}"
        ))
        .with_hint(
            "check the network, or set GOPROXY to a module proxy that this machine reaches; \
             `--kubernetes file:PATH` takes an archive of binaries instead",
        );
    }
    if is_refused(output) || is_absent(output) || output.contains("GOPROXY=off") {
        return Failure::environment(format!(
            "cannot {doing}: the module proxy does not serve all of its modules\n{shown}"
        ))
        .with_hint(
            "set GOPROXY to a proxy that does (https://proxy.golang.org,direct), or choose \
             another version",
        );
    }
    let log = log.display();
    Failure::environment(format!("cannot {doing}:\n{shown}"))
        .with_hint(format!("all that the compiler said is in {log}"))
}

/// The end of a compiler's output, indented.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| is_telling(line)).collect();
    let mut text = String::new();
    for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
        let _ = writeln!(text, "  {line}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// Names of packages and downloads tell nothing of a failure: they are progress.
fn is_telling(line: &str) -> bool {
    let is_progress = line.starts_with("go: downloading")
        || (!line.contains([' ', '\t', ':']) && (line.contains('/') || line.is_empty()));
    !is_progress
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> String {
        let failure = compilation("compile etcd v3.7.0", output, Path::new("/cache/logs/etcd.log"));
        assert!(matches!(failure, Failure::Environment { .. }));
        format!("{failure}\nhint: {}", failure.hint().unwrap_or_default())
    }

    #[test]
    fn a_compilers_error_is_shown_without_its_progress() {
        let output = "go: downloading go.uber.org/zap v1.27.0\ngo.uber.org/zap\n\
                      # go.etcd.io/etcd/server/v3\n./main.go:3:1: syntax error\n";
        insta::assert_snapshot!(told(output), @"
            cannot compile etcd v3.7.0:
              # go.etcd.io/etcd/server/v3
              ./main.go:3:1: syntax error
            hint: all that the compiler said is in /cache/logs/etcd.log
            ");
    }

    #[test]
    fn only_the_end_of_long_output_is_shown() {
        let output: String = (0..100).map(|n| format!("error number {n}\n")).collect();
        let text = told(&output);
        assert!(text.contains("error number 99") && text.contains("error number 80"));
        assert!(!text.contains("error number 79"));
    }

    #[test]
    fn a_full_disk_is_named() {
        let text = told("write $WORK/b001/_pkg_.a: no space left on device");
        assert!(text.starts_with("cannot compile etcd v3.7.0: the disk is full"), "{text}");
        let error = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(io("cannot write x", &error).to_string(), "cannot write x: the disk is full");
    }

    #[test]
    fn an_old_go_is_named() {
        let output = "go: go.mod requires go >= 1.26.3 (running go 1.26.0; GOTOOLCHAIN=local)\n";
        let text = told(output);
        assert!(text.contains("Go is too old: go: go.mod requires go >= 1.26.3"), "{text}");
    }

    #[test]
    fn a_dead_network_is_named() {
        let output = "go: go.uber.org/zap@v1.27.0: Get \"https://proxy.golang.org/x\": dial tcp: \
                      lookup proxy.golang.org: no such host";
        insta::assert_snapshot!(told(output), @r#"
            cannot compile etcd v3.7.0: Go modules cannot be downloaded
              go: go.uber.org/zap@v1.27.0: Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org: no such host
            hint: check the network, or set GOPROXY to a module proxy that this machine reaches; `--kubernetes file:PATH` takes an archive of binaries instead
            "#);
    }

    #[test]
    fn a_proxy_that_refuses_is_named() {
        let output = "go: k8s.io/mount-utils@v0.31.14: reading https://proxy.golang.org/x.zip: \
                      403 Forbidden";
        insta::assert_snapshot!(told(output), @"
            cannot compile etcd v3.7.0: the module proxy does not serve all of its modules
              go: k8s.io/mount-utils@v0.31.14: reading https://proxy.golang.org/x.zip: 403 Forbidden
            hint: set GOPROXY to a proxy that does (https://proxy.golang.org,direct), or choose another version
            ");
    }

    #[test]
    fn a_checksum_database_that_lacks_a_module_is_named() {
        let output = "k8s.io/kms@v0.31.14: verifying module: k8s.io/kms@v0.31.14: reading \
                      https://proxy.golang.org/sumdb/sum.golang.org/lookup/k8s.io/kms@v0.31.14: \
                      404 Not Found";
        let text = told(output);
        assert!(text.contains("checksum database") && text.contains("GONOSUMDB"), "{text}");
    }

    #[test]
    fn absence_is_told_from_failure() {
        assert!(is_absent(
            "k8s.io/kubernetes@v1.37.99: invalid version: unknown revision v1.37.99"
        ));
        assert!(is_absent("reading https://proxy.golang.org/x.info: 404 Not Found"));
        assert!(!is_absent("dial tcp: lookup proxy.golang.org: no such host"));
    }
}
