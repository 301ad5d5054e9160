//! Choosing the image of a cluster's nodes.

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::progress::Progress;
use crate::runtime::{Engine, ImageInfo};

use super::assemble::make;
use super::labels::{RECIPE_LABEL, SOURCE_LABEL};
use super::lock::BuildLock;
use super::node_image::{NodeImage, built_reference, inspect};
use super::parts::{KubernetesSource, PartsCache};
use super::pull::{PullError, pull};
use super::recipe;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    /// `--image`.
    pub image: Option<String>,
    /// `--kubernetes`, overridden by `--image`.
    pub kubernetes: KubernetesSource,
}

/// Finds, pulls or builds the image of a cluster's nodes. In this order: the requested image, the
/// image that kindrs built for that Kubernetes, `kindest/node` if a registry answers, a new image.
/// Fails with `Failure::Input` for an unusable image or version, `Failure::Environment` when no
/// image can be pulled or built.
pub async fn resolve(
    engine: &dyn Engine,
    request: &ImageRequest,
    progress: &Progress,
) -> anyhow::Result<NodeImage> {
    if let Some(reference) = &request.image {
        return named(engine, reference, progress).await;
    }
    let source = &request.kubernetes;
    let version = source.version()?;
    if let Some(image) = present(engine, source, &version, Some(progress)).await? {
        return Ok(image);
    }
    if let KubernetesSource::Version(version) = source
        && let Some(image) = published(engine, version, progress).await?
    {
        return Ok(image);
    }
    let cache = PartsCache::open()?;
    let _lock = BuildLock::take(&cache, progress).await?;
    // Another kindrs can have built the image in the meantime.
    match present(engine, source, &version, None).await? {
        Some(image) => Ok(image),
        None => make(engine, source, None, &built_reference(&version), &cache, progress).await,
    }
}

/// The name that kindrs gives to kind's image of a version after pulling it. Unlike a local
/// `kindest/node`, an image with this name is from the registry.
fn pulled_reference(version: &Version) -> String {
    format!("kindrs/kindest-node:{version}")
}

async fn named(
    engine: &dyn Engine,
    reference: &str,
    progress: &Progress,
) -> anyhow::Result<NodeImage> {
    if engine.image(reference).await?.is_none() {
        pull(engine, reference, progress).await.map_err(|error| unavailable(reference, &error))?;
    }
    inspect(engine, reference).await
}

fn unavailable(reference: &str, error: &PullError) -> Failure {
    if error.is_refusal() {
        Failure::input(format!("image {reference} does not exist: {error}"))
            .with_hint("run `docker image ls` to list local images")
    } else {
        Failure::environment(format!("cannot pull image {reference}: {error}"))
            .with_hint("without --image, kindrs builds a node image itself")
    }
}

/// The image that kindrs built for this source, if this kindrs would build the same.
async fn present(
    engine: &dyn Engine,
    source: &KubernetesSource,
    version: &Version,
    progress: Option<&Progress>,
) -> anyhow::Result<Option<NodeImage>> {
    let reference = built_reference(version);
    if let Some(image) = engine.image(&reference).await? {
        let Some(reason) = reason_to_rebuild(&image, source)? else {
            return Ok(Some(inspect(engine, &reference).await?));
        };
        if let Some(progress) = progress {
            progress.note(format!("{reference} {reason}; building it again"));
        }
        return Ok(None);
    }
    let pulled = pulled_reference(version);
    if matches!(source, KubernetesSource::Version(_)) && engine.image(&pulled).await?.is_some() {
        return Ok(Some(inspect(engine, &pulled).await?));
    }
    Ok(None)
}

/// Why the image is not what this kindrs would build; `None` when it is.
fn reason_to_rebuild(
    image: &ImageInfo,
    source: &KubernetesSource,
) -> Result<Option<&'static str>, Failure> {
    if image.labels.get(RECIPE_LABEL) != Some(&recipe::node_recipe()) {
        return Ok(Some("was built by another version of kindrs"));
    }
    // The binaries are of the version, wherever they come from. Only an archive or an upstream
    // release asks for certain binaries.
    let any = matches!(source, KubernetesSource::Version(_));
    let same = any || image.labels.get(SOURCE_LABEL) == Some(&source.identity()?);
    Ok((!same).then_some("contains other binaries than the requested ones"))
}

