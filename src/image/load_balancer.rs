use crate::progress::Progress;
use crate::runtime::Engine;

use super::base::debian;
use super::builder::build_dockerfile;
use super::lock::BuildLock;
use super::parts::PartsCache;
use super::recipe;

/// The reference of the load balancer's image: haproxy with `/etc/haproxy/haproxy.cfg` as its
/// configuration. Builds the image if it does not exist.
///
/// # Errors
/// `Failure::Environment` when the image cannot be built.
pub async fn load_balancer(engine: &dyn Engine, progress: &Progress) -> anyhow::Result<String> {
    let dockerfile = recipe::load_balancer_dockerfile();
    let recipe = recipe::dockerfile_recipe(&dockerfile, "");
    let reference = format!("kindrs/load-balancer:{recipe}");
    if engine.image(&reference).await?.is_some() {
        return Ok(reference);
    }
    let _lock = BuildLock::take(&PartsCache::open()?, progress).await?;
    if engine.image(&reference).await?.is_some() {
        return Ok(reference);
    }
    let base = debian(engine, progress).await?;
    let labels = ("load-balancer", recipe.as_str());
    build_dockerfile(engine, &dockerfile, &base, &reference, labels, progress).await?;
    Ok(reference)
}
