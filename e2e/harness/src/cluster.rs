use super::{Environment, Kubectl, Sandbox};

/// A sandbox whose cluster runs, and kubectl for it.
pub struct Cluster {
    pub sandbox: Sandbox,
    pub kubectl: Kubectl,
}

impl Cluster {
    /// Creates the cluster `e2e-NAME` with a configuration.
    #[track_caller]
    pub fn create(name: &str, configuration: &str) -> Self {
        let sandbox = Sandbox::new(name);
        let kubectl = sandbox.create(configuration);
        Self { sandbox, kubectl }
    }
}

impl Environment for Cluster {
    fn save_logs(&self, folder: &str) {
        self.sandbox.save_logs(folder);
    }
}