/// kind's own image for a version, if a registry answers.
async fn published(
    engine: &dyn Engine,
    version: &Version,
    progress: &Progress,
) -> anyhow::Result<Option<NodeImage>> {
    // An outdated image of kindrs is built again, not replaced by one of kind.
    if engine.image(&built_reference(version)).await?.is_some() {
        return Ok(None);
    }
    let reference = format!("kindest/node:{version}");
    if let Err(error) = pull(engine, &reference, progress).await {
        progress.note(format!("cannot pull {reference} ({error}); building a node image"));
        return Ok(None);
    }
    let pulled = pulled_reference(version);
    engine.tag_image(&reference, &pulled).await?;
    Ok(Some(inspect(engine, &pulled).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::labels::IMAGE_LABEL;
    use crate::runtime::fake::FakeEngine;

    fn ours(recipe: &str, source: &str) -> ImageInfo {
        let labels = [(IMAGE_LABEL, "v1.37.2"), (RECIPE_LABEL, recipe), (SOURCE_LABEL, source)];
        ImageInfo {
            entrypoint: vec!["/sbin/init".into()],
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..Default::default()
        }
    }

    fn request(image: Option<&str>, kubernetes: &str) -> ImageRequest {
        ImageRequest { image: image.map(str::to_owned), kubernetes: kubernetes.parse().unwrap() }
    }

    async fn reference(engine: &FakeEngine, request: &ImageRequest) -> anyhow::Result<String> {
        Ok(resolve(engine, request, &Progress::silent()).await?.reference)
    }

    #[tokio::test]
    async fn the_requested_image_comes_first() {
        let current = ours(&recipe::node_recipe(), "v1.37.2");
        let engine = FakeEngine::default().with_image("kindrs/node:v1.37.2", current.clone());
        engine.state().registry.insert("mine:1".into(), current);
        let wanted = request(Some("mine:1"), "v1.37.2");
        assert_eq!(reference(&engine, &wanted).await.unwrap(), "mine:1");
        assert_eq!(reference(&engine, &wanted).await.unwrap(), "mine:1");
        let pulls = engine.calls().iter().filter(|call| call.starts_with("pull")).count();
        assert_eq!(pulls, 1, "an existing image is not pulled");
    }

    #[tokio::test]
    async fn reports_a_missing_image_with_a_hint() {
        let error =
            reference(&FakeEngine::default(), &request(Some("no:1"), "v1.37.2")).await.unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert!(matches!(failure, Failure::Environment { .. }) && failure.hint().is_some());
        let refused = crate::runtime::EngineError::Refused {
            what: "pulling image no:1".into(),
            cause: crate::runtime::Refusal::ImageNotFound,
            reason: "manifest unknown".into(),
        };
        assert!(matches!(unavailable("no:1", &refused.into()), Failure::Input { .. }));
    }

    #[tokio::test]
    async fn uses_a_built_image_before_pulling_one() {
        let image = ours(&recipe::node_recipe(), "file:0123");
        let engine = FakeEngine::default().with_image("kindrs/node:v1.37.2", image);
        let found = reference(&engine, &request(None, "v1.37.2")).await.unwrap();
        assert_eq!(found, "kindrs/node:v1.37.2");
        assert!(!engine.calls().iter().any(|call| call.starts_with("pull")));
    }

    #[tokio::test]
    async fn pulls_the_image_of_kind_once() {
        let stock = ImageInfo {
            labels: [(IMAGE_LABEL.into(), "v1.37.2".into())].into(),
            ..Default::default()
        };
        // A local image with that name, which is not from the registry.
        let engine = FakeEngine::default().with_image("kindest/node:v1.37.2", stock.clone());
        engine.state().registry.insert("kindest/node:v1.37.2".into(), stock);
        for _ in 0..2 {
            let found = reference(&engine, &request(None, "v1.37.2")).await.unwrap();
            assert_eq!(found, "kindrs/kindest-node:v1.37.2");
        }
        let pulls = engine.calls().iter().filter(|call| call.starts_with("pull")).count();
        assert_eq!(pulls, 1);
    }

    #[test]
    fn rebuilds_an_image_of_another_recipe_or_source() {
        let recipe = recipe::node_recipe();
        for (image, source, is_rebuilt) in [
            (ours(&recipe, "release:v1.37.2"), "v1.37.2", false),
            (ours(&recipe, "release:v1.37.2"), "release:v1.37.2", false),
            (ours(&recipe, "v1.37.2"), "release:v1.37.2", true),
            (ours("0123", "v1.37.2"), "v1.37.2", true),
            (ImageInfo::default(), "v1.37.2", true),
        ] {
            let reason = reason_to_rebuild(&image, &source.parse().unwrap()).unwrap();
            assert_eq!(reason.is_some(), is_rebuilt, "{image:?} {source}");
        }
    }
}
