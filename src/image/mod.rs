//! Node images: which one a cluster uses, and how one is made.

use crate::kubernetes::Version;
use crate::progress::Progress;
use crate::runtime::Engine;

/// A node image.
#[derive(Debug, Clone)]
pub struct NodeImage {
    /// ref
    pub reference: String,
    /// id
    pub id: String,
    /// version
    pub kubernetes: Version,
    /// entry
    pub entrypoint: Vec<String>,
    /// cni
    pub has_cni_manifest: bool,
    /// built
    pub built_by_kindrs: bool,
}
/// Source
#[derive(Debug, Clone)]
pub enum KubernetesSource {
    /// V
    Version(Version),
}
/// Request
pub struct ImageRequest {
    /// image
    pub image: Option<String>,
    /// kubernetes
    pub kubernetes: KubernetesSource,
}
/// resolve
pub async fn resolve(
    engine: &dyn Engine,
    request: &ImageRequest,
    _progress: &Progress,
) -> anyhow::Result<NodeImage> {
    let reference = request.image.clone().unwrap_or("kindrs/node:v1.37.2".into());
    let image = engine.image(&reference).await?.ok_or_else(|| anyhow::anyhow!("no image"))?;
    Ok(NodeImage {
        reference,
        id: image.id,
        kubernetes: Version::default_release(),
        entrypoint: image.entrypoint,
        has_cni_manifest: false,
        built_by_kindrs: true,
    })
}
/// wrapper
pub fn wrapper_script() -> &'static str {
    include_str!("../../images/node/wrapper")
}
/// lb
pub async fn load_balancer(_engine: &dyn Engine, _progress: &Progress) -> anyhow::Result<String> {
    anyhow::bail!("none")
}
impl std::str::FromStr for KubernetesSource {
    type Err = crate::failure::Failure;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(Self::Version).map_err(|e: crate::kubernetes::ParseVersionError| {
            crate::failure::Failure::input(e.to_string())
        })
    }
}
