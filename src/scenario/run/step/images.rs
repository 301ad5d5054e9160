use crate::cluster::load::{load_archives, load_images};
use crate::scenario::language::LoadImage;
use crate::scenario::run::session::Session;

/// Loads images into all nodes.
pub(super) async fn load(session: &Session, images: &LoadImage) -> anyhow::Result<String> {
    let (engine, cluster) = (session.engine.as_ref(), &session.cluster);
    match images {
        LoadImage::Images { images } => {
            load_images(engine, cluster, images, &[], &session.progress).await?;
            Ok(images.join(", "))
        }
        LoadImage::Archive { archive } => {
            let path = session.folder.join(archive);
            load_archives(engine, cluster, &[path], &[], &session.progress).await?;
            Ok(archive.display().to_string())
        }
    }
}
