//! A node image that is not here and comes from a registry, as it does for most users.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::harness::{Sandbox, Steps, docker, run_in, try_docker, until};

/// A registry on the loopback interface, ended and emptied when dropped.
struct Registry {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Registry {
    /// Compiles upstream's registry (its module is pinned in `e2e/registry`) and starts it.
    fn start(folder: &Path) -> Self {
        let program = folder.join("registry");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/registry");
        let mut build = Command::new("go");
        build.args(["build", "-mod=readonly", "-trimpath", "-o"]).arg(&program).arg(".");
        run_in(build.env("CGO_ENABLED", "0"), &source);

        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let data = folder.join("data");
        let config = folder.join("registry.yaml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: \"{address}\"}}\n",
            data.display()
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new(&program)
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the registry answers", || TcpStream::connect(address));
        Self { process, address, folder: folder.to_owned() }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn pulled_image() {
    let sandbox = Sandbox::new("pulled");
    let folder = sandbox.home().with_file_name("registry");
    std::fs::create_dir_all(&folder).unwrap();
    let registry = Registry::start(&folder);
    let published = format!("{}/kindest/node:e2e", registry.address);
    let own = std::env::var("KINDRS_E2E_IMAGE").unwrap_or_else(|_| {
        let dry =
            sandbox.kindrs(&format!("create cluster --name {} --dry-run -o json", sandbox.name));
        let plan: serde_json::Value = serde_json::from_str(&dry.ok()).unwrap();
        plan["nodes"][0]["image"].as_str().unwrap().to_owned()
    });

    let steps = Steps::default();
    steps.step("an image that the registry does not have is wrong input", || {
        let line = format!("create cluster --name {} --image {published}", sandbox.name);
        let error = sandbox.kindrs(&line).fails(2);
        assert!(error.contains(&format!("error: image {published} does not exist")), "{error}");
        sandbox.assert_gone();
    });
    steps.step("an image that the registry has is pulled and used", || {
        docker(&format!("tag {own} {published}"));
        docker(&format!("push --quiet {published}"));
        docker(&format!("image rm {published}"));
        let line = format!("create cluster --name {} --image {published}", sandbox.name);
        let created = sandbox.kindrs(&line);
        assert!(created.stderr.contains(&format!("✓ Pull {published}")), "{}", created.stderr);
        created.ok();
        let used = docker(&format!(
            "container inspect --format {{{{.Config.Image}}}} {}",
            sandbox.node("control-plane")
        ));
        assert_eq!(used.trim(), published);
    });
    sandbox.delete_wholly();
    try_docker(&["image", "rm", &published]);
    steps.finish();
}
