use super::{Environment, Kubectl, Sandbox};

/// The configuration of a control plane and two workers.
pub const THREE_NODES: &str = include_str!("../../../configs/three-nodes.yaml");

/// A sandbox whose cluster runs, and kubectl for it.
pub struct Cluster {
    pub sandbox: Sandbox,
    pub kubectl: Kubectl,
}

impl Cluster {
    #[track_caller]
    pub fn create(name: &str, configuration: &str) -> Self {
        let sandbox = Sandbox::new(name);
        let kubectl = sandbox.create(configuration);
        Self { sandbox, kubectl }
    }

    /// Creates the cluster `e2e-NAME`, and in it a namespace that `kubectl` uses.
    #[track_caller]
    pub fn with_namespace(name: &str, configuration: &str, namespace: &str) -> Self {
        let Self { sandbox, kubectl } = Self::create(name, configuration);
        Self { sandbox, kubectl: kubectl.namespace(namespace) }
    }
}

impl Environment for Cluster {
    fn save_logs(&self, folder: &str) {
        self.sandbox.save_logs(folder);
    }
}
