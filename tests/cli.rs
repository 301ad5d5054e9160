//! The command line from outside, without Docker.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::assert::OutputAssertExt as _;
use predicates::prelude::*;

/// Every verb, as typed.
const VERBS: [&[&str]; 25] = [
    &[],
    &["build"],
    &["build", "node-image"],
    &["completion"],
    &["create"],
    &["create", "cluster"],
    &["delete"],
    &["delete", "cluster"],
    &["delete", "clusters"],
    &["export"],
    &["export", "kubeconfig"],
    &["export", "logs"],
    &["fault"],
    &["fault", "heal"],
    &["fault", "inject"],
    &["fault", "kinds"],
    &["fault", "list"],
    &["get"],
    &["get", "clusters"],
    &["get", "kubeconfig"],
    &["get", "nodes"],
    &["load"],
    &["load", "docker-image"],
    &["load", "image-archive"],
    &["version"],
];

/// The command in its own environment, where Docker does not answer.
fn kindrs(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kindrs"));
    command
        .env_clear()
        .env("HOME", home)
        .env("KUBECONFIG", home.join("kubeconfig"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("TMPDIR", home)
        .env("DOCKER_CONFIG", home.join("docker"))
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .stdin(Stdio::null())
        .current_dir(home);
    command
}

fn stderr_of(arguments: &[&str], code: i32) -> String {
    let home = tempfile::tempdir().unwrap();
    let assert = kindrs(home.path()).args(arguments).assert().code(code).stdout("");
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 0, "{arguments:?} left files behind");
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

#[test]
fn help_of_every_verb() {
    let home = tempfile::tempdir().unwrap();
    for verb in VERBS {
        let assert = kindrs(home.path()).args(verb).arg("--help").assert().success().stderr("");
        let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        let name =
            if verb.is_empty() { "help".to_owned() } else { format!("help-{}", verb.join("-")) };
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn every_verb_that_needs_docker_reports_that_it_does_not_answer() {
    let home = tempfile::tempdir().unwrap();
    let archive = home.path().join("images.tar");
    std::fs::write(&archive, "x").unwrap();
    let archive = archive.to_str().unwrap();
    let commands: [&[&str]; 15] = [
        &["create", "cluster"],
        &["create", "cluster", "--dry-run"],
        &["delete", "cluster"],
        &["delete", "clusters", "a"],
        &["delete", "clusters", "--all"],
        &["export", "kubeconfig"],
        &["export", "logs"],
        &["fault", "heal", "--all"],
        &["fault", "inject", "node-stop", "--node", "worker"],
        &["fault", "list"],
        &["get", "clusters"],
        &["get", "kubeconfig"],
        &["get", "nodes", "-A"],
        &["load", "docker-image", "a"],
        &["load", "image-archive", archive],
    ];
    for arguments in commands {
        kindrs(home.path()).args(arguments).assert().code(3).stdout("").stderr(
            predicate::str::starts_with(
                "error: cannot reach Docker at unix:///nonexistent/docker.sock: no such \
                 socket\nhint: start Docker with",
            ),
        );
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "only the archive is there");
}

#[test]
fn quiet_still_shows_errors() {
    let text = stderr_of(&["--quiet", "get", "clusters"], 3);
    assert!(text.starts_with("error: cannot reach Docker"), "{text}");
}

#[test]
fn wrong_usage() {
    let cases: [(&str, &[&str]); 19] = [
        ("misspelt-verb", &["creat", "cluster"]),
        ("misspelt-object", &["create", "clutser"]),
        ("misspelt-flag", &["create", "cluster", "--kubernets", "v1.37.2"]),
        ("duration-without-unit", &["create", "cluster", "--wait", "5"]),
        ("no-duration", &["create", "cluster", "--wait", "soon"]),
        ("empty-name", &["delete", "cluster", "--name", ""]),
        ("no-names", &["delete", "clusters"]),
        ("names-and-all", &["delete", "clusters", "a", "--all"]),
        ("format-without-plan", &["create", "cluster", "-o", "json"]),
        ("unknown-format", &["get", "nodes", "-o", "yaml"]),
        ("unknown-fault", &["fault", "inject", "node-stp", "--node", "worker"]),
        ("fault-for-zero", &["fault", "inject", "node-stop", "--node", "worker", "--for", "0s"]),
        ("fault-without-unit", &["fault", "inject", "node-stop", "--node", "worker", "--for", "5"]),
        ("fault-over-at-once", &["fault", "inject", "node-restart", "--node", "a", "--for", "5s"]),
        ("fault-wait-for-ever", &["fault", "inject", "node-stop", "--node", "worker", "--wait"]),
        ("fault-of-percent", &["fault", "inject", "node-stop", "--percent", "101"]),
        ("fault-size", &["fault", "inject", "disk-fill", "--node", "worker", "--size", "1"]),
        ("heal-what", &["fault", "heal"]),
        ("unknown-shell", &["completion", "tcsh"]),
    ];
    for (name, arguments) in cases {
        insta::assert_snapshot!(format!("usage-{name}"), stderr_of(arguments, 2));
    }
    assert!(stderr_of(&["load", "docker-image"], 2).contains("<IMAGE>..."));
    assert!(stderr_of(&["load", "image-archive"], 2).contains("<FILE>..."));
    assert!(stderr_of(&["-q", "-v", "version"], 2).contains("cannot be used with"));
}

#[test]
fn rejects_invalid_input_before_connecting_to_docker() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write("field.yaml", "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodez: []\n");
    write("corrupt", "clusters: [\n");
    let cases: [(&[&str], &str); 5] = [
        (&["--config", "field.yaml"], "error: field.yaml:3:1: nodez: unknown field `nodez`"),
        (&["--config", "none.yaml"], "error: cannot read the configuration none.yaml: "),
        (&["--name", "Bad"], "error: cluster name: `Bad` contains `B`"),
        (&["--kubernetes", "v1"], "error: invalid Kubernetes source `v1`: "),
        (&["--kubeconfig", "corrupt"], "error: corrupt is not a kubeconfig: line 2, column 1: "),
    ];
    for (arguments, message) in cases {
        kindrs(home.path())
            .args(["create", "cluster"])
            .args(arguments)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with(message));
    }
    let corrupt = std::fs::read_to_string(home.path().join("corrupt")).unwrap();
    assert_eq!(corrupt, "clusters: [\n");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2, "nothing else is there");
}

#[test]
fn an_object_must_be_named() {
    for verb in ["create", "delete", "export", "fault", "get", "load", "build"] {
        assert!(stderr_of(&[verb], 2).contains(&format!("Usage: kindrs {verb}")));
    }
    assert!(stderr_of(&[], 2).contains("Usage: kindrs"));
}

#[test]
fn the_environment_names_the_cluster() {
    let home = tempfile::tempdir().unwrap();
    kindrs(home.path())
        .env("KINDRS_CLUSTER_NAME", "")
        .args(["get", "nodes"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("'--name <NAME>'"));
    let assert = kindrs(home.path())
        .env("KINDRS_CLUSTER_NAME", "secret-name")
        .args(["get", "nodes", "--help"])
        .assert()
        .success();
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(text.contains("KINDRS_CLUSTER_NAME") && !text.contains("secret-name"), "{text}");
}

#[test]
fn completion_for_every_shell_knows_the_verbs() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let assert = kindrs(home.path()).args(["completion", shell]).assert().success().stderr("");
        let script = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        for verb in VERBS.iter().flat_map(|verb| verb.iter()) {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn version_as_text_and_json() {
    let home = tempfile::tempdir().unwrap();
    kindrs(home.path()).arg("version").assert().success().stdout(predicate::str::starts_with(
        format!("kindrs {} linux/", env!("CARGO_PKG_VERSION")),
    ));
    let assert = kindrs(home.path()).args(["version", "-o", "json"]).assert().success();
    let mut value: serde_json::Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    assert_eq!(value["version"].take(), env!("CARGO_PKG_VERSION"));
    assert!(value["platform"].take().as_str().unwrap().starts_with("linux/"));
    let kubernetes =
        serde_json::json!({"default": "v1.37.2", "oldest": "v1.31", "newest": "v1.37"});
    assert_eq!(value["kubernetes"].take(), kubernetes);
    assert_eq!(value.as_object().unwrap().len(), 3);
    kindrs(home.path())
        .arg("--version")
        .assert()
        .success()
        .stdout(format!("kindrs {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_stops_early_is_not_a_failure() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["version"][..], &["completion", "bash"], &["--help"]] {
        let mut child = kindrs(home.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn does_not_panic_when_stderr_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let mut child = kindrs(home.path())
        .args(["get", "clusters"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}
