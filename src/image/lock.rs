use std::fs::File;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::progress::Progress;
use crate::runtime::Engine;

use super::parts::PartsCache;

/// Held while building an image.
#[derive(Debug)]
pub(super) struct BuildLock {
    _file: File,
}

impl BuildLock {
    /// Waits until no other kindrs of this user builds an image, and says so.
    pub(super) async fn take(cache: &PartsCache, progress: &Progress) -> anyhow::Result<Self> {
        let waiting = "waiting for another kindrs to build an image";
        let (_, file) = cache.lock("image", waiting, progress).await?;
        Ok(Self { _file: file })
    }
}

/// Prefixes of the names of containers in which kindrs builds and inspects images. The rest of the
/// name is the process ID.
///
/// Labels do not work here: a committed image passes on the labels of its container to every
/// container of that image, so nodes would look like leftovers of a build.
const PREFIXES: [&str; 2] = ["kindrs-build-", "kindrs-look-"];

/// The name of this process's container for building an image.
pub(super) fn build_container() -> String {
    format!("{}{}", PREFIXES[0], std::process::id())
}

/// A new name for a container for inspecting an image.
pub(super) fn look_container() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}{}-{count}", PREFIXES[1], std::process::id())
}

/// Removes the containers of builds whose process was killed. Every build starts with this.
///
/// # Errors
/// When the engine cannot list or remove containers.
pub async fn remove_leftovers(engine: &dyn Engine) -> anyhow::Result<()> {
    for container in engine.containers(&[]).await? {
        if owner(&container.name).is_some_and(|process| !is_alive(process)) {
            engine.remove_container(&container.id).await?;
        }
    }
    Ok(())
}

/// The ID of the process whose container has this name, if it is a name of this file.
fn owner(name: &str) -> Option<u32> {
    let numbers = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let (process, count) = numbers.split_once('-').unwrap_or((numbers, "0"));
    count.parse::<u32>().ok()?;
    process.parse().ok()
}

/// Whether a process with this ID runs on this host.
fn is_alive(process: u32) -> bool {
    std::path::Path::new(&format!("/proc/{process}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::fake::FakeEngine;
    use crate::runtime::{ContainerSpec, ImageInfo};

    #[tokio::test]
    async fn removes_only_the_containers_of_ended_processes() {
        let engine = FakeEngine::default().with_image("base", ImageInfo::default());
        let (mine, looking) = (build_container(), look_container());
        for name in [
            mine.as_str(),
            looking.as_str(),
            "kindrs-build-4294967295",
            "kindrs-look-4294967295-3",
            "kindrs-build-4294967295-control-plane",
            "kindrs-look-4294967295-worker2",
            "kind-control-plane",
        ] {
            let spec =
                ContainerSpec { name: name.into(), image: "base".into(), ..Default::default() };
            engine.create_container(&spec).await.unwrap();
        }
        remove_leftovers(&engine).await.unwrap();
        let left: Vec<String> = engine.state().containers.keys().cloned().collect();
        let mut kept = [
            mine.as_str(),
            looking.as_str(),
            "kindrs-build-4294967295-control-plane",
            "kindrs-look-4294967295-worker2",
            "kind-control-plane",
        ];
        kept.sort_unstable();
        assert_eq!(left, kept);
    }
}
