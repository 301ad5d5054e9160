//! A node image that is pulled from a registry, as most users do.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::{Environment, Sandbox, Suite, docker, run_in, try_docker, until};

/// A registry on the loopback interface, stopped and deleted when dropped.
pub struct Registry {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Registry {
    /// Compiles the CNCF Distribution registry that `e2e/registry` pins, and starts it.
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

/// The sandbox, and the image that the registry serves.
pub struct Published {
    sandbox: Sandbox,
    _registry: Registry,
    image: String,
}

impl Environment for Published {
    fn save_logs(&self, folder: &str) {
        self.sandbox.save_logs(folder);
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.sandbox.kindrs(&format!("delete cluster --name {}", self.sandbox.name));
        try_docker(&["image", "rm", &self.image]);
    }
}

pub fn suite() -> Suite<Published> {
    Suite::new("pulled_image", start)
        .step("image_that_the_registry_lacks_is_refused", missing)
        .step("image_is_pulled_and_used", pulled)
        .then("delete_leaves_nothing", |on| on.sandbox.delete())
}

fn start() -> Published {
    let sandbox = Sandbox::new("pulled");
    let folder = sandbox.home().with_file_name("registry");
    std::fs::create_dir_all(&folder).unwrap();
    let registry = Registry::start(&folder);
    let image = format!("{}/kindest/node:e2e", registry.address);
    Published { sandbox, _registry: registry, image }
}

fn missing(Published { sandbox, image, .. }: &Published) {
    let line = format!("create cluster --name {} --image {image}", sandbox.name);
    let error = sandbox.kindrs(&line).fails(2);
    assert!(error.contains(&format!("error: image {image} does not exist")), "{error}");
    sandbox.assert_gone();
}

fn pulled(Published { sandbox, image, .. }: &Published) {
    let own = std::env::var("KINDRS_E2E_IMAGE").unwrap_or_else(|_| {
        let dry =
            sandbox.kindrs(&format!("create cluster --name {} --dry-run -o json", sandbox.name));
        let plan: serde_json::Value = serde_json::from_str(&dry.ok()).unwrap();
        plan["nodes"][0]["image"].as_str().unwrap().to_owned()
    });
    docker(&format!("tag {own} {image}"));
    docker(&format!("push --quiet {image}"));
    docker(&format!("image rm {image}"));
    let line = format!("create cluster --name {} --image {image}", sandbox.name);
    let created = sandbox.kindrs(&line);
    assert!(created.stderr.contains(&format!("✓ Pull {image}")), "{}", created.stderr);
    created.ok();
    let used = docker(&format!(
        "container inspect --format {{{{.Config.Image}}}} {}",
        sandbox.node("control-plane")
    ));
    assert_eq!(used.trim(), *image);
}
