use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use reqwest::{Client, StatusCode, header};
use sha2::{Digest, Sha256, Sha512};
use tokio::io::AsyncWriteExt as _;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::progress::{Progress, Stage};

use super::archive::{read_unpacked, unpack_into};
use super::binaries::Unpacked;
use super::cache::{Claim, PartsCache, hexadecimal};
use super::diagnosis;
use super::generate::does_not_exist;
use super::module::pinned_versions;

/// Where upstream publishes its releases.
const UPSTREAM: &str = "https://dl.k8s.io/release";
/// How long a connection may take, and how long it may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address below which releases are: `$KINDRS_RELEASE_URL`, else upstream's.
pub fn base_url() -> String {
    let set = std::env::var("KINDRS_RELEASE_URL").ok().filter(|url| !url.is_empty());
    set.unwrap_or_else(|| UPSTREAM.to_owned()).trim_end_matches('/').to_owned()
}

/// Downloads a release's archive of binaries, checks it, and unpacks it into the cache.
///
/// # Errors
/// `Failure::Input` when the release does not exist; `Failure::Environment` when it cannot be
/// downloaded, or is not what its checksum says.
pub async fn fetch(
    version: &Version,
    architecture: &str,
    base: &str,
    cache: &PartsCache,
    progress: &Progress,
) -> anyhow::Result<Unpacked> {
    let name = format!("the release of Kubernetes {version}");
    let key = format!("release-{version}-{architecture}");
    let folder = match cache.claim(&key, &name, progress).await? {
        Claim::Landed(folder) => folder,
        Claim::Ours(workspace) => {
            let file = format!("kubernetes-server-linux-{architecture}.tar.gz");
            let url = format!("{base}/{version}/{file}");
            let partial = cache.folder("downloads")?.join(format!("{version}-{file}.partial"));
            let stage = progress.stage(format!("Download Kubernetes {version}"));
            let download = Download { url: &url, version, partial: &partial };
            download.run(&stage).await?;
            stage.finish();
            let stage = progress.stage(format!("Unpack Kubernetes {version}"));
            unpack_into(&partial, workspace.output(), architecture, &stage).await?;
            let folder = workspace.land().await?;
            fs::remove_file(&partial)
                .with_context(|| format!("{} cannot be removed", partial.display()))?;
            stage.finish();
            folder
        }
    };
    let mut unpacked = read_unpacked(&folder)?;
    unpacked.versions.insert("kubernetes".to_owned(), version.to_string());
    Ok(unpacked)
}

/// One file to download, with what an interrupted run left of it.
struct Download<'a> {
    url: &'a str,
    version: &'a Version,
    partial: &'a Path,
}

impl Download<'_> {
    async fn run(&self, stage: &Stage) -> anyhow::Result<()> {
        // A provider that is installed already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build()?;
        let expected = self.expected(&client).await?;
        self.transfer(&client, stage).await?;
        stage.advance(Some(1.0), "checksum");
        let found = expected.clone().of_file(self.partial.to_owned()).await?;
        if found != expected {
            fs::remove_file(self.partial)
                .with_context(|| format!("{} cannot be removed", self.partial.display()))?;
            return Err(Failure::environment(format!(
                "{} is not what its checksum says: expected {expected}, got {found}",
                self.url
            ))
            .with_hint("what was downloaded is removed; run the same command again")
            .into());
        }
        Ok(())
    }

    /// The published checksum: SHA-256, else SHA-512.
    async fn expected(&self, client: &Client) -> anyhow::Result<Checksum> {
        for kind in ["sha256", "sha512"] {
            let url = format!("{}.{kind}", self.url);
            let answer = client.get(&url).send().await.map_err(|e| self.unreachable(&e))?;
            if answer.status() == StatusCode::NOT_FOUND {
                continue;
            }
            let answer = answer.error_for_status().map_err(|e| self.unreachable(&e))?;
            let text = answer.text().await.map_err(|e| self.unreachable(&e))?;
            return Checksum::read(kind, &text).ok_or_else(|| {
                Failure::environment(format!("{url} holds no {kind} checksum")).into()
            });
        }
        let answer = client.head(self.url).send().await.map_err(|e| self.unreachable(&e))?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(self.absent().into());
        }
        Err(Failure::environment(format!("{} has no published checksum", self.url))
            .with_hint("an archive that is to be trusted as it is can be given with `file:PATH`")
            .into())
    }

    /// Downloads what is missing of the file.
    async fn transfer(&self, client: &Client, stage: &Stage) -> anyhow::Result<()> {
        let mut have = fs::metadata(self.partial).map(|m| m.len()).unwrap_or_default();
        let mut request = client.get(self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let answer = request.send().await.map_err(|e| self.unreachable(&e))?;
        match answer.status() {
            StatusCode::NOT_FOUND => return Err(self.absent().into()),
            // All of it is there already; the checksum decides.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
            StatusCode::PARTIAL_CONTENT => {}
            _ => have = 0,
        }
        let answer = answer.error_for_status().map_err(|e| self.unreachable(&e))?;
        let total = answer.content_length().map(|rest| rest + have);
        let failed = |error: io::Error| {
            diagnosis::io(&format!("cannot write {}", self.partial.display()), &error)
        };
        let mut file = tokio::fs::File::options()
            .create(true)
            .write(true)
            .truncate(have == 0)
            .append(have > 0)
            .open(self.partial)
            .await
            .map_err(failed)?;
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    file.flush().await.map_err(failed)?;
                    return Err(self.unreachable(&error).into());
                }
            };
            file.write_all(&chunk).await.map_err(failed)?;
            have += chunk.len() as u64;
            let share = total.map(|total| have as f64 / total.max(1) as f64);
            stage.advance(share, format!("{} MB", have / 1_000_000));
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(|error| failed(error).into())
    }

    fn absent(&self) -> Failure {
        let known: Vec<Version> =
            pinned_versions("kubernetes").iter().filter_map(|v| v.parse().ok()).collect();
        does_not_exist(self.version, &known)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        Failure::environment(format!("{} cannot be downloaded: {reason}", self.url)).with_hint(
            format!(
                "run the same command again to go on where it stopped; KINDRS_RELEASE_URL names \
                 a mirror, and `--kubernetes {}` compiles it instead",
                self.version
            ),
        )
    }
}

/// A checksum with its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Checksum {
    Sha256(String),
    Sha512(String),
}

impl Checksum {
    /// Reads a checksum file: the digits, maybe followed by a file's name.
    fn read(kind: &str, text: &str) -> Option<Self> {
        let digits = text.split_whitespace().next()?.to_ascii_lowercase();
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (kind, digits.len()) {
            ("sha256", 64) if is_hexadecimal => Some(Self::Sha256(digits)),
            ("sha512", 128) if is_hexadecimal => Some(Self::Sha512(digits)),
            _ => None,
        }
    }

    /// The checksum of the same kind of a file.
    async fn of_file(self, file: PathBuf) -> anyhow::Result<Self> {
        let shown = file.display().to_string();
        let hash = tokio::task::spawn_blocking(move || {
            Ok::<_, io::Error>(match self {
                Self::Sha256(_) => Self::Sha256(hash_of::<Sha256>(&file)?),
                Self::Sha512(_) => Self::Sha512(hash_of::<Sha512>(&file)?),
            })
        });
        hash.await?.with_context(|| format!("{shown} cannot be read"))
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Sha256(digits) | Self::Sha512(digits)) = self;
        f.write_str(digits)
    }
}

fn hash_of<D: Digest>(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
