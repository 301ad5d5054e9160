use crate::cluster::load::{load_archives, load_images};
use crate::scenario::language::LoadImage;
use crate::scenario::run::session::Session;

/// Loads images into all nodes.
pub(super) async fn load(session: &Session, images: &LoadImage) -> anyhow::Result<String> {
    let (engine, cluster) = (session.engine.as_ref(), &session.cluster);
    if !images.images.is_empty() {
        load_images(engine, cluster, &images.images, &[], &session.progress).await?;
    }
    if let Some(archive) = &images.archive {
        let archive = session.folder.join(archive);
        load_archives(engine, cluster, &[archive], &[], &session.progress).await?;
    }
    Ok(images.images.join(", "))
}
