use std::collections::BTreeMap;

use serde_json::json;

/// Directory of the render container's input and output.
pub const RENDER_DIRECTORY: &str = "/kindrs/render";

/// The entrypoint of every node: does what `--privileged` would do, then runs the image's own
/// entrypoint.
pub(super) const WRAPPER: &str = include_str!("../../images/scripts/wrapper");

/// Sets up a node's network. Its unit passes the arguments.
pub(super) const NETWORK: &str = include_str!("../../images/scripts/network");

/// Waits until the API server is ready, in kubelet's unit on workers.
pub(super) const AWAIT_API: &str = include_str!("../../images/scripts/await-api");

/// Renders what depends on the Kubernetes version, in a container of the node image.
pub(super) const RENDER: &str = include_str!("../../images/scripts/render");

/// A kubelet configuration with which kubelet checks the names of feature gates and exits, because
/// `maxPods` is invalid. kubelet knows the gates of every component.
pub(super) fn feature_gate_probe(gates: &BTreeMap<String, bool>) -> String {
    let document = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "maxPods": -1,
        "featureGates": gates,
    });
    document.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// Runs the wrapper's function that edits an entrypoint. Returns the exit code and stderr.
    fn edit(entrypoint: &Path) -> (Option<i32>, String) {
        let end = WRAPPER.find("\n# Without --privileged").unwrap();
        let script = format!("{}\nedit_entrypoint \"$1\"", &WRAPPER[..end]);
        let output =
            Command::new("sh").args(["-c", &script, "wrapper"]).arg(entrypoint).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    const PUBLISHED: &str = r#"
  container_filesystem="$(stat -f -c %T /kind)"
  mount --bind "${subsystem}/${cgroup_root}" "${subsystem}/${cgroup_root}"
"#;

    #[test]
    fn edits_a_published_entrypoint_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrypoint");
        std::fs::write(&path, PUBLISHED).unwrap();
        for _ in 0..2 {
            assert_eq!(edit(&path), (Some(0), String::new()));
            let edited = std::fs::read_to_string(&path).unwrap();
            assert_eq!(
                edited.lines().map(str::trim).collect::<Vec<_>>(),
                [
                    "",
                    r#"container_filesystem="$(stat -f -c %T /var)""#,
                    ": kindrs removed a bind mount"
                ]
            );
        }
    }

    #[test]
    fn rejects_an_entrypoint_without_the_expected_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrypoint");
        for (line, missing) in [("stat -f -c %T /kind)", "mount --bind"), ("bind", "stat -f")] {
            let text: String =
                PUBLISHED.lines().filter(|other| other.contains(line)).collect::<String>();
            std::fs::write(&path, text).unwrap();
            let (code, stderr) = edit(&path);
            assert_eq!(code, Some(1), "{stderr}");
            let start = format!("kindrs: error: {} does not contain `{missing}", path.display());
            assert!(stderr.starts_with(&start), "{stderr}");
        }
    }

    #[test]
    fn the_network_script_repeats_only_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // Programs that record their arguments. The rule for nat OUTPUT exists already.
        for program in ["iptables", "ip", "sysctl"] {
            let path = folder.path().join(program);
            let text = format!(
                "#!/bin/sh\necho \"{program} $*\" >>{}\ncase $* in *'-C OUTPUT -d 10.96.0.1 '*) ;; \
                 *' -C '*) exit 1 ;; esac\n",
                log.display()
            );
            std::fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).unwrap();
        }
        let run = |arguments: &str| {
            std::fs::write(&log, "").unwrap();
            let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
            let script = folder.path().join("network");
            std::fs::write(&script, NETWORK).unwrap();
            let mut command = Command::new("sh");
            command.arg(script).args(arguments.split(' ')).env("PATH", path);
            assert!(command.status().unwrap().success());
            let log = std::fs::read_to_string(&log).unwrap();
            log.lines().filter(|line| !line.contains(" -C ")).collect::<Vec<_>>().join("\n")
        };
        let api_only = run("10.96.0.1 172.28.0.2:6443");
        assert!(
            api_only.starts_with("iptables -w -t nat -A PREROUTING -d 10.96.0.1 "),
            "{api_only}"
        );
        assert_eq!(api_only.lines().count(), 1);
        insta::assert_snapshot!(
            "network_of_pods",
            run("10.96.0.1 172.28.0.2:6443 10.244.1.0/24 10.244.0.0/16 10.96.0.0/16 \
                 10.244.0.0/24 172.28.0.2 10.244.2.0/24 172.28.0.4")
        );
    }
}
